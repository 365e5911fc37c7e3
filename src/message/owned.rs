//! A whole message that owns its payload, for applications that keep it. It is encoded by `connection::sender`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::payload::Payload;
use super::shown;
use super::text::{Text, Utf8Bytes};
use crate::words::opcode::Kind;

/// A whole message that owns its payload. Cloning it copies nothing.
///
/// ```
/// use sockless::{Config, Connection, Message};
///
/// let waiting = [Message::from("text"), Message::from(vec![1, 2, 3])];
/// assert_eq!(waiting[0].as_text(), Some("text"));
/// assert_eq!((waiting[1].is_text(), waiting[1].len()), (false, 3));
///
/// let mut connection = Connection::server(Config::default());
/// for message in waiting {
///     // What is refused comes back with the error.
///     connection.send(message).map_err(|refused| refused.reason)?;
/// }
/// # Ok::<(), sockless::SendError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// Whether the message is text or binary.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// Whether the message is text.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// The text, if the message is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The text without copying it.
    ///
    /// # Errors
    ///
    /// The payload of a binary message.
    pub fn into_text(self) -> Result<Utf8Bytes, Bytes> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(bytes) => Err(bytes),
        }
    }

    /// How many bytes the payload has.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The payload's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload, without copying it.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => shown::text(f, "Text", text),
            Self::Binary(bytes) => shown::binary(f, "Binary", bytes),
        }
    }
}

impl From<Utf8Bytes> for Message {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
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

impl From<Cow<'_, str>> for Message {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<Text<'_>> for Message {
    fn from(text: Text<'_>) -> Self {
        Self::Text(text.into_utf8_bytes())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

impl From<Payload<'_>> for Message {
    fn from(payload: Payload<'_>) -> Self {
        Self::Binary(payload.into_bytes())
    }
}
