//! A user's unit manager over real unit files: `systemctl3`, which `tests/run` installs.
use std::path::{Path, PathBuf};
use std::process::Command;

use super::repo;

pub struct Manager {
    pub home: PathBuf,
    /// First on PATH: `systemctl` is here.
    pub bin: PathBuf,
}

impl Manager {
    pub fn new(dir: &Path) -> Manager {
        let (home, bin) = (dir.join("home"), dir.join("bin"));
        std::fs::create_dir_all(home.join(".config/systemd/user")).unwrap();
        std::fs::create_dir_all(home.join("run")).unwrap();
        std::fs::create_dir_all(&bin).unwrap();
        let script = repo("target/lab/systemctl/systemctl2/systemctl3.py");
        assert!(script.exists(), "tests/run installs the unit manager the tests need");
        let text = format!("#!/bin/sh\nexec python3 {} \"$@\" 2>/dev/null\n", script.display());
        std::fs::write(bin.join("systemctl"), text).unwrap();
        super::sh(Command::new("chmod").arg("755").arg(bin.join("systemctl")));
        Manager { home, bin }
    }

    pub fn path(&self) -> String {
        format!("{}:{}", self.bin.display(), super::path())
    }

    pub fn env(&self) -> [(&'static str, String); 3] {
        let runtime = self.home.join("run").display().to_string();
        [("HOME", self.home.display().to_string()), ("XDG_RUNTIME_DIR", runtime), ("PATH", self.path())]
    }

    /// What the manager knows of a unit is kept in the test's own directory, not in one that all of them share.
    pub fn unit(&self, name: &str, text: &str) {
        let status = self.home.join(format!("run/{name}.status"));
        let text = text.replace("[Service]\n", &format!("[Service]\nStatusFile={}\n", status.display()));
        std::fs::write(self.home.join(format!(".config/systemd/user/{name}.service")), text).unwrap();
    }

    /// Exit code and standard output of `systemctl --user …`.
    pub fn ctl(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(self.bin.join("systemctl"));
        let out = command.arg("--user").args(args).envs(self.env()).output().unwrap();
        (out.status.code().unwrap_or(-1), super::text(&out.stdout).trim().to_owned())
    }

    pub fn active(&self, unit: &str) -> bool {
        self.ctl(&["is-active", unit]).1 == "active"
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let units = self.home.join(".config/systemd/user");
        for entry in std::fs::read_dir(units).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".service") {
                self.ctl(&["stop", &name]);
            }
        }
    }
}
