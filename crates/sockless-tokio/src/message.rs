//! What is sent and received.

use std::fmt;

use bytes::Bytes;
use sockless::CloseCode;
use sockless::connection::SendError;

use crate::data::{Data, Text};

/// A message, or a control frame for those who want to see them.
///
/// `Debug` shows lengths, no payload. A short message lies in the value itself and needs no memory on the heap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(Text),
    /// A binary message.
    Binary(Data),
    /// A ping. Its pong is sent by itself.
    Ping(Data),
    /// A pong.
    Pong(Data),
    /// A Close frame.
    Close(Option<CloseFrame>),
}

/// What a Close frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why the connection is closed.
    pub code: CloseCode,
    /// The sender's words for it: for a log, not for an end user.
    pub reason: Text,
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<Data>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Whether it is a text message.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Whether it is a binary message.
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// Whether it is a Close frame.
    pub const fn is_close(&self) -> bool {
        matches!(self, Self::Close(_))
    }

    /// The text of a text message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The payload's bytes; of a Close frame, its reason's.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data,
            Self::Close(frame) => frame.as_ref().map_or(&[], |frame| frame.reason.as_bytes()),
        }
    }

    /// The payload; of a Close frame, its reason. Without a copy where it is long.
    pub fn into_data(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data.into_bytes(),
            Self::Close(frame) => frame.map_or_else(Bytes::new, |frame| frame.reason.into_bytes()),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Data> for Message {
    fn from(data: Data) -> Self {
        Self::Binary(data)
    }
}

impl From<sockless::Message> for Message {
    fn from(message: sockless::Message) -> Self {
        match message {
            sockless::Message::Text(text) => Self::Text(text.into()),
            sockless::Message::Binary(bytes) => Self::Binary(bytes.into()),
        }
    }
}

/// A message that was not sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrySendError {
    /// As much waits as may wait. Send it again when some of it has been written.
    Full(Message),
    /// The connection has ended or is closing: nothing can be sent any more.
    Closed(Message),
    /// It would have broken a rule of sending.
    Refused(Message, SendError),
}

impl TrySendError {
    /// The message, given back.
    pub fn into_message(self) -> Message {
        match self {
            Self::Full(message) | Self::Closed(message) | Self::Refused(message, _) => message,
        }
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("as much output waits as may wait"),
            Self::Closed(_) => f.write_str("the connection has ended"),
            Self::Refused(_, reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for TrySendError {}
