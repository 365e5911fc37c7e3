//! What a client gives out, and what it is asked with.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::engine::client::Reason;
use crate::socket::namespace::Namespace;
use crate::socket::payload::Payload;

/// What has happened. `Debug` shows no arguments.
#[derive(PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The session is open, and this namespace can be asked for: with [`connect`](super::Client::connect).
    Ready {
        /// Which one.
        namespace: Namespace,
    },
    /// The server has accepted the client in a namespace.
    Connected {
        /// Which one.
        namespace: Namespace,
        /// Whether this goes on where it was interrupted: what was missed comes next. If not, events may have been missed.
        recovered: bool,
    },
    /// The server has refused the client. The namespace is not asked for again by itself.
    Refused {
        /// Which one.
        namespace: Namespace,
        /// The message.
        message: String,
        /// What the server says besides, as JSON.
        data: Option<String>,
    },
    /// The server has sent an event.
    Message {
        /// In which namespace.
        namespace: Namespace,
        /// Its name.
        name: String,
        /// Its arguments.
        payload: Payload,
        /// Where an acknowledgement goes, if one is asked for.
        reply: Option<ReplyTo>,
        /// Whether the last argument may be the offset that a server with recovery adds to what it was given.
        may_end_with_offset: bool,
    },
    /// The server has acknowledged an event, or won't any more. This comes once for each.
    Acked {
        /// Which one.
        asked: Asked,
        /// What it has acknowledged with; `None` if the time is up, or the connection has gone: then it may have arrived or not.
        payload: Option<Payload>,
    },
    /// A namespace isn't connected any more.
    Disconnected {
        /// Which one.
        namespace: Namespace,
        /// Why. After [`Server`](DisconnectReason::Server) and [`Client`](DisconnectReason::Client) it is not asked for again by itself.
        reason: DisconnectReason,
    },
    /// The session is on a WebSocket from now on.
    Upgraded,
    /// The session has ended, or was never opened: it can be [replaced](super::Client::reconnect).
    Closed {
        /// Why.
        reason: DisconnectReason,
    },
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { namespace } => {
                f.debug_struct("Ready").field("namespace", namespace).finish()
            }
            Self::Connected { namespace, recovered } => f
                .debug_struct("Connected")
                .field("namespace", namespace)
                .field("recovered", recovered)
                .finish(),
            Self::Refused { namespace, message, .. } => f
                .debug_struct("Refused")
                .field("namespace", namespace)
                .field("message", message)
                .finish_non_exhaustive(),
            Self::Message { namespace, name, payload, reply, .. } => f
                .debug_struct("Message")
                .field("namespace", namespace)
                .field("name", name)
                .field("payload", payload)
                .field("reply", reply)
                .finish_non_exhaustive(),
            Self::Acked { asked, payload } => {
                f.debug_struct("Acked").field("asked", asked).field("payload", payload).finish()
            }
            Self::Disconnected { namespace, reason } => f
                .debug_struct("Disconnected")
                .field("namespace", namespace)
                .field("reason", reason)
                .finish(),
            Self::Upgraded => f.write_str("Upgraded"),
            Self::Closed { reason } => f.debug_struct("Closed").field("reason", reason).finish(),
        }
    }
}

/// Where the acknowledgement of an event goes. There is one at most: it is consumed. It means nothing in a later session.
#[derive(Debug, PartialEq, Eq)]
pub struct ReplyTo {
    pub(super) namespace: Namespace,
    pub(super) id: u64,
    pub(super) session: u64,
}

/// An event that the server is to acknowledge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asked {
    pub(super) namespace: Namespace,
    pub(super) id: u64,
}

impl Asked {
    /// In which namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

/// How often an event is sent until it is acknowledged, and how long an acknowledgement is waited for each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    pub(super) tries: u32,
    pub(super) timeout: Duration,
}

impl Repeat {
    /// At most this number of times, at least once, with this long between them.
    pub fn new(tries: u32, timeout: Duration) -> Self {
        Self { tries: tries.max(1), timeout }
    }
}

/// Why a namespace isn't connected any more, or a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The server has disconnected the client from the namespace.
    Server,
    /// This client has left it.
    Client,
    /// The server hasn't answered a request for a namespace in time.
    ConnectTimeout,
    /// What the server has sent can't be read.
    ParseError,
    /// The session has ended by itself, or was never opened.
    Engine(Reason),
}

impl fmt::Display for DisconnectReason {
    /// As the protocol's reference names it, where it does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "io server disconnect",
            Self::Client => "io client disconnect",
            Self::ConnectTimeout => "the server has not answered in time",
            Self::ParseError => "parse error",
            Self::Engine(reason) => return reason.fmt(f),
        })
    }
}

impl core::error::Error for DisconnectReason {}
