//! The socket: a connection of the engine on a stream of bytes.
//!
//! Here lives what it is made of. What it does in a turn is in `turn`, what is received and sent in `receiving` and `sending`, the traits of
//! `futures` in `traits`.

mod ending;
mod parts;
mod receiving;
mod sending;
mod shows;
mod traits;
mod turn;

use parts::Gathered;
pub use parts::{MessageReader, MessageWriter};
pub use receiving::Incoming;
pub(crate) use shows::{Shows, see};

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sockless::connection::{Counters, Side};
use sockless::established::Established;
use sockless::extension::Agreed;
use sockless::handshake::Response;
use sockless::{Config, Connection, Delivery, Outcome};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::buffer::Buffer;
use crate::clock::{Alarm, Clock};
use crate::message::{CloseFrame, Message};
use crate::observe::Observer;
use crate::shutdown::{Member, Shutdown};
use crate::wakers::Wakers;

/// A WebSocket on a stream of bytes. `R` is the role: [`Client`](sockless::Client) or [`Server`](sockless::Server).
///
/// ```
/// use sockless_tokio::{Message, accept, connect_over};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (near, far) = tokio::io::duplex(1024);
/// let server = tokio::spawn(async move {
///     let mut socket = accept(far, ()).await.expect("a client");
///     while let Some(Ok(message)) = socket.recv().await {
///         socket.send(message).await.expect("sent");
///     }
///     socket.outcome()
/// });
///
/// let mut socket = connect_over(near, "ws://localhost/", ()).await?;
/// socket.send("hello").await?;
/// assert_eq!(socket.recv().await.transpose()?, Some(Message::text("hello")));
/// assert!(socket.close(None, "").await?.clean());
/// assert!(server.await?.clean());
/// # Ok(())
/// # }
/// ```
///
/// # What runs when
///
/// Nothing runs by itself. Reading, writing, pongs, timers and the closing handshake go on while [`recv`](Self::recv) is awaited, and writing and
/// its deadlines while one of the other futures is. So a task that only sends now and then also receives, or it [splits](Self::split) the
/// socket.
///
/// # Dropped futures
///
/// Every future may be dropped at any time, in `select!` for example. What has been read or queued stays in the socket, and the next call goes on
/// from there. A [`send`](Self::send) or [`feed`](Self::feed) that is dropped before it is ready has sent nothing of its message, and will not.
///
/// # When a message is on the wire
///
/// [`send`](Self::send) has offered its bytes to the stream when it is ready; [`feed`](Self::feed) only queues them, which costs less for many messages,
/// and [`recv`](Self::recv) writes what waits before it sleeps. [`flush`](Self::flush) is ready when all has been written. What still waits
/// when the socket is dropped is offered to the stream once more.
///
/// # Memory
///
/// What is read goes to a buffer of which each thread has one, and so does output before it is written. An idle socket holds neither.
pub struct WebSocket<S: AsyncRead + AsyncWrite + Unpin, R: Side> {
    /// There until it is taken out: a socket that is dropped has something left to do on it.
    stream: Option<S>,
    connection: Connection<R>,
    config: Arc<Config>,
    buffer: Buffer,
    clock: Clock,
    /// The time when it was looked at last.
    now: Duration,
    alarm: Alarm,
    /// A message that arrived while something else was waited for.
    stash: Option<Message>,
    gathered: Option<Box<Gathered>>,
    /// What the connection does while that message waits to be taken, once it was needed: see [`turn`].
    patient: Option<Arc<Config>>,
    state: State,
    /// Why nothing can be written any more.
    broken: Option<io::ErrorKind>,
    /// Until when the stream may take to be closed.
    closes_by: Option<Duration>,
    wakers: Option<Box<Wakers>>,
    opened: Option<Box<Opened>>,
    /// Where it hears of a shutdown.
    member: Option<Box<Member>>,
    observer: Option<Observer>,
    shows: Shows,
}

/// What a socket has to remember from one call to the next.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Whether input of which the time has been looked at is being worked on.
    works: bool,
    /// Whether it waits for input, with nothing else to be done.
    waits: bool,
    /// Whether the stream has ended, and the connection does not know yet.
    eof: bool,
    /// Whether something has been written and not been flushed.
    unflushed: bool,
    /// Whether messages are held because one waits to be taken.
    patient: bool,
    /// Whether messages are delivered in parts, whether one is being received, and whether one is being sent.
    parts: bool,
    inside: bool,
    writes: bool,
    /// Whether it has heard of a shutdown.
    leaves: bool,
    /// Whether the end has been told.
    over: bool,
}

/// What is known from the opening handshake.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub(crate) subprotocol: Option<String>,
    pub(crate) extensions: Agreed,
    pub(crate) response: Option<Response<'static>>,
}

impl Opened {
    pub(crate) fn new(established: &Established<'_>, response: Option<Response<'static>>) -> Self {
        let subprotocol = established.subprotocol.map(Into::into);
        Self { subprotocol, extensions: established.extensions, response }
    }

    /// Whether nothing is known that isn't known of every connection.
    fn is_plain(&self) -> bool {
        self.subprotocol.is_none() && self.extensions.is_empty() && self.response.is_none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    /// A WebSocket on a stream that something else has upgraded, HTTP/2 for example. The connection is one that has just been opened.
    ///
    /// `config` is the connection's from now on; messages are delivered whole, whatever it says.
    pub fn upgraded(stream: S, connection: Connection<R>, config: impl Into<Arc<Config>>) -> Self {
        Self::new(stream, connection, config.into(), Buffer::default(), Clock::start())
    }

    pub(crate) fn new(
        stream: S,
        mut connection: Connection<R>,
        config: Arc<Config>,
        buffer: Buffer,
        clock: Clock,
    ) -> Self {
        let config = match config.delivery {
            Delivery::Whole => config,
            Delivery::Parts => Arc::new(Config::clone(&config).with_delivery(Delivery::Whole)),
        };
        connection.set_config(Arc::clone(&config));
        Self {
            stream: Some(stream),
            connection,
            config,
            buffer,
            now: clock.now(),
            clock,
            alarm: Alarm::default(),
            stash: None,
            gathered: None,
            patient: None,
            state: State { works: true, ..State::default() },
            broken: None,
            closes_by: None,
            wakers: None,
            opened: None,
            member: None,
            observer: None,
            shows: Shows::default(),
        }
    }

    pub(crate) fn with_opened(mut self, opened: Opened) -> Self {
        self.observer = Some(Observer::open(R::MASKS, opened.subprotocol.as_deref()));
        if !opened.is_plain() {
            self.opened = Some(Box::new(opened));
        }
        self
    }

    pub(crate) fn joining(mut self, shutdown: Option<&Shutdown>) -> Self {
        self.member = shutdown.map(|shutdown| Box::new(shutdown.join()));
        self
    }

    /// The same socket, which hears of a shutdown and closes with code 1001 when it begins: for streams that something else has upgraded. Where there
    /// are [options](crate::ServerOptions::with_shutdown), they do so.
    #[must_use]
    pub fn with_shutdown(self, shutdown: &Shutdown) -> Self {
        self.joining(Some(shutdown))
    }

    #[cfg(feature = "hyper")]
    pub(crate) fn with_member(mut self, member: Option<Box<Member>>) -> Self {
        self.member = member;
        self
    }

    /// The subprotocol in use, if one was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.opened.as_ref()?.subprotocol.as_deref()
    }

    /// The extensions in use, with the terms that were agreed on.
    pub fn extensions(&self) -> Agreed {
        self.opened.as_ref().map_or(Agreed::default(), |opened| opened.extensions)
    }

    /// The server's answer that opened the connection, with its fields: for a client.
    pub fn response(&self) -> Option<&Response<'static>> {
        self.opened.as_ref()?.response.as_ref()
    }

    /// How the connection ended, or how it stands.
    pub fn outcome(&self) -> Outcome {
        self.connection.outcome()
    }

    /// What has gone over the connection, and the round-trip time of the last ping.
    pub fn counters(&self) -> Counters {
        self.connection.counters()
    }

    /// The code and the reason of the peer's Close frame: `None` if none has arrived, or one without a code.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.shows.close_frame()
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Replaces the configuration: other limits after authentication, say. Messages are delivered whole, whatever it says.
    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        let config: Arc<Config> = config.into();
        self.config = match config.delivery {
            Delivery::Whole => config,
            Delivery::Parts => Arc::new(Config::clone(&config).with_delivery(Delivery::Whole)),
        };
        (self.patient, self.state.patient) = (None, false);
        self.connection.set_config(Arc::clone(&self.config));
    }

    /// Lets [`recv`](Self::recv) give out pings, pongs and the Close frame as well, or not. They are answered by themselves all the same.
    pub fn show_control_frames(&mut self, show: bool) {
        self.shows.control = show;
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        match &self.stream {
            Some(stream) => stream,
            None => unreachable!("the stream is taken out with the socket only"),
        }
    }

    /// The connection of the engine, for what is not wrapped here. What is queued on it is written like everything else.
    pub fn connection_mut(&mut self) -> &mut Connection<R> {
        &mut self.connection
    }

    /// The stream below, to be read and written.
    fn stream(&mut self) -> &mut S {
        match &mut self.stream {
            Some(stream) => stream,
            None => unreachable!("the stream is taken out with the socket only"),
        }
    }

    /// Something has happened, at this time.
    fn look_at_the_clock(&mut self) {
        self.now = self.clock.now();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> fmt::Debug for WebSocket<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("connection", &self.connection).finish_non_exhaustive()
    }
}
