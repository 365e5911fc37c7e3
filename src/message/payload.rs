//! The bytes of a payload as they are delivered, borrowed or owned. Those that have been checked to be text are in a `Text`.

use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, DerefMut};

use bytes::Bytes;

use super::shown;

/// Bytes that the peer sent.
///
/// They are borrowed if they are in one piece in the caller's buffer, and owned if they had to be assembled or decompressed. [`into_bytes`](Self::into_bytes) makes them owned: one copy in the first case, none in the second.
pub struct Payload<'b>(Place<'b>);

enum Place<'b> {
    Borrowed(&'b mut [u8]),
    Owned(Vec<u8>),
    /// A code point that was cut between two inputs, and its length.
    CodePoint([u8; 4], u8),
}

impl<'b> Payload<'b> {
    #[inline]
    pub(crate) fn borrowed(bytes: &'b mut [u8]) -> Self {
        Self(Place::Borrowed(bytes))
    }

    #[inline]
    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        Self(Place::Owned(bytes))
    }

    /// A code point from its two parts, which have four bytes at most together.
    pub(crate) fn code_point(head: &[u8], tail: &[u8]) -> Self {
        let mut bytes = [0; 4];
        let mut len = 0;
        for (place, byte) in bytes.iter_mut().zip(head.iter().chain(tail)) {
            *place = *byte;
            len += 1;
        }
        Self(Place::CodePoint(bytes, len))
    }

    /// The payload without its first `count` bytes.
    pub(crate) fn skip(self, count: usize) -> Self {
        Self(match self.0 {
            Place::Borrowed(bytes) => {
                let count = count.min(bytes.len());
                Place::Borrowed(&mut bytes[count..])
            }
            _ => Place::Owned(self.get(count..).unwrap_or_default().into()),
        })
    }

    /// The same bytes, owned: copied if they are borrowed.
    pub(crate) fn into_owned(self) -> Payload<'static> {
        Payload(match self.0 {
            Place::Borrowed(bytes) => Place::Owned(Vec::from(bytes)),
            Place::Owned(bytes) => Place::Owned(bytes),
            Place::CodePoint(bytes, len) => Place::CodePoint(bytes, len),
        })
    }

    /// Whether the bytes are in the caller's buffer.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.0, Place::Borrowed(_))
    }

    /// The bytes as a vector, without copying them if they are owned.
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Place::Owned(bytes) => bytes,
            _ => self.to_vec(),
        }
    }

    /// The bytes as [`Bytes`], without copying them if they are owned.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Place::Owned(bytes) => Bytes::from(bytes),
            _ => Bytes::copy_from_slice(&self),
        }
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Borrowed(bytes) => bytes,
            Place::Owned(bytes) => bytes,
            Place::CodePoint(bytes, len) => &bytes[..usize::from(*len)],
        }
    }
}

impl DerefMut for Payload<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Place::Borrowed(bytes) => bytes,
            Place::Owned(bytes) => bytes,
            Place::CodePoint(bytes, len) => &mut bytes[..usize::from(*len)],
        }
    }
}

impl AsRef<[u8]> for Payload<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Payload<'_>> for Bytes {
    fn from(payload: Payload<'_>) -> Self {
        payload.into_bytes()
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Payload<'_> {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Eq for Payload<'_> {}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown::binary(f, "Payload", self)
    }
}
