//! Why there is no TLS with a server, in words that say what to do.
use rustls::{AlertDescription as Alert, CertificateError as Bad, Error, InvalidMessage};

use super::refusal;
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

#[must_use]
pub fn explained(e: &Error) -> Explained {
    let (why, message) = match e {
        Error::InvalidCertificate(bad) => certificate(e, bad),
        Error::AlertReceived(alert) => alerted(*alert),
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            (Why::NotTls, "it does not speak TLS".to_owned())
        }
        other => (Why::Other, other.to_string()),
    };
    Explained { message, why }
}

fn certificate(e: &Error, bad: &Bad) -> (Why, String) {
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
        Bad::NotValidForNameContext { .. } | Bad::NotValidForName => (Why::Name, refusal(e)),
        Bad::UnknownIssuer => (Why::Authority, "its certificate is signed by nobody who is known here".to_owned()),
        other => (Why::Other, format!("its certificate is not accepted: {other}")),
    }
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
