//! UTF-8 (RFC 3629), checked in pieces cut anywhere.
//!
//! The bulk of a piece goes to a validator that knows whole texts only. Here stands what that leaves: the code points that
//! are cut at the edges, and the exact place of an error.

/// A validator that has seen the beginning of a text.
///
/// ```
/// use sockless::words::utf8::Utf8;
///
/// let mut utf8 = Utf8::new();
/// assert_eq!(utf8.push(b"caf\xC3"), Ok(()));
/// assert_eq!(utf8.missing(), 1);
/// assert_eq!(utf8.push(b"\xA9"), Ok(()));
/// assert!(utf8.is_complete());
/// // No code point begins with these two octets: the second is the one that can't be right.
/// assert_eq!(utf8.push(b"\xE0\x80"), Err(1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8 {
    partial: [u8; 3],
    len: u8,
}

impl Utf8 {
    /// A validator at the beginning of a text.
    #[inline]
    pub const fn new() -> Self {
        Self { partial: [0; 3], len: 0 }
    }

    /// Checks the next piece of the text.
    ///
    /// # Errors
    ///
    /// The index in `piece` of the first octet that can't be right, whatever follows it. The validator is then to be
    /// thrown away.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), usize> {
        let mut start = 0;
        while self.len != 0 {
            let Some(&octet) = piece.get(start) else {
                return Ok(());
            };
            if !self.step(octet) {
                return Err(start);
            }
            start += 1;
        }
        let rest = &piece[start..];
        let (whole, cut) = rest.split_at(rest.len() - unfinished(rest));
        if !is_valid(whole) {
            return Err(start + self.fault(whole));
        }
        for (index, &octet) in cut.iter().enumerate() {
            if !self.step(octet) {
                return Err(start + whole.len() + index);
            }
        }
        Ok(())
    }

    /// The octets of the code point that is not complete yet, at most three.
    #[inline]
    pub fn partial(&self) -> &[u8] {
        &self.partial[..self.len.into()]
    }

    /// How many octets the code point that is not complete yet still lacks.
    #[inline]
    pub const fn missing(&self) -> usize {
        if self.len == 0 {
            return 0;
        }
        width(self.partial[0]) - self.len as usize
    }

    /// Whether the text may end here.
    #[inline]
    pub const fn is_complete(&self) -> bool {
        self.len == 0
    }

    /// Takes one octet; whether it can stand here.
    fn step(&mut self, octet: u8) -> bool {
        let fits = match self.partial() {
            [] if octet < 0x80 => return true,
            [] => matches!(octet, 0xC2..=0xF4),
            [0xE0] => matches!(octet, 0xA0..=0xBF),
            [0xED] => matches!(octet, 0x80..=0x9F),
            [0xF0] => matches!(octet, 0x90..=0xBF),
            [0xF4] => matches!(octet, 0x80..=0x8F),
            _ => matches!(octet, 0x80..=0xBF),
        };
        if !fits {
            return false;
        }
        if self.missing() == 1 {
            // Nothing stays behind, so that validators are equal that know the same.
            *self = Self::new();
        } else {
            self.partial[usize::from(self.len)] = octet;
            self.len += 1;
        }
        true
    }

    /// The index of the first octet that can't be right in a text that is known to be invalid.
    ///
    /// The standard library names the code point, which may begin up to three octets earlier.
    #[cold]
    fn fault(&mut self, text: &[u8]) -> usize {
        let valid = match core::str::from_utf8(text) {
            Ok(_) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let octets = &text[valid..];
        let fault = octets.iter().position(|&octet| !self.step(octet));
        valid + fault.unwrap_or(octets.len())
    }
}

/// The octets of a code point that begins with `lead`.
const fn width(lead: u8) -> usize {
    match lead {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    }
}

/// How many octets at the end of a text belong to a code point that goes on behind it, if they are right: at most three.
#[inline]
fn unfinished(text: &[u8]) -> usize {
    for (back, &octet) in text.iter().rev().take(3).enumerate() {
        if octet < 0x80 {
            return 0;
        }
        if octet >= 0xC0 {
            // A lead: its code point is cut if it is wider than what follows up to the end.
            return if width(octet) > back + 1 { back + 1 } else { 0 };
        }
    }
    0
}

/// How much of `text`, the beginning of valid UTF-8, is left without the code point that is cut at its end.
#[cfg(feature = "alloc")]
pub(crate) fn whole_code_points(text: &[u8]) -> usize {
    text.len() - unfinished(text)
}

/// Whether a whole text is UTF-8.
#[inline]
fn is_valid(text: &[u8]) -> bool {
    #[cfg(feature = "simdutf8")]
    {
        simdutf8::basic::from_utf8(text).is_ok()
    }
    #[cfg(not(feature = "simdutf8"))]
    {
        // The standard library goes over ASCII by two machine words, but asks for ASCII alone by vectors.
        const BLOCK: usize = 256;
        let ascii = text.chunks_exact(BLOCK).take_while(|block| block.is_ascii()).count();
        core::str::from_utf8(&text[ascii * BLOCK..]).is_ok()
    }
}
