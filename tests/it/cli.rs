//! `rbk` as a person uses it: files in a fresh directory, the binary, what it says and how it exits.
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub mod canaries;
mod check;
mod events;
mod inputs;
mod large;
mod lint;
mod output;
mod places;
mod run;
mod secrets;
pub mod terminal;

/// A directory of its own with files in it, and how to call `rbk` there.
pub struct Desk {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    input: String,
}

/// What a call said.
#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: i32,
}

/// A runbook around statements: the header is there, nothing else.
pub fn book(body: &str) -> String {
    format!("runbook \"Test\" {{\n  deadline 30s\n  rollback within 10s\n{body}\n  owner \"test\"\n}}\n")
}

impl Desk {
    pub fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap(), variables: Vec::new(), input: String::new() }
    }

    /// With one runbook, `a.rbk`.
    pub fn with(text: &str) -> Desk {
        Desk::new().file("a.rbk", text)
    }

    pub fn file(self, name: &str, text: &str) -> Desk {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Desk {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn input(mut self, text: &str) -> Desk {
        self.input = text.to_owned();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rbk"));
        command.args(arguments).current_dir(self.folder.path()).env_remove("NO_COLOR").env("TERM", "xterm");
        // A state directory of its own, for locks.
        command.env("XDG_STATE_HOME", self.path(".state")).env("USER", "tester");
        command.envs(self.variables.iter().map(|(k, v)| (k, v)));
        command
    }

    pub fn rbk(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(self.input.as_bytes()).ok();
        Said::of(child.wait_with_output().unwrap(), self.folder.path())
    }
}

impl Said {
    fn of(output: Output, folder: &Path) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&*folder.to_string_lossy(), "DIR");
        Said { out: text(output.stdout), err: text(output.stderr), code: output.status.code().unwrap_or(-1) }
    }

    /// It ended so.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Said {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Times and the run's id replaced: what is the same in every run.
    pub fn story(&self) -> String {
        self.out.lines().map(timeless).map(|line| line + "\n").collect()
    }

    /// Each of these stands in the output, in this order.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) -> &Said {
        let mut rest = self.out.as_str();
        for part in parts {
            let at =
                rest.find(part).unwrap_or_else(|| panic!("`{part}` is not there, or not in order, in:\n{}", self.out));
            rest = &rest[at + part.len()..];
        }
        self
    }

    #[track_caller]
    pub fn complains(&self, parts: &[&str]) -> &Said {
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is not in:\n{}", self.err);
        }
        self
    }
}

/// A line without what differs between two runs: `12ms` becomes `TIME`, the id of the run `RUN`, the date `DATE`.
fn timeless(line: &str) -> String {
    let line = match line.strip_prefix("run ").and_then(|rest| rest.split_once(", started ")) {
        Some((about, _)) => {
            format!("run RUN{}", about.split_once(',').map(|(_, rest)| format!(",{rest}")).unwrap_or_default())
        }
        None => line.to_owned(),
    };
    let words = line.split(' ').map(|word| {
        let bare = word.trim_end_matches([':', ';', ',']);
        let unit = bare.strip_suffix("ms").or_else(|| bare.strip_suffix('s'));
        let time = unit.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit() || c == '.'));
        if time { word.replace(bare, "TIME") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Everything that comes out of a pipe within a while.
pub fn drained(mut pipe: impl Read) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).ok();
    text
}
