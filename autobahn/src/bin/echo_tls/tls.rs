//! A stream with TLS: what arrives is decrypted, what is written is encrypted, and nothing blocks but [`Tls::wait`].

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};

/// A configuration with a certificate for this machine that is made on the spot, and signed by itself.
pub(crate) fn config() -> Result<Arc<ServerConfig>, Box<dyn std::error::Error + Send + Sync>> {
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(Arc::new(config))
}

/// A stream, and the state of TLS on it.
pub(crate) struct Tls {
    session: ServerConnection,
    stream: TcpStream,
    poll: Poll,
    events: Events,
    /// Whether there may be something to read from the stream: the poll tells of every change, and no more.
    readable: bool,
}

/// What has come of a read.
pub(crate) enum Arrived {
    Bytes(usize),
    Nothing,
    End,
}

impl Tls {
    pub(crate) fn accept(
        stream: std::net::TcpStream,
        config: Arc<ServerConfig>,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        let (poll, mut stream) = (Poll::new()?, TcpStream::from_std(stream));
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(0), both)?;
        Ok(Self { session, stream, poll, events: Events::with_capacity(4), readable: false })
    }

    /// Reads what has been decrypted, after decrypting what has arrived.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Arrived> {
        loop {
            match self.session.reader().read(buffer) {
                // The client has said that it ends; or the stream has ended without a word, which WebSocket finds out itself.
                Ok(0) => return Ok(Arrived::End),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Arrived::End),
                Ok(count) => return Ok(Arrived::Bytes(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if !self.readable {
                return Ok(Arrived::Nothing);
            }
            match self.session.read_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Ok(Arrived::End);
                }
                Err(error) => return Err(error),
            }
            if let Err(error) = self.session.process_new_packets() {
                // The alert that says what is wrong.
                let _ = self.flush();
                return Err(io::Error::other(error));
            }
        }
    }

    /// Takes bytes to be encrypted, as many as there is room for.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.session.writer().write(bytes)
    }

    /// Writes what is encrypted; whether the stream took all.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Says that nothing will follow; it is flushed like all that TLS says.
    pub(crate) fn close(&mut self) {
        self.session.send_close_notify();
    }

    /// Closes the writing side of the stream.
    pub(crate) fn half_close(&mut self) -> io::Result<()> {
        match self.stream.shutdown(Shutdown::Write) {
            // The client was faster.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            shut => shut,
        }
    }

    /// Waits until the stream is readable or writable, but for no longer than this.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.readable |=
            self.events.iter().any(|event| event.is_readable() || event.is_read_closed());
        Ok(())
    }
}
