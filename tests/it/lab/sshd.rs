//! A private sshd on this machine, and a directory whose `ssh` knows it as `web-1`; it stops with the test.
use std::path::PathBuf;
use std::process::Command;

use super::{Server, directory, free_port, program, run, wait_for};

pub struct Sshd {
    pub server: Server,
    pub port: u16,
}

impl Sshd {
    /// As whoever runs the tests: nobody else could be logged in without root.
    pub fn start() -> Sshd {
        let dir = directory();
        let us = format!("{}:{}", nix::unistd::geteuid(), nix::unistd::getegid());
        run(Command::new("chown").arg(us).arg(&dir));
        let keygen = program("ssh-keygen", "openssh-client");
        for key in ["host", "user", "stranger"] {
            run(Command::new(&keygen).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(key)));
        }
        std::fs::copy(dir.join("user.pub"), dir.join("authorized")).unwrap();
        if nix::unistd::geteuid().is_root() {
            // Of Debian's package; a service would make it at its start.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = free_port();
        std::fs::write(
            dir.join("sshd.conf"),
            format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {0}/host\nPidFile {0}/pid\nAuthorizedKeysFile {0}/authorized\n\
                 UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel VERBOSE\n\
                 PermitRootLogin yes\nMaxStartups 100\n",
                dir.display()
            ),
        )
        .unwrap();
        let sshd = program("sshd", "openssh-server");
        let conf = dir.join("sshd.conf").display().to_string();
        let server = Server::start_as_us(dir, &[sshd.to_str().unwrap(), "-D", "-e", "-f", &conf]);
        let sshd = Sshd { server, port };
        wait_for("sshd", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        let host = std::fs::read_to_string(sshd.path("host.pub")).unwrap();
        sshd.knows("known", &host);
        sshd.client("bin", "known", "user");
        sshd
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.server.dir.join(name)
    }

    /// A file of known hosts with this key for the server.
    pub fn knows(&self, file: &str, key: &str) {
        std::fs::write(self.path(file), format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
    }

    /// A directory with an `ssh` of its own configuration.
    pub fn client(&self, bin: &str, known: &str, key: &str) -> PathBuf {
        let dir = self.path(bin);
        std::fs::create_dir(&dir).unwrap();
        let me = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
        let config = dir.join("config");
        std::fs::write(
            &config,
            format!(
                "Host web-1 web-2\n HostName 127.0.0.1\n Port {}\n User {me}\n IdentityFile {}\n IdentitiesOnly yes\n \
                 UserKnownHostsFile {}\n GlobalKnownHostsFile /dev/null\n\
                 Host closed\n HostName 127.0.0.1\n Port {}\n",
                self.port,
                self.path(key).display(),
                self.path(known).display(),
                free_port()
            ),
        )
        .unwrap();
        let ssh = program("ssh", "openssh-client");
        std::fs::write(dir.join("ssh"), format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", ssh.display(), config.display()))
            .unwrap();
        run(Command::new("chmod").arg("755").arg(dir.join("ssh")));
        dir
    }

    /// A `PATH` with that `ssh` in front.
    pub fn paths(&self, bin: &str) -> String {
        format!("{}:{}", self.path(bin).display(), std::env::var("PATH").unwrap())
    }

    /// The processes of its logins.
    pub fn sessions(&self) -> Vec<i32> {
        let pid: i32 = std::fs::read_to_string(self.path("pid")).unwrap().trim().parse().unwrap();
        let stats = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| {
            let stat = std::fs::read_to_string(e.path().join("stat")).ok()?;
            let (own, rest) = (stat.split(' ').next()?.parse().ok()?, stat.rsplit(')').next()?.to_owned());
            Some((own, rest.split_whitespace().nth(1)?.parse::<i32>().ok()?))
        });
        let all: Vec<(i32, i32)> = stats.collect();
        let mut found = vec![pid];
        let mut at = 0;
        // `sshd: user@notty` is a child of `sshd: user [priv]`.
        while at < found.len() && at < 64 {
            let above = found[at];
            found.extend(all.iter().filter(|(_, parent)| *parent == above).map(|(own, _)| *own));
            at += 1;
        }
        let named = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|c| c.trim() == "sshd");
        found.into_iter().skip(1).filter(named).collect()
    }
}
