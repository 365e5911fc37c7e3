//! One stream to the testee: what waits to be written is written while what arrives is read, so that neither side can block the
//! other; nothing waits longer than its deadline.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::tls::{Secure, Tls};

/// How much is read at a time.
const READ: usize = 64 << 10;

/// How much is read after a deadline: what had arrived by then waits in the system's buffers, and has to be seen. Who sends more than they
/// hold is still sending, and would be read without an end.
const OVERTIME: usize = 16 << 20;

/// The time between writes of a few octets.
const PAUSE: Duration = Duration::from_micros(60);

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The testee closed its side.
    Closed,
    /// It was reset.
    Reset,
}

/// What a turn has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Bytes arrived, or the stream ended; both are seen in the link.
    Read,
    /// All that waited to be written is written.
    Flushed,
    TimedOut,
}

/// Bytes that wait to be written.
struct Chunk {
    bytes: Arc<[u8]>,
    at: usize,
    /// At most this much in one write call.
    chop: usize,
}

/// A stream that doesn't block.
pub(crate) struct Link {
    stream: TcpStream,
    tls: Option<Tls>,
    poll: Poll,
    events: Events,
    queue: VecDeque<Chunk>,
    readable: bool,
    writable: bool,
    ended: Option<End>,
    /// Whether writing has failed: the testee is gone, or takes nothing any more.
    deaf: bool,
    buffer: Vec<u8>,
    /// How much was read after the deadline of a turn.
    overtime: usize,
    received: u64,
    sent: u64,
}

impl Link {
    /// Connects, by TLS if that is wanted.
    pub(crate) fn connect(
        address: SocketAddr,
        secure: Option<&Secure>,
        wait: Duration,
    ) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect_timeout(&address, wait)?;
        Self::new(stream, secure.map(Secure::connection).transpose()?)
    }

    /// A stream that is connected, and the TLS that is spoken on it.
    pub(crate) fn new(stream: std::net::TcpStream, tls: Option<Tls>) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut stream = TcpStream::from_std(stream);
        let poll = Poll::new()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(0), both)?;
        Ok(Self {
            stream,
            tls,
            poll,
            events: Events::with_capacity(4),
            queue: VecDeque::new(),
            readable: true,
            writable: true,
            ended: None,
            deaf: false,
            buffer: Vec::new(),
            overtime: 0,
            received: 0,
            sent: 0,
        })
    }

    /// Queues bytes. They are written in the turns that follow.
    pub(crate) fn queue(&mut self, bytes: impl Into<Arc<[u8]>>, chop: usize) {
        let bytes = bytes.into();
        if !bytes.is_empty() && !self.deaf {
            self.queue.push_back(Chunk { bytes, at: 0, chop: chop.max(1) });
        }
    }

    pub(crate) fn is_flushed(&self) -> bool {
        self.queue.is_empty() && !self.records_wait()
    }

    /// Whether records of TLS wait to be written.
    fn records_wait(&self) -> bool {
        !self.deaf && self.tls.as_ref().is_some_and(Tls::wants_write)
    }

    /// Whether the testee takes nothing any more.
    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf
    }

    pub(crate) fn ended(&self) -> Option<End> {
        self.ended
    }

    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    pub(crate) const fn sent(&self) -> u64 {
        self.sent
    }

    /// What has arrived and was not taken yet.
    pub(crate) fn take_arrived(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Closes our side; the testee's end is still read.
    pub(crate) fn shut(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.shut(&mut self.stream);
        }
        let _ = self.stream.shutdown(Shutdown::Write);
        self.deaf = true;
    }

    /// One turn: writes and reads what is possible, and waits until something is or the time has come. Without `read` nothing is
    /// read: a slow reader.
    pub(crate) fn turn(&mut self, until: Instant, read: bool) -> Turn {
        let waited_for_output = !self.is_flushed();
        if Instant::now() < until {
            self.overtime = 0;
        }
        loop {
            self.write();
            if read && waited_for_output && !self.readable && self.is_flushed() {
                // A testee that takes everything at once would otherwise never be heard: no turn would wait.
                self.wait(Duration::ZERO);
            }
            // What TLS has to hear before anything else can be sent is read by the slowest reader, too.
            let read = read || self.tls.as_ref().is_some_and(|tls| !tls.is_open());
            let read = read && self.readable && self.ended.is_none();
            if read && self.overtime <= OVERTIME {
                let before = self.buffer.len();
                if self.read() {
                    self.overtime += self.buffer.len() - before;
                    return Turn::Read;
                }
            }
            if waited_for_output && self.is_flushed() {
                return Turn::Flushed;
            }
            if self.ended.is_some() && (self.queue.is_empty() || self.deaf) {
                return Turn::Read;
            }
            let now = Instant::now();
            if now >= until {
                return Turn::TimedOut;
            }
            if self.writable && self.can_write() {
                continue;
            }
            // A turn of the poll is bounded, so that nothing is missed for longer than that.
            self.wait((until - now).min(Duration::from_millis(200)));
        }
    }

    /// Waits until the stream can be read or written, and notes which.
    fn wait(&mut self, at_most: Duration) {
        if self.poll.poll(&mut self.events, Some(at_most)).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        for event in &self.events {
            self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            self.writable |= event.is_writable() || event.is_error();
        }
    }

    /// Writes as much as the stream takes, up to a bound, so that reading gets its turn. Between a few octets and the next there is
    /// a pause, so that they arrive apart.
    fn write(&mut self) {
        if let Some(tls) = &mut self.tls
            && self.writable
            && tls.wants_write()
            && let Err(error) = tls.flush(&mut self.stream)
        {
            self.failed_to_write(&error);
        }
        for i in 0..64 {
            let Some(chunk) = self.queue.front_mut() else { return };
            let small = chunk.chop < 32;
            if small && i > 0 {
                return;
            }
            if small && chunk.at > 0 {
                std::thread::sleep(PAUSE);
            }
            if !self.writable {
                return;
            }
            let end = chunk.bytes.len().min(chunk.at.saturating_add(chunk.chop));
            let bytes = &chunk.bytes[chunk.at..end];
            let written = match &mut self.tls {
                Some(tls) => tls.write(bytes, &mut self.stream),
                None => self.stream.write(bytes),
            };
            match written {
                // TLS has no room for more, or is not open yet.
                Ok(0) => return,
                Ok(count) => {
                    chunk.at += count;
                    self.sent += count as u64;
                    if chunk.at == chunk.bytes.len() {
                        self.queue.pop_front();
                    }
                }
                Err(error) => {
                    if self.tls.as_ref().is_some_and(|tls| !tls.wants_write())
                        && error.kind() == ErrorKind::WouldBlock
                    {
                        // It waits for the testee's part of the handshake.
                        return;
                    }
                    self.failed_to_write(&error);
                }
            }
        }
    }

    fn failed_to_write(&mut self, error: &io::Error) {
        match error.kind() {
            ErrorKind::WouldBlock => self.writable = false,
            ErrorKind::Interrupted => {}
            _ => {
                // What the testee has sent before it went is still to be read.
                self.deaf = true;
                self.queue.clear();
            }
        }
    }

    /// Whether a write now would do something.
    fn can_write(&self) -> bool {
        match &self.tls {
            Some(tls) => {
                !self.deaf && (tls.wants_write() || (tls.is_open() && !self.queue.is_empty()))
            }
            None => !self.queue.is_empty(),
        }
    }

    /// Whether something was read, or the end.
    fn read(&mut self) -> bool {
        let start = self.buffer.len();
        self.buffer.resize(start + READ, 0);
        let result = match &mut self.tls {
            Some(tls) => tls.read(&mut self.buffer[start..], &mut self.stream),
            None => self.stream.read(&mut self.buffer[start..]),
        };
        let count = *result.as_ref().unwrap_or(&0);
        self.buffer.truncate(start + count);
        match result {
            Ok(0) => self.ended = Some(End::Closed),
            Ok(count) => self.received += count as u64,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => self.readable = false,
                ErrorKind::Interrupted => {}
                _ => self.ended = Some(End::Reset),
            },
        }
        count > 0 || self.ended.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A server that answers, and takes whatever it is sent, is heard in the middle of a flood.
    #[test]
    fn what_arrives_is_seen_though_no_write_ever_waits() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let client = TcpStream::connect(listener.local_addr()?)?;
        let (mut server, _) = listener.accept()?;
        let mut link = Link::new(client, None)?;
        let mut taken = [0; 4 << 10];
        let bytes: Arc<[u8]> = taken.into();
        let until = Instant::now() + Duration::from_secs(20);
        for round in 0..100 {
            link.queue(Arc::clone(&bytes), usize::MAX);
            while !link.is_flushed() {
                assert_ne!(link.turn(until, true), Turn::TimedOut);
            }
            server.read_exact(&mut taken)?;
            if round == 10 {
                server.write_all(b"no")?;
            }
        }
        assert_eq!(link.take_arrived(), b"no");
        Ok(())
    }
}
