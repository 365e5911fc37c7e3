//! What comes out of a client: for its driver, and for the layer above.

use alloc::string::String;
use core::fmt;

use bytes::Bytes;

use crate::engine::output::Message;

/// One of the two requests that may be made at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// The one that waits for what the server sends.
    Poll,
    /// The one that carries what the client sends.
    Post,
}

/// What the driver has to do.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// GET, with this query: [`Request::Poll`].
    Get {
        /// The query.
        query: String,
    },
    /// POST, with this query and body: [`Request::Post`]. The body's type is `text/plain;charset=UTF-8`.
    Post {
        /// The query.
        query: String,
        /// The body.
        body: Bytes,
    },
    /// The WebSocket is to be opened, with this query.
    Open {
        /// The query.
        query: String,
    },
    /// The WebSocket has something to [`transmit`](super::Client::transmit), or is to be closed.
    Transmit,
    /// The WebSocket may be read again, see [`wants_input`](super::Client::wants_input).
    Read,
}

impl fmt::Debug for Output {
    /// Shows neither query nor body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { .. } => f.write_str("Get"),
            Self::Post { body, .. } => f.debug_struct("Post").field("len", &body.len()).finish(),
            Self::Open { .. } => f.write_str("Open"),
            Self::Transmit => f.write_str("Transmit"),
            Self::Read => f.write_str("Read"),
        }
    }
}

/// What has happened. The first is that the session is open, unless that fails; the last that it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session is open.
    Opened,
    /// It is on a WebSocket from now on.
    Upgraded,
    /// A message has arrived.
    Message(Message),
    /// It has ended, or was never opened. Requests that wait for their answers are to be given up.
    Closed(Reason),
}

/// Why a session has ended, or was never opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// No server was reached, or it didn't open the session in time.
    Unreachable,
    /// The server has refused to open it, with this status of HTTP.
    Refused(u16),
    /// The server has closed it, or its connection.
    TransportClose,
    /// A request has failed.
    TransportError,
    /// What the server has sent can't be read.
    ParseError,
    /// The server has said nothing for longer than it may.
    PingTimeout,
    /// This client has closed it.
    ForcedClose,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "no server was reached",
            Self::Refused(status) => return write!(f, "refused with status {status}"),
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
            Self::PingTimeout => "ping timeout",
            Self::ForcedClose => "forced close",
        })
    }
}

impl core::error::Error for Reason {}
