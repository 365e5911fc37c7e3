//! The encoder's fast path: a whole message in one frame, appended to the bytes that wait to be written.
//!
//! The header is made in a register and stored in one piece; the payload is copied after it in one pass, and masked in that pass for a
//! client.

use alloc::vec::Vec;

use super::encoder::Encoder;
use super::header::{self, FIN, HeaderBytes};
use crate::words::mask::Mask;
use crate::words::opcode::Kind;
use crate::words::role::Role;
use crate::words::simd::Level;

/// A server's payload of up to this length is copied by the kernel for short payloads, which is compiled in line. A key of zeros costs
/// it nothing.
const SHORT: usize = 128;

impl<R: Role> Encoder<R> {
    /// How much spare capacity [`fast_encode`](Self::fast_encode) needs. It is more than the frame's length, because the register with
    /// the header is stored in one piece.
    #[inline(always)]
    pub(crate) const fn room_to_encode(len: usize) -> usize {
        size_of::<u128>() + len
    }

    /// Appends a whole message in one frame to `out`. The encoder has to be [idle](Self::is_idle), and stays so.
    #[inline(always)]
    pub(crate) fn fast_encode(&self, kind: Kind, payload: &[u8], key: R::Key, out: &mut Vec<u8>) {
        debug_assert!(self.is_idle());
        let key = R::octets(key);
        let (header, len) = encode_header(kind, payload.len(), key);
        let header = header.to_le_bytes();
        let (_, level) = self.mask();
        match key {
            Some(key) => Mask::new(key).append_behind(level, header, len, payload, out),
            None if payload.len() <= SHORT => {
                Mask::new([0; 4]).append_behind(Level::SCALAR, header, len, payload, out);
            }
            None => {
                let end = out.len() + len;
                out.extend_from_slice(&header);
                out.truncate(end);
                out.extend_from_slice(payload);
            }
        }
    }

    /// Encodes the header of a whole message in one frame, for a payload that the caller writes. The encoder has to be
    /// [idle](Self::is_idle), and stays so.
    #[inline(always)]
    pub(crate) fn encode_whole_header(
        &self,
        kind: Kind,
        len: usize,
        key: Option<[u8; 4]>,
    ) -> HeaderBytes {
        let (header, header_len) = encode_header(kind, len, key);
        HeaderBytes::from_register(header, header_len)
    }
}

/// Encodes a whole message's header in a register: its octets from the lowest on, and how many there are.
#[inline(always)]
fn encode_header(kind: Kind, len: usize, key: Option<[u8; 4]>) -> (u128, usize) {
    header::encode_in_register(FIN | kind.opcode().bits(), len as u64, key)
}
