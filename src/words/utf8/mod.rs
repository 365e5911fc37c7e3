//! UTF-8 (RFC 3629), checked in pieces cut anywhere.
//!
//! The bulk of a piece goes to a validator that knows whole texts only, or to a kernel that knows right from wrong but not
//! where. Here stands what they leave: the code points that are cut at the edges, and the exact place of an error.

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86;

use crate::words::simd::Level;

/// Octets that a kernel looks at in one go.
const CHUNK: usize = 128;
/// Octets before the first that a kernel checks, which give it its context.
const CONTEXT: usize = 3;
/// The shortest piece for a kernel, whatever is cut off its end.
const LEAST: usize = CHUNK + 2 * CONTEXT;

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
        Self {
            partial: [0; 3],
            len: 0,
        }
    }

    /// Checks the next piece of the text, at the level that [`Level::detect`] finds.
    ///
    /// # Errors
    ///
    /// The index in `piece` of the first octet that can't be right, whatever follows it. The validator is then to be
    /// thrown away.
    #[inline]
    pub fn push(&mut self, piece: &[u8]) -> Result<(), usize> {
        // Short pieces never come to where the level counts.
        let level = if piece.len() < LEAST {
            Level::SCALAR
        } else {
            Level::detect()
        };
        self.push_at(level, piece)
    }

    /// Checks the next piece of the text.
    ///
    /// Levels below AVX2, and NEON, leave the bulk to the crate `simdutf8` if that is built in, which looks at the CPU
    /// itself; and to the standard library if it isn't.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    pub fn push_at(&mut self, level: Level, piece: &[u8]) -> Result<(), usize> {
        let mut start = 0;
        if piece.len() >= LEAST && kernel::exists(level) {
            // They also are the most that a code point begun before may take.
            while start < CONTEXT {
                if !self.step(piece[start]) {
                    return Err(start);
                }
                start += 1;
            }
            let (whole, cut) = piece.split_at(piece.len() - unfinished(piece));
            // A kernel doesn't notice a cut code point at the end, which an ill-timed lead behind it may have made.
            if unfinished(whole) == 0 && kernel::is_valid(level, whole) {
                *self = Self::new();
                return self.step_all(cut).map_err(|index| whole.len() + index);
            }
            // Something is wrong: find out what from the fourth octet on.
        }
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
        self.step_all(cut)
            .map_err(|index| start + whole.len() + index)
    }

    /// Takes octets one by one; the index of one that can't stand where it does.
    fn step_all(&mut self, octets: &[u8]) -> Result<(), usize> {
        match octets.iter().position(|&octet| !self.step(octet)) {
            Some(index) => Err(index),
            None => Ok(()),
        }
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

    /// The index of the first octet that can't be right in a text that is known not to be UTF-8, as a whole.
    ///
    /// The standard library names the code point, which may begin up to three octets earlier.
    #[cold]
    fn fault(&mut self, text: &[u8]) -> usize {
        let valid = match core::str::from_utf8(text) {
            Ok(_) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = &text[valid..];
        // If all of them can stand there, it is the octet behind them that doesn't go on with the last code point.
        valid + self.step_all(rest).err().unwrap_or(rest.len())
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
///
/// Leads that are never right count by their highest bits, so that what a text has left before them ends with all that is
/// needed to judge it.
#[inline]
fn unfinished(text: &[u8]) -> usize {
    for (back, &octet) in text.iter().rev().take(3).enumerate() {
        let width = match octet {
            0x00..=0x7F => return 0,
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
        };
        return if width > back + 1 { back + 1 } else { 0 };
    }
    0
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
        let ascii = text
            .chunks_exact(BLOCK)
            .take_while(|block| block.is_ascii())
            .count();
        core::str::from_utf8(&text[ascii * BLOCK..]).is_ok()
    }
}

/// The kernels of this architecture, behind the level that is the proof for them.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod kernel {
    #![allow(unsafe_code, reason = "calls of functions compiled for a level")]

    use super::{CHUNK, CONTEXT, x86};
    use crate::words::simd::{Instructions, Level};

    /// Whether the level has a kernel.
    #[inline]
    pub(super) fn exists(level: Level) -> bool {
        matches!(
            level.instructions(),
            Instructions::Avx2 | Instructions::Avx512
        )
    }

    /// Whether the text is right from its fourth octet on, given that its first three are and that it doesn't end within a
    /// code point; `false` too if the level has no kernel.
    #[inline]
    pub(super) fn is_valid(level: Level, text: &[u8]) -> bool {
        assert!(text.len() >= CHUNK + CONTEXT);
        match level.instructions() {
            // SAFETY: a `Level` exists only for instructions that the CPU has; the length was just checked.
            Instructions::Avx2 => unsafe { x86::avx2(text) },
            // SAFETY: as above.
            Instructions::Avx512 => unsafe { x86::avx512(text) },
            _ => false,
        }
    }
}

/// No kernels here.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
mod kernel {
    use crate::words::simd::Level;

    pub(super) fn exists(_: Level) -> bool {
        false
    }

    pub(super) fn is_valid(_: Level, _: &[u8]) -> bool {
        false
    }
}
