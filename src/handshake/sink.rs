//! Writing a head: the same code counts its bytes, puts them into a caller's buffer, or appends them to a vector.
//!
//! What a head consists of is decided by the types that are [`Encodable`].

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

use super::misuse::HandshakeMisuse;

/// Where the bytes of a head go, piece by piece.
pub(super) trait Sink {
    /// Puts bytes after those that were put before.
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

    /// Puts the `Display` form of a value.
    fn put_display(&mut self, value: &impl fmt::Display)
    where
        Self: Sized,
    {
        let _ = fmt::Write::write_fmt(&mut Displayed(self), format_args!("{value}"));
    }

    /// Puts a header field with its line end.
    fn put_field(&mut self, name: &str, value: &[u8]) {
        self.put(name.as_bytes());
        self.put(b": ");
        self.put(value);
        self.put(b"\r\n");
    }
}

/// A value with an encoded form. The public methods of its type are made by [`encoding_methods`].
pub(super) trait Encodable {
    /// Writes the encoded form into any sink, always the same bytes.
    fn write_to(&self, sink: &mut impl Sink);

    /// Counts the bytes of the encoded form.
    fn count_bytes(&self) -> usize {
        let mut count = Count(0);
        self.write_to(&mut count);
        count.0
    }

    /// Writes the encoded form to the front of `out`; the number of bytes written.
    fn write_to_slice(&self, out: &mut [u8]) -> Result<usize, HandshakeMisuse> {
        let len = self.count_bytes();
        let out = out.get_mut(..len).ok_or(HandshakeMisuse::BufferTooSmall)?;
        self.write_to(&mut Slice { rest: out });
        Ok(len)
    }

    /// Writes the encoded form to a new vector of exactly its size.
    #[cfg(feature = "alloc")]
    fn write_to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.count_bytes());
        self.write_to(&mut out);
        out
    }
}

/// The public methods of a type that is [`Encodable`]: a caller needs no trait for them. `$what` is the word for the value in
/// their documentation.
macro_rules! encoding_methods {
    ($what:literal) => {
        #[doc = concat!("The number of bytes of the ", $what, ".")]
        pub fn encoded_len(&self) -> usize {
            $crate::handshake::sink::Encodable::count_bytes(self)
        }

        #[doc = concat!("Writes the ", $what, " to the front of `out`, and returns the number of bytes written.")]
        ///
        /// # Errors
        ///
        /// [`HandshakeMisuse::BufferTooSmall`](crate::handshake::HandshakeMisuse::BufferTooSmall), with nothing written: a buffer of `encoded_len` bytes is large enough.
        pub fn encode(&self, out: &mut [u8]) -> Result<usize, $crate::handshake::misuse::HandshakeMisuse> {
            $crate::handshake::sink::Encodable::write_to_slice(self, out)
        }

        #[doc = concat!("The ", $what, " in a new vector.")]
        #[cfg(feature = "alloc")]
        pub fn to_vec(self) -> alloc::vec::Vec<u8> {
            $crate::handshake::sink::Encodable::write_to_vec(&self)
        }
    };
}
pub(super) use encoding_methods;

/// Counts the bytes.
struct Count(usize);

impl Sink for Count {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

/// Fills a slice from its front.
struct Slice<'o> {
    rest: &'o mut [u8],
}

impl Sink for Slice<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        // The bytes have been counted and fit. If a piece did not, it would be left out rather than cause a panic.
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

/// Lets `Display` write into a sink.
struct Displayed<'s, S>(&'s mut S);

impl<S: Sink> fmt::Write for Displayed<'_, S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(text.as_bytes());
        Ok(())
    }
}
