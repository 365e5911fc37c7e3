//! A stream that speaks TLS on TCP, read by one thread and written by another.
//!
//! The session is locked only while it is worked on: never while a call waits for the network. Ciphertext is read outside of that lock, by the reading
//! thread alone; it is written in the order in which it was made, by whoever has the lock on what goes out. The reading thread, which may have an
//! answer of TLS's own to write, doesn't wait for that lock: who has it sees that there is more.

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::{Connection, ServerConfig, ServerConnection};

use crate::stream::Stream;
use crate::timed::{SHORTEST, is_timeout};

/// How much ciphertext is read at once.
const INCOMING: usize = 16 << 10;
/// How much is encrypted before it has to be written: a record.
const RECORD: usize = 16 << 10;
/// How long the end of TLS may take to be written.
const LINGER: Duration = Duration::from_secs(1);

/// A stream that speaks TLS. The handshake is done by the first read or write. At the end, telling the peer may take a second.
pub struct TlsStream {
    below: TcpStream,
    session: Mutex<Connection>,
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
}

/// Ciphertext that has been read: used by reads alone.
#[derive(Default)]
struct Incoming {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// Ciphertext that is to be written.
#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
    /// How much of what is offered to `write` is in there, or has been written, and has not been said to be.
    taken: usize,
}

impl TlsStream {
    /// A server's stream on one that was accepted.
    ///
    /// # Errors
    ///
    /// If the configuration can't be used.
    pub fn accept(stream: TcpStream, config: impl Into<Arc<ServerConfig>>) -> io::Result<Self> {
        let session = ServerConnection::new(config.into()).map_err(io::Error::other)?;
        Ok(Self::new(stream, session))
    }

    /// A stream with a session of the caller's.
    pub fn new(stream: TcpStream, session: impl Into<Connection>) -> Self {
        Self {
            below: stream,
            session: Mutex::new(session.into()),
            incoming: Mutex::default(),
            outgoing: Mutex::default(),
        }
    }

    /// The TCP stream below: for its addresses and options.
    pub fn tcp(&self) -> &TcpStream {
        &self.below
    }

    /// The certificates that the peer has shown, its own first.
    pub fn peer_certificates(&self) -> Option<Vec<rustls::pki_types::CertificateDer<'static>>> {
        lock(&self.session).peer_certificates().map(|all| all.to_vec())
    }

    /// Goes on with the handshake, and waits for at most this long: whether it is over.
    pub(super) fn handshake(&self, wait: Option<Duration>) -> io::Result<bool> {
        let wait = wait.map(|wait| wait.max(SHORTEST));
        self.below.set_read_timeout(wait)?;
        self.below.set_write_timeout(wait)?;
        match self.shake_hands() {
            Err(error) if is_timeout(&error) => Ok(false),
            result => result,
        }
    }

    /// Takes a step of the handshake, with the timeouts that are set: whether it is over.
    fn shake_hands(&self) -> io::Result<bool> {
        self.write_ciphertext(&mut lock(&self.outgoing))?;
        if !lock(&self.session).is_handshaking() {
            return Ok(true);
        }
        match self.read_ciphertext(&mut lock(&self.incoming))? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(false),
        }
    }

    /// Reads ciphertext and hands all that the session takes to it: how much has been read.
    fn read_ciphertext(&self, incoming: &mut Incoming) -> io::Result<usize> {
        let mut count = incoming.end - incoming.start;
        if count == 0 {
            incoming.bytes.resize(INCOMING, 0);
            count = Stream::read(&self.below, &mut incoming.bytes)?;
            (incoming.start, incoming.end) = (0, count);
        }
        let mut session = lock(&self.session);
        if count == 0 {
            // It notes the end.
            session.read_tls(&mut io::empty())?;
            return Ok(0);
        }
        let mut rest = &incoming.bytes[incoming.start..incoming.end];
        let before = rest.len();
        // It takes no more while what it has decrypted waits to be read.
        while !rest.is_empty() && session.read_tls(&mut rest)? > 0 {
            let state = match session.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    drop(session);
                    // The alert that says so is worth a try.
                    let _ = self.answer();
                    return Err(io::Error::new(ErrorKind::InvalidData, error));
                }
            };
            if state.plaintext_bytes_to_read() > 0 {
                break;
            }
        }
        incoming.start += before - rest.len();
        Ok(count)
    }

    /// Writes what the session has to say, unless another thread writes: that one will.
    fn answer(&self) -> io::Result<()> {
        loop {
            match self.outgoing.try_lock() {
                // What was offered to `write` is offered again: it goes out then.
                Ok(outgoing) if outgoing.taken > 0 => return Ok(()),
                Ok(mut outgoing) => self.write_ciphertext(&mut outgoing)?,
                Err(_) => return Ok(()),
            }
            // Something may have come up after the last look, while nobody else could have the lock.
            if !lock(&self.session).wants_write() {
                return Ok(());
            }
        }
    }

    /// Encrypts and writes a record; what the last call couldn't write comes first.
    fn write_record(&self, bytes: &[u8], outgoing: &mut Outgoing) -> io::Result<usize> {
        self.write_ciphertext(outgoing)?;
        if outgoing.taken == 0 {
            let record = &bytes[..bytes.len().min(RECORD)];
            outgoing.taken = lock(&self.session).writer().write(record)?;
            self.write_ciphertext(outgoing)?;
        }
        Ok(std::mem::take(&mut outgoing.taken))
    }

    /// Writes all ciphertext.
    fn write_ciphertext(&self, outgoing: &mut Outgoing) -> io::Result<()> {
        loop {
            while outgoing.written < outgoing.bytes.len() {
                match Stream::write(&self.below, &outgoing.bytes[outgoing.written..])? {
                    0 => return Err(ErrorKind::WriteZero.into()),
                    count => outgoing.written += count,
                }
            }
            outgoing.bytes.clear();
            outgoing.written = 0;
            let mut session = lock(&self.session);
            if !session.wants_write() {
                return Ok(());
            }
            while session.wants_write() {
                session.write_tls(&mut outgoing.bytes)?;
            }
        }
    }
}

impl Stream for TlsStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let incoming = &mut lock(&self.incoming);
        for turn in 0..2 {
            let decrypted = lock(&self.session).reader().read(buffer);
            match decrypted {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // A stream that ends without TLS's own end has been cut off.
                decrypted => return decrypted,
            }
            if turn == 0 {
                self.read_ciphertext(incoming)?;
                // What it can't write now, it can later.
                match self.answer() {
                    Err(error) if !is_timeout(&error) => return Err(error),
                    _ => {}
                }
            }
        }
        Err(ErrorKind::WouldBlock.into())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        if lock(&self.session).is_handshaking() && !self.shake_hands()? {
            // What is written before the handshake is over would go out with it, later.
            return Err(ErrorKind::WouldBlock.into());
        }
        let written = self.write_record(bytes, &mut lock(&self.outgoing))?;
        // What failed now fails again with the next call.
        let _ = self.answer();
        Ok(written)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.below.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.below.set_write_timeout(timeout)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        lock(&self.session).send_close_notify();
        self.below.set_write_timeout(Some(LINGER))?;
        let written = self.write_ciphertext(&mut lock(&self.outgoing));
        Stream::shutdown_write(&self.below)?;
        written
    }

    fn close(&self) {
        Stream::close(&self.below);
    }

    /// The first read may have to write.
    fn prepare(&self) -> io::Result<()> {
        self.below.prepare()?;
        self.below.set_write_timeout(Some(LINGER))
    }
}

/// Nothing is done under a lock here that leaves half of a change, should it panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("below", &self.below).finish_non_exhaustive()
    }
}
