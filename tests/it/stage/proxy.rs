//! A way to a server that breaks: lets a number of connections through, and with the next one cuts all of them for good.
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The port to connect to instead.
pub fn breaking_at(target: u16, connection: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        for (n, client) in listener.incoming().flatten().enumerate() {
            if n + 1 >= connection {
                for stream in open.lock().unwrap().drain(..) {
                    let _ = stream.shutdown(Shutdown::Both);
                }
                return;
            }
            let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
            for stream in [&client, &server] {
                open.lock().unwrap().push(stream.try_clone().unwrap());
            }
            copy(client.try_clone().unwrap(), server.try_clone().unwrap());
            copy(server, client);
        }
    });
    port
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(n) = from.read(&mut buffer) {
            if n == 0 || to.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
