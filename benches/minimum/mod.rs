//! The practical limit: the least that any decoder and encoder has to do, written by hand over the library's kernels.
//!
//! The decoder copies the input in by reads of 16 KiB, parses headers, unmasks, and hands out slices. It comes in two forms:
//! one unmasks while it copies in, which is the limit of work in memory; the other finds its input copied in already, as it
//! comes from a socket. The encoder writes a header, and copies the payload behind it, masked or not. None of them keeps any rule of the protocol: what a connection costs
//! beyond them is what its promises cost. They may change only to become faster.
#![allow(
    dead_code,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    reason = "shared by benchmarks, none of which needs all of it"
)]

use sockless::words::mask::Mask;
use sockless::words::simd::Level;

/// Octets of a read.
pub const READ: usize = 16 * 1024;
/// The longest header, rounded up to a cache line: room for what a read leaves of one, in front of the next read.
const HEAD: usize = 64;

/// A read's place in memory begins a cache line, as the memory of a kernel does that it is read from.
#[repr(align(64))]
struct Buffer([u8; HEAD + READ]);

/// Decodes masked frames.
pub struct Decoder {
    pub level: Level,
    buffer: Box<Buffer>,
    /// Octets of a header that lie right before the place of the next read.
    kept: usize,
    /// What is missing of the payload in `message`.
    missing: usize,
    mask: Mask,
    message: Vec<u8>,
}

impl Decoder {
    pub fn new() -> Self {
        Self {
            level: Level::detect(),
            buffer: Box::new(Buffer([0; HEAD + READ])),
            kept: 0,
            missing: 0,
            mask: Mask::new([0; 4]),
            message: Vec::new(),
        }
    }

    /// Takes a read of at most 16 KiB, and hands out all payloads that are complete with it. Unmasks while it copies in.
    #[inline]
    pub fn feed(&mut self, read: &[u8], mut deliver: impl FnMut(&[u8])) {
        let mut rest = read;
        if self.missing > 0 {
            rest = self.go_on(rest);
            if self.missing > 0 {
                return;
            }
            deliver(&self.message);
        }
        // A header that was cut: it is whole with the next few octets, which lie in one piece with it then.
        let mut joined = [0; 2 * HEAD];
        if self.kept > 0 {
            let more = rest.len().min(HEAD);
            joined[..self.kept].copy_from_slice(&self.buffer.0[HEAD - self.kept..HEAD]);
            joined[self.kept..self.kept + more].copy_from_slice(&rest[..more]);
            let Some((header, len, mask)) = parse(&joined[..self.kept + more]) else {
                self.keep(&joined[..self.kept + more]);
                return;
            };
            rest = &rest[header - self.kept..];
            self.kept = 0;
            self.begin(len, mask);
            rest = self.go_on(rest);
            if self.missing > 0 {
                return;
            }
            deliver(&self.message);
        }
        while let Some((header, len, mask)) = parse(rest) {
            let Some((payload, next)) = rest[header..].split_at_checked(len) else {
                self.begin(len, mask);
                self.go_on(&rest[header..]);
                return;
            };
            // Where the read would have put it.
            let at = HEAD + (read.len() - rest.len()) + header;
            let place = &mut self.buffer.0[at..at + len];
            mask.copy(self.level, payload, place);
            deliver(place);
            rest = next;
        }
        self.keep(rest);
    }

    /// As [`feed`](Self::feed), but copies in first, and then unmasks in place.
    #[inline]
    pub fn feed_in_place(&mut self, read: &[u8], mut deliver: impl FnMut(&[u8])) {
        self.buffer.0[HEAD..HEAD + read.len()].copy_from_slice(read);
        let mut start = HEAD - self.kept;
        let end = HEAD + read.len();
        if self.missing > 0 {
            let now = self.missing.min(read.len());
            self.mask.append(self.level, &self.buffer.0[start..start + now], &mut self.message);
            self.mask = self.mask.advanced(now);
            self.missing -= now;
            if self.missing > 0 {
                return;
            }
            deliver(&self.message);
            start += now;
        }
        let mut rest = &mut self.buffer.0[start..end];
        while let Some((header, len, mask)) = parse(rest) {
            if rest.len() - header < len {
                let part = &rest[header..];
                self.message.clear();
                self.message.reserve(len);
                mask.append(self.level, part, &mut self.message);
                self.mask = mask.advanced(part.len());
                self.missing = len - part.len();
                self.kept = 0;
                return;
            }
            let (frame, next) = rest.split_at_mut(header + len);
            let payload = &mut frame[header..];
            mask.apply(self.level, payload);
            deliver(payload);
            rest = next;
        }
        self.kept = rest.len();
        self.buffer.0.copy_within(end - self.kept..end, HEAD - self.kept);
    }

    /// Begins a message that no read has whole.
    fn begin(&mut self, len: usize, mask: Mask) {
        self.message.clear();
        self.message.reserve(len);
        self.mask = mask;
        self.missing = len;
    }

    /// Goes on with it; returns what follows.
    fn go_on<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let (now, next) = input.split_at(self.missing.min(input.len()));
        self.mask.append(self.level, now, &mut self.message);
        self.mask = self.mask.advanced(now.len());
        self.missing -= now.len();
        next
    }

    /// Keeps what there is of a header.
    fn keep(&mut self, part: &[u8]) {
        self.kept = part.len();
        self.buffer.0[HEAD - part.len()..HEAD].copy_from_slice(part);
    }
}

/// The length of a masked frame's header, that of its payload, and the mask.
#[inline(always)]
fn parse(input: &[u8]) -> Option<(usize, usize, Mask)> {
    Some(match *input {
        [_, len @ 0x80..=0xFD, a, b, c, d, ..] => {
            (6, usize::from(len & 0x7F), Mask::new([a, b, c, d]))
        }
        [_, 0xFE, h, l, a, b, c, d, ..] => {
            let len = u16::from_be_bytes([h, l]);
            (8, len.into(), Mask::new([a, b, c, d]))
        }
        [_, 0xFF, i, j, k, l, m, n, o, p, a, b, c, d, ..] => {
            let len = u64::from_be_bytes([i, j, k, l, m, n, o, p]);
            (14, len as usize, Mask::new([a, b, c, d]))
        }
        _ => return None,
    })
}

/// Writes the header of a final binary frame, and reserves room for its payload.
#[inline(always)]
fn header<const MASKED: bool>(len: usize, key: [u8; 4], out: &mut Vec<u8>) {
    let (masked, key_len) = if MASKED { (0x80, 4) } else { (0, 0) };
    let key = u32::from_le_bytes(key);
    out.reserve(16 + len);
    let start = out.len();
    // A header is made in a register and stored as a whole; what isn't header is taken back.
    let header = if len < 126 {
        let word = 0x82 | (len as u64 | masked) << 8 | u64::from(key) << 16;
        out.extend_from_slice(&word.to_le_bytes());
        2
    } else if let Ok(len) = u16::try_from(len) {
        let len = u64::from(len.swap_bytes());
        let word = 0x82 | (126 | masked) << 8 | len << 16 | u64::from(key) << 32;
        out.extend_from_slice(&word.to_le_bytes());
        4
    } else {
        let len = u128::from((len as u64).swap_bytes());
        let word = 0x82 | u128::from(127 | masked) << 8 | len << 16 | u128::from(key) << 80;
        out.extend_from_slice(&word.to_le_bytes());
        10
    };
    out.truncate(start + header + key_len);
}

/// Appends a server's frame: header and copy.
#[inline]
pub fn encode_server(payload: &[u8], out: &mut Vec<u8>) {
    header::<false>(payload.len(), [0; 4], out);
    if payload.len() <= 128 {
        // The kernel for short payloads is compiled in line, where a key of zeros is no work: a copy without a call.
        Mask::new([0; 4]).append(Level::SCALAR, payload, out);
    } else {
        out.extend_from_slice(payload);
    }
}

/// Appends a client's frame: header, key, and copy and mask in one pass.
#[inline]
pub fn encode_client(level: Level, key: [u8; 4], payload: &[u8], out: &mut Vec<u8>) {
    header::<true>(payload.len(), key, out);
    Mask::new(key).append(level, payload, out);
}
