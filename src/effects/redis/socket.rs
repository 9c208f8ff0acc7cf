//! A stream of bytes to one server: name, TCP or unix socket, TLS. Nothing of Redis is said here.
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::target::Address;
use crate::effects::tls::{Explained, Why, explained};

pub trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

pub type Socket = Box<dyn Stream>;

/// Why a server was not reached, and what to do where that is known.
pub struct Unreached {
    pub why: String,
    pub help: Option<String>,
}

impl From<String> for Unreached {
    fn from(why: String) -> Unreached {
        Unreached { why, help: None }
    }
}

/// # Errors
/// Which of the three did not work, and why.
pub async fn dial(address: &Address, tls: Option<&Arc<ClientConfig>>) -> Result<Socket, Unreached> {
    let (host, port) = match address {
        Address::Unix(path) => {
            return match UnixStream::connect(path).await {
                Ok(socket) => Ok(Box::new(socket)),
                Err(e) => Err(Unreached::from(e.to_string())),
            };
        }
        Address::Tcp(host, port) => (host, *port),
    };
    let socket = tcp(host, port).await?;
    let Some(config) = tls else { return Ok(Box::new(socket)) };
    let name = ServerName::try_from(host.to_string()).map_err(|_| format!("`{host}` is no name for TLS"))?;
    match TlsConnector::from(config.clone()).connect(name, socket).await {
        Ok(socket) => Ok(Box::new(socket)),
        Err(e) => Err(match e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            Some(why) => untrusted(&explained(why)),
            None => Unreached::from(format!("TLS failed: {e}")),
        }),
    }
}

fn untrusted(told: &Explained) -> Unreached {
    let help = match told.why {
        Why::Expired | Why::NotYet => "renew it at the server, and look whether this machine's clock is right",
        Why::Name => "connect by a name of the certificate, or give the server one for this name",
        Why::Authority => "name the authority's file in the URL: `?ssl_ca_certs=FILE`",
        Why::Refused => "name your own certificate in the URL: `?ssl_certfile=FILE&ssl_keyfile=FILE`",
        Why::NotTls => "say `redis://` where the server speaks without TLS",
        Why::Other => return Unreached::from(format!("TLS failed: {}", told.message)),
    };
    Unreached { why: told.message.clone(), help: Some(help.to_owned()) }
}

/// Each address of the name in turn.
async fn tcp(host: &str, port: u16) -> Result<TcpStream, String> {
    let found = tokio::net::lookup_host((host, port)).await.map_err(|e| {
        let e = e.to_string();
        format!("no address for `{host}`: {}", e.trim_start_matches("failed to lookup address information: "))
    })?;
    let mut why = format!("no address for `{host}`");
    for address in found {
        match TcpStream::connect(address).await {
            Ok(socket) => {
                // Slower without; not wrong.
                let _ = socket.set_nodelay(true);
                return Ok(socket);
            }
            Err(e) => why = e.to_string(),
        }
    }
    Err(why)
}
