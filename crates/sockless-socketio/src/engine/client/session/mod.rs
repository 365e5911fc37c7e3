//! The session: what it is made of, how it begins and how it ends.
//!
//! ```text
//!   Opening ── the server's first packet ──> Open ── closed by us ──> Closing ── all is sent, or the time is up ──> Closed
//!      └───────────────────────────── anything else that ends it ─────────────────────────────────────────────────────^
//!
//!   Polling ── probe, then upgrade ──> WebSocket
//! ```

mod receiving;
mod sending;
mod upgrading;

use self::receiving::Unread;
use self::upgrading::Probe;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::engine::client::config::Config;
use crate::engine::client::hello::Hello;
use crate::engine::client::output::{Event, Output, Reason};
use crate::engine::packet::{Frame, Packet};
use crate::engine::query::escape;

/// One session with a server of Engine.IO 4, from its first request to its end.
///
/// Its driver, whatever it is made of, does the same few things:
///
/// - It carries out every [`output`](Self::output). The answer to a request comes with [`answered`](Self::answered), that there is none with
///   [`failed`](Self::failed). A WebSocket that is open is [`opened`](Self::opened); what is received on it comes with [`text`](Self::text)
///   and [`binary`](Self::binary) while it [wants input](Self::wants_input), what is to be sent is asked for with
///   [`transmit`](Self::transmit), and its end is [`websocket_lost`](Self::websocket_lost).
/// - After each call it takes [`event`](Self::event)s, and the outputs again.
/// - At the [`deadline`](Self::deadline), it calls [`timeout`](Self::timeout).
///
/// ```
/// use core::time::Duration;
/// use sockless_socketio::engine::Message;
/// use sockless_socketio::engine::client::{Client, Config, Event, Output, Request};
///
/// let now = Duration::ZERO;
/// let mut client = Client::new(Config::default().with_transports(true, false), "", now);
/// assert_eq!(client.output(), Some(Output::Get { query: "EIO=4&transport=polling".into() }));
///
/// // The server opens the session, and its first message comes with the same answer.
/// let hello = r#"0{"sid":"a1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
/// client.answered(Request::Poll, 200, format!("{hello}\x1e4welcome").into(), now);
/// assert_eq!(client.event(now), Some(Event::Opened));
/// assert_eq!(client.event(now), Some(Event::Message(Message::Text("welcome".into()))));
///
/// // It polls on, and what is sent goes with a request besides.
/// let query = "EIO=4&transport=polling&sid=a1";
/// assert_eq!(client.output(), Some(Output::Get { query: query.into() }));
/// client.send(&["hello".into()])?;
/// assert_eq!(client.output(), Some(Output::Post { query: query.into(), body: "4hello".into() }));
/// # Ok::<(), sockless_socketio::engine::SendError>(())
/// ```
pub struct Client {
    config: Config,
    query: Box<str>,
    state: State,
    hello: Option<Hello>,
    transport: Transport,
    probe: Option<Probe>,
    queue: VecDeque<Frame>,
    queued: usize,
    /// The answer to the server's last ping, until it is sent.
    pong: Option<Frame>,
    /// What is left of the last body, while so much waits to be taken that no more is read.
    unread: Option<Unread>,
    events: VecDeque<Event>,
    /// How many messages and bytes wait to be taken.
    waiting: (usize, usize),
    /// Until when the server has to say something.
    silent_until: Duration,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Transport {
    /// Which requests are being made.
    Polling { polls: bool, posts: bool },
    WebSocket {
        open: bool,
        /// Whether the driver knows that it has something to do.
        told: bool,
        /// Whether the driver waits to read.
        unread: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening { by: Duration },
    Open,
    Closing { by: Duration },
    Closed,
}

impl Client {
    /// Begins a session. The query is what the application says besides, with its escapes: `token=abc`, or nothing.
    pub fn new(config: Config, query: &str, now: Duration) -> Self {
        let transport = match config.polling {
            true => Transport::Polling { polls: true, posts: false },
            false => Transport::WebSocket { open: false, told: false, unread: false },
        };
        let mut client = Self {
            state: State::Opening { by: now.saturating_add(config.connect_timeout) },
            config,
            query: query.into(),
            hello: None,
            transport,
            probe: None,
            queue: VecDeque::new(),
            queued: 0,
            pong: None,
            unread: None,
            events: VecDeque::new(),
            waiting: (0, 0),
            silent_until: Duration::MAX,
            outputs: VecDeque::new(),
        };
        let output = match client.transport {
            Transport::Polling { .. } => Output::Get { query: client.address("polling") },
            Transport::WebSocket { .. } => Output::Open { query: client.address("websocket") },
        };
        client.outputs.push_back(output);
        client
    }

    /// The times and limits.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The session's id, once it is open. Whoever knows it can take the session over.
    pub fn sid(&self) -> Option<&str> {
        self.hello.as_ref().map(|hello| &*hello.sid)
    }

    /// Whether something can be sent: it is open, and is not being closed.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether it has ended. Events that came before may still be taken.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether it is on a WebSocket by now.
    pub fn is_websocket(&self) -> bool {
        matches!(self.transport, Transport::WebSocket { .. })
    }

    /// The query of the requests for a transport.
    fn address(&self, transport: &str) -> String {
        let own = if self.query.is_empty() { "" } else { "&" };
        let mut query = format!("{}{own}EIO=4&transport={transport}", self.query);
        if let Some(hello) = &self.hello {
            query.push_str("&sid=");
            escape(&hello.sid, &mut query);
        }
        query
    }

    /// What has happened next.
    pub fn event(&mut self, now: Duration) -> Option<Event> {
        let was_full = self.is_full();
        let event = self.events.pop_front()?;
        if let Event::Message(message) = &event {
            self.waiting.0 -= 1;
            self.waiting.1 -= message.len();
        }
        if was_full && !self.is_full() {
            self.read_on(now);
        }
        Some(event)
    }

    /// What the driver has to do next.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Closes the session, after what waits to be sent. What arrives from now on is thrown away.
    pub fn close(&mut self, now: Duration) {
        match self.state {
            State::Open => {
                self.state = State::Closing { by: now.saturating_add(self.config.close_timeout) };
                self.unread = None;
                self.end_probe();
                if !self.is_websocket() {
                    self.push(Packet::Close.encode());
                }
                self.flush();
            }
            State::Opening { .. } => self.end(Reason::ForcedClose),
            State::Closing { .. } | State::Closed => {}
        }
    }

    /// When [`timeout`](Self::timeout) is to be called, if nothing else happens before.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Opening { by } | State::Closing { by } => Some(by),
            State::Open => {
                let probe = self.probe.as_ref().map(Probe::until);
                Some(probe.map_or(self.silent_until, |until| until.min(self.silent_until)))
            }
            State::Closed => None,
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        match self.state {
            State::Opening { by } if now >= by => self.end(Reason::Unreachable),
            State::Closing { by } if now >= by => self.end(Reason::ForcedClose),
            State::Open => {
                if self.probe.as_ref().is_some_and(|probe| now >= probe.until()) {
                    self.end_probe();
                }
                if now >= self.silent_until {
                    match self.is_full() {
                        // It may have said something that isn't read.
                        true => self.hears_of_server(now),
                        false => self.end(Reason::PingTimeout),
                    }
                }
            }
            _ => {}
        }
    }

    /// It has ended. What has arrived before can still be taken.
    fn end(&mut self, reason: Reason) {
        // What is closed has ended as it was meant to, whatever the server does meanwhile.
        let reason = match self.state {
            State::Closed => return,
            State::Closing { .. } => Reason::ForcedClose,
            State::Opening { .. } if reason == Reason::TransportClose => Reason::Unreachable,
            _ => reason,
        };
        self.state = State::Closed;
        (self.queue, self.queued) = (VecDeque::new(), 0);
        (self.pong, self.unread) = (None, None);
        if self.probe.take().is_some() || self.is_websocket() {
            self.outputs.push_back(Output::Transmit);
        }
        self.events.push_back(Event::Closed(reason));
    }

    /// Whether so much waits to be taken that no more is read.
    fn is_full(&self) -> bool {
        let (messages, bytes) = self.waiting;
        messages >= self.config.backlog_messages || bytes >= self.config.backlog_bytes
    }

    /// Its silence begins anew.
    fn hears_of_server(&mut self, now: Duration) {
        if let Some(hello) = &self.hello {
            self.silent_until = now.saturating_add(hello.patience);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("state", &self.state).finish_non_exhaustive()
    }
}
