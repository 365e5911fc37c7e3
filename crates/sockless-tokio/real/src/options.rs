//! What the commands have in common in their options: values, and files of PEM.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::rustls::{self, ServerConfig};

/// The longest message.
pub(crate) const LONGEST: u64 = 64 << 20;

/// The value of an option.
pub(crate) fn value(
    name: &str,
    args: &mut impl Iterator<Item = String>,
) -> Result<String, Box<dyn Error>> {
    args.next().ok_or_else(|| format!("{name} needs a value").into())
}

/// A file of PEM.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

pub(crate) fn certificates(
    file: impl AsRef<Path>,
) -> Result<Vec<CertificateDer<'static>>, Box<dyn Error>> {
    Ok(CertificateDer::pem_file_iter(file)?.collect::<Result<_, _>>()?)
}

/// A server's TLS by a certificate and its key, which speaks these protocols.
pub(crate) fn server_tls(
    certificate: &str,
    key: &str,
    protocols: &[&[u8]],
) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let provider = Arc::new(ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates(certificate)?, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}
