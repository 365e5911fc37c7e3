//! A blocking stream with TLS: what arrives is decrypted, what is written is encrypted, and nothing waits beyond its deadline.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};

/// How long the stream may take for the last that TLS has to say.
const LAST: Duration = Duration::from_secs(10);

/// A configuration with a certificate for this machine that is made on the spot, and signed by itself.
pub(crate) fn self_signed() -> Result<Arc<ServerConfig>, Box<dyn std::error::Error>> {
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config =
        ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(Arc::new(config))
}

/// A stream, the state of TLS on it, and the origin of its times.
pub(crate) struct Tls {
    session: ServerConnection,
    stream: TcpStream,
    started: Instant,
}

impl Tls {
    pub(crate) fn accept(stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self { session, stream, started: Instant::now() })
    }

    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reads what has been decrypted, after decrypting what has arrived: 0 bytes at the end, `None` if nothing came in time.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        deadline: Option<Duration>,
    ) -> io::Result<Option<usize>> {
        loop {
            match self.session.reader().read(buffer) {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The stream has ended without a word of TLS. WebSocket finds out itself what is missing.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Some(0)),
                Err(error) => return Err(error),
            }
            // What TLS itself has to say goes first: the client may wait for it. Who sends a byte at a time is late all the same.
            if !self.flush(deadline)? || deadline.is_some_and(|at| at <= self.now()) {
                return Ok(None);
            }
            self.stream.set_read_timeout(self.wait(deadline))?;
            match self.session.read_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
            if let Err(error) = self.session.process_new_packets() {
                // The alert that says what is wrong.
                let _ = self.flush(deadline);
                return Err(io::Error::other(error));
            }
        }
    }

    /// Takes bytes to be encrypted, as many as there is room for.
    pub(crate) fn encrypt(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.session.writer().write(bytes)
    }

    /// Writes what is encrypted; whether the stream took all of it in time.
    pub(crate) fn flush(&mut self, deadline: Option<Duration>) -> io::Result<bool> {
        while self.session.wants_write() {
            self.stream.set_write_timeout(self.wait(deadline))?;
            match self.session.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Says that nothing will follow, first in TLS, then in TCP.
    pub(crate) fn shutdown_write(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.flush(Some(self.now() + LAST))?;
        match self.stream.shutdown(Shutdown::Write) {
            // The client was faster.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            shut => shut,
        }
    }

    /// A timeout of zero would mean "none" to the standard library.
    fn wait(&self, deadline: Option<Duration>) -> Option<Duration> {
        deadline.map(|at| at.saturating_sub(self.now()).max(Duration::from_millis(1)))
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
