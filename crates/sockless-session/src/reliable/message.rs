//! Messages: what a session takes, keeps and hands out. How they look on the wire lives in `wire` and `output`.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text.
    Text,
    /// Binary data.
    Binary,
}

/// A message that a session can keep until it is acknowledged. A clone of it should cost little: it is cloned whenever it is sent.
///
/// [`Message`] is one; a runtime crate has others, such as a message that is encoded already.
pub trait Payload: Clone {
    /// What the message is made of.
    fn kind(&self) -> Kind;

    /// The payload. That of a text message has to be UTF-8.
    fn as_bytes(&self) -> &[u8];

    /// The text message that was stored.
    fn from_text(text: &str) -> Self;

    /// The binary message that was stored.
    fn from_binary(bytes: &[u8]) -> Self;
}

/// A message that owns its payload. Cloning it copies nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// A text message.
    Text(Arc<str>),
    /// A binary message.
    Binary(Arc<[u8]>),
}

impl Payload for Message {
    fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    fn from_text(text: &str) -> Self {
        Self::Text(text.into())
    }

    fn from_binary(bytes: &[u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
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

impl From<Incoming<'_>> for Message {
    fn from(incoming: Incoming<'_>) -> Self {
        match incoming {
            Incoming::Text(text) => text.into(),
            Incoming::Binary(bytes) => bytes.into(),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Message");
        shown.field("kind", &self.kind()).field("len", &self.as_bytes().len()).finish()
    }
}

/// A message that a connection has received, borrowed from wherever it lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

impl<'a> Incoming<'a> {
    /// The payload's octets.
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// What the message is made of.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// The same without its first octets, which are ASCII.
    pub(crate) fn skip(self, count: usize) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.get(count..).unwrap_or_default()),
            Self::Binary(bytes) => Self::Binary(bytes.get(count..).unwrap_or_default()),
        }
    }
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Incoming");
        shown.field("kind", &self.kind()).field("len", &self.as_bytes().len()).finish()
    }
}
