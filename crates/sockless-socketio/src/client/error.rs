//! Why a client isn't connected, or an event isn't acknowledged.

use std::fmt;

use super::event::Refused;
use crate::socket::EmitError;
use crate::socket::client::DisconnectReason;

/// Why a client could not be connected.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL isn't that of a server: `http://host/namespace`, or with `https`, `ws` or `wss`.
    Url,
    /// A field of the requests can't be sent.
    Field,
    /// The server has refused the namespace.
    Refused(Refused),
    /// The namespace couldn't be asked for, for this reason: the authentication is no JSON object, or longer than the server says that it accepts.
    Unsent(EmitError),
    /// There was no session, or it has ended before the client was connected. What went wrong is said, if more is known.
    Session {
        /// Why.
        reason: DisconnectReason,
        /// What went wrong with the last request or WebSocket.
        detail: Option<String>,
    },
    /// The client is in this namespace already, or its connection is closed.
    Taken,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => {
                f.write_str("this is not the URL of a server: it is http://host/namespace")
            }
            Self::Field => {
                f.write_str("a field of the requests has a name or value that can't be sent")
            }
            Self::Refused(refused) => write!(f, "the server has refused: {}", refused.message()),
            Self::Unsent(reason) => write!(f, "the namespace can't be asked for: {reason}"),
            Self::Session { reason, detail: Some(detail) } => write!(f, "{reason}: {detail}"),
            Self::Session { reason, detail: None } => reason.fmt(f),
            Self::Taken => f.write_str("the namespace is taken, or the connection closed"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Why there is no acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckError {
    /// The event was not sent, for this reason.
    Unsent(EmitError),
    /// It was sent. The time is up, or the connection has gone: the server may have got it.
    Unanswered,
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent(reason) => reason.fmt(f),
            Self::Unanswered => f.write_str("the server has not acknowledged the event"),
        }
    }
}

impl std::error::Error for AckError {}
