//! A server that takes messages and tickets and remembers them: Slack, a pager and a ticket system in one.
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

type OnTicket = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone, Default)]
pub struct Inbox {
    pub messages: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
    pub tickets: Arc<Mutex<BTreeMap<String, serde_json::Value>>>,
    on_ticket: Arc<Mutex<Option<OnTicket>>>,
}

impl Inbox {
    /// Serves until the test process ends.
    pub fn start() -> (Inbox, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let inbox = Inbox::default();
        let serving = inbox.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inbox = serving.clone();
                std::thread::spawn(move || while inbox.serve(&stream).is_some() {});
            }
        });
        (inbox, port)
    }

    /// Called when a ticket is opened, before it is answered.
    pub fn on_ticket(&self, f: impl Fn() + Send + Sync + 'static) {
        *self.on_ticket.lock().unwrap() = Some(Arc::new(f));
    }

    /// The texts sent to a path.
    pub fn texts(&self, path: &str) -> Vec<String> {
        self.messages.lock().unwrap().iter().filter(|(p, _)| p == path).map(|(_, m)| m.to_string()).collect()
    }

    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
        let mut words = first.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let json = serde_json::from_slice(&body).unwrap_or(serde_json::Value::Null);
        let (status, answer) = self.answer(&method, &path, json);
        let mut stream = stream;
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        )
        .ok()
    }

    fn answer(&self, method: &str, path: &str, json: serde_json::Value) -> (&'static str, String) {
        match (method, path) {
            ("POST", "/tickets") => {
                let hook = self.on_ticket.lock().unwrap().clone();
                if let Some(hook) = hook {
                    hook();
                }
                let mut tickets = self.tickets.lock().unwrap();
                let id = format!("GW-{}", tickets.len() + 1);
                tickets.insert(id.clone(), json);
                ("201 Created", serde_json::json!({ "id": id }).to_string())
            }
            ("DELETE", path) => match self.tickets.lock().unwrap().remove(path.trim_start_matches("/tickets/")) {
                Some(_) => ("200 OK", "{}".to_owned()),
                None => ("404 Not Found", "{}".to_owned()),
            },
            ("POST", path) => {
                self.messages.lock().unwrap().push((path.to_owned(), json));
                ("200 OK", "{}".to_owned())
            }
            _ => ("404 Not Found", "{}".to_owned()),
        }
    }
}
