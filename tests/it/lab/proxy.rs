//! A TCP proxy that breaks connections at a chosen moment.
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Forwards to a port of this machine. Set `cut_after` to some bytes: the next time a client sends them, they are passed
/// on, the answer is not, and the connection is cut.
pub struct Proxy {
    pub port: u16,
    cut_after: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Proxy {
    pub fn to(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut_after: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let shared = cut_after.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || copy(from, to));
                let shared = shared.clone();
                std::thread::spawn(move || forward(client, server, &shared));
            }
        });
        Proxy { port, cut_after }
    }

    pub fn cut_after(&self, bytes: &[u8]) {
        *self.cut_after.lock().unwrap() = Some(bytes.to_vec());
    }
}

fn forward(mut client: TcpStream, mut server: TcpStream, cut: &Mutex<Option<Vec<u8>>>) {
    let mut buffer = [0; 16384];
    while let Ok(n) = client.read(&mut buffer) {
        if n == 0 {
            break;
        }
        let hit = {
            let mut cut = cut.lock().unwrap();
            let hit = cut.as_ref().is_some_and(|b| buffer[..n].windows(b.len()).any(|w| w == &b[..]));
            if hit {
                *cut = None;
                let _ = client.shutdown(Shutdown::Both);
            }
            hit
        };
        if server.write_all(&buffer[..n]).is_err() {
            break;
        }
        if hit {
            // The server does what it was asked before it sees that nobody listens.
            std::thread::sleep(std::time::Duration::from_millis(200));
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
