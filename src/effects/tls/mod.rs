//! TLS for every provider: rustls with ring, the system's roots or a given file's.
mod explain;

use std::sync::Arc;

pub use explain::{Explained, Why, carried, explained};
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
