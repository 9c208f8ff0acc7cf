//! One connection to one server, used by one call at a time: what was sent of a command is known to the byte.
//!
//! A server carries out a command once its last byte has come. So a command that was not sent whole has no effect, and
//! one that was, without an answer, may have one.
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use redis::{Cmd, Value as Reply, ValueCodec, cmd};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;
use tokio_util::codec::Decoder;

use super::socket::{Socket, Unreached, dial};
use super::target::{Address, Login};
use super::wrong::{Trace, Wrong};
use crate::engine::{Failure, FailureKind};
use crate::value::{Connection, show};

/// An idle connection may have been dropped on its way without a word: it is asked before it is used.
const QUIET: Duration = Duration::from_secs(10);
/// How long it is waited for its answer.
const ALIVE: Duration = Duration::from_secs(2);

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    Reads,
    Writes,
}

pub struct Session {
    socket: Socket,
    codec: ValueCodec,
    unread: BytesMut,
    pub address: Address,
    used: Instant,
}

/// Who connects, for messages and for whoever looks at `CLIENT LIST`.
pub struct Caller<'a> {
    pub on: &'a Connection,
    /// `rbk/RUN`.
    pub label: &'a str,
    /// For all of it together.
    pub patience: Duration,
}

impl Session {
    /// Reached, logged in, on its database.
    ///
    /// # Errors
    /// [`Wrong::Unreachable`] only.
    pub async fn open(
        address: &Address,
        tls: Option<&Arc<ClientConfig>>,
        login: &Login,
        database: u32,
        caller: &Caller<'_>,
    ) -> Result<Session, Wrong> {
        let name = &caller.on.name;
        let failed = |kind, text: String| Wrong::Unreachable(Failure::new(kind, text));
        let opened = async {
            let socket = dial(address, tls).await.map_err(|Unreached { why, help }| {
                let text = format!("cannot connect to `{name}` ({address}): {why}");
                Wrong::Unreachable(Failure { help, ..Failure::new(FailureKind::Connection, text) })
            })?;
            let (codec, unread) = (ValueCodec::default(), BytesMut::new());
            let mut session = Session { socket, codec, unread, address: address.clone(), used: Instant::now() };
            session.greet(login, database, caller).await?;
            Ok(session)
        };
        tokio::time::timeout(caller.patience, opened).await.unwrap_or_else(|_| {
            let limit = show::duration(caller.patience.into());
            let text = format!("cannot connect to `{name}` ({address}): no answer within {limit}");
            Err(failed(FailureKind::Timeout, text))
        })
    }

    /// All in one round trip.
    async fn greet(&mut self, login: &Login, database: u32, caller: &Caller<'_>) -> Result<(), Wrong> {
        let mut commands = Vec::with_capacity(3);
        if let Some(password) = &login.password {
            let mut auth = cmd("AUTH");
            if let Some(user) = &login.user {
                auth.arg(&**user);
            }
            auth.arg(&**password);
            commands.push((auth, "the login"));
        }
        if database > 0 {
            let mut select = cmd("SELECT");
            select.arg(database);
            commands.push((select, "its database"));
        }
        let mut label = cmd("CLIENT");
        label.arg("SETNAME").arg(caller.label.replace(|c: char| !c.is_ascii_graphic(), "_"));
        commands.push((label, "the connection"));
        let what: Vec<&str> = commands.iter().map(|(_, what)| *what).collect();
        let commands: Vec<Cmd> = commands.into_iter().map(|(command, _)| command).collect();
        let address = self.address.clone();
        let refused = |what: &str, said: &str, help: Option<&str>| {
            let text = format!("`{}` ({address}) refused {what}: {said}", caller.on.name);
            let failure = Failure::new(FailureKind::Connection, text);
            Wrong::Unreachable(match help {
                Some(help) => failure.with_help(help),
                None => failure,
            })
        };
        let replies = match self.ask(&commands, Asks::Reads, &Trace::default()).await {
            Ok(replies) => replies,
            Err(Wrong::Lost { why, .. }) => {
                let text = format!("cannot connect to `{}` ({address}): {why}", caller.on.name);
                return Err(Wrong::Unreachable(Failure::new(FailureKind::Connection, text)));
            }
            Err(other) => return Err(other),
        };
        for (reply, what) in replies.iter().zip(what) {
            let Reply::ServerError(error) = reply else { continue };
            let said = format!("{} {}", error.code(), error.details().unwrap_or(""));
            let said = said.trim_end();
            // A server that knows no names, or a user who may not give one, is no worse.
            let nameless = what == "the connection"
                && (error.code() == "NOPERM"
                    || said.contains("unknown command")
                    || said.contains("unknown subcommand"));
            if nameless {
                continue;
            }
            let help = match error.code() {
                "NOAUTH" => Some("say who asks in the URL: `redis://USER:PASSWORD@host`"),
                "WRONGPASS" => Some("the URL names another user, or another password, than the server knows"),
                _ if said.contains("without any password configured") => {
                    Some("the server asks for no password: leave it out of the URL")
                }
                _ => None,
            };
            return Err(refused(what, said, help));
        }
        Ok(())
    }

    /// Send, and wait for as many replies; an error among them is a reply like others. Dropped half-way, or after an
    /// error, the session is of no more use.
    ///
    /// # Errors
    /// [`Wrong::Lost`], [`Wrong::Stopped`].
    pub async fn ask(&mut self, commands: &[Cmd], asks: Asks, trace: &Trace) -> Result<Vec<Reply>, Wrong> {
        if asks == Asks::Writes && trace.is_stopped() {
            return Err(Wrong::Stopped);
        }
        let mut packed = Vec::new();
        for command in commands {
            packed.extend(command.get_packed_command());
        }
        let mut rest = packed.as_slice();
        while !rest.is_empty() {
            match self.socket.write(rest).await {
                Ok(0) => return Err(self.lost("it takes nothing more")),
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(e) => return Err(self.lost(&e.to_string())),
            }
        }
        if asks == Asks::Writes {
            trace.sent();
        }
        self.socket.flush().await.map_err(|e| self.lost(&e.to_string()))?;
        let mut replies = Vec::with_capacity(commands.len());
        while replies.len() < commands.len() {
            replies.push(self.reply().await?);
        }
        if asks == Asks::Writes {
            trace.answered();
        }
        self.used = Instant::now();
        Ok(replies)
    }

    async fn reply(&mut self) -> Result<Reply, Wrong> {
        loop {
            match self.codec.decode(&mut self.unread) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(_) => return Err(self.lost("what it says is no Redis")),
            }
            match self.socket.read_buf(&mut self.unread).await {
                Ok(0) => return Err(self.lost("the server closed it")),
                Ok(_) => {}
                Err(e) => return Err(self.lost(&e.to_string())),
            }
        }
    }

    fn lost(&self, why: &str) -> Wrong {
        Wrong::Lost { place: self.address.to_string(), why: why.to_owned() }
    }

    /// Whether an idle session can still be used; nothing of a call has been sent.
    pub async fn is_alive(&mut self) -> bool {
        // So that the end of the connection, where it has come, is seen.
        tokio::task::yield_now().await;
        let quiet = poll_fn(|cx| {
            let mut byte = [0];
            let mut buffer = ReadBuf::new(&mut byte);
            Poll::Ready(Pin::new(&mut self.socket).poll_read(cx, &mut buffer).is_pending())
        });
        if !quiet.await {
            return false;
        }
        if self.used.elapsed() < QUIET {
            return true;
        }
        let ping = [cmd("PING")];
        let answer = tokio::time::timeout(ALIVE, self.ask(&ping, Asks::Reads, &Trace::default())).await;
        matches!(answer, Ok(Ok(_)))
    }
}
