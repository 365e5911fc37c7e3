//! Streams of frames as a peer may send them, legal and not. How a frame is written is in `tests/wire/frames.rs`.

use arbitrary::Arbitrary;

use crate::wire;

/// What a peer sends.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Stream {
    frames: Vec<Frame>,
    /// What follows the frames, whatever it means.
    tail: Vec<u8>,
}

#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Frame {
    kind: Kind,
    fin: bool,
    key: [u8; 4],
    /// Small numbers make the frame wrong in one way each.
    fault: u8,
    length: Length,
    payload: Payload,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    Text,
    Binary,
    Continuation,
    Ping,
    Pong,
    Close(u16),
    /// The first byte as it is.
    Wild(u8),
}

/// How the length is written.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Length {
    Minimal,
    Shortest,
    Seven(u8),
    Short(u16),
    Long(u64),
}

#[derive(Arbitrary, Clone, Debug)]
enum Payload {
    Bytes(Vec<u8>),
    Text(String),
    /// As many bytes as it takes to get near a change of form.
    Fill(u8, u8),
}

impl Payload {
    fn bytes(&self, large: bool) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Fill(size, byte) => {
                let small = [124, 125, 126, 127, 250, 500, 1000, 2000];
                let big = [4095, 4096, 4097, 16_400, 65_535, 65_536, 65_537, 70_000];
                let sizes = if large { big } else { small };
                vec![*byte; sizes[usize::from(*size % 8)]]
            }
        }
    }
}

impl Stream {
    /// The bytes on the wire, from a client (`masked`) or from a server.
    pub(crate) fn encode(&self, masked: bool) -> Vec<u8> {
        let mut out = Vec::new();
        for frame in &self.frames {
            frame.encode(masked, &mut out);
        }
        out.extend_from_slice(&self.tail);
        out
    }
}

impl Frame {
    /// Appends the bytes on the wire.
    pub(crate) fn encode(&self, masked: bool, out: &mut Vec<u8>) {
        // The reference checks text byte by byte, from its beginning: long payloads are left to binary messages.
        let large = matches!(self.kind, Kind::Binary) && self.fin && self.fault > 127;
        let mut payload = self.payload.bytes(large);
        let opcode = match self.kind {
            Kind::Text => 1,
            Kind::Binary => 2,
            Kind::Continuation => 0,
            Kind::Ping => 9,
            Kind::Pong => 10,
            Kind::Close(code) => {
                payload.splice(0..0, code.to_be_bytes());
                8
            }
            Kind::Wild(first) => first & 15,
        };
        if opcode >= 8 && self.fault != 1 {
            payload.truncate(125);
        }
        let fin = self.fin || opcode >= 8 && self.fault != 2;
        let rsv = match self.fault {
            rsv @ 17..=23 => rsv - 16,
            _ => 0,
        };
        let first = match self.kind {
            Kind::Wild(first) => first,
            _ => u8::from(fin) << 7 | rsv << 4 | opcode,
        };
        let key = (masked ^ (self.fault == 3)).then_some(self.key);
        let length = match self.length {
            Length::Seven(len) if self.fault == 4 => wire::Length::Seven(len),
            Length::Short(len) if self.fault == 4 => wire::Length::Short(len),
            Length::Long(len) if self.fault == 4 => wire::Length::Long(len),
            _ => wire::Length::of(payload.len()),
        };
        wire::put_header(first, length, key, out);
        wire::put_payload(key, &payload, out);
    }
}

/// The first bytes of the frames of a stream whose lengths are right; the last frame may be cut.
pub(crate) fn first_bytes(mut bytes: &[u8]) -> Vec<u8> {
    let mut firsts = Vec::new();
    while let Some((frame, rest)) = wire::split_frame(bytes) {
        firsts.push(frame.first);
        bytes = rest;
    }
    firsts.extend(bytes.first());
    firsts
}
