//! A request without an answer: what is known about it, and what to do.
use std::error::Error;

use reqwest::Url;

use super::client::{Way, from_environment};
use super::door::Shut;
use super::request::Request;
use crate::effects::tls::{Why, explained};
use crate::engine::{Ending, Failure, FailureKind};
use crate::value::{Nanos, show};

pub(super) enum Broken {
    /// It could not be made: nothing was sent.
    Before(String),
    Sending(reqwest::Error),
    /// The answer began and did not end.
    Cut {
        got: usize,
        of: Option<u64>,
        error: reqwest::Error,
    },
    TooLarge {
        limit: u64,
        length: Option<u64>,
    },
    Redirect(String),
}

impl Broken {
    /// `lost`: the ending of a request of which nobody knows what became.
    pub fn told(self, request: &Request, lost: Ending) -> (Ending, Failure) {
        let text = &request.shown;
        let failure = |kind, message: &str| Failure::new(kind, format!("{text}: {message}"));
        match self {
            Broken::Before(message) => (Ending::None, Failure::new(FailureKind::Value, message)),
            Broken::Sending(e) => sending(request, &e, lost),
            Broken::Cut { got, of, error } => {
                let of = of.map(|n| format!(" of {n}")).unwrap_or_default();
                let message = format!("the answer broke off after {got}{of} bytes: {}", reason(&error));
                (lost, failure(FailureKind::Connection, &message))
            }
            Broken::TooLarge { limit, length } => {
                let length = length.map(|n| format!(" ({n} bytes)")).unwrap_or_default();
                let limit = show::size(i64::try_from(limit).unwrap_or(i64::MAX));
                let ending = if request.writes { Ending::Some } else { Ending::None };
                let told = failure(FailureKind::Value, &format!("the answer{length} is larger than {limit}"));
                (ending, told.with_help("say how much is taken, `max_body: 20MB`; what is large belongs into a file"))
            }
            Broken::Redirect(message) => {
                let help =
                    "`expect: 302` gives the redirect itself; then ask the other address in a request of its own";
                (Ending::None, failure(FailureKind::Connection, &message).with_help(help))
            }
        }
    }
}

fn sending(request: &Request, e: &reqwest::Error, lost: Ending) -> (Ending, Failure) {
    let text = &request.shown;
    if let Some(shut) = find::<Shut>(e) {
        return match shut {
            Shut::Cancelled => {
                let message = format!("{text} was cancelled before it was sent");
                (Ending::None, Failure::new(FailureKind::Cancelled, message))
            }
            Shut::Late => {
                let limit = show::duration(Nanos::from(request.connect.min(request.timeout)));
                let message = format!("{text}: no connection to {} within {limit}", host(&request.url));
                (Ending::None, through(request, Failure::new(FailureKind::Connection, message)))
            }
        };
    }
    if let Some(tls) = find::<rustls::Error>(e) {
        let told = explained(tls);
        // A server that refuses our certificate has not looked at the request.
        let ending = if e.is_connect() || told.why == Why::Refused { Ending::None } else { lost };
        let failure = Failure::new(FailureKind::Connection, format!("{text}: {}", told.message));
        return (ending, failure.with_help(way_out(told.why, request)));
    }
    if e.is_connect() || e.is_builder() {
        let (message, help) = unreached(request, e);
        let failure = Failure::new(FailureKind::Connection, format!("{text}: {message}"));
        let failure = if let Some(help) = help { failure.with_help(help) } else { failure };
        return (Ending::None, through(request, failure));
    }
    (lost, Failure::new(FailureKind::Connection, format!("{text}: {}", reason(e))))
}

fn unreached(request: &Request, e: &reqwest::Error) -> (String, Option<&'static str>) {
    let reason = reason(e);
    if chain(e).any(|inner| inner.to_string() == "dns error") {
        let message = format!("`{}` is not known here: {reason}", request.url.host_str().unwrap_or(""));
        return (message, Some("is the name right, and can this machine look it up?"));
    }
    let refused = find::<std::io::Error>(e).is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
    if refused {
        return (
            format!("{}: {reason}", host(&request.url)),
            Some("nothing listens there: is it up, and is the port right?"),
        );
    }
    (reason, None)
}

/// Says that a proxy stands between, which the request itself does not show.
fn through(request: &Request, mut failure: Failure) -> Failure {
    match &request.settings.proxy {
        Way::Direct => {}
        Way::Proxy(_) => failure.notes.push("it goes through the connection's `proxy`".to_owned()),
        Way::Environment => {
            if let Some(name) = from_environment().first() {
                failure.notes.push(format!("it may go through the proxy that the variable `{name}` names"));
            }
        }
    }
    failure
}

fn way_out(why: Why, request: &Request) -> String {
    match why {
        Why::Expired => "renew the certificate; until then nobody can tell this server from another".to_owned(),
        Why::NotYet => "is the clock of this machine right?".to_owned(),
        Why::Name => "ask it by a name that its certificate holds, or give it a certificate for this one".to_owned(),
        Why::Authority if request.settings.ca.is_some() => {
            "is it the authority in the file that `ca` names that signed it?".to_owned()
        }
        Why::Authority => {
            "give the certificate of the authority that signed it: `http(base, ca: \"/etc/ssl/own-ca.pem\")`".to_owned()
        }
        Why::Refused if request.settings.cert.is_some() => {
            "the server does not take the certificate that `cert` names: is it of the right authority, and still valid?"
                .to_owned()
        }
        Why::Refused => {
            "it may want a certificate of ours: `http(base, cert: \"client.pem\", key: \"client.key\")`".to_owned()
        }
        Why::NotTls => format!("is it `http://{}`?", host(&request.url)),
        Why::Other => "look at it with `openssl s_client -connect HOST:PORT`".to_owned(),
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether the connection ended before any answer.
pub(super) fn is_torn(e: &reqwest::Error) -> bool {
    use std::io::ErrorKind as Kind;
    let io = |kind: Kind| {
        matches!(kind, Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof)
    };
    !e.is_connect()
        && !e.is_builder()
        && (find::<hyper::Error>(e).is_some_and(hyper::Error::is_incomplete_message)
            || find::<std::io::Error>(e).is_some_and(|e| io(e.kind())))
}

/// The innermost reason.
fn reason(e: &reqwest::Error) -> String {
    let innermost = chain(e).last().map(ToString::to_string).unwrap_or_default();
    show::escape(&innermost).into_owned()
}

/// An error and all that it comes from, what an IO error wraps included.
fn chain<'e>(e: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    fn inner<'e>(e: &&'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
        let e: &'e (dyn Error + 'static) = *e;
        match e.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => e.source(),
        }
    }
    std::iter::successors(Some(e), inner)
}

fn find<T: Error + 'static>(e: &reqwest::Error) -> Option<&T> {
    chain(e).find_map(|e| e.downcast_ref::<T>())
}
