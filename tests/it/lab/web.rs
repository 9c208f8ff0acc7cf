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
    /// The body as it came.
    pub raw: Vec<u8>,
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
pub type Answer = Option<Vec<u8>>;

pub fn answer(status: &str, body: &str) -> Answer {
    answer_with(status, "content-type: text/plain", body.as_bytes())
}

/// `headers`: lines without the last line end.
pub fn answer_with(status: &str, headers: &str, body: &[u8]) -> Answer {
    let head = format!("HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {}\r\n\r\n", body.len());
    Some([head.as_bytes(), body].concat())
}

/// A redirect.
pub fn moved(status: &str, location: &str) -> Answer {
    answer_with(status, &format!("location: {location}"), b"")
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

    /// Header values by name, of the last request.
    pub fn header(&self, name: &str) -> Option<String> {
        let last = self.last();
        last.headers.iter().find_map(|h| h.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    }

    /// How many requests came.
    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn last(&self) -> Request {
        self.seen.lock().unwrap().last().cloned().expect("a request")
    }
}

fn serve(stream: TcpStream, connection: usize, all: &Mutex<Vec<Request>>, handler: &dyn Fn(&Request) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let Some(line) = read_line(&mut reader) else { return };
        let mut headers = Vec::new();
        let mut length = 0;
        loop {
            let Some(header) = read_line(&mut reader) else { return };
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
        let text = String::from_utf8_lossy(&body).into_owned();
        let request = Request { line, headers, body: text, raw: body, connection };
        all.lock().unwrap().push(request.clone());
        match handler(&request) {
            Some(answer) if stream.write_all(&answer).is_ok() => {}
            _ => return,
        }
    }
}

/// Without its line end; nothing at the end of the connection. Bytes that are no UTF-8 are Latin-1.
fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
        return None;
    }
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    Some(String::from_utf8(line).unwrap_or_else(|e| e.as_bytes().iter().map(|b| char::from(*b)).collect()))
}
