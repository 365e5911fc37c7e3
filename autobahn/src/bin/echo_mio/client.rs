//! One client's turn: read, poll, write, until nothing is left to be done or the turn is over.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::ops::Range;
use std::time::Duration;

use bytes::Buf;
use mio::net::TcpStream;
use sockless::connection::{Borrowed, Loan};
use sockless::handshake::Acceptor;
use sockless::{CloseCode, Connection, Event, Input, Server, Want};
use sockless_autobahn::answer::{answer, sent};
use sockless_autobahn::opening::{Opening, Terms};

/// How much is read at once. A message that arrives whole in one read is echoed without being copied.
const READ: usize = 256 << 10;
/// How often a client may read in one turn, so that a busy one does not keep the others waiting.
const READS: u32 = 8;
/// From how many bytes on a message is written straight from the read buffer, which saves a copy and costs a write of its own.
const LARGE: usize = 32 << 10;
/// The output buffer that is kept; one that has grown beyond is given back.
const SPARE: usize = 1 << 20;
/// How long a client that was answered may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);

/// What all clients share.
pub(crate) struct Shared {
    terms: Terms,
    buffer: Box<[u8]>,
    /// Lent to each client for its turn. One whose output the system does not take at once keeps it, until it does.
    spare: Vec<u8>,
    /// The time, looked at once for all that became ready together.
    pub(crate) now: Duration,
}

impl Shared {
    pub(crate) fn new(terms: Terms) -> Self {
        let buffer = vec![0; READ].into_boxed_slice();
        Self { terms, buffer, spare: Vec::new(), now: Duration::ZERO }
    }
}

/// What becomes of a client after its turn.
pub(crate) enum Next {
    /// It waits for the poll, or for a time.
    Wait(Option<Duration>),
    /// There is more to read than one turn allows.
    Again,
    /// It is gone.
    Gone,
}

/// A client. One that is open and idle has no memory beside this.
pub(crate) struct Client {
    link: Link,
    phase: Phase,
    /// The entry among the timers that counts.
    pub(crate) wake: Option<Duration>,
}

#[allow(clippy::large_enum_variant, reason = "of the largest one there are thousands")]
enum Phase {
    /// The opening handshake.
    Opening(Box<Acceptor<'static>>),
    /// An open connection.
    Open(Connection<Server>),
    /// A client that was answered otherwise.
    Answered(Box<Answer>),
}

impl Client {
    pub(crate) fn new(stream: TcpStream, shared: &Shared) -> Self {
        // Without it the kernel keeps small messages back for as long as 40 ms. A stream that refuses is a lost one.
        let _ = stream.set_nodelay(true);
        let acceptor = Acceptor::new(&shared.terms.handshake, shared.now);
        Self {
            link: Link { stream, readable: false, ended: false },
            phase: Phase::Opening(Box::new(acceptor)),
            wake: None,
        }
    }

    /// Takes note of what the poll says: that there is something to read, and that its end has come.
    pub(crate) fn note(&mut self, readable: bool, ended: bool) {
        self.link.readable |= readable | ended;
        self.link.ended |= ended;
    }

    /// Begins to close an open connection; whether there is one.
    pub(crate) fn leave(&mut self, now: Duration) -> bool {
        let Phase::Open(connection) = &mut self.phase else { return false };
        // One that closes already has nothing to add.
        let _ = connection.close(CloseCode::GOING_AWAY, "the server stops", now);
        true
    }

    pub(crate) fn turn(&mut self, shared: &mut Shared) -> Next {
        let turn = match &mut self.phase {
            Phase::Opening(_) => self.open(shared),
            Phase::Open(connection) => turn(connection, &mut self.link, shared, 0..0),
            Phase::Answered(answer) => answer.turn(&mut self.link, shared),
        };
        // A stream that breaks is the end of the client, for which there is nobody left to tell.
        turn.unwrap_or(Next::Gone)
    }

    fn open(&mut self, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Opening(acceptor) = &mut self.phase else { return Ok(Next::Gone) };
        let (asked, first) = loop {
            let (mut input, end) = match self.link.read(&mut shared.buffer)? {
                Arrived::Bytes(end) => (Input::new(&mut shared.buffer[..end]), end),
                Arrived::Nothing => (Input::none(), 0),
                Arrived::End => (Input::eof(), 0),
            };
            match acceptor.poll(&mut input, shared.now) {
                Some(asked) => break (asked, end - input.len()..end),
                None if end > 0 => {}
                None => return Ok(Next::Wait(acceptor.deadline())),
            }
        };
        match shared.terms.open(asked) {
            Opening::Open(mut connection) => {
                let next = turn(&mut connection, &mut self.link, shared, first);
                self.phase = Phase::Open(connection);
                next
            }
            Opening::Answered(bytes) => {
                let mut answer = Answer { bytes, written: 0, deadline: shared.now + LINGER };
                let next = answer.turn(&mut self.link, shared);
                self.phase = Phase::Answered(Box::new(answer));
                next
            }
        }
    }
}

/// A turn of an open connection, with the spare buffer for its output.
fn turn(
    connection: &mut Connection<Server>,
    link: &mut Link,
    shared: &mut Shared,
    first: Range<usize>,
) -> io::Result<Next> {
    // If output waits, it has a buffer already.
    if let Err(spare) = connection.lend(Loan::Output, mem::take(&mut shared.spare)) {
        shared.spare = spare;
    }
    let next = go(connection, link, shared, first);
    if let Some(buffer) = connection.reclaim(Loan::Output)
        && buffer.capacity() <= SPARE
    {
        shared.spare = buffer;
    }
    next
}

/// It begins with what lies in this part of the shared buffer, or with a read.
fn go(
    connection: &mut Connection<Server>,
    link: &mut Link,
    shared: &mut Shared,
    first: Range<usize>,
) -> io::Result<Next> {
    let mut reads = READS;
    // Nearly every turn begins with something to read, and all else is looked at after it.
    let mut input = match connection.want() {
        Want::Io { read: true, .. } if first.is_empty() => link.input(&mut shared.buffer)?,
        _ => Input::new(&mut shared.buffer[first]),
    };
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, shared.now) {
            echo(event, connection, link)?;
        }
        // 2. Write what waits, as far as the stream takes it.
        link.write_output(connection)?;
        // 3. Do what the connection wants.
        input = match connection.want() {
            Want::Done(_) => return Ok(Next::Gone),
            Want::ShutdownWrite => {
                let _ = link.stream.shutdown(Shutdown::Write); // the peer may be gone already
                connection.shut();
                Input::none()
            }
            Want::Io { deadline: Some(at), .. } if at <= shared.now => Input::none(),
            Want::Io { read: true, .. } if link.readable => {
                if reads == 0 {
                    return Ok(Next::Again);
                }
                reads -= 1;
                link.input(&mut shared.buffer)?
            }
            Want::Io { deadline, .. } => return Ok(Next::Wait(deadline)),
        };
    }
}

/// Sends a message back.
fn echo(event: Event<'_>, connection: &mut Connection<Server>, link: &mut Link) -> io::Result<()> {
    // What is still in the read buffer is looked at where it is: to move it out of the event would cost a small message as much as
    // to decode it.
    let answered = match &event {
        // Small: copied into the batch.
        Event::Text(text) if text.is_borrowed() && text.len() < LARGE => connection.send_text(text),
        Event::Binary(bytes) if bytes.is_borrowed() && bytes.len() < LARGE => {
            connection.send_binary(bytes)
        }
        // Large: header and message are written from where they are.
        Event::Text(text) if text.is_borrowed() => match connection.send_text_borrowed(text) {
            Ok(message) => return link.write_borrowed(message),
            Err(error) => Err(error),
        },
        Event::Binary(bytes) if bytes.is_borrowed() => {
            match connection.send_binary_borrowed(bytes) {
                Ok(message) => return link.write_borrowed(message),
                Err(error) => Err(error),
            }
        }
        _ => answer(event, connection),
    };
    sent(answered).map_err(io::Error::other)
}

/// What a client gets that asked for no WebSocket. What it still sends is read until it closes, so that nothing resets the
/// stream while it reads the answer.
struct Answer {
    bytes: Vec<u8>,
    written: usize,
    deadline: Duration,
}

impl Answer {
    fn turn(&mut self, link: &mut Link, shared: &mut Shared) -> io::Result<Next> {
        while self.written < self.bytes.len() {
            match link.write(&[IoSlice::new(&self.bytes[self.written..])])? {
                0 => break,
                count => self.written += count,
            }
            if self.written == self.bytes.len() {
                let _ = link.stream.shutdown(Shutdown::Write); // the peer may be gone already
            }
        }
        loop {
            match link.read(&mut shared.buffer)? {
                Arrived::Bytes(_) if shared.now < self.deadline => {}
                Arrived::Nothing if shared.now < self.deadline => {
                    return Ok(Next::Wait(Some(self.deadline)));
                }
                _ => return Ok(Next::Gone),
            }
        }
    }
}

/// A stream, and what is known of it.
struct Link {
    stream: TcpStream,
    /// Whether there may be something to read: the poll tells of every change, and no more.
    readable: bool,
    /// Whether the end of the stream has come, behind what there is to read.
    ended: bool,
}

enum Arrived {
    Bytes(usize),
    Nothing,
    End,
}

impl Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Arrived> {
        while self.readable {
            match self.stream.read(buffer) {
                Ok(0) => return Ok(Arrived::End),
                Ok(count) => {
                    // A read that is not filled has emptied the stream: what comes after it, the poll will tell.
                    self.readable = count == buffer.len() || self.ended;
                    return Ok(Arrived::Bytes(count));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A reset is an end; what the connection makes of it, it says itself.
                Err(_) => return Ok(Arrived::End),
            }
        }
        Ok(Arrived::Nothing)
    }

    /// The same, as a connection takes it.
    fn input<'b>(&mut self, buffer: &'b mut [u8]) -> io::Result<Input<'b>> {
        Ok(match self.read(buffer)? {
            Arrived::Bytes(count) => Input::new(&mut buffer[..count]),
            Arrived::Nothing => Input::none(),
            Arrived::End => Input::eof(),
        })
    }

    /// Writes what the stream takes now; zero if it takes nothing.
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        loop {
            let written = match slices {
                [slice] => self.stream.write(slice),
                _ => self.stream.write_vectored(slices),
            };
            match written {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                written => return written,
            }
        }
    }

    /// Writes as much of a message as the stream takes now; the rest is queued.
    fn write_borrowed(&mut self, mut message: Borrowed<'_, '_, Server>) -> io::Result<()> {
        let written = self.write(&message.slices().map(IoSlice::new))?;
        message.wrote(written);
        Ok(())
    }

    /// Writes as much of the output as the stream takes now.
    fn write_output(&mut self, connection: &mut Connection<Server>) -> io::Result<()> {
        while !connection.output().is_empty() {
            let output = connection.output();
            let written = if output.len() == connection.queued() {
                // One slice, as nearly always.
                self.write(&[IoSlice::new(output)])?
            } else {
                let mut slices = [IoSlice::new(&[]); 16];
                let output = connection.drain();
                let count = output.chunks_vectored(&mut slices);
                self.write(&slices[..count])?
            };
            if written == 0 {
                break;
            }
            connection.wrote(written);
        }
        Ok(())
    }
}
