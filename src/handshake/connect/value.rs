//! A field value to be sent, which may be put together from several parts.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

use crate::extension;
use crate::handshake::misuse::Misuse;
use crate::handshake::sink::{Sink, Write};
use crate::handshake::url::Url;

/// The value of a field to be sent. `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct Value<'a>(pub(super) Parts<'a>);

#[derive(Clone, Copy)]
pub(super) enum Parts<'a> {
    Bytes(&'a [u8]),
    Authority(Url<'a>),
    Resource(Url<'a>),
    Offer(extension::Offer),
    Answer(extension::Answer),
}

impl Value<'_> {
    /// The number of bytes.
    pub fn encoded_len(&self) -> usize {
        self.measure()
    }

    /// Writes the value into `out`, and says how many bytes it has.
    ///
    /// # Errors
    ///
    /// [`Misuse::BufferTooSmall`], with nothing written.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Misuse> {
        self.fill(out)
    }

    /// The value in a vector of its own.
    #[cfg(feature = "alloc")]
    pub fn to_vec(self) -> Vec<u8> {
        self.collect()
    }
}

impl Write for Value<'_> {
    fn write(&self, sink: &mut impl Sink) {
        match self.0 {
            Parts::Bytes(bytes) => sink.put(bytes),
            Parts::Authority(url) => url.put_authority(sink),
            Parts::Resource(url) => url.put_resource(sink),
            Parts::Offer(offer) => sink.put_display(&offer),
            Parts::Answer(answer) => sink.put_display(&answer),
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.encoded_len())
    }
}
