//! A frame that is arriving: its header is complete, its payload isn't.
//!
//! What may follow the frame is decided by [`Decoder`](super::Decoder).

use super::check::{BadByte, Check};
use super::header::{CONTROL, FIN, OPCODE, RSV};
use super::violation::Violation;
use crate::words::mask::Mask;
use crate::words::opcode::Opcode;
use crate::words::role::Role;
use crate::words::simd::Level;
use crate::words::text;
use crate::words::utf8::Utf8;

/// A frame's header, as far as it matters for the payload, and how much of the payload has arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenFrame {
    /// The header's first byte.
    first: u8,
    /// What the payload has to be, from the next byte on.
    check: Check,
    /// The key as it meets the next byte.
    mask: Mask,
    /// How many payload bytes have not arrived. An array of bytes, since an aligned number would make the decoder's state larger than 16
    /// bytes.
    remaining: [u8; 8],
}

impl OpenFrame {
    /// A frame of whose payload nothing has arrived.
    pub(super) fn new(first: u8, key: Option<[u8; 4]>, len: u64, check: Check) -> Self {
        let mask = Mask::new(key.unwrap_or_default());
        Self { first, check, mask, remaining: len.to_ne_bytes() }
    }

    pub(super) fn opcode(&self) -> Opcode {
        Opcode::from_bits(self.first & OPCODE).unwrap_or(Opcode::Continuation)
    }

    pub(super) fn is_control(&self) -> bool {
        self.first & CONTROL != 0
    }

    /// Whether the frame is the last of its message.
    pub(super) fn fin(&self) -> bool {
        self.first & FIN != 0
    }

    /// The reserved bits, as the three lowest bits of a number.
    pub(super) fn rsv(&self) -> u8 {
        (self.first & RSV) >> 4
    }

    /// How many payload bytes have not arrived.
    #[inline]
    pub(super) fn remaining(&self) -> u64 {
        u64::from_ne_bytes(self.remaining)
    }

    /// Unmasks and checks the next payload bytes in place. `utf8` has seen the text before them. They are no more than remain.
    pub(super) fn unmask<R: Role>(
        &mut self,
        level: Level,
        payload: &mut [u8],
        utf8: &mut Utf8,
    ) -> Result<(), BadByte> {
        if !R::MASKS && self.check == Check::Text {
            text::unmask(self.mask, level, payload, utf8).map_err(invalid_text)?;
        } else {
            if !R::MASKS {
                //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
                //# A server MUST remove masking for data frames received from a client
                //# as described in Section 5.3.
                self.mask.apply(level, payload);
            }
            self.check.check_next(utf8, payload)?;
        }
        self.advance(payload.len());
        Ok(())
    }

    /// Unmasks and checks the next payload bytes while they are appended to `out`. `utf8` and the length are as for [`unmask`](Self::unmask).
    #[cfg(feature = "alloc")]
    pub(super) fn unmask_into<R: Role>(
        &mut self,
        level: Level,
        payload: &[u8],
        out: &mut alloc::vec::Vec<u8>,
        utf8: &mut Utf8,
    ) -> Result<(), BadByte> {
        let start = out.len();
        if !R::MASKS && self.check == Check::Text {
            text::append(self.mask, level, payload, out, utf8).map_err(invalid_text)?;
        } else {
            match R::MASKS {
                true => out.extend_from_slice(payload),
                false => self.mask.append(level, payload, out),
            }
            self.check.check_next(utf8, &out[start..])?;
        }
        self.advance(payload.len());
        Ok(())
    }

    /// Goes on past `count` bytes of the payload.
    fn advance(&mut self, count: usize) {
        self.mask = self.mask.advanced(count);
        self.remaining = self.remaining().saturating_sub(count as u64).to_ne_bytes();
    }

    /// Checks that the text, or the reason of a Close frame, may end with this frame. `utf8` has seen all of it.
    pub(super) fn check_end(&self, utf8: &Utf8) -> Result<(), Violation> {
        if self.is_control() || self.fin() { self.check.check_end(utf8) } else { Ok(()) }
    }
}

/// The fault in a text of which this many bytes are good.
fn invalid_text(good: usize) -> BadByte {
    (good, Violation::InvalidText)
}
