//! From a recipe to the sessions that a call needs: the one server, the master that sentinels name, the node that has a key.
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value as Reply, cmd};
use tokio::time::{Instant, sleep};

use super::cluster::{Slots, redirect, slot};
use super::pool::Pool;
use super::session::{Asks, Caller, Session};
use super::target::{Address, Entry, Login, Target};
use super::wrong::{Trace, Wrong};
use crate::engine::{Failure, FailureKind};
use crate::value::Connection;

/// How often a command is sent on by the nodes of a cluster before they are not believed any more.
const HOPS: usize = 5;
/// How soon sentinels are asked again while they look for a new master.
const AGAIN: Duration = Duration::from_millis(250);

/// The sessions of one attempt of a call. Those that are well go back to the pool.
pub struct Reach<'a> {
    pub pool: &'a Pool,
    pub on: &'a Arc<Connection>,
    pub target: &'a Target,
    pub label: &'a str,
    /// One for each server.
    open: Vec<Session>,
    /// A session was idle before: that it broke says nothing about the server.
    reused: bool,
}

impl<'a> Reach<'a> {
    #[must_use]
    pub fn new(pool: &'a Pool, on: &'a Arc<Connection>, target: &'a Target, label: &'a str) -> Reach<'a> {
        Reach { pool, on, target, label, open: Vec::new(), reused: false }
    }

    /// Whether another attempt may find another server, or a connection that holds.
    #[must_use]
    pub fn may_differ(&self) -> bool {
        self.reused || !matches!(self.target.entry, Entry::Server(_))
    }

    pub fn give_back(self) {
        for session in self.open {
            self.pool.give_back(self.on, session);
        }
    }

    /// One exchange with the server of a key, or with any master. A node's word that another one has the key is
    /// followed: the command was not carried out.
    ///
    /// # Errors
    /// Any [`Wrong`]; an error among several replies stays a reply.
    pub async fn ask(
        &mut self,
        key: Option<&[u8]>,
        commands: &[Cmd],
        asks: Asks,
        trace: &Trace,
    ) -> Result<Vec<Reply>, Wrong> {
        let mut address = self.whose(key).await?;
        let mut asking = false;
        for _ in 0..HOPS {
            let session = self.session(&address).await?;
            let replies = if asking {
                let first = cmd("ASKING");
                let all: Vec<Cmd> = std::iter::once(first).chain(commands.iter().cloned()).collect();
                let mut replies = session.ask(&all, asks, trace).await;
                if let Ok(replies) = &mut replies {
                    replies.remove(0);
                }
                replies
            } else {
                session.ask(commands, asks, trace).await
            };
            let replies = self.kept(&address, replies)?;
            let Some((slot, to, moved)) = sent_on(&replies, &address).filter(|_| self.is_cluster()) else {
                return Ok(replies);
            };
            if moved {
                let mut slots = self.pool.slots(self.on).unwrap_or_default();
                slots.moved(slot, to.clone());
                self.pool.learn_slots(self.on, slots);
            }
            (address, asking) = (to, !moved);
        }
        let text = format!("the nodes of `{}` send each other for the key: the cluster changes, `retry`", self.on.name);
        Err(Wrong::Unreachable(Failure::new(FailureKind::Connection, text)))
    }

    /// One exchange in the session of the exchange before, which keeps what it watches.
    ///
    /// # Errors
    /// Any [`Wrong`].
    pub async fn go_on(
        &mut self,
        key: &[u8],
        commands: &[Cmd],
        asks: Asks,
        trace: &Trace,
    ) -> Result<Vec<Reply>, Wrong> {
        let address = self.whose(Some(key)).await?;
        let session = self.session(&address).await?;
        let replies = session.ask(commands, asks, trace).await;
        self.kept(&address, replies)
    }

    /// One exchange with a certain server.
    ///
    /// # Errors
    /// Any [`Wrong`].
    pub async fn at(
        &mut self,
        address: &Address,
        commands: &[Cmd],
        asks: Asks,
        trace: &Trace,
    ) -> Result<Vec<Reply>, Wrong> {
        let replies = self.session(address).await?.ask(commands, asks, trace).await;
        self.kept(address, replies)
    }

    /// Every server that has keys of its own.
    ///
    /// # Errors
    /// Nobody knows.
    pub async fn masters(&mut self) -> Result<Vec<Address>, Wrong> {
        if self.is_cluster() { Ok(self.slots().await?.masters()) } else { Ok(vec![self.whose(None).await?]) }
    }

    #[must_use]
    pub fn is_cluster(&self) -> bool {
        matches!(self.target.entry, Entry::Cluster(_))
    }

    /// A session that failed is not used again.
    fn kept(&mut self, address: &Address, replies: Result<Vec<Reply>, Wrong>) -> Result<Vec<Reply>, Wrong> {
        if replies.is_err() {
            self.open.retain(|session| session.address != *address);
        }
        replies
    }

    async fn whose(&mut self, key: Option<&[u8]>) -> Result<Address, Wrong> {
        match &self.target.entry {
            Entry::Server(address) => Ok(address.clone()),
            Entry::Sentinels(..) => match self.pool.master(self.on) {
                Some(known) => Ok(known),
                None => self.find_master().await,
            },
            Entry::Cluster(_) => {
                let slots = self.slots().await?;
                let found = match key {
                    Some(key) => slots.master(slot(key)).cloned(),
                    None => slots.masters().into_iter().next(),
                };
                found.ok_or_else(|| self.unreachable("no node has this key: a part of the cluster is without a master"))
            }
        }
    }

    fn unreachable(&self, why: &str) -> Wrong {
        let text = format!("cannot connect to `{}`: {why}", self.on.name);
        Wrong::Unreachable(Failure::new(FailureKind::Connection, text))
    }

    /// Open here, idle in the pool, or new.
    async fn session(&mut self, address: &Address) -> Result<&mut Session, Wrong> {
        if let Some(at) = self.open.iter().position(|session| session.address == *address) {
            return self.open.get_mut(at).ok_or_else(|| Wrong::Value("a session is gone".to_owned()));
        }
        let mut found = None;
        while let Some(mut idle) = self.pool.take(self.on, address) {
            if idle.is_alive().await {
                found = Some(idle);
                break;
            }
        }
        let session = match found {
            Some(idle) => {
                self.reused = true;
                idle
            }
            None => self.open_session(address, &self.target.login, self.target.database).await?,
        };
        self.open.push(session);
        self.open.last_mut().ok_or_else(|| Wrong::Value("a session is gone".to_owned()))
    }

    async fn open_session(&self, address: &Address, login: &Login, database: u32) -> Result<Session, Wrong> {
        let caller = Caller { on: self.on, label: self.label, patience: self.target.patience() };
        Session::open(address, self.target.tls.as_ref(), login, database, &caller).await
    }

    /// The first sentinel that answers is asked, the server it names is asked whether it is the master; during a
    /// failover again and again, as long as a connect may take.
    async fn find_master(&mut self) -> Result<Address, Wrong> {
        let target = self.target;
        let Entry::Sentinels(sentinels, name) = &target.entry else {
            return Err(Wrong::Value("no sentinels are known".to_owned()));
        };
        let started = Instant::now();
        loop {
            let address = self.ask_sentinels(sentinels, name).await?;
            let why = match self.is_master(&address).await {
                Ok(()) => {
                    self.pool.learn_master(self.on, address.clone());
                    return Ok(address);
                }
                Err(why) => why,
            };
            if started.elapsed() + AGAIN > self.target.patience() {
                return Err(why);
            }
            sleep(AGAIN).await;
        }
    }

    async fn ask_sentinels(&self, sentinels: &[Address], name: &str) -> Result<Address, Wrong> {
        let mut command = cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        let mut last = self.unreachable("no sentinel is named");
        for address in sentinels {
            let asked = async {
                let mut session = self.open_session(address, &self.target.sentinel_login, 0).await?;
                session.ask(std::slice::from_ref(&command), Asks::Reads, &Trace::default()).await
            };
            let why = match asked.await {
                Ok(replies) => match place(&replies) {
                    Ok(found) => return Ok(found),
                    Err(why) => self.unreachable(&format!("the sentinel at {address} {why} `{name}`")),
                },
                Err(wrong) => wrong,
            };
            last = why;
        }
        Err(last)
    }

    /// A server that has just been demoted, or not yet promoted, is not written to.
    async fn is_master(&mut self, address: &Address) -> Result<(), Wrong> {
        let role = self.at(address, &[cmd("ROLE")], Asks::Reads, &Trace::default()).await?;
        let role = match role.as_slice() {
            [Reply::Array(parts)] => parts.first(),
            _ => None,
        };
        match role {
            Some(Reply::BulkString(role)) if role == b"master" => Ok(()),
            _ => Err(self.unreachable(&format!("the sentinels name {address}, which is not the master (yet)"))),
        }
    }

    /// Known, or told by the first node that answers.
    async fn slots(&mut self) -> Result<Slots, Wrong> {
        if let Some(known) = self.pool.slots(self.on) {
            return Ok(known);
        }
        let target = self.target;
        let Entry::Cluster(nodes) = &target.entry else { return Ok(Slots::default()) };
        let mut command = cmd("CLUSTER");
        command.arg("SLOTS");
        let mut last = self.unreachable("no node is named");
        for address in nodes {
            let told = self.at(address, std::slice::from_ref(&command), Asks::Reads, &Trace::default()).await;
            let reply = told.and_then(|replies| replies.into_iter().next().ok_or(Wrong::Value(String::new())));
            last = match reply {
                Ok(Reply::ServerError(error)) => Wrong::from(error),
                Ok(reply) => match Slots::read(&reply, address) {
                    Ok(slots) => {
                        self.pool.learn_slots(self.on, slots.clone());
                        return Ok(slots);
                    }
                    Err(why) => self.unreachable(&why),
                },
                Err(wrong) => wrong,
            };
        }
        Err(last)
    }
}

/// What a sentinel answers, or why not.
fn place(replies: &[Reply]) -> Result<Address, &'static str> {
    match replies {
        [Reply::Array(place)] => match place.as_slice() {
            [Reply::BulkString(host), Reply::BulkString(port)] => {
                let port = String::from_utf8_lossy(port).parse().map_err(|_| "names no port of")?;
                Ok(Address::Tcp(Arc::from(&*String::from_utf8_lossy(host)), port))
            }
            _ => Err("names no server of"),
        },
        [Reply::Nil] => Err("knows no master"),
        [Reply::ServerError(_)] => Err("is no sentinel, or lets nobody ask: it does not name"),
        _ => Err("does not name"),
    }
}

/// Slot, node, and whether for good (MOVED) or for this once (ASK).
fn sent_on(replies: &[Reply], asked: &Address) -> Option<(u16, Address, bool)> {
    replies.iter().find_map(|reply| {
        let Reply::ServerError(error) = reply else { return None };
        let moved = match error.code() {
            "MOVED" => true,
            // It is for the very next command only.
            "ASK" if replies.len() == 1 => false,
            _ => return None,
        };
        redirect(error.details()?, asked).map(|(slot, to)| (slot, to, moved))
    })
}
