//! The payload of a message that is owned: in place where it is short, shared otherwise.

use std::fmt;
use std::ops::Deref;
use std::string::FromUtf8Error;

use bytes::Bytes;
use sockless::message::{self, Payload, Utf8Bytes};

/// How many bytes lie in the value itself, without memory on the heap.
pub const INLINE: usize = 46;

/// A few bytes in place.
#[derive(Clone, Copy)]
struct Few {
    len: u8,
    bytes: [u8; INLINE],
}

impl Few {
    #[inline]
    fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; INLINE];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self { len: from.len() as u8, bytes })
    }

    #[inline]
    fn get(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Bytes. Up to [`INLINE`] of them lie in the value itself, more are shared: cloning copies no more than that.
#[derive(Clone)]
pub struct Data(DataPlace);

#[derive(Clone)]
enum DataPlace {
    Few(Few),
    Many(Bytes),
}

impl Data {
    /// The bytes, copied.
    #[inline]
    pub fn copied(bytes: &[u8]) -> Self {
        Self(match Few::new(bytes) {
            Some(few) => DataPlace::Few(few),
            None => DataPlace::Many(Bytes::copy_from_slice(bytes)),
        })
    }

    /// The bytes as [`Bytes`]: without a copy, unless they lie in the value itself.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            DataPlace::Few(few) => Bytes::copy_from_slice(few.get()),
            DataPlace::Many(bytes) => bytes,
        }
    }
}

impl Deref for Data {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            DataPlace::Few(few) => few.get(),
            DataPlace::Many(bytes) => bytes,
        }
    }
}

impl From<Payload<'_>> for Data {
    #[inline]
    fn from(payload: Payload<'_>) -> Self {
        match Few::new(&payload) {
            Some(few) => Self(DataPlace::Few(few)),
            None => Self(DataPlace::Many(payload.into_bytes())),
        }
    }
}

/// Text. Up to [`INLINE`] bytes of it lie in the value itself, more are shared: cloning copies no more than that.
#[derive(Clone)]
pub struct Text(TextPlace);

#[derive(Clone)]
enum TextPlace {
    /// UTF-8: whoever makes one has a `str`.
    Few(Few),
    Many(Utf8Bytes),
}

impl Text {
    /// The text, copied.
    #[inline]
    pub fn copied(text: &str) -> Self {
        Self(match Few::new(text.as_bytes()) {
            Some(few) => TextPlace::Few(few),
            None => TextPlace::Many(text.into()),
        })
    }

    /// The text as a string slice.
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It is checked once more, which takes less than memory of its own would.
            TextPlace::Few(few) => std::str::from_utf8(few.get()).unwrap_or_default(),
            TextPlace::Many(text) => text,
        }
    }

    /// The text's bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            TextPlace::Few(few) => few.get(),
            TextPlace::Many(text) => text.as_bytes(),
        }
    }

    /// The text as the engine shares it: without a copy, unless it lies in the value itself.
    pub fn into_utf8_bytes(self) -> Utf8Bytes {
        match self.0 {
            TextPlace::Few(_) => self.as_str().into(),
            TextPlace::Many(text) => text,
        }
    }

    /// The text's bytes as [`Bytes`]: without a copy, unless they lie in the value itself.
    pub fn into_bytes(self) -> Bytes {
        self.into_utf8_bytes().into_bytes()
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<message::Text<'_>> for Text {
    #[inline]
    fn from(text: message::Text<'_>) -> Self {
        match Few::new(text.as_bytes()) {
            Some(few) => Self(TextPlace::Few(few)),
            None => Self(TextPlace::Many(text.into_utf8_bytes())),
        }
    }
}

impl From<Utf8Bytes> for Text {
    fn from(text: Utf8Bytes) -> Self {
        Self(TextPlace::Many(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(match Few::new(text.as_bytes()) {
            Some(few) => TextPlace::Few(few),
            None => TextPlace::Many(text.into()),
        })
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::copied(text)
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::copied(text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().into()
    }
}

impl TryFrom<Vec<u8>> for Text {
    type Error = FromUtf8Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, FromUtf8Error> {
        Ok(String::from_utf8(bytes)?.into())
    }
}

impl From<Text> for Data {
    fn from(text: Text) -> Self {
        Self(match text.0 {
            TextPlace::Few(few) => DataPlace::Few(few),
            TextPlace::Many(text) => DataPlace::Many(text.into_bytes()),
        })
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Self(DataPlace::Many(bytes))
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self(match Few::new(&bytes) {
            Some(few) => DataPlace::Few(few),
            None => DataPlace::Many(bytes.into()),
        })
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Self {
        Self::copied(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Data {
    fn from(bytes: &[u8; N]) -> Self {
        Self::copied(bytes)
    }
}

impl From<Data> for Bytes {
    fn from(data: Data) -> Self {
        data.into_bytes()
    }
}

impl From<Data> for Vec<u8> {
    fn from(data: Data) -> Self {
        data.to_vec()
    }
}

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Data {}

impl PartialEq<[u8]> for Data {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl PartialEq<&[u8]> for Data {
    fn eq(&self, other: &&[u8]) -> bool {
        **self == **other
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("len", &self.as_bytes().len()).finish()
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data").field("len", &self.len()).finish()
    }
}
