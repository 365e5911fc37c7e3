//! Compression by another library than the one under test, and the parameters that tests agree on.

#![allow(dead_code, reason = "every chapter uses its own part of this module")]

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use sockless::extension::deflate::{Parameters, WindowBits};
use sockless::extension::{Agreed, Supported};

const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

pub(crate) fn bits(bits: u8) -> Option<WindowBits> {
    Some(WindowBits::new(bits).expect("8 to 15"))
}

/// What a handshake that ended with these parameters agreed on.
pub(crate) fn agreed(parameters: Parameters) -> Agreed {
    let mut agreed = Agreed::default();
    agreed.deflate = Some(parameters);
    agreed
}

/// What a handshake agreed on whose answer was this header.
pub(crate) fn answered(answer: &str) -> Agreed {
    let client = Supported::default().with_deflate(Default::default());
    client.check([answer.as_bytes()]).expect("a valid answer")
}

/// The peer's receiving side: an inflater with a window of exactly the size that was agreed on.
pub(crate) struct Inflater {
    state: Box<DecompressorOxide>,
    window: Vec<u8>,
    at: usize,
    takeover: bool,
}

impl Inflater {
    pub(crate) fn new(bits: u8, takeover: bool) -> Self {
        Self { state: Box::default(), window: vec![0; 1 << bits], at: 0, takeover }
    }

    pub(crate) fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.at = 0;
            *self.state = DecompressorOxide::new();
        }
        let mut message = Vec::new();
        let stream = [payload, &TAIL].concat();
        let mut input = &stream[..];
        loop {
            let (status, read, wrote) = decompress(
                &mut self.state,
                input,
                &mut self.window,
                self.at,
                TINFL_FLAG_HAS_MORE_INPUT,
            );
            message.extend_from_slice(&self.window[self.at..self.at + wrote]);
            self.at = (self.at + wrote) & (self.window.len() - 1);
            input = &input[read..];
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput if input.is_empty() => return message,
                status => panic!("{status:?}"),
            }
        }
    }
}

/// The peer's sending side.
pub(crate) struct Deflater {
    state: Box<CompressorOxide>,
    takeover: bool,
}

impl Deflater {
    pub(crate) fn new(takeover: bool) -> Self {
        let flags = create_comp_flags_from_zip_params(6, -15, 0);
        Self { state: Box::new(CompressorOxide::new(flags)), takeover }
    }

    pub(crate) fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.state.reset();
        }
        if message.is_empty() {
            return vec![0];
        }
        let mut payload = vec![0; 2 * message.len() + 200];
        let (_, read, wrote) = compress(&mut self.state, message, &mut payload, TDEFLFlush::Sync);
        assert_eq!(read, message.len());
        payload.truncate(wrote);
        payload.strip_suffix(&TAIL).expect("a flush").to_vec()
    }
}

/// Octets without a repetition.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
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

/// A text of this length that compresses well.
pub(crate) fn prose(length: usize) -> String {
    "{\"id\":17,\"name\":\"Grüße\",\"tags\":[\"a\",\"b\"]} ".chars().cycle().take(length).collect()
}
