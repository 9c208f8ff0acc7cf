//! A run without a terminal: plain lines, each true for ever.
use crate::effects::{Chunk, Stream};
use crate::engine::Finish;
use crate::engine::event::Progress;
use crate::report::opening::Opening;
use crate::report::outside::Outside;
use crate::report::story::{Say, Story};
use crate::report::summary::summary;
use crate::run::{Shown, Watcher};
use crate::source::Sources;
use crate::value::{Nanos, Value};

pub struct Plain {
    out: Outside,
    story: Story,
    opening: Opening,
}

impl Plain {
    #[must_use]
    pub fn new(out: Outside, say: Say, opening: Opening, sources: Sources) -> Plain {
        let story = Story::new(say, sources).knowing(out.known());
        Plain { out, story, opening }
    }
}

impl Watcher for Plain {
    fn tell(&mut self, at: Nanos, progress: &Progress) {
        if let Progress::RunStarted { title } = progress {
            self.opening.lines(title).iter().for_each(|line| self.out.line(line));
        }
        self.story.tell(at, progress).iter().for_each(|line| self.out.line(line));
        if self.story.asks_a_secret() {
            self.out.settle();
        }
    }

    fn output(&mut self, _at: Nanos, chunk: &Chunk) {
        let lines = self.story.output(chunk);
        match chunk.stream {
            Stream::Out | Stream::Err => lines.iter().for_each(|line| self.out.stream(line)),
            // Where to find it is not left out with it.
            Stream::Kept => lines.iter().for_each(|line| self.out.line(line)),
        }
    }

    fn tick(&mut self, at: Nanos) {
        self.story.tick(at).iter().for_each(|line| self.out.line(line));
    }

    fn finished(&mut self, at: Nanos, finish: &Finish) {
        summary(at, finish, &self.story.sources).iter().for_each(|line| self.out.line(line));
    }

    fn show(&mut self, shown: Shown) {
        self.out.muted = shown == Shown::Remembered;
    }

    fn secret(&mut self, value: &Value) {
        self.out.hide(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rehearsed::{LOOK, Written, opening, tell};

    #[test]
    fn a_run_is_told() {
        let written = Written::default();
        tell(&mut Plain::new(written.outside(LOOK), Say::Normal, opening(), Sources::default()));
        insta::assert_snapshot!(written.text(), @r#"
        Blue-green switch
        run 20261121-0300-k3f9, deadline 1h, rollback within 3m, started 2026-11-21 03:00:07 UTC

        ▸ Deploy v2 to green  up to 10m
          $ ./deploy.sh green v2
            copying
            green text \e[2Jerased, token ‹token›
            no newline
        ✓ Deploy v2 to green  1.2s
        ▸ Send traffic to green  up to 10m
          $ ./switch.sh green
        ✓ Send traffic to green  160ms
        ▸ Check  up to 10m
          … until  up to 30s
          · not yet: cannot tell: connection to green:8000 refused
          ✓ health
          ✗ error rate: 0.031 < 0.01
        ✗ Check failed after 1.1s

        Going back: what was done is undone within 3m, last first
        ↩ undo: Send traffic to green
          $ ./switch.sh blue
        ✓ undone: Send traffic to green  68ms
        ↩ undo: Deploy v2 to green
        ✗ not undone: Deploy v2 to green: `./deploy.sh green v1` ended with exit code 7
            tar: releases/v1.tar.gz: Cannot open

        ✗ Failed after 9.8s, and not everything is undone: a person is needed
          failed: Check: `error rate` does not hold: 0.031 < 0.01
          undone: Send traffic to green
          left in place:
            Deploy v2 to green: its rollback failed: `./deploy.sh green v1` ended with exit code 7
                tar: releases/v1.tar.gz: Cannot open
        Notes
          error rate: 0.031
        Warnings
          ! `disk` does not hold: 91% < 90%
        "#);
    }
}
