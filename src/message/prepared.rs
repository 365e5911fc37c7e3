//! A message encoded once, for any number of server connections.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::frame::Header;
use crate::words::opcode::Kind;

/// A message that is encoded already. Any number of server connections can queue it without encoding it again, and, from 4 KiB
/// on, without copying it. Cloning it copies nothing.
///
/// There is none for clients: each of their frames is masked with a key of its own.
#[derive(Clone)]
pub struct Prepared {
    kind: Kind,
    frame: Bytes,
    payload_len: usize,
}

impl Prepared {
    /// Prepares a text message.
    pub fn text(text: &str) -> Self {
        Self::new(Kind::Text, text.as_bytes())
    }

    /// Prepares a binary message.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::new(Kind::Binary, bytes)
    }

    fn new(kind: Kind, payload: &[u8]) -> Self {
        let len = payload.len() as u64;
        let header = Header { fin: true, rsv: 0, opcode: kind.opcode(), mask: None, len }.encode();
        let mut frame = Vec::with_capacity(header.len() + payload.len());
        frame.extend_from_slice(&header);
        frame.extend_from_slice(payload);
        Self { kind, frame: frame.into(), payload_len: payload.len() }
    }

    /// What the message is made of.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The frame on the wire.
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// The length of the payload.
    pub fn payload_len(&self) -> usize {
        self.payload_len
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Prepared");
        shown.field("kind", &self.kind).field("payload_len", &self.payload_len).finish()
    }
}
