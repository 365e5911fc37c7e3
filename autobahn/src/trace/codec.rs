//! Numbers, times, flags and bytes as a trace has them, and the hashes over them.

use std::time::Duration;

/// The 64-bit FNV-1a hash of bytes that come in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(pub(super) u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Digest {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3);
        }
    }

    pub(super) fn of(parts: &[&[u8]]) -> u64 {
        let mut digest = Self::default();
        parts.iter().for_each(|part| digest.add(part));
        digest.0
    }
}

/// The 32-bit FNV-1a hash that holds the records together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain(pub(super) u32);

impl Default for Chain {
    fn default() -> Self {
        Self(0x811C_9DC5)
    }
}

impl Chain {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
}

/// Appends what a record's body is made of.
#[derive(Debug)]
pub(super) struct Writer<'w>(pub(super) &'w mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn number(&mut self, mut number: u64) -> &mut Self {
        while number > 0x7F {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
        self
    }

    pub(super) fn flag(&mut self, flag: bool) -> &mut Self {
        self.0.push(flag.into());
        self
    }

    pub(super) fn time(&mut self, time: Duration) -> &mut Self {
        self.number(time.as_secs()).number(time.subsec_nanos().into())
    }

    /// Bytes that are the last in their body.
    pub(super) fn rest(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// Takes a body apart. `None` is what makes no sense.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'t>(pub(super) &'t [u8]);

impl<'t> Reader<'t> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn time(&mut self) -> Option<Duration> {
        let (seconds, nanos) = (self.number()?, self.number()?);
        (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos as u32))
    }

    pub(super) fn take(&mut self, count: u64) -> Option<&'t [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn rest(&mut self) -> &'t [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn text(&mut self) -> Option<&'t str> {
        std::str::from_utf8(self.rest()).ok()
    }
}
