//! TLS beneath a link, for `wss`: whom to trust, who we are, and the records.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, RootCertStore, ServerConfig,
    ServerConnection, SignatureScheme,
};

/// What a TLS connection needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Secure {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Secure {
    /// Trusts the certificates of this file, or, without one, whoever is there; and asks for HTTP/2, if that is wanted.
    ///
    /// # Errors
    ///
    /// What to tell the user: the file can't be read, or the host's name is none that a certificate can have.
    pub(crate) fn new(host: &str, authorities: Option<&Path>, http2: bool) -> Result<Self, String> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| format!("{host} is no name that a certificate can have"))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = match authorities {
            Some(path) => {
                let wrong = |why: String| format!("{}: {why}", path.display());
                let mut roots = RootCertStore::empty();
                let found =
                    CertificateDer::pem_file_iter(path).map_err(|e| wrong(e.to_string()))?;
                for certificate in found {
                    let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                    roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(wrong("no certificate is in it".to_owned()));
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            None => {
                let anybody = Arc::new(Anybody(provider));
                builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth()
            }
        };
        if http2 {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        Ok(Self { config: Arc::new(config), name })
    }

    /// A connection that has not begun.
    pub(crate) fn connection(&self) -> io::Result<Tls> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        connection.map(|connection| Tls(Box::new(connection.into()))).map_err(io::Error::other)
    }

    /// For those who bring the records to a stream themselves.
    #[cfg(feature = "http2")]
    pub(super) fn parts(&self) -> (Arc<ClientConfig>, ServerName<'static>) {
        (Arc::clone(&self.config), self.name.clone())
    }
}

/// Who we are to clients.
#[derive(Clone, Debug)]
pub(crate) struct Identity(Arc<ServerConfig>);

impl Identity {
    /// The chain of this file and the key of that, both in PEM.
    ///
    /// # Errors
    ///
    /// What to tell the user: a file can't be read, or they don't fit.
    pub(crate) fn new(certificate: &Path, key: &Path) -> Result<Self, String> {
        let wrong = |path: &Path, why: String| format!("{}: {why}", path.display());
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(certificate, error.to_string()))?;
        let secret =
            PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(|error| wrong(certificate, error.to_string()))?;
        Ok(Self(Arc::new(config)))
    }

    /// A connection that has not begun.
    pub(crate) fn connection(&self) -> io::Result<Tls> {
        let connection = ServerConnection::new(Arc::clone(&self.0));
        connection.map(|connection| Tls(Box::new(connection.into()))).map_err(io::Error::other)
    }
}

/// The records of one connection.
pub(crate) struct Tls(Box<Connection>);

impl Tls {
    /// Whether records wait to be written.
    pub(crate) fn wants_write(&self) -> bool {
        self.0.wants_write()
    }

    /// Whether its handshake is done.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.is_handshaking()
    }

    /// Takes what is to be sent, as much as it has room for, and writes records as far as the stream takes them.
    pub(crate) fn write(&mut self, bytes: &[u8], stream: &mut impl Write) -> io::Result<usize> {
        self.flush(stream)?;
        if self.0.is_handshaking() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.0.writer().write(bytes)?;
        match self.flush(stream) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    /// Writes the records that wait.
    pub(crate) fn flush(&mut self, stream: &mut impl Write) -> io::Result<()> {
        while self.0.wants_write() {
            if self.0.write_tls(stream)? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Reads what the testee has sent; 0 at its end.
    pub(crate) fn read(&mut self, buffer: &mut [u8], stream: &mut impl Read) -> io::Result<usize> {
        loop {
            match self.0.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An end without a word of TLS is an end, too.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                other => return other,
            }
            self.0.read_tls(stream)?;
            self.0.process_new_packets().map_err(io::Error::other)?;
        }
    }

    /// Says that no more is sent.
    pub(crate) fn shut(&mut self, stream: &mut impl Write) {
        self.0.send_close_notify();
        let _ = self.flush(stream);
    }
}

/// Trusts whoever is there: it is a test of WebSocket.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
