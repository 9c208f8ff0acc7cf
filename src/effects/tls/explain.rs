//! Why there is no TLS with a server, in words that say what to do.
use rustls::{AlertDescription as Alert, CertificateError as Bad, Error, InvalidMessage};

use crate::value::Timestamp;

/// What it comes down to: the way out differs with the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Expired,
    NotYet,
    /// The certificate is for other names.
    Name,
    /// Nobody known here vouches for it.
    Authority,
    /// The server wants a certificate of ours, or does not like it: it has looked at nothing else.
    Refused,
    /// The other side speaks something else.
    NotTls,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Lower-case, no full stop.
    pub message: String,
    pub why: Why,
}

/// The same, where TLS is what an error comes from.
#[must_use]
pub fn carried(error: &(dyn std::error::Error + 'static)) -> Option<Explained> {
    let mut next = Some(error);
    while let Some(e) = next {
        if let Some(tls) = e.downcast_ref::<Error>() {
            return Some(explained(tls));
        }
        // What an IO error carries is not among its causes.
        next = match e.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => e.source(),
        };
    }
    None
}

#[must_use]
pub fn explained(e: &Error) -> Explained {
    let (why, message) = match e {
        Error::InvalidCertificate(bad) => certificate(bad),
        Error::AlertReceived(alert) => alerted(*alert),
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            (Why::NotTls, "it does not speak TLS".to_owned())
        }
        other => (Why::Other, other.to_string()),
    };
    Explained { message, why }
}

fn certificate(bad: &Bad) -> (Why, String) {
    let at = |seconds: u64| {
        let at = i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok());
        at.map_or_else(String::new, |at| at.strftime(" %F %T UTC").to_string())
    };
    match bad {
        Bad::ExpiredContext { not_after, .. } => {
            (Why::Expired, format!("its certificate expired{}", at(not_after.as_secs())))
        }
        Bad::Expired => (Why::Expired, "its certificate is expired".to_owned()),
        Bad::NotValidYetContext { not_before, .. } => {
            (Why::NotYet, format!("its certificate is not valid before{}", at(not_before.as_secs())))
        }
        Bad::NotValidYet => (Why::NotYet, "its certificate is not valid yet".to_owned()),
        Bad::NotValidForNameContext { expected, presented } => {
            let found: Vec<String> = presented.iter().map(|name| format!("`{}`", bare(name))).collect();
            let found = if found.is_empty() { "no name at all".to_owned() } else { found.join(", ") };
            (Why::Name, format!("its certificate is for {found}, and `{}` was called", expected.to_str()))
        }
        Bad::NotValidForName => (Why::Name, "its certificate is for another name".to_owned()),
        Bad::UnknownIssuer => (Why::Authority, "its certificate is signed by nobody who is known here".to_owned()),
        other => (Why::Other, format!("its certificate is not accepted: {other}")),
    }
}

/// `DnsName("web.example")`, `IpAddress(127.0.0.1)`: what stands inside.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    inside.trim_matches('"')
}

fn alerted(alert: Alert) -> (Why, String) {
    match alert {
        Alert::CertificateRequired => (Why::Refused, "the server asks for a certificate of ours".to_owned()),
        Alert::NoCertificate
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => (Why::Refused, format!("the server refused our certificate ({alert:?})")),
        other => (Why::Other, format!("the server ended TLS: {other:?}")),
    }
}
