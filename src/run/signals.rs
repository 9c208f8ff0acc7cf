//! Signals as the driver wants them.
use nix::sys::signal::{Signal as Number, raise};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::effects::shell;

pub enum Heard {
    /// Someone wants the run to stop: INT or TERM.
    Stop,
    /// The terminal is gone. It comes several times for one loss, so it is never a second signal.
    Hangup,
    /// A child has ended.
    Child,
    /// Ctrl-Z.
    Suspend,
}

pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    /// None when it was ignored at the start (`nohup`).
    hangup: Option<Signal>,
    child: Option<Signal>,
    /// None without a terminal: nobody could say `fg`.
    suspend: Option<Signal>,
}

impl Signals {
    #[allow(clippy::disallowed_methods, reason = "whether there is a terminal")]
    pub fn listen() -> Signals {
        let hangup = (!shell::ignores_hangup()).then(|| listen(SignalKind::hangup())).flatten();
        let terminal = std::fs::File::open("/dev/tty").is_ok();
        Signals {
            interrupt: listen(SignalKind::interrupt()),
            terminate: listen(SignalKind::terminate()),
            hangup,
            child: listen(SignalKind::child()),
            suspend: terminal.then(|| listen(SignalKind::from_raw(Number::SIGTSTP as i32))).flatten(),
        }
    }

    /// The next one. May be dropped at any point.
    pub async fn next(&mut self) -> Heard {
        tokio::select! {
            () = hear(&mut self.interrupt) => Heard::Stop,
            () = hear(&mut self.terminate) => Heard::Stop,
            () = hear(&mut self.hangup) => Heard::Hangup,
            () = hear(&mut self.suspend) => Heard::Suspend,
            () = hear(&mut self.child) => Heard::Child,
        }
    }
}

/// Stop this process as Ctrl-Z does, its commands with it; returns after `fg`.
pub fn suspend() {
    shell::pause_all();
    // To this very thread: one for the process may reach another thread first, and this one would go on meanwhile.
    let _ = raise(Number::SIGSTOP);
    shell::continue_all();
}

fn listen(kind: SignalKind) -> Option<Signal> {
    signal(kind).ok()
}

async fn hear(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            if signal.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}
