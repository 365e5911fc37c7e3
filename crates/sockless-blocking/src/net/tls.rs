//! How a client speaks TLS, by rustls. The stream is in `tls_stream`.

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::tls_stream::TlsStream;

/// How a client speaks TLS. Cloning it is cheap; one serves any number of connections, which resume each other's sessions.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// With the certificates that this system trusts.
    ///
    /// # Errors
    ///
    /// If the system gives none.
    pub fn system() -> io::Result<Self> {
        let config = builder()?.with_platform_verifier().map_err(io::Error::other)?;
        Ok(Self::new(config.with_no_client_auth()))
    }

    /// With these root certificates and no others.
    ///
    /// # Errors
    ///
    /// If one of them is malformed.
    pub fn with_roots<'a>(roots: impl IntoIterator<Item = CertificateDer<'a>>) -> io::Result<Self> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.into_owned()).map_err(io::Error::other)?;
        }
        Ok(Self::new(builder()?.with_root_certificates(store).with_no_client_auth()))
    }

    /// With a configuration of the caller's, as it is: for certificates of the client, other algorithms, or no verification at all.
    pub fn with_config(config: impl Into<Arc<ClientConfig>>) -> Self {
        Self(config.into())
    }

    fn new(mut config: ClientConfig) -> Self {
        // WebSocket begins with HTTP/1.1: a server that speaks nothing but HTTP/2 says so by refusing it.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(config))
    }

    /// A stream that will speak TLS with a server of this name or address.
    pub(super) fn connect(self, host: &str, stream: TcpStream) -> io::Result<TlsStream> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let session = ClientConnection::new(self.0, name).map_err(io::Error::other)?;
        Ok(TlsStream::new(stream, session))
    }
}

fn builder() -> io::Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)
}

/// What a failure of TLS comes from, and what to do about it.
pub(crate) fn explain(error: &io::Error) -> Option<&'static str> {
    use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired: it has to be renewed there"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet: compare the clocks"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the server's certificate is for another name: use the name that it is for"
            }
            CertificateError::UnknownIssuer => {
                "nobody who is trusted vouches for the server's certificate: give its root with Tls::with_roots, if it is yours"
            }
            _ => "the server's certificate is not good",
        },
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS at this port: use a ws:// URL, or another port"
        }
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the server speaks HTTP/2 only, and WebSocket begins with HTTP/1.1 here"
        }
        _ => return None,
    })
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
