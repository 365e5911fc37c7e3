//! Text whose UTF-8 has been checked, so that it is not checked again.
//!
//! One of the two places with `unsafe` code: the conversion to `str` of bytes that the frame decoder, the reader of extended
//! messages or `str` itself has checked. The types here are made only from those, and their bytes can't be changed.

#![allow(unsafe_code, reason = "the conversion of checked bytes to `str`, justified at each place")]

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;
use core::str::Utf8Error;

use bytes::Bytes;

use super::payload::Payload;
use super::shown;

/// Text that the peer sent, borrowed or owned like a [`Payload`].
pub struct Text<'b>(Payload<'b>);

impl<'b> Text<'b> {
    /// Text from bytes that have been checked to be UTF-8 and end with a complete code point.
    #[inline]
    pub(crate) fn checked(payload: Payload<'b>) -> Self {
        debug_assert!(core::str::from_utf8(&payload).is_ok());
        Self(payload)
    }

    /// The same text, owned: copied if it is borrowed.
    pub(crate) fn into_owned(self) -> Text<'static> {
        Text(self.0.into_owned())
    }

    /// Whether the text is in the caller's buffer.
    pub fn is_borrowed(&self) -> bool {
        self.0.is_borrowed()
    }

    /// The text as a string, without copying it if it is owned.
    pub fn into_string(self) -> String {
        let bytes = self.0.into_vec();
        // SAFETY: `self.0` is UTF-8 by the contract of `checked`.
        unsafe { String::from_utf8_unchecked(bytes) }
    }

    /// The text as a string over [`Bytes`], without copying it if it is owned.
    pub fn into_utf8_bytes(self) -> Utf8Bytes {
        Utf8Bytes(self.0.into_bytes())
    }

    /// The text's bytes.
    pub fn into_payload(self) -> Payload<'b> {
        self.0
    }
}

impl Deref for Text<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        // SAFETY: `self.0` is UTF-8 by the contract of `checked`, and nothing here gives mutable access to it.
        unsafe { core::str::from_utf8_unchecked(&self.0) }
    }
}

impl AsRef<str> for Text<'_> {
    #[inline]
    fn as_ref(&self) -> &str {
        self
    }
}

impl<T: AsRef<str> + ?Sized> PartialEq<T> for Text<'_> {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Eq for Text<'_> {}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown::text(f, "Text", self)
    }
}

/// A string over [`Bytes`]: owned, and cheap to clone.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Utf8Bytes(Bytes);

impl Utf8Bytes {
    /// A string from a static one, without copying it.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The string's bytes, without copying them.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        // SAFETY: every constructor takes a `str`, a `String`, a `Text` or bytes that `from_utf8` has checked, and `Bytes`
        // can't be changed.
        unsafe { core::str::from_utf8_unchecked(&self.0) }
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Utf8Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<Text<'_>> for Utf8Bytes {
    fn from(text: Text<'_>) -> Self {
        text.into_utf8_bytes()
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.into_string()
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        core::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<Vec<u8>> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Utf8Error> {
        Self::try_from(Bytes::from(bytes))
    }
}

impl PartialEq<str> for Utf8Bytes {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Utf8Bytes {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown::text(f, "Utf8Bytes", self)
    }
}
