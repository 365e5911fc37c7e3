//! A non-blocking stream, plain or with TLS: what can be read and written now, and waiting until that changes or somebody wakes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::ClientConnection;

use crate::way::Stream;

const STREAM: Token = Token(0);
const WAKER: Token = Token(1);

/// A stream, and what the system says about it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Socket,
    tls: Option<Box<ClientConnection>>,
    poll: Poll,
    events: Events,
    /// Wakes [`wait`](Self::wait) from other threads.
    waker: Arc<Waker>,
    /// Whether a read may bring something. The system only tells when that changes.
    readable: bool,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(mio::net::UnixStream),
}

impl Wire {
    pub(crate) fn new(stream: Stream, tls: Option<Box<ClientConnection>>) -> io::Result<Self> {
        let mut stream = match stream {
            Stream::Tcp(stream) => {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                Socket::Tcp(TcpStream::from_std(stream))
            }
            #[cfg(unix)]
            Stream::Unix(stream) => {
                stream.set_nonblocking(true)?;
                Socket::Unix(mio::net::UnixStream::from_std(stream))
            }
        };
        let poll = Poll::new()?;
        poll.registry().register(
            stream.source(),
            STREAM,
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Self { stream, tls, poll, events: Events::with_capacity(4), waker, readable: true })
    }

    /// What wakes [`wait`](Self::wait) from other threads.
    pub(crate) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    /// Waits until something can be read or written, or somebody wakes, or the time is over.
    pub(crate) fn wait(&mut self, time: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, time) {
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

    /// Whether TLS is still to be agreed on.
    pub(crate) fn is_opening_tls(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Writes as much as the stream takes now; zero if it takes nothing.
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

    /// Tells the peer that nothing more will come.
    pub(crate) fn shutdown(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        // If the peer is gone, there is nobody to tell.
        let _ = self.flush();
        let _ = match &self.stream {
            Socket::Tcp(stream) => stream.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Socket::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }
}

/// Whether an error only says that there is nothing to do now.
fn is_idle(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Socket {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(stream) => stream,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
