//! Running time: monotonic, standing still while the whole of rbk is stopped (Ctrl-Z).
use std::time::Duration;

use tokio::time::Instant;

use crate::value::Nanos;

pub struct Clock {
    start: Instant,
    /// What it showed then.
    from: Nanos,
    stopped: Duration,
    latest: Nanos,
}

impl Clock {
    /// Goes on from here; a new run's from zero.
    #[allow(clippy::disallowed_methods, reason = "the one clock of a run")]
    pub fn start(from: Nanos) -> Clock {
        Clock { start: Instant::now(), from, stopped: Duration::ZERO, latest: from }
    }

    /// Never goes back.
    #[allow(clippy::disallowed_methods, reason = "the one clock of a run")]
    pub fn now(&mut self) -> Nanos {
        let running = Instant::now().saturating_duration_since(self.start).saturating_sub(self.stopped);
        self.latest = self.latest.max(Nanos(self.from.0 + Nanos::from(running).0));
        self.latest
    }

    /// When a running time is reached, if nothing stops meanwhile.
    pub fn instant(&self, at: Nanos) -> Instant {
        self.start + self.stopped + Nanos(at.0 - self.from.0).std()
    }

    /// Do something that does not count.
    #[allow(clippy::disallowed_methods, reason = "the one clock of a run")]
    pub fn without(&mut self, f: impl FnOnce()) {
        let before = Instant::now();
        f();
        self.stopped += Instant::now().saturating_duration_since(before);
    }
}
