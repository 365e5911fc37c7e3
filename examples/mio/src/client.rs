//! One client's turn: read, poll, write, until nothing is left to be done or the turn is over.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use sockless::connection::Loan;
use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits, RequestError};
use sockless::{Config, Connection, Event, Input, Server, Want, endpoint};

/// How much is read at once. A message that arrives whole in one read is delivered where it is.
const READ: usize = 64 << 10;
/// How often a client may read in one turn, so that a busy one doesn't keep the others waiting.
const READS: u32 = 8;
/// How long a client that was answered otherwise may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);

/// What all clients share.
pub(crate) struct Shared {
    config: Arc<Config>,
    buffer: Box<[u8]>,
    /// Lent to each client for its turn. One whose output the system doesn't take at once keeps it, until it does.
    spare: Vec<u8>,
    /// The time, looked at once for all that became ready together.
    pub(crate) now: Duration,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let config =
            Config::default().with_keepalive(Duration::from_secs(30), Duration::from_secs(10));
        let buffer = vec![0; READ].into_boxed_slice();
        Self { config: Arc::new(config), buffer, spare: Vec::new(), now: Duration::ZERO }
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
    /// The entry among those who are due that counts.
    pub(crate) wake: Option<Duration>,
}

#[allow(clippy::large_enum_variant, reason = "of the largest one there are thousands")]
enum Phase {
    Opening(Box<Acceptor<'static>>),
    Open(Connection<Server>),
    /// It was answered otherwise: it may read the answer until this time.
    Answered(Duration),
}

impl Client {
    pub(crate) fn new(stream: TcpStream, now: Duration) -> Self {
        // Without it the system keeps small messages back for a while. A stream that refuses is a lost one.
        let _ = stream.set_nodelay(true);
        let phase = Phase::Opening(Box::new(Acceptor::new(&HeadLimits::default(), now)));
        Self { link: Link { stream, readable: false, ended: false }, phase, wake: None }
    }

    /// The poll says that there is something to read, or that the end has come.
    pub(crate) fn note(&mut self, readable: bool, ended: bool) {
        self.link.readable |= readable | ended;
        self.link.ended |= ended;
    }

    pub(crate) fn turn(&mut self, shared: &mut Shared) -> Next {
        let turn = match &mut self.phase {
            Phase::Opening(_) => self.open(shared),
            Phase::Open(connection) => turn(connection, &mut self.link, shared, 0..0),
            Phase::Answered(deadline) => self.link.linger(*deadline, shared),
        };
        // A stream that breaks is the end of the client, for which there is nobody left to tell.
        turn.unwrap_or(Next::Gone)
    }

    /// The opening handshake.
    fn open(&mut self, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Opening(acceptor) = &mut self.phase else { return Ok(Next::Gone) };
        let (asked, first) = loop {
            let (mut input, count) = match self.link.read(&mut shared.buffer)? {
                Some(0) => (Input::eof(), 0),
                Some(count) => (Input::new(&mut shared.buffer[..count]), count),
                None => (Input::none(), 0),
            };
            match acceptor.poll(&mut input, shared.now) {
                Some(asked) => break (asked, count - input.len()..count),
                None if count > 0 => {}
                None => return Ok(Next::Wait(acceptor.deadline())),
            }
        };
        let answer = match asked {
            Asked::WebSocket(request) => {
                let config = Arc::clone(&shared.config);
                let (mut connection, _) = endpoint::accept(&request, &Acceptance::new(), config)
                    .map_err(io::Error::other)?;
                drop(request);
                let next = turn(&mut connection, &mut self.link, shared, first);
                self.phase = Phase::Open(connection);
                return next;
            }
            Asked::Plain(_) => RequestError::PlainRequest.answer(),
            Asked::Refused(error) => error.answer(),
        };
        // Nothing was written before: there is room for so short an answer, or the client is lost.
        self.link.stream.write_all(answer)?;
        let _ = self.link.stream.shutdown(Shutdown::Write); // the peer may be gone already
        let deadline = shared.now + LINGER;
        self.phase = Phase::Answered(deadline);
        self.link.linger(deadline, shared)
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
    // One that has grown large is given back.
    if let Some(spare) = connection.reclaim(Loan::Output)
        && spare.capacity() <= 1 << 20
    {
        shared.spare = spare;
    }
    next
}

/// The loop. The first input is what lies in this part of the shared buffer.
fn go(
    connection: &mut Connection<Server>,
    link: &mut Link,
    shared: &mut Shared,
    first: Range<usize>,
) -> io::Result<Next> {
    let mut reads = 0;
    let mut input = Input::new(&mut shared.buffer[first]);
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, shared.now) {
            match event {
                Event::Text(text) => connection.send_text(&text).map_err(io::Error::other)?,
                Event::Binary(bytes) => connection.send_binary(&bytes).map_err(io::Error::other)?,
                _ => {} // pongs and Close frames are queued already
            }
        }
        // 2. Write what waits, as far as the stream takes it.
        while !connection.output().is_empty() {
            match link.stream.write(connection.output()) {
                Ok(count) => connection.wrote(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // 3. Do what the connection wants.
        input = match connection.want() {
            Want::Done(_) => return Ok(Next::Gone),
            Want::ShutdownWrite => {
                let _ = link.stream.shutdown(Shutdown::Write); // the peer may be gone already
                connection.shut();
                Input::none()
            }
            Want::Io { deadline: Some(at), .. } if at <= shared.now => Input::none(),
            Want::Io { read: true, .. } if reads == READS => return Ok(Next::Again),
            Want::Io { read, deadline, .. } => {
                reads += 1;
                match if read { link.read(&mut shared.buffer)? } else { None } {
                    Some(0) => Input::eof(),
                    Some(count) => Input::new(&mut shared.buffer[..count]),
                    None => return Ok(Next::Wait(deadline)),
                }
            }
        };
    }
}

/// A stream, and what is known of it.
struct Link {
    stream: TcpStream,
    /// Whether there may be something to read: the poll speaks of changes alone.
    readable: bool,
    /// Whether the end of the stream has come, after what there is to read.
    ended: bool,
}

impl Link {
    /// How much has been read, 0 at the end; `None` if there is nothing to read now.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        while self.readable {
            match self.stream.read(buffer) {
                Ok(count) => {
                    // A read that is not filled has emptied the stream: what comes after it, the poll will say.
                    self.readable = count == 0 || count == buffer.len() || self.ended;
                    return Ok(Some(count));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// What a client still sends after its answer is thrown away: unread, it would reset the stream before the client has read it.
    fn linger(&mut self, deadline: Duration, shared: &mut Shared) -> io::Result<Next> {
        while shared.now < deadline {
            match self.read(&mut shared.buffer)? {
                None => return Ok(Next::Wait(Some(deadline))),
                Some(0) => break,
                Some(_) => {}
            }
        }
        Ok(Next::Gone)
    }
}
