//! A TCP proxy that spoils connections at a chosen moment: delays, hangs, cuts, resets, half-closes, lost answers.
//!
//! `proxy.when(Way::Up, Trigger::After(b"COMMIT"), Fault::Cut)` waits for the next connection on which that happens, and
//! happens once. `proxy.all(fault)` hits the connections that are open now, `proxy.greet(…)` those to come, and
//! `proxy.heal()` makes everything that hangs go on.
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How often a waiting direction looks whether something has changed.
const LOOK: Duration = Duration::from_millis(5);
/// Nothing hangs for longer than any test.
const LONGEST: Duration = Duration::from_secs(300);

/// The way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// The moment.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// Before anything more goes this way.
    Next,
    /// After so many more bytes, which are passed on.
    Bytes(usize),
    /// These bytes come: they are not passed on.
    Before(Vec<u8>),
    /// These bytes have come, and have been passed on.
    After(Vec<u8>),
}

/// What happens then, to that connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Each later piece that goes this way is so late.
    Delay(Duration),
    /// Nothing goes this way any more; the connection stays open.
    Hang,
    /// Both sides see an orderly end.
    Cut,
    /// Both sides see a reset.
    Reset,
    /// The receiver sees an orderly end of this way; the other way goes on.
    HalfClose,
}

/// What a new connection meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    Server,
    /// Accepted, and then nothing.
    Silence,
    Reset,
}

#[derive(Clone, Debug)]
struct Rule {
    way: Way,
    trigger: Trigger,
    then: Then,
}

#[derive(Clone, Debug)]
enum Then {
    Fault(Fault),
    /// For the same connection.
    Rule(Box<Rule>),
}

struct Shared {
    rules: Mutex<Vec<Rule>>,
    greeting: Mutex<Greeting>,
    open: Mutex<Vec<Arc<Pair>>>,
    accepted: AtomicUsize,
}

/// A socket that closes once nobody uses it: a reset goes out only then.
type Socket = Mutex<Option<Arc<TcpStream>>>;

/// One connection through the proxy.
struct Pair {
    client: Socket,
    server: Socket,
    rules: Mutex<Vec<Rule>>,
    now: Mutex<[Option<Fault>; 2]>,
    over: AtomicBool,
}

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Forwards to a port of this machine.
    pub fn to(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            rules: Mutex::default(),
            greeting: Mutex::new(Greeting::Server),
            open: Mutex::default(),
            accepted: AtomicUsize::new(0),
        });
        let kept = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                kept.accepted.fetch_add(1, Ordering::SeqCst);
                let greeting = *lock(&kept.greeting);
                let server = match greeting {
                    Greeting::Server => match TcpStream::connect(("127.0.0.1", target)) {
                        Ok(server) => Some(server),
                        // Nobody listens there: neither does anybody here.
                        Err(_) => continue,
                    },
                    Greeting::Silence => None,
                    Greeting::Reset => {
                        linger(&client);
                        continue;
                    }
                };
                let silent = server.is_none();
                let pair = Arc::new(Pair {
                    client: socket(Some(client)),
                    server: socket(server),
                    rules: Mutex::default(),
                    now: Mutex::default(),
                    over: AtomicBool::new(false),
                });
                lock(&kept.open).push(pair.clone());
                for way in [Way::Up, Way::Down].into_iter().filter(|_| !silent) {
                    let (pair, shared) = (pair.clone(), kept.clone());
                    std::thread::spawn(move || {
                        // Whatever ended it ends both ways, but for a half-close.
                        if pump(way, &pair, &shared) == Ended::Whole {
                            pair.end(Fault::Cut);
                        }
                    });
                }
            }
        });
        Proxy { port, shared }
    }

    /// Once, on whichever connection it happens.
    pub fn when(&self, way: Way, trigger: Trigger, fault: Fault) {
        lock(&self.shared.rules).push(Rule { way, trigger, then: Then::Fault(fault) });
    }

    /// These bytes reach the server; its answer to them does not reach the client.
    pub fn when_answered(&self, bytes: &[u8], fault: Fault) {
        let answer = Rule { way: Way::Down, trigger: Trigger::Next, then: Then::Fault(fault) };
        let then = Then::Rule(Box::new(answer));
        lock(&self.shared.rules).push(Rule { way: Way::Up, trigger: Trigger::After(bytes.to_vec()), then });
    }

    /// These bytes reach the server and are answered; instead of the answer comes the end of the connection.
    pub fn cut_after(&self, bytes: &[u8]) {
        self.when_answered(bytes, Fault::Cut);
    }

    /// Every connection that is open, at once and both ways.
    pub fn all(&self, fault: Fault) {
        for pair in lock(&self.shared.open).iter() {
            match fault {
                Fault::Cut | Fault::Reset => pair.end(fault),
                Fault::Delay(_) | Fault::Hang | Fault::HalfClose => *lock(&pair.now) = [Some(fault); 2],
            }
        }
    }

    pub fn greet(&self, greeting: Greeting) {
        *lock(&self.shared.greeting) = greeting;
    }

    /// No rules and no faults any more; what hung goes on.
    pub fn heal(&self) {
        lock(&self.shared.rules).clear();
        self.greet(Greeting::Server);
        for pair in lock(&self.shared.open).iter() {
            lock(&pair.rules).clear();
            *lock(&pair.now) = [None; 2];
        }
    }

    /// How many connections have come so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Whether every rule has been used up.
    pub fn happened(&self) -> bool {
        lock(&self.shared.rules).is_empty() && lock(&self.shared.open).iter().all(|pair| lock(&pair.rules).is_empty())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for pair in lock(&self.shared.open).drain(..) {
            pair.end(Fault::Cut);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Reading from it looks around now and then.
fn socket(stream: Option<TcpStream>) -> Socket {
    if let Some(stream) = &stream {
        stream.set_read_timeout(Some(LOOK)).unwrap();
        stream.set_nodelay(true).unwrap();
    }
    Mutex::new(stream.map(Arc::new))
}

/// The close of this socket is a reset.
fn linger(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Whole,
    Half,
}

impl Pair {
    /// Where a way comes from, and where it goes to.
    fn ends(&self, way: Way) -> Option<(Arc<TcpStream>, Arc<TcpStream>)> {
        let (client, server) = (lock(&self.client).clone()?, lock(&self.server).clone()?);
        Some(if way == Way::Up { (client, server) } else { (server, client) })
    }

    fn end(&self, fault: Fault) {
        self.over.store(true, Ordering::SeqCst);
        for socket in [&self.client, &self.server] {
            let Some(stream) = lock(socket).take() else { continue };
            if fault == Fault::Reset {
                linger(&stream);
            } else {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Waits as long as the way is blocked; false when the connection is over.
    fn passable(&self, way: Way) -> bool {
        let started = Instant::now();
        while !self.over.load(Ordering::SeqCst) && started.elapsed() < LONGEST {
            let now = lock(&self.now)[way as usize];
            match now {
                Some(Fault::Hang) => std::thread::sleep(LOOK),
                Some(Fault::Delay(late)) => {
                    std::thread::sleep(late);
                    return true;
                }
                _ => return true,
            }
        }
        false
    }

    /// The end, if this fault is one.
    fn meet(&self, way: Way, fault: Fault) -> Option<Ended> {
        match fault {
            Fault::Delay(_) | Fault::Hang => {
                lock(&self.now)[way as usize] = Some(fault);
                None
            }
            Fault::Cut | Fault::Reset => {
                self.end(fault);
                Some(Ended::Whole)
            }
            Fault::HalfClose => {
                if let Some((_, to)) = self.ends(way) {
                    let _ = to.shutdown(Shutdown::Write);
                }
                Some(Ended::Half)
            }
        }
    }
}

/// How much of `bytes` goes before the first rule that fits, and what that rule does.
fn fits(rules: &Mutex<Vec<Rule>>, way: Way, bytes: &[u8]) -> Option<(usize, Then)> {
    let mut rules = lock(rules);
    let found = |wanted: &[u8]| bytes.windows(wanted.len()).position(|w| w == wanted);
    for i in 0..rules.len() {
        if rules[i].way != way {
            continue;
        }
        let at = match &mut rules[i].trigger {
            Trigger::Next => Some(0),
            Trigger::Bytes(n) if *n <= bytes.len() => Some(*n),
            Trigger::Bytes(n) => {
                *n -= bytes.len();
                None
            }
            Trigger::Before(wanted) => found(wanted),
            // All that came with them belongs to them.
            Trigger::After(wanted) => found(wanted).map(|_| bytes.len()),
        };
        if let Some(at) = at {
            return Some((at, rules.remove(i).then));
        }
    }
    None
}

fn pump(way: Way, pair: &Pair, shared: &Shared) -> Ended {
    let mut buffer = [0; 16384];
    loop {
        let Some((from, to)) = pair.ends(way) else { return Ended::Whole };
        let n = match (&*from).read(&mut buffer) {
            Ok(0) => {
                let _ = to.shutdown(Shutdown::Write);
                return Ended::Half;
            }
            Ok(n) => n,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                continue;
            }
            Err(_) => return Ended::Whole,
        };
        if !pair.passable(way) {
            return Ended::Whole;
        }
        let mut rest = &buffer[..n];
        while !rest.is_empty() {
            let Some((at, then)) = fits(&pair.rules, way, rest).or_else(|| fits(&shared.rules, way, rest)) else {
                if (&*to).write_all(rest).is_err() {
                    return Ended::Whole;
                }
                break;
            };
            // The rule for the answer is there before the question is.
            let fault = match then {
                Then::Fault(fault) => Some(fault),
                Then::Rule(rule) => {
                    lock(&pair.rules).push(*rule);
                    None
                }
            };
            let (now, later) = rest.split_at(at);
            if (&*to).write_all(now).is_err() {
                return Ended::Whole;
            }
            rest = later;
            if let Some(ended) = fault.and_then(|fault| pair.meet(way, fault)) {
                return ended;
            }
            if !rest.is_empty() && !pair.passable(way) {
                return Ended::Whole;
            }
        }
    }
}
