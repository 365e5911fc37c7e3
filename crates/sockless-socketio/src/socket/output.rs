//! What a server gives out: what has happened, and why something can't be done.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::{error, fmt};

use sockless_channels::{Fate, Position};

use super::cluster::{Found, Inquiry};
use super::namespace::Namespace;
use super::payload::Payload;
use super::sockets::Socket;
use crate::engine::{self, SendError};

/// What has happened. `Debug` shows neither arguments nor authentication.
#[derive(PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A client asks for a namespace: to be [accepted](super::Server::accept) or [refused](super::Server::refuse).
    Connect {
        /// Its socket there.
        socket: Socket,
        /// Which one.
        namespace: Namespace,
        /// What it has sent for its authentication: a JSON object.
        auth: Option<String>,
    },
    /// A client is accepted, in a [cluster](super::cluster) alone: elsewhere it is, once [`accept`](super::Server::accept) returns.
    Accepted {
        /// Its socket.
        socket: Socket,
        /// After which position of its namespace's stream it gets what is sent from now on.
        position: Position,
    },
    /// Nobody gets an event that was sent in a cluster, or that isn't known.
    Unsent {
        /// Where it was sent.
        namespace: Namespace,
        /// Its name.
        name: String,
        /// What is known of it.
        fate: Fate,
    },
    /// The sockets that all servers of a cluster have found: see [`fetch`](super::Server::fetch).
    Found {
        /// Which question that is the answer to.
        inquiry: Inquiry,
        /// The sockets.
        sockets: Vec<Found>,
        /// How many servers haven't answered in time.
        missing: usize,
    },
    /// What sockets have acknowledged: see [`ask_all`](super::Server::ask_all).
    Answered {
        /// Which question that is the answer to.
        inquiry: Inquiry,
        /// The ids of those who have acknowledged it, and with what.
        answers: Vec<(Arc<str>, Payload)>,
        /// How many sockets haven't.
        silent: usize,
        /// How many servers haven't answered in time.
        missing: usize,
    },
    /// Another server of the cluster says something: see [`emit_to_servers`](super::Server::emit_to_servers).
    ServerMessage {
        /// Where.
        namespace: Namespace,
        /// What.
        name: String,
        /// More of it.
        payload: Payload,
    },
    /// A client has sent an event.
    Message {
        /// Its socket.
        socket: Socket,
        /// The event's name.
        name: String,
        /// Its arguments.
        payload: Payload,
        /// Where an acknowledgement goes, if one is asked for.
        reply: Option<ReplyTo>,
    },
    /// A client has acknowledged an event, or will not any more. This comes once for each.
    Acked {
        /// Which one.
        asked: Asked,
        /// What it has acknowledged with; `None` if the time is up, or the socket has gone.
        payload: Option<Payload>,
    },
    /// A socket has gone: one that was accepted, or one that was waiting for it.
    Disconnect {
        /// Which one. It means nothing any more.
        socket: Socket,
        /// Why.
        reason: DisconnectReason,
    },
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { socket, namespace, .. } => f
                .debug_struct("Connect")
                .field("socket", socket)
                .field("namespace", namespace)
                .finish_non_exhaustive(),
            Self::Message { socket, name, payload, reply } => f
                .debug_struct("Message")
                .field("socket", socket)
                .field("name", name)
                .field("payload", payload)
                .field("reply", reply)
                .finish(),
            Self::Accepted { socket, position } => f
                .debug_struct("Accepted")
                .field("socket", socket)
                .field("position", position)
                .finish(),
            Self::Unsent { namespace, name, fate } => f
                .debug_struct("Unsent")
                .field("namespace", namespace)
                .field("name", name)
                .field("fate", fate)
                .finish(),
            Self::Found { inquiry, sockets, missing } => f
                .debug_struct("Found")
                .field("inquiry", inquiry)
                .field("sockets", &sockets.len())
                .field("missing", missing)
                .finish(),
            Self::Answered { inquiry, answers, silent, missing } => f
                .debug_struct("Answered")
                .field("inquiry", inquiry)
                .field("answers", &answers.len())
                .field("silent", silent)
                .field("missing", missing)
                .finish(),
            Self::ServerMessage { namespace, name, payload } => f
                .debug_struct("ServerMessage")
                .field("namespace", namespace)
                .field("name", name)
                .field("payload", payload)
                .finish(),
            Self::Acked { asked, payload } => {
                f.debug_struct("Acked").field("asked", asked).field("payload", payload).finish()
            }
            Self::Disconnect { socket, reason } => f
                .debug_struct("Disconnect")
                .field("socket", socket)
                .field("reason", reason)
                .finish(),
        }
    }
}

/// Where the acknowledgement of an event goes. There is one at most: it is consumed.
#[derive(Debug, PartialEq, Eq)]
pub struct ReplyTo {
    pub(super) socket: Socket,
    pub(super) id: u64,
}

/// An event that a client is to acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asked {
    pub(super) socket: Socket,
    pub(super) id: u64,
}

/// Why a socket has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client has left the namespace.
    ClientNamespaceDisconnect,
    /// The server has disconnected it.
    ServerNamespaceDisconnect,
    /// The server has closed the session, because the client was too slow, or has broken a rule.
    ForcedServerClose,
    /// The server is stopping.
    ServerShuttingDown,
    /// What the client has sent can't be read.
    ParseError,
    /// The session has ended by itself.
    Engine(engine::Reason),
}

impl DisconnectReason {
    /// Whether the client may come back for what it misses: nobody has wanted it to go, and what it has sent could be read.
    pub fn is_recoverable(self) -> bool {
        match self {
            Self::ClientNamespaceDisconnect
            | Self::ServerNamespaceDisconnect
            | Self::ParseError => false,
            Self::Engine(reason) => reason != engine::Reason::ParseError,
            Self::ForcedServerClose | Self::ServerShuttingDown => true,
        }
    }
}

impl Asked {
    /// The socket whose client is to acknowledge it.
    pub fn socket(self) -> Socket {
        self.socket
    }
}

impl fmt::Display for DisconnectReason {
    /// As the protocol's reference names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ForcedServerClose => "forced server close",
            Self::ServerShuttingDown => "server shutting down",
            Self::ParseError => "parse error",
            Self::Engine(reason) => return reason.fmt(f),
        })
    }
}

/// Why an event was not sent. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket has gone, or was not accepted yet.
    Disconnected,
    /// As much waits to be sent as may wait: the other end reads too slowly.
    Full,
    /// It was volatile, and the transport wasn't ready.
    NotReady,
    /// The name is one of those that mean something else in clients: `connect`, `disconnect` and a few others.
    Reserved,
    /// As many acknowledgements are waited for as [`Config::with_acks`](super::Config::with_acks) allows.
    Acks,
    /// It is longer than the server accepts. This is for clients.
    TooLarge,
    /// The authentication is no JSON object. This is for clients.
    Auth,
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "the socket is not connected",
            Self::Full => "as much waits to be sent as may wait",
            Self::NotReady => "the transport is not ready for a volatile event",
            Self::Reserved => "the event's name is reserved",
            Self::Acks => "too many acknowledgements are waited for",
            Self::TooLarge => "it is longer than the server accepts",
            Self::Auth => "the authentication is no JSON object",
        })
    }
}

impl error::Error for EmitError {}

impl From<SendError> for EmitError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Full => Self::Full,
            SendError::Closed => Self::Disconnected,
            SendError::TooLarge => Self::TooLarge,
        }
    }
}
