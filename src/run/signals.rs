//! Signals as the driver wants them.
use std::io::IsTerminal;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use nix::sys::signal::{Signal as Number, raise};
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::process;
use crate::effects::shell;

pub enum Heard {
    /// Someone at the terminal wants the run to stop.
    Interrupt,
    /// Someone wants the run to stop: TERM or QUIT.
    Stop,
    /// The terminal is gone, the processor time is used up, the power fails. It comes several times for one loss, so it is
    /// never a second signal.
    Hangup,
    /// A child has ended.
    Child,
    /// Ctrl-Z.
    Suspend,
}

pub struct Signals {
    /// One, that is looked at only when a signal has come: looking at all of them costs more than a turn of the loop.
    next: FuturesUnordered<Next>,
    /// [`Signals::shrug`] was called.
    shrugs: bool,
}

type Next = Pin<Box<dyn Future<Output = (Heard, Ears)>>>;

struct Ears {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    quit: Option<Signal>,
    /// None when it was ignored at the start (`nohup`).
    hangup: Option<Signal>,
    spent: Option<Signal>,
    /// None where the system has no such signal.
    power: Option<Signal>,
    child: Option<Signal>,
    /// None without a terminal: nobody could say `fg`.
    suspend: Option<Signal>,
}

impl Signals {
    /// # Errors
    /// One line for a person: a signal that would not be heard, so that nothing may start.
    #[allow(clippy::disallowed_methods, reason = "whether there is a terminal")]
    pub fn listen() -> Result<Signals, String> {
        let hangup = if shell::ignores_hangup() { None } else { Some(listen(Number::SIGHUP)?) };
        let terminal = std::fs::File::open("/dev/tty").is_ok();
        for number in MEANINGLESS {
            // Heard from now on, and nobody asks for it. Ignoring it would be inherited by every command.
            drop(listen(*number)?);
        }
        process::hear_large_files();
        let ears = Ears {
            interrupt: Some(listen(Number::SIGINT)?),
            terminate: Some(listen(Number::SIGTERM)?),
            quit: Some(listen(Number::SIGQUIT)?),
            hangup,
            spent: Some(listen(Number::SIGXCPU)?),
            #[cfg(target_os = "linux")]
            power: Some(listen(Number::SIGPWR)?),
            #[cfg(not(target_os = "linux"))]
            power: None,
            child: Some(listen(Number::SIGCHLD)?),
            suspend: if terminal { Some(listen(Number::SIGTSTP)?) } else { None },
        };
        Ok(Signals { next: [ears.hear()].into_iter().collect(), shrugs: false })
    }

    /// From now on the real-time signals end nothing either. They are many, each registration copies the table of those
    /// before it, and few runs are so short and yet meet one: so not at the start.
    pub fn shrug(&mut self) {
        if std::mem::replace(&mut self.shrugs, true) {
            return;
        }
        for number in real_time() {
            let _ = hearing(number);
        }
    }

    /// The next one. May be dropped at any point.
    pub async fn next(&mut self) -> Heard {
        let heard = match self.next.next().await {
            Some((heard, ears)) => {
                self.next.push(ears.hear());
                heard
            }
            None => std::future::pending().await,
        };
        if let Heard::Stop | Heard::Hangup = heard {
            TOLD.store(true, Ordering::Relaxed);
        }
        heard
    }
}

impl Ears {
    fn hear(mut self) -> Next {
        Box::pin(async move {
            let heard = tokio::select! {
                // A terminal that goes away may send both at once: then the hangup must not count first.
                biased;
                () = hear(&mut self.interrupt) => Heard::Interrupt,
                () = hear(&mut self.terminate) => Heard::Stop,
                () = hear(&mut self.quit) => Heard::Stop,
                () = hear(&mut self.hangup) => Heard::Hangup,
                () = hear(&mut self.spent) => Heard::Hangup,
                () = hear(&mut self.power) => Heard::Hangup,
                () = hear(&mut self.suspend) => Heard::Suspend,
                () = hear(&mut self.child) => Heard::Child,
            };
            (heard, self)
        })
    }
}

static TOLD: AtomicBool = AtomicBool::new(false);

/// Somebody wants this process to end, or its terminal is gone.
#[must_use]
pub fn told_to_end() -> bool {
    TOLD.load(Ordering::Relaxed)
}

/// How long a line editor takes to put the terminal into its own mode again, once it has asked for the stop.
const EDITOR: Duration = Duration::from_millis(20);

/// Stop this process as Ctrl-Z does, its commands with it; returns after `fg`. The terminal's mode is then what it was, and a
/// line that is being edited is painted again.
pub fn suspend() {
    let stdin = std::io::stdin();
    let terminal = stdin.is_terminal();
    if terminal {
        std::thread::sleep(EDITOR);
    }
    let mode = if terminal { tcgetattr(&stdin).ok() } else { None };
    shell::pause_all();
    // To this very thread: one for the process may reach another thread first, and this one would go on meanwhile.
    let _ = raise(Number::SIGSTOP);
    // In the background the terminal is another's.
    if let Some(mode) = mode.filter(|_| tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp())) {
        let _ = tcsetattr(&stdin, SetArg::TCSANOW, &mode);
        let _ = raise(Number::SIGWINCH);
    }
    shell::continue_all();
}

/// What would end rbk, with all that it has started left behind, and says nothing to it. Not those of a crash.
const MEANINGLESS: &[Number] = &[
    Number::SIGUSR1,
    Number::SIGUSR2,
    Number::SIGALRM,
    Number::SIGVTALRM,
    Number::SIGPROF,
    Number::SIGIO,
    Number::SIGXFSZ,
    #[cfg(target_os = "linux")]
    Number::SIGSTKFLT,
];

#[cfg(target_os = "linux")]
fn real_time() -> std::ops::RangeInclusive<i32> {
    nix::libc::SIGRTMIN()..=nix::libc::SIGRTMAX()
}

#[cfg(not(target_os = "linux"))]
fn real_time() -> [i32; 0] {
    []
}

fn listen(number: Number) -> Result<Signal, String> {
    hearing(number as i32).map_err(|e| format!("{number} cannot be listened for: {e}"))
}

fn hearing(number: i32) -> std::io::Result<Signal> {
    signal(SignalKind::from_raw(number))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_cannot_be_heard_is_an_error_that_names_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        let error = listen(Number::SIGKILL).err().unwrap();
        assert!(error.starts_with("SIGKILL cannot be listened for: "), "{error}");
        assert!(listen(Number::SIGUSR1).is_ok());
    }
}
