//! What comes out of the server: for its driver, and for the layer above.

use alloc::string::String;
use core::{error, fmt};

use bytes::Bytes;

use super::packet::Frame;
use super::request::Answer;
use super::table::{Channel, RequestId, Session};

/// What the driver has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A request that waits is to be answered. One whose client is gone may be forgotten.
    Answer(RequestId, Answer),
    /// A WebSocket has something to [`transmit`](super::Engine::transmit), or is to be closed.
    Transmit(Channel),
    /// A WebSocket may be read again, see [`wants_input`](super::Engine::wants_input).
    Read(Channel),
}

/// What a WebSocket has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Send this, and ask again.
    Frame(Frame),
    /// Nothing, until there is an [`Output::Transmit`].
    Wait,
    /// Close, after what has been sent.
    Close,
}

/// A message of a client. `Debug` shows lengths, no payload.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if matches!(self, Self::Text(_)) { "Text" } else { "Binary" };
        f.debug_struct(kind).field("len", &self.len()).finish()
    }
}

/// What has happened in a session. The first is that it was opened, the last that it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session begins.
    Opened(Session),
    /// A message has arrived.
    Message(Session, Message),
    /// The session has ended. Its handle means nothing any more.
    Closed(Session, Reason),
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The client has closed it, or its connection.
    TransportClose,
    /// The client has broken a rule of the transport: two polls at once, a poll or a body that was given up.
    TransportError,
    /// What the client has sent can't be read.
    ParseError,
    /// No pong has come.
    PingTimeout,
    /// The server has closed it.
    ForcedClose,
}

impl fmt::Display for Reason {
    /// As the protocol's reference names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
            Self::PingTimeout => "ping timeout",
            Self::ForcedClose => "forced close",
        })
    }
}

/// Why something was not sent. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// The session has ended, is being closed, or isn't open yet.
    Closed,
    /// As much waits as [`Config::with_queue`](super::Config::with_queue) allows.
    Full,
    /// It is longer than the server accepts: [`Config::max_payload`](super::Config::max_payload) there. This is for clients.
    TooLarge,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the session is not open",
            Self::Full => "as much waits to be sent as may wait",
            Self::TooLarge => "it is longer than the server accepts",
        })
    }
}

impl error::Error for SendError {}
