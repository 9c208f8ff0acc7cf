//! Running time: monotonic, standing still while the whole of rbk is stopped (Ctrl-Z).
use std::time::Duration;

use tokio::time::Instant;

use crate::value::Nanos;

pub struct Clock {
    start: Instant,
    stopped: Duration,
    latest: Nanos,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "the one clock of a run")]
    pub fn start() -> Clock {
        Clock { start: Instant::now(), stopped: Duration::ZERO, latest: Nanos(0) }
    }

    /// Never goes back.
    #[allow(clippy::disallowed_methods, reason = "the one clock of a run")]
    pub fn now(&mut self) -> Nanos {
        let running = Instant::now().saturating_duration_since(self.start).saturating_sub(self.stopped);
        self.latest = self.latest.max(running.into());
        self.latest
    }

    /// When a running time is reached, if nothing stops meanwhile.
    pub fn instant(&self, at: Nanos) -> Instant {
        self.start + self.stopped + at.std()
    }

    /// Do something that does not count.
    #[allow(clippy::disallowed_methods, reason = "the one clock of a run")]
    pub fn without(&mut self, f: impl FnOnce()) {
        let before = Instant::now();
        f();
        self.stopped += Instant::now().saturating_duration_since(before);
    }
}
