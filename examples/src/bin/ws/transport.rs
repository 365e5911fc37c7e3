//! A non-blocking stream, plain or with TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use sockless::handshake::Url;

use super::ending::Ending;
use super::is_idle;

const STREAM: Token = Token(0);
const WAKER: Token = Token(1);

/// A stream, and what the system says about it.
pub(crate) struct Wire {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    poll: Poll,
    events: Events,
    /// Whether a read may bring something. The system only tells when that changes.
    readable: bool,
}

impl Wire {
    /// Begins TLS where the URL asks for it.
    pub(crate) fn new(
        stream: std::net::TcpStream,
        url: &Url<'_>,
        insecure: bool,
    ) -> Result<Self, Ending> {
        let tls = url.is_secure().then(|| begin_tls(url, insecure)).transpose()?;
        Self::register(stream, tls).map_err(Ending::lost)
    }

    fn register(
        stream: std::net::TcpStream,
        tls: Option<Box<ClientConnection>>,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut stream = TcpStream::from_std(stream);
        let poll = Poll::new()?;
        poll.registry().register(&mut stream, STREAM, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, tls, poll, events: Events::with_capacity(4), readable: true })
    }

    /// Wakes [`wait`](Self::wait) from another thread.
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKER)
    }

    /// Waits until something can be read or written, or somebody wakes, or the time is over.
    pub(crate) fn wait(&mut self, time: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(time)) {
            Ok(()) => {}
            Err(error) if is_idle(&error) => {}
            Err(error) => return Err(error),
        }
        for event in &self.events {
            self.readable |=
                event.token() == STREAM && (event.is_readable() || !event.is_writable());
        }
        Ok(())
    }

    /// Reads what has arrived: `None` if nothing has.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if !self.readable {
            return Ok(None);
        }
        match self.read_now(buffer) {
            Ok(count) => Ok(Some(count)),
            Err(error) if is_idle(&error) => {
                self.readable = error.kind() == ErrorKind::Interrupted;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read(buffer);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            tls.read_tls(&mut self.stream)?;
            let taken = tls.process_new_packets();
            // An answer of the TLS handshake, or the alert that says what is wrong.
            while tls.wants_write() && tls.write_tls(&mut self.stream).is_ok() {}
            taken.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }

    /// Writes as much as the stream takes now.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.tls {
            None => self.stream.write(bytes),
            Some(tls) => tls.writer().write(bytes),
        };
        self.flush()?;
        written.or_else(|error| if is_idle(&error) { Ok(0) } else { Err(error) })
    }

    /// Writes what TLS has encrypted, as much as the stream takes now.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            return Ok(());
        };
        while tls.wants_write() {
            match tls.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if is_idle(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tells the server that nothing more will come.
    pub(crate) fn shutdown(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        // If the server is gone, there is nobody to tell.
        let _ = self.flush();
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

fn begin_tls(url: &Url<'_>, insecure: bool) -> Result<Box<ClientConnection>, Ending> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Ending::unreached(format!("no TLS: {error}")))?;
    let mut config = if insecure {
        let anyone = Arc::new(Anyone(provider));
        builder.dangerous().with_custom_certificate_verifier(anyone).with_no_client_auth()
    } else {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Ending::unreached(
                "this system has no certificates of authorities to trust: install its package of them \
                 (ca-certificates, say), or name a file with SSL_CERT_FILE=FILE"
                    .into(),
            ));
        }
        builder.with_root_certificates(roots).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(url.address().to_owned())
        .map_err(|error| Ending::unusable(format!("{}: {error}", url.host())))?;
    let tls = ClientConnection::new(Arc::new(config), name)
        .map_err(|error| Ending::unreached(format!("no TLS: {error}")))?;
    Ok(Box::new(tls))
}

/// Trusts any certificate, as `--insecure` demands.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
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
