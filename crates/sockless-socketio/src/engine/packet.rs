//! One packet of Engine.IO: what it says, and how it is written. Several in one body are in `payload`.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::{error, fmt};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The server's first, with the session's id and times as JSON.
    Open(&'a str),
    /// The transport is to be closed.
    Close,
    /// A heartbeat of the server, or a client's probe.
    Ping(&'a str),
    /// The answer to a ping.
    Pong(&'a str),
    /// A message of text.
    Message(&'a str),
    /// A message of bytes.
    Binary(Bytes),
    /// From now on the client uses this transport.
    Upgrade,
    /// Nothing: it ends a poll.
    Noop,
}

/// A packet as it is written: what one message of a WebSocket carries. Cloning it copies nothing. `Debug` shows lengths, no payload.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// The type's digit and the text.
    Text(Arc<str>),
    /// The bytes of a binary message.
    Binary(Bytes),
}

/// A buffer that has grown beyond this isn't kept.
const LARGE_BUFFER: usize = 64 << 10;

impl Frame {
    /// A message of text.
    pub fn message(text: &str) -> Self {
        Packet::Message(text).encode()
    }

    /// A message of text that is written into a buffer first, which is there for the next one, too.
    pub(crate) fn written(buffer: &mut String, write: impl FnOnce(&mut String)) -> Self {
        buffer.clear();
        buffer.push('4');
        write(buffer);
        let frame = Self::Text(buffer.as_str().into());
        if buffer.capacity() > LARGE_BUFFER {
            *buffer = String::new();
        }
        frame
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if matches!(self, Self::Text(_)) { "Text" } else { "Binary" };
        f.debug_struct(kind).field("len", &self.len()).finish()
    }
}

impl<'a> Packet<'a> {
    /// Writes a packet.
    pub fn encode(&self) -> Frame {
        let (digit, text) = match self {
            Self::Open(text) => ('0', *text),
            Self::Close => ('1', ""),
            Self::Ping(text) => ('2', *text),
            Self::Pong(text) => ('3', *text),
            Self::Message(text) => ('4', *text),
            Self::Binary(bytes) => return Frame::Binary(bytes.clone()),
            Self::Upgrade => ('5', ""),
            Self::Noop => ('6', ""),
        };
        Frame::Text(format!("{digit}{text}").into())
    }

    /// Reads what a text message of a WebSocket carries.
    ///
    /// # Errors
    ///
    /// If it has no type, an unknown one, or text where there is none.
    pub fn decode(text: &'a str) -> Result<Self, PacketError> {
        let Some(digit) = text.bytes().next().filter(u8::is_ascii) else {
            return Err(PacketError::Type);
        };
        let text = &text[1..];
        match (digit, text) {
            (b'0', _) => Ok(Self::Open(text)),
            (b'2', _) => Ok(Self::Ping(text)),
            (b'3', _) => Ok(Self::Pong(text)),
            (b'4', _) => Ok(Self::Message(text)),
            (b'1', "") => Ok(Self::Close),
            (b'5', "") => Ok(Self::Upgrade),
            (b'6', "") => Ok(Self::Noop),
            (b'1' | b'5' | b'6', _) => Err(PacketError::Text),
            _ => Err(PacketError::Type),
        }
    }

    /// Reads a packet in a body of long-polling, where binary messages are written in base64.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), or if it is not the base64 that it should be.
    pub fn decode_polled(text: &'a str) -> Result<Self, PacketError> {
        match text.strip_prefix('b') {
            Some(text) => match BASE64_STANDARD.decode(text) {
                Ok(bytes) => Ok(Self::Binary(bytes.into())),
                Err(_) => Err(PacketError::Base64),
            },
            None => Self::decode(text),
        }
    }
}

/// Appends a packet as a body of long-polling has it.
pub(super) fn append_polled(frame: &Frame, body: &mut String) {
    match frame {
        Frame::Text(text) => body.push_str(text),
        Frame::Binary(bytes) => {
            body.push('b');
            BASE64_STANDARD.encode_string(bytes, body);
        }
    }
}

/// How many bytes a packet has in a body of long-polling.
pub(super) fn polled_len(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(bytes) => bytes.len().div_ceil(3).saturating_mul(4).saturating_add(1),
    }
}

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PacketError {
    /// There is no type, or an unknown one.
    Type,
    /// A packet that says nothing comes with text.
    Text,
    /// A binary message is not written in base64.
    Base64,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "the packet has an unknown type",
            Self::Text => "the packet's type allows no text",
            Self::Base64 => "the binary message is not base64",
        })
    }
}

impl error::Error for PacketError {}

impl From<&str> for Frame {
    /// A message of text.
    fn from(text: &str) -> Self {
        Self::message(text)
    }
}

impl From<Bytes> for Frame {
    /// A message of bytes.
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}
