//! Frames as they are on the wire, written and read by the plainest code there is.
//!
//! Tests, fuzz targets and benchmarks share this file, each by its path. It shares nothing with the library, so that they have
//! something to compare it with; and it checks no rule of the protocol, so that they can write wrong frames too. What a connection
//! makes of frames is in `seen.rs`.

#![allow(dead_code, reason = "each of those who share it uses a part")]

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const RSV2: u8 = 0x20;
pub(crate) const RSV3: u8 = 0x10;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// A payload length, and in which of the three forms it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// In seven bits.
    Seven(u8),
    /// In 16 bits.
    Short(u16),
    /// In 64 bits.
    Long(u64),
}

impl Length {
    /// In the shortest form.
    pub(crate) fn of(len: usize) -> Self {
        match len {
            0..=125 => Self::Seven(len as u8),
            126..=0xFFFF => Self::Short(len as u16),
            _ => Self::Long(len as u64),
        }
    }
}

/// Appends a header. `first` is its first byte: FIN, the reserved bits and the opcode.
pub(crate) fn put_header(first: u8, length: Length, key: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let mask_bit = if key.is_some() { 0x80 } else { 0 };
    out.push(first);
    match length {
        Length::Seven(len) => out.push(mask_bit | len & 0x7F),
        Length::Short(len) => {
            out.push(mask_bit | 126);
            out.extend(len.to_be_bytes());
        }
        Length::Long(len) => {
            out.push(mask_bit | 127);
            out.extend(len.to_be_bytes());
        }
    }
    out.extend(key.iter().flatten());
}

/// Appends a payload, masked if there is a key.
pub(crate) fn put_payload(key: Option<[u8; 4]>, payload: &[u8], out: &mut Vec<u8>) {
    let key = key.unwrap_or_default();
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Appends a frame, its length in the shortest form.
pub(crate) fn put_frame(first: u8, key: Option<[u8; 4]>, payload: &[u8], out: &mut Vec<u8>) {
    put_header(first, Length::of(payload.len()), key, out);
    put_payload(key, payload, out);
}

/// A frame, its length in the shortest form.
pub(crate) fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 14);
    put_frame(first, key, payload, &mut out);
    out
}

/// The body of a Close frame.
pub(crate) fn close_body(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

/// A frame that was found on the wire, its payload unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) first: u8,
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) payload: Vec<u8>,
}

impl Found {
    /// What a test usually asks for.
    pub(crate) fn pair(&self) -> (u8, &[u8]) {
        (self.first, &self.payload)
    }
}

/// The first frame in `bytes` and what follows it; `None` if the frame isn't complete. Its length has to be in the shortest form.
pub(crate) fn split_frame(bytes: &[u8]) -> Option<(Found, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&second, rest) = rest.split_first()?;
    let (len, least, rest) = match second & 0x7F {
        126 => {
            let (len, rest) = rest.split_first_chunk()?;
            (u64::from(u16::from_be_bytes(*len)), 126, rest)
        }
        127 => {
            let (len, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*len), 0x1_0000, rest)
        }
        len => (u64::from(len), 0, rest),
    };
    assert!(len >= least, "{len} has a shorter form");
    let (key, rest) = match second & 0x80 {
        0 => (None, rest),
        _ => rest.split_first_chunk().map(|(key, rest)| (Some(*key), rest))?,
    };
    let (payload, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    let mut found = Found { first, key, payload: Vec::with_capacity(payload.len()) };
    put_payload(key, payload, &mut found.payload);
    Some((found, rest))
}

/// The frames in `bytes`; there has to be nothing else in them.
pub(crate) fn found(mut bytes: &[u8]) -> Vec<Found> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (frame, rest) = split_frame(bytes).expect("a whole frame");
        frames.push(frame);
        bytes = rest;
    }
    frames
}
