//! An HTTP server that answers as it is told, and remembers what it was asked.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    /// `name: value`, names in lower case.
    pub headers: Vec<String>,
    pub body: String,
    /// Which connection it came on.
    pub connection: usize,
}

impl Request {
    /// The port it was sent to.
    pub fn host_port(&self) -> &str {
        let host = self.headers.iter().find(|h| h.starts_with("host: ")).expect("a host");
        host.rsplit(':').next().expect("a port")
    }
}

pub struct Web {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Request>>>,
}

/// What to send back; none: nothing, and the connection is closed.
pub type Answer = Option<String>;

pub fn answer(status: &str, body: &str) -> Answer {
    Some(format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

impl Web {
    pub fn start(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (all, handler) = (seen.clone(), Arc::new(handler));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (all, handler) = (all.clone(), handler.clone());
                std::thread::spawn(move || serve(stream, connection, &all, &*handler));
            }
        });
        Web { port, seen }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn last(&self) -> Request {
        self.seen.lock().unwrap().last().cloned().expect("a request")
    }
}

fn serve(stream: TcpStream, connection: usize, all: &Mutex<Vec<Request>>, handler: &dyn Fn(&Request) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut headers = Vec::new();
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 {
                return;
            }
            let header = header.trim_end();
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').unwrap();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
            headers.push(format!("{}: {}", name.to_lowercase(), value.trim()));
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let request = Request { line: line.trim_end().to_owned(), headers, body, connection };
        all.lock().unwrap().push(request.clone());
        match handler(&request) {
            Some(answer) if stream.write_all(answer.as_bytes()).is_ok() => {}
            _ => return,
        }
    }
}
