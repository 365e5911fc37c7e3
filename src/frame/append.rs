//! The fast way of the encoder: a whole message in one frame, appended to the bytes that wait.
//!
//! The header is made in a register and stored as a whole; the payload is copied, and masked for a client, in one pass behind it.

use alloc::vec::Vec;

use super::encoder::Encoder;
use super::header::{FIN, HeaderBytes, LEN_16, LEN_64, MASKED};
use crate::words::mask::Mask;
use crate::words::opcode::Kind;
use crate::words::role::Role;
use crate::words::simd::Level;

/// A header in a register: its octets from the lowest on, and their number.
type Register = (u128, usize);

/// Up to here the copy of a server's payload is compiled in line, with the kernel for short payloads, for which a key of zeros is
/// no work.
const SHORT: usize = 128;

impl<R: Role> Encoder<R> {
    /// The room that [`append_whole`](Self::append_whole) wants: a header's register is stored whole.
    #[inline(always)]
    pub(crate) const fn room_for_whole(len: usize) -> usize {
        size_of::<u128>() + len
    }

    /// Appends a whole message in one frame. The encoder is [idle](Self::is_idle), and stays so.
    #[inline(always)]
    pub(crate) fn append_whole(&self, kind: Kind, payload: &[u8], key: R::Key, out: &mut Vec<u8>) {
        let key = R::octets(key);
        let (header, len) = header(FIN | kind.opcode().bits(), payload.len(), key);
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

    /// The header alone of a whole message in one frame. The encoder is idle, and stays so.
    #[inline(always)]
    pub(crate) fn whole_header(&self, kind: Kind, len: usize, key: Option<[u8; 4]>) -> HeaderBytes {
        let (header, header_len) = header(FIN | kind.opcode().bits(), len, key);
        HeaderBytes::from_register(header, header_len)
    }
}

/// A data frame's header, in the three forms of its length.
#[inline(always)]
fn header(first: u8, len: usize, key: Option<[u8; 4]>) -> Register {
    let (masked, key, key_len) = match key {
        Some(key) => (MASKED, u32::from_le_bytes(key), 4),
        None => (0, 0, 0),
    };
    let (first, masked) = (u64::from(first), u64::from(masked) << 8);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //# Note that in all cases, the minimal number of bytes MUST be used to encode
    //# the length, for example, the length of a 124-byte-long string
    //# can't be encoded as the sequence 126, 0, 124.
    if len < usize::from(LEN_16) {
        let word = first | masked | (len as u64) << 8 | u64::from(key) << 16;
        (word.into(), 2 + key_len)
    } else if let Ok(len) = u16::try_from(len) {
        let len = u64::from(len.swap_bytes());
        let word = first | masked | u64::from(LEN_16) << 8 | len << 16 | u64::from(key) << 32;
        (word.into(), 4 + key_len)
    } else {
        let len = u128::from((len as u64).swap_bytes());
        let front = u128::from(first | masked | u64::from(LEN_64) << 8);
        (front | len << 16 | u128::from(key) << 80, 10 + key_len)
    }
}
