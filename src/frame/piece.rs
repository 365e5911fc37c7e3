//! What the decoder gives out: a piece of a frame.

use core::fmt;

use crate::words::opcode::Opcode;

/// A piece of a frame, as far as its payload has arrived.
#[non_exhaustive]
pub struct Piece<'b> {
    /// What the frame is.
    pub opcode: Opcode,
    /// Whether the frame is the last of its message.
    pub fin: bool,
    /// The reserved bits, as the three lowest bits of a number: RSV1 is 4.
    pub rsv: u8,
    /// Whether this is the frame's first piece. Every frame has one, if need be an empty one.
    pub begins: bool,
    /// The payload bytes of this piece, unmasked.
    pub payload: &'b mut [u8],
    /// The payload bytes of the frame that are still to come. With zero the frame is complete.
    pub remaining: u64,
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece")
            .field("opcode", &self.opcode)
            .field("fin", &self.fin)
            .field("rsv", &self.rsv)
            .field("begins", &self.begins)
            .field("len", &self.payload.len())
            .field("remaining", &self.remaining)
            .finish()
    }
}
