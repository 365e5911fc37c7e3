//! The socket: a connection of the engine on a stream of bytes, in one thread.
//!
//! Here lives what it is made of. What it does in a turn is in `turn`, what is received and sent in `receiving` and `sending`, in parts in `parts`.

mod parts;
mod receiving;
mod sending;
mod turn;

use std::collections::VecDeque;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sockless::connection::{Counters, Side};
use sockless::handshake::Response;
use sockless::{Config, Connection, Outcome};

use crate::buffer::Buffer;
use crate::clock::{CallTime, Clock};
use crate::events::{Seen, suited};
use crate::message::{CloseFrame, Message};
use crate::stream::Stream;
use crate::timed::LastWait;

pub use parts::{MessageReader, MessageWriter};

/// A WebSocket on a stream of bytes. `R` is the role: [`Client`](sockless::Client) or [`Server`](sockless::Server).
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use std::thread;
/// use sockless_blocking::{Message, accept, connect};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("ws://{}/", listener.local_addr()?);
/// let server = thread::spawn(move || {
///     let (stream, _) = listener.accept().expect("a client");
///     let mut socket = accept(stream, ()).expect("a WebSocket");
///     while let Some(Ok(message)) = socket.recv() {
///         socket.send(message).expect("sent");
///     }
///     socket.outcome()
/// });
///
/// let mut socket = connect(&url)?;
/// socket.send("hello")?;
/// assert_eq!(socket.recv().transpose()?, Some(Message::text("hello")));
/// assert!(socket.close(None, "")?.clean());
/// assert!(server.join().expect("no panic").clean());
/// # Ok(())
/// # }
/// ```
///
/// # What is done while no call runs
///
/// Nothing. Pings are answered, and the deadlines of the [`Config`] are kept, while a call runs: all of them while one receives, those of writing
/// and closing while one sends. A call that begins late reads what has arrived before it looks at the time, so nobody is taken for silent because
/// this side was busy. A program that has other things to do [splits](Self::split) the socket: then a thread of its own sends, and keeps the deadlines of
/// sending, all the time.
///
/// # What a call waits for
///
/// [`send`](Self::send) and [`flush`](Self::flush) read while they wait, and now and then where much is sent without waiting: so two sides that both send don't wait for each
/// other, and whoever sends hears that the other one has refused; what arrives is given out by
/// [`recv`](Self::recv) later, in order. Once that is as much as may wait to be written (256 KiB: [`Config::with_output_limits`]), they read no more.
/// [`recv`](Self::recv) writes what waits, before it sleeps and while it waits. A read and a write wait in turns, for a few milliseconds each, as long as both are to be done.
///
/// # Time
///
/// Every call takes as long as it needs, unless [`set_timeout`](Self::set_timeout) limits each, or [`set_deadline`](Self::set_deadline) all of them. A call whose time is over
/// fails with [`Error::TimedOut`](crate::Error::TimedOut), or a `send` whose message is queued already with [`Error::Unwritten`](crate::Error::Unwritten), and changes nothing: the next
/// call goes on. No message is lost or sent twice, and no part of one. A system measures short times by its own tick: a call may take some
/// milliseconds more.
///
/// Whatever calls do, the connection has limits: a peer that takes nothing fails it after a minute ([`Config::with_write_timeout`]), the
/// closing handshake takes ten seconds at most ([`Config::with_close`]), and a silent peer is found by
/// [`with_keepalive`](crate::ClientOptions::with_keepalive).
///
/// # Dropping
///
/// The stream is closed. What was only [fed](Self::feed) is not written any more; the peer hears no reason. Close it before.
pub struct WebSocket<S: Stream, R: Side> {
    stream: S,
    connection: Connection<R>,
    config: Arc<Config>,
    buffer: Buffer,
    clock: Clock,
    /// The time when the stream was looked at last.
    now: Duration,
    time: CallTime,
    /// Messages that arrived while something else was waited for, and their length.
    stash: VecDeque<Message>,
    stashed: usize,
    /// A part of a message that has been found for somebody who reads in parts.
    part: Option<parts::Part>,
    seen: Seen,
    state: State,
    /// Why nothing can be written any more.
    broken: Option<ErrorKind>,
    /// How long a read or a write waits while both are to be done.
    turn: Duration,
    reads: LastWait,
    writes: LastWait,
    /// When a call looked last at what the peer says, and how much had been written then.
    looked: (Duration, u64),
    opened: Opened,
}

/// What a socket has to remember from one call to the next.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Whether the stream has ended, and the connection does not know yet.
    eof: bool,
    /// Whether messages are held because enough wait to be taken.
    patient: bool,
    /// Whether messages that begin now come in parts.
    parts: bool,
    /// Whether a message is open that is sent in parts.
    writes: bool,
    /// Whether the end has been told.
    over: bool,
}

/// What is known from the opening handshake.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub(crate) subprotocol: Option<String>,
    pub(crate) response: Option<Response<'static>>,
}

/// What a socket is made of, for the halves.
pub(crate) struct Parts<S, R: Side> {
    pub(crate) stream: S,
    pub(crate) connection: Connection<R>,
    pub(crate) config: Arc<Config>,
    pub(crate) buffer: Buffer,
    pub(crate) clock: Clock,
    pub(crate) now: Duration,
    pub(crate) time: CallTime,
    pub(crate) stash: VecDeque<Message>,
    pub(crate) seen: Seen,
    pub(crate) eof: bool,
    pub(crate) broken: Option<ErrorKind>,
    pub(crate) opened: Opened,
}

impl<S: Stream, R: Side> WebSocket<S, R> {
    pub(crate) fn new(
        stream: S,
        mut connection: Connection<R>,
        config: Arc<Config>,
        buffer: Buffer,
        clock: Clock,
        opened: Opened,
    ) -> Self {
        let config = suited(config);
        connection.set_config(Arc::clone(&config));
        Self {
            stream,
            connection,
            config,
            buffer,
            now: clock.now(),
            clock,
            time: CallTime::default(),
            stash: VecDeque::new(),
            stashed: 0,
            part: None,
            seen: Seen::default(),
            state: State::default(),
            broken: None,
            turn: turn::SHORT,
            reads: LastWait::default(),
            writes: LastWait::default(),
            looked: (Duration::ZERO, 0),
            opened,
        }
    }

    /// Limits the time of every call from now on; `None` is no limit, as it is at first.
    pub fn set_timeout(&mut self, timeout: impl Into<Option<Duration>>) {
        self.time.timeout = timeout.into();
    }

    /// Limits the time of all calls together: none waits beyond this. `None` is no limit, as it is at first.
    pub fn set_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.time.deadline = deadline.into();
    }

    /// The subprotocol in use, if one was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.opened.subprotocol.as_deref()
    }

    /// The server's answer that opened the connection, with its fields: for a client.
    pub fn response(&self) -> Option<&Response<'static>> {
        self.opened.response.as_ref()
    }

    /// How the connection ended, or what has become of it so far.
    pub fn outcome(&self) -> Outcome {
        self.connection.outcome()
    }

    /// What has gone over the connection, and the round-trip time of the last ping.
    pub fn counters(&self) -> Counters {
        self.connection.counters()
    }

    /// The code and the reason of the peer's Close frame: `None` if none has arrived, or one without a code.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.seen.close_frame.as_ref()
    }

    /// The stream below: for its addresses and options. Whoever reads or writes it breaks the connection.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Takes the socket apart.
    pub(crate) fn into_parts(mut self) -> Parts<S, R> {
        self.set_patient(false);
        self.set_parts(false);
        Parts {
            stream: self.stream,
            connection: self.connection,
            config: self.config,
            buffer: self.buffer,
            clock: self.clock,
            now: self.now,
            time: self.time,
            stash: self.stash,
            seen: self.seen,
            eof: self.state.eof,
            broken: self.broken,
            opened: self.opened,
        }
    }
}

impl<S: Stream, R: Side> fmt::Debug for WebSocket<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("connection", &self.connection).finish_non_exhaustive()
    }
}
