//! Frames to be sent, in every right and every broken form.

use sockless::frame::Header;
use sockless::words::mask::Mask;
use sockless::words::opcode::Opcode;
use sockless::words::simd::Level;

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// In which form the length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Shortest,
    /// In 16 bits, whatever it is.
    Sixteen,
    /// In 64 bits, whatever it is.
    SixtyFour,
    /// Another one than the payload's, in 64 bits.
    Announced(u64),
}

/// Whether the payload is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Masking {
    /// As the role asks for.
    Right,
    /// As the role forbids it.
    Wrong,
    /// By this key.
    By([u8; 4]),
}

/// A frame to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// FIN, the reserved bits and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) length: Length,
    pub(crate) masking: Masking,
}

impl Frame {
    pub(crate) fn new(first: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { first, payload: payload.into(), length: Length::Shortest, masking: Masking::Right }
    }

    pub(crate) fn text(payload: &str) -> Self {
        Self::new(FIN | TEXT, payload)
    }

    pub(crate) fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(FIN | BINARY, payload)
    }

    pub(crate) fn ping(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(FIN | PING, payload)
    }

    pub(crate) fn close(code: u16, reason: impl AsRef<[u8]>) -> Self {
        Self::new(FIN | CLOSE, close_body(code, reason.as_ref()))
    }

    pub(crate) fn with_length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    pub(crate) fn with_masking(mut self, masking: Masking) -> Self {
        self.masking = masking;
        self
    }

    /// The key that it is masked by, where `masks` says whether its sender has to.
    fn key(&self, masks: bool, key: [u8; 4]) -> Option<[u8; 4]> {
        match self.masking {
            Masking::Right => masks.then_some(key),
            Masking::Wrong => (!masks).then_some(key),
            Masking::By(key) => Some(key),
        }
    }

    /// Appends its bytes.
    pub(crate) fn encode(&self, masks: bool, key: [u8; 4], out: &mut Vec<u8>) {
        let mask = self.key(masks, key);
        let len = self.payload.len() as u64;
        if self.length == Length::Shortest {
            // The first byte is put in its place afterwards, as it may have no meaning.
            let header = Header { fin: true, rsv: 0, opcode: Opcode::Binary, mask, len }.encode();
            let at = out.len();
            out.extend_from_slice(&header);
            out[at] = self.first;
        } else {
            let masked = if mask.is_some() { 0x80 } else { 0 };
            match self.length {
                Length::Sixteen => {
                    out.extend_from_slice(&[self.first, masked | 126]);
                    out.extend_from_slice(&(len as u16).to_be_bytes());
                }
                Length::Announced(len) => {
                    out.extend_from_slice(&[self.first, masked | 127]);
                    out.extend_from_slice(&len.to_be_bytes());
                }
                _ => {
                    out.extend_from_slice(&[self.first, masked | 127]);
                    out.extend_from_slice(&len.to_be_bytes());
                }
            }
            out.extend_from_slice(&mask.unwrap_or_default()[..if mask.is_some() { 4 } else { 0 }]);
        }
        match mask {
            Some(key) => Mask::new(key).append(Level::detect(), &self.payload, out),
            None => out.extend_from_slice(&self.payload),
        }
    }

    /// In a line, for the log.
    pub(crate) fn describe(&self, masks: bool, key: [u8; 4]) -> String {
        let mut line = describe(self.first, self.payload.len() as u64, &self.payload);
        match self.length {
            Length::Shortest => {}
            Length::Sixteen => line.push_str(", length in 16 bits"),
            Length::SixtyFour => line.push_str(", length in 64 bits"),
            Length::Announced(len) => line.push_str(&format!(", announced length {len}")),
        }
        match (self.key(masks, key), masks) {
            (Some([a, b, c, d]), _) => {
                line.push_str(&format!(", mask {a:02x}{b:02x}{c:02x}{d:02x}"));
            }
            (None, true) => line.push_str(", not masked"),
            (None, false) => {}
        }
        line
    }
}

/// A payload as fragments of at most this size; 0 for one frame.
pub(crate) fn fragments(first: u8, payload: Vec<u8>, size: usize) -> Vec<Frame> {
    if size == 0 || payload.len() <= size {
        return vec![Frame::new(FIN | first, payload)];
    }
    let count = payload.len().div_ceil(size);
    let piece = |(i, piece): (usize, &[u8])| {
        let first = if i == 0 { first } else { CONTINUATION };
        Frame::new(if i + 1 == count { FIN | first } else { first }, piece)
    };
    payload.chunks(size).enumerate().map(piece).collect()
}

pub(crate) fn close_body(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// A frame in a line: its name, its bits, its length, the beginning of its payload.
pub(crate) fn describe(first: u8, len: u64, payload: &[u8]) -> String {
    let name = match first & 0xF {
        CONTINUATION => "continuation".to_owned(),
        TEXT => "text".to_owned(),
        BINARY => "binary".to_owned(),
        CLOSE => "Close".to_owned(),
        PING => "Ping".to_owned(),
        PONG => "Pong".to_owned(),
        opcode => format!("opcode {opcode:#x}"),
    };
    let mut line = name;
    if first & FIN == 0 {
        line.push_str(", not final");
    }
    for (bit, rsv) in [(0x40, "RSV1"), (0x20, "RSV2"), (0x10, "RSV3")] {
        if first & bit != 0 {
            line.push_str(", ");
            line.push_str(rsv);
        }
    }
    line.push_str(&format!(", {len} B"));
    if first & 0xF == CLOSE && payload.len() >= 2 {
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        line.push_str(&format!(", code {code}"));
        if payload.len() > 2 {
            line.push_str(&format!(": {}", excerpt(&payload[2..])));
        }
    } else if !payload.is_empty() {
        line.push_str(&format!(": {}", excerpt(payload)));
    }
    line
}

/// The beginning of a payload, as text if it is text.
pub(crate) fn excerpt(payload: &[u8]) -> String {
    const SHOWN: usize = 48;
    let more = if payload.len() > SHOWN { " ..." } else { "" };
    let text = match std::str::from_utf8(payload) {
        Ok(text) => Some(text),
        Err(error) if payload.len() > SHOWN && error.valid_up_to() >= SHOWN => {
            std::str::from_utf8(&payload[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    if let Some(text) = text
        && !text.chars().take(SHOWN).any(|c| c.is_control() && c != '\n')
    {
        let shown: String = text.chars().take(SHOWN).collect();
        return format!("{shown:?}{more}");
    }
    let hex: Vec<String> =
        payload.iter().take(SHOWN / 2).map(|byte| format!("{byte:02x}")).collect();
    let more = if payload.len() > SHOWN / 2 { " ..." } else { "" };
    format!("{}{more}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(frame: &Frame, masks: bool) -> Vec<u8> {
        let mut out = Vec::new();
        frame.encode(masks, [0x37, 0xFA, 0x21, 0x3D], &mut out);
        out
    }

    #[test]
    fn a_right_frame_is_the_one_that_the_rfc_prints() {
        // RFC 6455, section 5.7.
        assert_eq!(bytes(&Frame::text("Hello"), false), b"\x81\x05Hello");
        let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        assert_eq!(bytes(&Frame::text("Hello"), true), masked);
    }

    #[test]
    fn a_broken_frame_is_broken_where_it_says() {
        let wrong = Frame::text("Hello").with_masking(Masking::Wrong);
        assert_eq!(bytes(&wrong, true), b"\x81\x05Hello");
        let long = Frame::text("Hi").with_length(Length::Sixteen);
        assert_eq!(bytes(&long, false), b"\x81\x7e\x00\x02Hi");
        let longer = Frame::text("Hi").with_length(Length::SixtyFour);
        assert_eq!(bytes(&longer, false), b"\x81\x7f\0\0\0\0\0\0\0\x02Hi");
        let huge = Frame::text("").with_length(Length::Announced(1 << 62));
        assert_eq!(bytes(&huge, false), b"\x81\x7f\x40\0\0\0\0\0\0\0");
        assert_eq!(bytes(&Frame::new(0xF3, b"x".to_vec()), false), b"\xf3\x01x");
    }

    #[test]
    fn a_line_of_the_log_says_what_is_in_a_frame() {
        let line = Frame::close(1002, "why").describe(true, [1, 2, 3, 4]);
        assert_eq!(line, "Close, 5 B, code 1002: \"why\", mask 01020304");
        let line = Frame::new(0x03, vec![0xFF]).describe(false, [0; 4]);
        assert_eq!(line, "opcode 0x3, not final, 1 B: ff");
    }
}
