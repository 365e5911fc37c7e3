//! The codec of one frame header (RFC 6455, section 5.2): its bits and its three forms of length.
//!
//! [`Decoder`](super::Decoder) and [`Encoder`](super::Encoder) know which frame may follow which, and who has to mask.

use core::ops::Deref;

use super::violation::Violation;
use crate::words::opcode::Opcode;

/// The longest header: two bytes, a 64-bit length and a masking key.
pub(crate) const MAX_LEN: usize = 14;

/// The longest payload of a control frame.
pub(crate) const MAX_CONTROL: usize = 125;

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV: u8 = 0x70;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const OPCODE: u8 = 0x0F;
/// The bit that all control frames' opcodes have.
pub(super) const CONTROL: u8 = 0x08;
pub(crate) const MASKED: u8 = 0x80;
pub(crate) const LEN: u8 = 0x7F;
pub(crate) const LEN_16: u8 = 126;
pub(crate) const LEN_64: u8 = 127;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether the frame is the last of its message.
    pub fin: bool,
    /// The reserved bits RSV1, RSV2 and RSV3, as the three lowest bits of a number: 4, 2 and 1.
    pub rsv: u8,
    /// What the payload is.
    pub opcode: Opcode,
    /// The masking key, if the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// The length of the payload.
    pub len: u64,
}

impl Header {
    /// Decodes the header at the beginning of `bytes`: the header and its own length, or `None` if `bytes` ends inside it.
    ///
    /// # Errors
    ///
    /// A reserved opcode, a non-minimal length or a length of 2^63 and more, as soon as the bytes show it. Nothing after it can be understood: close the
    /// stream.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let [first, rest @ ..] = bytes else {
            return Ok(None);
        };
        let Some(opcode) = Opcode::from_bits(first & OPCODE) else {
            return Err(Violation::ReservedOpcode);
        };
        let [second, ..] = rest else { return Ok(None) };
        check_length(&bytes[2..], *second)?;
        let (length_end, end) = (length_end(*second), header_len(*second));
        if bytes.len() < end {
            return Ok(None);
        }
        let mask = (second & MASKED != 0).then(|| four(&bytes[length_end..end]));
        let header = Self {
            fin: first & FIN != 0,
            rsv: (first & RSV) >> 4,
            opcode,
            mask,
            len: length(&bytes[..length_end]),
        };
        Ok(Some((header, end)))
    }

    /// Encodes the header, with the length in its shortest form. A length has 63 bits: the highest of `len` is dropped.
    #[inline]
    pub fn encode(&self) -> HeaderBytes {
        let first = u8::from(self.fin) << 7 | (self.rsv << 4 & RSV) | self.opcode.bits();
        let (register, len) = encode_in_register(first, self.len, self.mask);
        HeaderBytes::from_register(register, len)
    }
}

/// A header's bytes, 2 to 14 of them.
#[derive(Clone, Copy, Debug)]
pub struct HeaderBytes {
    /// As long as a register, so that one is stored whole.
    bytes: [u8; 16],
    len: u8,
}

impl HeaderBytes {
    /// The lowest `len` octets of a register, 14 at most.
    #[inline(always)]
    pub(crate) fn from_register(register: u128, len: usize) -> Self {
        Self { bytes: register.to_le_bytes(), len: len.min(MAX_LEN) as u8 }
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl AsRef<[u8]> for HeaderBytes {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Encodes a header in a register: its octets from the lowest on, and how many there are. The length is in its shortest form, and the
/// highest bit of `len` is dropped.
#[inline(always)]
pub(super) fn encode_in_register(first: u8, len: u64, key: Option<[u8; 4]>) -> (u128, usize) {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# A masked frame MUST have the field frame-masked set to 1, as defined in
    //# Section 5.2.
    let (masked, key, key_len) = match key {
        Some(key) => (MASKED, u32::from_le_bytes(key), 4),
        None => (0, 0, 0),
    };
    let front = u64::from(first) | u64::from(masked) << 8;
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //# Note that in all cases, the minimal number of bytes MUST be used to encode
    //# the length, for example, the length of a 124-byte-long string
    //# can't be encoded as the sequence 126, 0, 124.
    if len < u64::from(LEN_16) {
        let word = front | len << 8 | u64::from(key) << 16;
        (word.into(), 2 + key_len)
    } else if let Ok(len) = u16::try_from(len) {
        let len = u64::from(len.swap_bytes());
        let word = front | u64::from(LEN_16) << 8 | len << 16 | u64::from(key) << 32;
        (word.into(), 4 + key_len)
    } else {
        let front = u128::from(front | u64::from(LEN_64) << 8);
        let len = u128::from((len & (u64::MAX >> 1)).swap_bytes());
        (front | len << 16 | u128::from(key) << 80, 10 + key_len)
    }
}

/// The offset at which the length field ends in a header with this second byte.
#[inline]
pub(crate) const fn length_end(second: u8) -> usize {
    match second & LEN {
        LEN_16 => 4,
        LEN_64 => 10,
        _ => 2,
    }
}

/// The length of the whole header with this second byte.
#[inline]
pub(crate) const fn header_len(second: u8) -> usize {
    length_end(second) + if second & MASKED == 0 { 0 } else { 4 }
}

/// Whether these bytes of a header, and no more than belong to it, are all of it.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    matches!(*bytes, [_, second, ..] if bytes.len() == header_len(second))
}

/// The payload's length. `bytes` are the header's, up to the end of its length field.
#[inline]
pub(crate) fn length(bytes: &[u8]) -> u64 {
    match *bytes {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# Multibyte length quantities are expressed in network byte order.
        [_, _, a, b] => u64::from(u16::from_be_bytes([a, b])),
        [_, _, a, b, c, d, e, f, g, h] => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        [_, second, ..] => u64::from(second & LEN),
        _ => 0,
    }
}

/// Decodes the length field of the header at the beginning of `bytes`: the offset at which the field ends, and the payload's length. `None`
/// if the field is incomplete or breaks a rule.
#[inline(always)]
pub(super) fn decode_length(bytes: &[u8]) -> Option<(usize, u64)> {
    let &[_, second, ..] = bytes else { return None };
    let field = bytes.get(..length_end(second))?;
    check_length(&field[2..], second).ok()?;
    Some((field.len(), length(field)))
}

/// Checks as much of the extended length (the two or eight bytes after this second byte) as has arrived.
#[inline]
pub(crate) fn check_length(extended: &[u8], second: u8) -> Result<(), Violation> {
    match (second & LEN, extended) {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the
        //# most significant bit MUST be 0) are the payload length.
        (LEN_64, [first, ..]) if first & 0x80 != 0 => Err(Violation::LengthOverflow),
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# Note that in all cases, the minimal number of bytes MUST be used to encode
        //# the length, for example, the length of a 124-byte-long string
        //# can't be encoded as the sequence 126, 0, 124.
        (LEN_16, [0, low, ..]) if *low < LEN_16 => Err(Violation::NonMinimalLength),
        (LEN_64, [0, 0, 0, 0, 0, 0, ..]) => Err(Violation::NonMinimalLength),
        _ => Ok(()),
    }
}

/// The first four bytes, which the caller knows to be there.
#[inline]
pub(crate) fn four(bytes: &[u8]) -> [u8; 4] {
    match *bytes {
        [a, b, c, d, ..] => [a, b, c, d],
        _ => [0; 4],
    }
}
