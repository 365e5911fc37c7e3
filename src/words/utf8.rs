//! UTF-8 (RFC 3629), checked in pieces cut anywhere.

/// A validator that has seen the beginning of a text.
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
        for (index, &octet) in piece.iter().enumerate() {
            if !self.step(octet) {
                return Err(index);
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
            self.len = 0;
        } else {
            self.partial[usize::from(self.len)] = octet;
            self.len += 1;
        }
        true
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

/// How much of `text` is left without the code point that is incomplete at its end, if there is one. `text` is the beginning of
/// valid UTF-8.
pub fn complete_prefix(text: &[u8]) -> usize {
    let tail = text.len().saturating_sub(3);
    for (index, &octet) in text.iter().enumerate().skip(tail).rev() {
        if octet & 0xC0 != 0x80 {
            return if index + width(octet) > text.len() { index } else { text.len() };
        }
    }
    text.len()
}
