//! permessage-deflate as the probe speaks it: a compressor that keeps to its window, an inflater that shows who doesn't.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use zlib_rs::{Deflate, DeflateFlush};

const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// What an answer says of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    pub(crate) bits: u8,
    pub(crate) takeover: bool,
}

impl Direction {
    /// What this element of a header says of the direction from `sender`, `server` or `client`.
    pub(crate) fn of(element: &str, sender: &str) -> Self {
        let name = format!("{sender}_max_window_bits");
        let alone = format!("{sender}_no_context_takeover");
        let mut direction = Self { bits: 15, takeover: true };
        for param in element.split(';').map(str::trim) {
            if param == alone {
                direction.takeover = false;
            } else if let Some((own, value)) = param.split_once('=')
                && own.trim() == name
            {
                // What a testee makes of it is its own; no window here is of another size.
                let bits = value.trim().trim_matches('"').parse().ok();
                direction.bits = bits.filter(|bits| (8..=15).contains(bits)).unwrap_or(15);
            }
        }
        direction
    }
}

/// Why a message can't be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It isn't DEFLATE, or it refers to what lies outside the window.
    Data,
    /// It is more than the probe takes.
    TooLong,
}

/// The probe's own sending side.
pub(crate) struct Compressor {
    /// None where the window is 256 octets: no compressor here keeps to that.
    deflate: Option<Deflate>,
    takeover: bool,
}

impl Compressor {
    pub(crate) fn new(direction: Direction) -> Self {
        // The least effort: it is the testee whose work is of interest.
        let deflate = (direction.bits > 8).then(|| Deflate::new(1, false, direction.bits));
        Self { deflate, takeover: direction.takeover }
    }

    /// The payload of a compressed message.
    pub(crate) fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        let Some(deflate) = &mut self.deflate else { return stored(message) };
        if !self.takeover {
            deflate.reset();
        }
        let mut payload = vec![0; message.len() + message.len() / 8 + 100];
        let before = deflate.total_out();
        if deflate.compress(message, &mut payload, DeflateFlush::SyncFlush).is_err() {
            return stored(message);
        }
        payload.truncate((deflate.total_out() - before) as usize);
        if payload.ends_with(&TAIL) {
            payload.truncate(payload.len() - TAIL.len());
        }
        if payload.is_empty() { vec![0] } else { payload }
    }
}

/// A message in stored blocks, which refer to nothing, and the beginning of the empty one that ends it.
pub(crate) fn stored(message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    for block in message.chunks(0xFFFF) {
        let len = block.len() as u16;
        payload.push(0);
        payload.extend_from_slice(&len.to_le_bytes());
        payload.extend_from_slice(&(!len).to_le_bytes());
        payload.extend_from_slice(block);
    }
    payload.push(0);
    payload
}

/// The probe's own receiving side, with a window of exactly the size that was agreed on.
pub(crate) struct Inflater {
    state: Box<DecompressorOxide>,
    window: Vec<u8>,
    at: usize,
    /// Whether the window has been filled: before that nothing before its beginning can be referred to.
    full: bool,
    direction: Direction,
    limit: usize,
}

impl Inflater {
    pub(crate) fn new(direction: Direction, limit: usize) -> Self {
        let window = vec![0; 1 << direction.bits.clamp(8, 15)];
        Self { state: Box::default(), window, at: 0, full: false, direction, limit }
    }

    pub(crate) fn inflate(&mut self, payload: &[u8]) -> Result<Vec<u8>, Broken> {
        if !self.direction.takeover {
            self.at = 0;
            self.full = false;
            *self.state = DecompressorOxide::new();
        }
        let stream = [payload, &TAIL].concat();
        let (mut input, mut message) = (&stream[..], Vec::new());
        loop {
            let first = if self.full { 0 } else { TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF };
            let flags = TINFL_FLAG_HAS_MORE_INPUT | first;
            let (status, read, wrote) =
                decompress(&mut self.state, input, &mut self.window, self.at, flags);
            message.extend_from_slice(&self.window[self.at..self.at + wrote]);
            self.full |= self.at + wrote == self.window.len();
            self.at = (self.at + wrote) & (self.window.len() - 1);
            input = &input[read..];
            if message.len() > self.limit {
                return Err(Broken::TooLong);
            }
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput if input.is_empty() => return Ok(message),
                // A final block: what follows is another stream, in the same window.
                TINFLStatus::Done => {
                    *self.state = DecompressorOxide::new();
                    if input.is_empty() {
                        return Ok(message);
                    }
                }
                _ => return Err(Broken::Data),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::random::Random;

    fn both(bits: u8, takeover: bool) -> (Compressor, Inflater) {
        let direction = Direction { bits, takeover };
        (Compressor::new(direction), Inflater::new(direction, 1 << 20))
    }

    #[test]
    fn what_is_compressed_inflates_again_in_every_window() {
        for bits in 8..=15 {
            for takeover in [false, true] {
                let (mut compressor, mut inflater) = both(bits, takeover);
                let text = "to be or not to be, ".repeat(300);
                for message in ["", "a", &text, &text, &text[..9]] {
                    let payload = compressor.compress(message.as_bytes());
                    let back = inflater.inflate(&payload);
                    assert_eq!(back.as_deref(), Ok(message.as_bytes()), "{bits} {takeover}");
                }
            }
        }
    }

    #[test]
    fn a_reference_beyond_the_window_shows() {
        let block = Random::new(1, "window").octets(1000);
        let message = [&block[..], &block[..]].concat();
        let wide = Compressor::new(Direction { bits: 15, takeover: true }).compress(&message);
        let narrow = Direction { bits: 9, takeover: true };
        assert_eq!(Inflater::new(narrow, 1 << 20).inflate(&wide), Err(Broken::Data));
        let kept = Compressor::new(narrow).compress(&message);
        assert_eq!(Inflater::new(narrow, 1 << 20).inflate(&kept), Ok(message));
    }

    #[test]
    fn a_reference_to_before_the_beginning_shows() {
        for takeover in [true, false] {
            let direction = Direction { bits: 15, takeover };
            let far = b"\x02\x93\x00\x00";
            assert_eq!(Inflater::new(direction, 1000).inflate(far), Err(Broken::Data));
        }
        // The second message refers to the first, five octets back.
        let (first, again) = (b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"\xf2\x00\x11\x00\x00");
        let mut kept = Inflater::new(Direction { bits: 15, takeover: true }, 1000);
        assert_eq!(kept.inflate(first).as_deref(), Ok(&b"Hello"[..]));
        assert_eq!(kept.inflate(again).as_deref(), Ok(&b"Hello"[..]));
        let mut alone = Inflater::new(Direction { bits: 15, takeover: false }, 1000);
        assert_eq!(alone.inflate(first).as_deref(), Ok(&b"Hello"[..]));
        assert_eq!(alone.inflate(again), Err(Broken::Data));
    }

    #[test]
    fn an_answer_is_read_for_each_direction() {
        let answer =
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=\"10\"";
        let server = Direction { bits: 15, takeover: false };
        assert_eq!(Direction::of(answer, "server"), server);
        assert_eq!(Direction::of(answer, "client"), Direction { bits: 10, takeover: true });
        for wrong in ["0", "7", "16", "255", "x", "99999", ""] {
            let answer = format!("permessage-deflate; server_max_window_bits={wrong}");
            let direction = Direction::of(&answer, "server");
            assert_eq!(direction.bits, 15, "{wrong}");
            Compressor::new(direction).compress(b"no panic");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let mut compressor = Compressor::new(Direction { bits: 15, takeover: true });
        let bomb = compressor.compress(&vec![0; 1 << 21]);
        let direction = Direction { bits: 15, takeover: true };
        assert_eq!(Inflater::new(direction, 1 << 20).inflate(&bomb), Err(Broken::TooLong));
    }
}
