//! A client: one request, or one that keeps asking.
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Status and body of one request on a connection of its own.
pub fn get(port: u16, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok());
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    match (status, body) {
        (Some(status), Some(body)) => Ok((status, body)),
        _ => Err(std::io::Error::other(format!("not an answer: {text:?}"))),
    }
}

/// Who answers, by its `/version`.
pub fn pool(port: u16) -> String {
    match get(port, "/version") {
        Ok((200, body)) => {
            serde_json::from_str::<serde_json::Value>(&body).unwrap()["pool"].as_str().unwrap().to_owned()
        }
        Ok((status, _)) => format!("status {status}"),
        Err(e) => format!("nobody: {e}"),
    }
}

/// What one request of a [`Hammer`] got, and what the observer saw before and after it.
#[derive(Clone, Debug)]
pub struct Hit {
    pub before: String,
    pub after: String,
    pub answer: String,
}

/// Asks `/version` again and again from several threads until it is told to stop.
pub struct Hammer {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Hit>>>,
}

impl Hammer {
    /// `observe` is asked around each request, `each` sees every answer.
    pub fn start(
        port: u16,
        threads: usize,
        observe: impl Fn() -> String + Clone + Send + 'static,
        each: impl Fn(&Hit) + Clone + Send + 'static,
    ) -> Hammer {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..threads)
            .map(|_| {
                let (stop, observe, each) = (stop.clone(), observe.clone(), each.clone());
                std::thread::spawn(move || {
                    let mut hits = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let before = observe();
                        let answer = pool(port);
                        let hit = Hit { before, after: observe(), answer };
                        each(&hit);
                        hits.push(hit);
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    hits
                })
            })
            .collect();
        Hammer { stop, threads }
    }

    pub fn stop(self) -> Vec<Hit> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    }
}
