//! Where the bytes of a head go: they are counted, put into a caller's buffer, or appended to a vector, by the same code.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

use super::misuse::Misuse;

/// Takes the bytes of a head, piece by piece.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]);

    /// Puts a number, in decimal.
    fn put_number(&mut self, number: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.put(&digits[at..]);
    }

    /// Puts what a value displays.
    fn put_display(&mut self, value: &impl fmt::Display)
    where
        Self: Sized,
    {
        let _ = fmt::Write::write_fmt(&mut Displayed(self), format_args!("{value}"));
    }

    /// Puts a header field.
    fn put_field(&mut self, name: &str, value: &[u8]) {
        self.put(name.as_bytes());
        self.put(b": ");
        self.put(value);
        self.put(b"\r\n");
    }
}

/// What can be written into a sink.
pub(super) trait Write {
    fn write(&self, sink: &mut impl Sink);

    /// How many bytes will be written.
    fn measure(&self) -> usize {
        let mut count = Count(0);
        self.write(&mut count);
        count.0
    }

    /// Writes into `out`, and says how many bytes.
    fn fill(&self, out: &mut [u8]) -> Result<usize, Misuse> {
        let len = self.measure();
        let out = out.get_mut(..len).ok_or(Misuse::BufferTooSmall)?;
        self.write(&mut Slice { rest: out });
        Ok(len)
    }

    /// Writes into a vector of just the right size.
    #[cfg(feature = "alloc")]
    fn collect(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.measure());
        self.write(&mut out);
        out
    }
}

struct Count(usize);

impl Sink for Count {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

struct Slice<'o> {
    rest: &'o mut [u8],
}

impl Sink for Slice<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        // The room has been measured; a piece that does not fit would be left out, never cause a panic.
        if let Some((room, rest)) =
            core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len())
        {
            room.copy_from_slice(bytes);
            self.rest = rest;
        }
    }
}

#[cfg(feature = "alloc")]
impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Lets a value be displayed into a sink.
struct Displayed<'s, S>(&'s mut S);

impl<S: Sink> fmt::Write for Displayed<'_, S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(text.as_bytes());
        Ok(())
    }
}
