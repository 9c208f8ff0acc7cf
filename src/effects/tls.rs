//! TLS for every provider: rustls with ring, the system's roots or a given file's.
pub mod explain;

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What a server has to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: encrypted, but to whoever answers.
    Nothing,
    /// A certificate of a known authority, for any name.
    Authority,
    /// A certificate of a known authority for the name that was called.
    Full,
}

/// What a client shows to a server that asks: PEM files, the certificate first in its chain.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub certificate: &'a str,
    pub key: &'a str,
}

/// `roots`: a PEM file; absent: those of the system.
///
/// # Errors
/// A file that cannot be read or holds no certificate; no roots at all.
pub fn config(proof: Proof, roots: Option<&str>) -> Result<ClientConfig, String> {
    config_as(proof, roots, None)
}

/// The same, as somebody.
///
/// # Errors
/// As [`config`]; a key that is none, or does not belong to the certificate.
pub fn config_as(proof: Proof, roots: Option<&str>, identity: Option<Identity<'_>>) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS does not start: {e}"))?;
    let builder = match proof {
        Proof::Full => builder.with_root_certificates(Arc::new(store(roots)?)),
        Proof::Nothing => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))),
        Proof::Authority => {
            let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(store(roots)?), provider)
                .build()
                .map_err(|e| format!("TLS does not start: {e}"))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName(inner)))
        }
    };
    let Some(Identity { certificate, key }) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(certificate)?;
    builder
        .with_client_auth_cert(chain, private_key(key)?)
        .map_err(|e| format!("`{certificate}` and `{key}` do not make an identity: {e}"))
}

#[allow(clippy::disallowed_methods, reason = "the edge: a certificate named by the operator")]
fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|e| format!("cannot read the certificate in `{path}`: {e}"))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|e| format!("`{path}` is not a PEM file: {e}"))?;
    if chain.is_empty() { Err(format!("`{path}` holds no certificate")) } else { Ok(chain) }
}

/// The parser's own words could hold pieces of the key.
#[allow(clippy::disallowed_methods, reason = "the edge: a key named by the operator")]
fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, String> {
    let pem = std::fs::read(path).map_err(|e| format!("cannot read the key in `{path}`: {e}"))?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| format!("`{path}` holds no private key in PEM without a password"))
}

/// Why a server was not believed: which name was expected and which found, where that is it.
#[must_use]
pub fn refusal(e: &Error) -> String {
    let Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) = e else {
        return e.to_string();
    };
    let name = |text: &str| {
        text.trim_start_matches("DnsName(").trim_start_matches("IpAddress(").trim_matches(['"', ')']).to_owned()
    };
    let presented: Vec<String> = presented.iter().map(|p| format!("`{}`", name(p))).collect();
    let found = if presented.is_empty() { "no name at all".to_owned() } else { presented.join(", ") };
    format!("its certificate is for {found}, and `{}` was called", expected.to_str())
}

#[allow(clippy::disallowed_methods, reason = "the edge: a root certificate named by the operator")]
fn store(roots: Option<&str>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let Some(path) = roots else {
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        return if store.is_empty() { Err("this system has no root certificates".to_owned()) } else { Ok(store) };
    };
    let pem = std::fs::read(path).map_err(|e| format!("cannot read the root certificates in `{path}`: {e}"))?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|e| format!("`{path}` is not a PEM file: {e}"))?;
        store.add(certificate).map_err(|e| format!("`{path}` holds a certificate that is no root: {e}"))?;
    }
    if store.is_empty() { Err(format!("`{path}` holds no certificate")) } else { Ok(store) }
}

/// A certificate that is not trusted: why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrusted {
    pub message: String,
    pub help: String,
}

/// What is wrong with a server's certificate, when that is what an error is about.
#[must_use]
pub fn explain(error: &(dyn std::error::Error + 'static)) -> Option<Untrusted> {
    let mut next = Some(error);
    while let Some(e) = next {
        if let Some(Error::InvalidCertificate(why)) = e.downcast_ref::<Error>() {
            return Some(untrusted(why));
        }
        // What an IO error carries is not among its causes.
        let carried = e.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match carried {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => e.source(),
        };
    }
    None
}

fn untrusted(why: &CertificateError) -> Untrusted {
    let told = |message: String, help: &str| Untrusted { message, help: help.to_owned() };
    let day = |at: UnixTime| {
        let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
        crate::value::Timestamp::from_second(seconds).map_or_else(|_| "long ago".to_owned(), |t| t.to_string())
    };
    match why {
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let found: Vec<String> = presented.iter().map(|name| format!("`{}`", bare(name))).collect();
            let found = if found.is_empty() { "no name".to_owned() } else { found.join(", ") };
            told(
                format!("the server's certificate is for another name: `{expected}` was expected, {found} was found"),
                "connect by a name of the certificate, or give the server one for this name as a subject alternative name",
            )
        }
        CertificateError::NotValidForName => {
            told("the server's certificate is for another name".to_owned(), "connect by a name of the certificate")
        }
        CertificateError::ExpiredContext { not_after, .. } => told(
            format!("the server's certificate expired at {}", day(*not_after)),
            "renew it at the server, and look whether this machine's clock is right",
        ),
        CertificateError::Expired => told("the server's certificate has expired".to_owned(), "renew it at the server"),
        CertificateError::NotValidYetContext { not_before, .. } => told(
            format!("the server's certificate is not valid before {}", day(*not_before)),
            "look whether this machine's clock is right",
        ),
        CertificateError::UnknownIssuer => told(
            "nobody that is trusted here vouches for the server's certificate".to_owned(),
            "name the authority's file (`sslrootcert=FILE` for Postgres), or put it among the system's roots",
        ),
        other => told(
            format!("the server's certificate is not trusted: {}", Error::InvalidCertificate(other.clone())),
            "see who answers there: `openssl s_client -connect HOST:PORT`",
        ),
    }
}

/// `DnsName("web.example")` → `web.example`.
fn bare(name: &str) -> &str {
    name.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map_or(name, |(inner, _)| inner)
}

#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// For a system without root certificates: every server is refused.
///
/// # Errors
/// TLS does not start.
pub fn trusting_nobody() -> Result<ClientConfig, String> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS does not start: {e}"))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}
