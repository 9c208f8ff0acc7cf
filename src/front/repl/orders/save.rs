//! `:save`: what worked, as a runbook.
use super::{Desk, Done};
use crate::diag::Severity;
use crate::journal::Trouble;
use crate::report::diagnostics;
use crate::report::style::{Line, Tone};
use crate::session::advice::{Advice, Advised};
use crate::session::console::Came;
use crate::session::output::{self, Over};
use crate::session::save::{self, About, Worked};
use crate::session::{now, place};

pub fn save(desk: &mut Desk, file: &str) -> Done {
    saved(desk, file, Over::Refuse)
}

pub fn save_anew(desk: &mut Desk, file: &str) -> Done {
    saved(desk, file, Over::Write)
}

fn saved(desk: &mut Desk, file: &str, over: Over) -> Done {
    if !file.ends_with(".rbk") || file.ends_with("/.rbk") || file == ".rbk" {
        return Err(Trouble::new("a runbook needs a file").with_help("`:save free-connections.rbk`"));
    }
    let done: Vec<u32> = desk.ended.iter().filter(|(_, came)| *came == Came::Done).map(|(number, _)| *number).collect();
    let owner = place::holder().user;
    let day = now().strftime("%F").to_string();
    let about = About { file, owner: &owner, run: &desk.run.id, day };
    let book = desk.book();
    let book = book.as_ref().map(|(book, reached)| (&**book, reached));
    let worked = Worked { console: &desk.console, done: &done, book };
    let text = save::save(&worked, &about, &desk.known.borrow())?;
    output::write(file, &text, over, ":save!")?;
    let Advised { found, sources, .. } = Advice::new(now()).given(file).map_err(Trouble::new)?;
    let errors: Vec<_> = found.into_iter().filter(|found| found.severity == Severity::Error).collect();
    if errors.is_empty() {
        let mut lines = vec![Line::new(0).put(Tone::Good, format!("what worked is in `{file}`"))];
        if let Some(line) = left_out(desk, &done) {
            lines.push(Line::new(1).put(Tone::Dim, line));
        }
        desk.say(&lines);
        return Ok(None);
    }
    let (count, _) = diagnostics::count(&errors);
    desk.draw(&errors, &sources);
    let message =
        format!("what worked is in `{file}`, but the runbook is not good yet: {}", diagnostics::tally(count, 0));
    Err(Trouble::new(message).with_help(format!("mend it there; `rbk check {file}` says what is left")))
}

/// Which entries are not in it.
fn left_out(desk: &Desk, done: &[u32]) -> Option<String> {
    let all = u32::try_from(desk.console.count()).unwrap_or(u32::MAX);
    let out: Vec<String> =
        (0..all).filter(|number| !done.contains(number)).map(|number| (number + 1).to_string()).collect();
    (!out.is_empty()).then(|| format!("left out, failed or undone: entry {}", out.join(", ")))
}
