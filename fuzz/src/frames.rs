//! Streams of frames as a peer may send them, legal and not; and the frames of a legal stream.

use arbitrary::Arbitrary;

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
        out.push(match self.kind {
            Kind::Wild(first) => first,
            _ => u8::from(fin) << 7 | rsv << 4 | opcode,
        });
        let key = (masked ^ (self.fault == 3)).then_some(self.key);
        let mask = u8::from(key.is_some()) << 7;
        match (self.length, payload.len()) {
            (Length::Seven(len), _) if self.fault == 4 => out.push(mask | len & 127),
            (Length::Short(len), _) if self.fault == 4 => {
                out.push(mask | 126);
                out.extend(len.to_be_bytes());
            }
            (Length::Long(len), _) if self.fault == 4 => {
                out.push(mask | 127);
                out.extend(len.to_be_bytes());
            }
            (_, len) => put_length(mask, len, out),
        }
        put_payload(key, &payload, out);
    }
}

/// The second byte and the extended length, in the shortest form.
fn put_length(mask: u8, len: usize, out: &mut Vec<u8>) {
    match len {
        0..=125 => out.push(mask | len as u8),
        126..=0xFFFF => {
            out.push(mask | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(mask | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
}

fn put_payload(key: Option<[u8; 4]>, payload: &[u8], out: &mut Vec<u8>) {
    out.extend(key.iter().flatten());
    let key = key.unwrap_or_default();
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// One frame with this first byte, as a client (`key`) or as a server sends it.
pub(crate) fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    put_length(u8::from(key.is_some()) << 7, payload.len(), &mut out);
    put_payload(key, payload, &mut out);
    out
}

/// The first bytes of the frames of a stream whose lengths are right; the last frame may be cut.
pub(crate) fn first_bytes(mut bytes: &[u8]) -> Vec<u8> {
    let mut firsts = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        firsts.push(*first);
        let width = match second & 127 {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some((extended, rest)) = rest.split_at_checked(width) else { break };
        let long = extended.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        let len = if width == 0 { usize::from(second & 127) } else { long };
        let key = if *second > 127 { 4 } else { 0 };
        bytes = rest.get(key + len..).unwrap_or_default();
    }
    firsts
}
