//! Commands. In: a call's code, its contexts. Out: one outcome, after the command's own end and, unless it succeeded,
//! after the end of its whole tree. Never a value read as code, never a secret in an argument, never unbounded memory.
mod archive;
mod connection;
mod context;
mod exit;
mod far;
mod left;
mod output;
mod process;
mod settings;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "portable.rs")]
mod system;
mod tree;
mod verdict;
mod words;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

pub use left::{Calls, Living, living};
pub use system::{adopt_orphans, ignores_hangup};
pub use tree::{continue_all, pause_all, reap, reap_all};

use crate::check::program::Shell as Interpreter;
use crate::effects::{Cancel, Output};
use crate::engine::{Call, Outcome, Piece, What};
use crate::value::redact::Redactor;
use crate::value::{SmolStr, Value};

/// When a process started, in the system's own count; 0 when that is not known.
#[must_use]
pub fn started(pid: i32) -> u64 {
    system::process(pid).map_or(0, |p| p.started)
}

/// Starts commands for one run.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The run's id: the first part of `RBK_ACTION`.
    pub run: SmolStr,
    /// Between TERM and KILL.
    pub grace: Duration,
    /// Bytes of a value at most.
    pub limit: usize,
    /// Hosts that are connected to.
    pub hosts: Rc<far::hosts::Hosts>,
    /// Where the output of commands that write much is kept.
    pub shelf: archive::Shelf,
    /// Hidden in what is kept.
    pub known: Rc<RefCell<Redactor>>,
    /// `PATH` of every command; that of this process when nothing is said.
    pub path: Option<String>,
    /// Where what is started is written down.
    pub notes: Rc<RefCell<Option<std::fs::File>>>,
}

impl Shell {
    /// `RBK_GRACE` (a duration), `RBK_VALUE_LIMIT` and `RBK_OUTPUT_LIMIT` (sizes) set them otherwise.
    ///
    /// # Errors
    /// One line for a person: a setting that cannot be read.
    pub fn new(run: SmolStr) -> Result<Shell, String> {
        let grace = settings::duration("RBK_GRACE", Duration::from_secs(5))?;
        let limit = settings::size("RBK_VALUE_LIMIT", 1 << 20)?;
        let dir = crate::state::dir().map(|dir| dir.join("output").join(run.as_str()));
        let shelf = archive::Shelf { dir, limit: settings::size("RBK_OUTPUT_LIMIT", 64 << 20)? };
        Ok(Shell {
            run,
            grace,
            limit,
            hosts: Rc::default(),
            shelf,
            known: Rc::default(),
            path: None,
            notes: Rc::default(),
        })
    }

    /// From now on this stands in nothing that is kept of a command's output.
    pub fn hide(&self, secret: &Value) {
        if let Value::Secret(secret) = secret {
            self.known.borrow_mut().learn(&secret.name, secret.expose());
        }
    }

    /// Run one command. Another kind of call is answered as refused.
    pub async fn call(&self, call: &Call, cancel: Cancel, output: Output) -> Outcome {
        let What::Shell { code, direct, shell } = &call.what else {
            return context::nothing_done(context::refused("this call is no command"));
        };
        match self.launch(call, code, *direct, shell) {
            Ok(launch) => process::run(self, call, launch, cancel, output).await,
            Err(failure) => context::nothing_done(failure),
        }
    }

    fn launch(
        &self,
        call: &Call,
        code: &[Piece],
        direct: bool,
        shell: &Interpreter,
    ) -> Result<context::Launch, crate::engine::Failure> {
        let words = words::argv(code, direct, shell)?;
        let launch = context::launch(words, &call.contexts)?;
        let inside = launch.far.as_ref().map(|far| &far.inside);
        let mut words = launch.argv.iter().chain(inside.iter().flat_map(|i| i.argv.iter().chain(&i.script)));
        if words.any(|word| word.contains('\0')) {
            return Err(
                context::refused("a NUL byte cannot stand in an argument").with_help("use `with stdin(…)` or a file")
            );
        }
        let mut env = launch.env.iter().chain(inside.iter().flat_map(|inside| &inside.env));
        if env.any(|(_, value)| value.contains('\0')) {
            return Err(context::refused("a NUL byte cannot stand in an environment variable"));
        }
        Ok(launch)
    }

    /// What the processes of a call carry in their environment.
    fn marks(&self, call: &Call) -> [(&'static str, String); 2] {
        [("RBK_ACTION", format!("{}/{}/{}", self.run, call.path, call.attempt)), ("RBK_CALL", call.id.0.to_string())]
    }
}
