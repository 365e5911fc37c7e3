//! Streams, messages and an independent inflater.

use std::vec::Vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::extension::deflate::parameters::{Direction, WindowBits};
use crate::extension::deflate::{Compression, DeflateDecoder, DeflateEncoder};
use crate::extension::door::{Decode, DecodeError, Encode};

pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

pub(super) fn direction(bits: u8, takeover: bool) -> Direction {
    Direction::new(WindowBits::new(bits).unwrap(), takeover)
}

pub(super) fn decoder(bits: u8, takeover: bool) -> DeflateDecoder {
    DeflateDecoder::new(direction(bits, takeover), None)
}

pub(super) fn encoder(bits: u8, takeover: bool) -> DeflateEncoder {
    DeflateEncoder::new(direction(bits, takeover), &Compression::default()).unwrap()
}

/// Decodes a whole message given in one piece.
pub(super) fn decode(
    decoder: &mut DeflateDecoder,
    payload: &[u8],
    budget: usize,
) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    decoder.decode(payload, true, budget, &mut out)?;
    Ok(out)
}

pub(super) fn encode(encoder: &mut DeflateEncoder, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.encode(message, true, &mut out);
    out
}

/// An inflater that shares nothing with the one under test, and has a window of exactly the size that was agreed on.
pub(super) struct Independent {
    state: DecompressorOxide,
    window: Vec<u8>,
    at: usize,
    takeover: bool,
}

impl Independent {
    pub(super) fn new(bits: u8, takeover: bool) -> Self {
        Self { state: DecompressorOxide::new(), window: std::vec![0; 1 << bits], at: 0, takeover }
    }

    pub(super) fn decode(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        if !self.takeover {
            *self = Self { takeover: false, ..Self::new(15, false) };
        }
        let mut message = Vec::new();
        let stream: Vec<u8> = payload.iter().chain(&TAIL).copied().collect();
        let mut input = &stream[..];
        loop {
            let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_IGNORE_ADLER32;
            let (status, read, wrote) =
                decompress(&mut self.state, input, &mut self.window, self.at, flags);
            message.extend_from_slice(&self.window[self.at..self.at + wrote]);
            self.at = (self.at + wrote) & (self.window.len() - 1);
            input = &input[read..];
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput if input.is_empty() => return Some(message),
                // The next block follows, and refers to the same window.
                TINFLStatus::Done if !input.is_empty() => self.state = DecompressorOxide::new(),
                _ => return None,
            }
        }
    }
}

/// Octets without a repetition: a generator that is random enough to be incompressible.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// A block without compression; with `last`, `BFINAL` is set.
pub(super) fn stored(last: bool, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    let mut block = std::vec![u8::from(last)];
    block.extend_from_slice(&length.to_le_bytes());
    block.extend_from_slice(&(!length).to_le_bytes());
    block.extend_from_slice(data);
    block
}

/// Bits in the order in which DEFLATE packs them.
#[derive(Default)]
pub(super) struct Bits {
    octets: Vec<u8>,
    count: usize,
}

impl Bits {
    /// The lowest `count` bits of `value`, lowest first.
    pub(super) fn value(mut self, value: u32, count: usize) -> Self {
        for bit in 0..count {
            if self.count.is_multiple_of(8) {
                self.octets.push(0);
            }
            let octet = self.octets.last_mut().unwrap();
            *octet |= (((value >> bit) & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
        self
    }

    /// A Huffman code, highest bit first.
    pub(super) fn code(self, code: u32, count: usize) -> Self {
        (0..count).rev().fold(self, |bits, bit| bits.value((code >> bit) & 1, 1))
    }

    /// The header of a block with fixed codes.
    pub(super) fn fixed(self, last: bool) -> Self {
        self.value(last.into(), 1).value(1, 2)
    }

    /// A literal below 144, by the fixed code.
    pub(super) fn literal(self, octet: u8) -> Self {
        self.code(0x30 + u32::from(octet), 8)
    }

    /// A match of three octets at a distance of 24,577 to 32,768, by the fixed codes.
    pub(super) fn far(self, distance: u32) -> Self {
        self.code(1, 7).code(29, 5).value(distance - 24_577, 13)
    }

    pub(super) fn end_of_block(self) -> Self {
        self.code(0, 7)
    }

    pub(super) fn octets(self) -> Vec<u8> {
        self.octets
    }
}
