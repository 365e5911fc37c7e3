//! UTF-8 (RFC 3629), checked in pieces cut anywhere.
//!
//! Most of a piece is checked by a validator for whole texts. The rest is done here: code points that are cut at the edges of a
//! piece, and the exact position of an error. Text that is still masked is unmasked and
//! checked by `text`.

/// A validator of a text that arrives in pieces.
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
    /// The index in `piece` of the first octet that can't be right, whatever follows it. The validator can't be used
    /// after that.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), usize> {
        let mut start = 0;
        while self.len != 0 {
            let Some(&octet) = piece.get(start) else {
                return Ok(());
            };
            if !self.take_octet(octet) {
                return Err(start);
            }
            start += 1;
        }
        let rest = &piece[start..];
        let (whole, cut) = rest.split_at(rest.len() - unfinished_len(rest));
        if !is_valid(whole) {
            return Err(start + self.find_fault(whole));
        }
        for (index, &octet) in cut.iter().enumerate() {
            if !self.take_octet(octet) {
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

    /// How many octets are missing from the code point that is not complete yet.
    #[inline]
    pub const fn missing(&self) -> usize {
        if self.len == 0 {
            return 0;
        }
        code_point_len(self.partial[0]) - self.len as usize
    }

    /// Whether the text may end here.
    #[inline]
    pub const fn is_complete(&self) -> bool {
        self.len == 0
    }

    /// Takes the next octet, unless it can't be right here: then it returns false.
    fn take_octet(&mut self, octet: u8) -> bool {
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
            // The octets are cleared, so that validators at the same point of a text are equal.
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
    fn find_fault(&mut self, text: &[u8]) -> usize {
        let valid = match core::str::from_utf8(text) {
            Ok(_) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let octets = &text[valid..];
        let fault = octets.iter().position(|&octet| !self.take_octet(octet));
        valid + fault.unwrap_or(octets.len())
    }
}

/// The number of octets of a code point that begins with `lead`.
const fn code_point_len(lead: u8) -> usize {
    match lead {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    }
}

/// How many octets at the end of a text belong to a code point that is cut there, provided that the text is valid so far: at most
/// three.
#[inline]
fn unfinished_len(text: &[u8]) -> usize {
    for (back, &octet) in text.iter().rev().take(3).enumerate() {
        if octet < 0x80 {
            return 0;
        }
        if octet >= 0xC0 {
            // The code point that begins here is cut if it is longer than the rest of the text.
            return if code_point_len(octet) > back + 1 { back + 1 } else { 0 };
        }
    }
    0
}

/// The length of `text`, the beginning of valid UTF-8, without the code point that is cut at its end.
#[cfg(feature = "alloc")]
pub(crate) fn len_of_whole_code_points(text: &[u8]) -> usize {
    text.len() - unfinished_len(text)
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
        // `from_utf8` reads ASCII by two machine words at a time, but `is_ascii` uses vectors.
        const BLOCK: usize = 256;
        let ascii = text.chunks_exact(BLOCK).take_while(|block| block.is_ascii()).count();
        core::str::from_utf8(&text[ascii * BLOCK..]).is_ok()
    }
}
