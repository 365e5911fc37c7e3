//! The value of a field to be sent: bytes, or something that is encoded when it is written.
//!
//! Which field it belongs to is decided in `opening` and `request`.

use core::fmt;

use crate::extension;
use crate::handshake::sink::{Encodable, Sink, encoding_methods};
use crate::handshake::url::Url;

/// The value of a field to be sent. `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct FieldValue<'a>(Source<'a>);

/// What the value is encoded from.
#[derive(Clone, Copy)]
enum Source<'a> {
    Bytes(&'a [u8]),
    Authority(Url<'a>),
    Resource(Url<'a>),
    Offer(extension::ExtensionOffer),
    Answer(extension::Answer),
}

impl<'a> FieldValue<'a> {
    pub(super) const fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(Source::Bytes(bytes))
    }

    /// The host of a URL, with its port unless that is the default.
    pub(super) const fn from_authority(url: Url<'a>) -> Self {
        Self(Source::Authority(url))
    }

    /// The path and the query of a URL.
    pub(super) const fn from_resource(url: Url<'a>) -> Self {
        Self(Source::Resource(url))
    }

    pub(super) const fn from_offer(offer: extension::ExtensionOffer) -> Self {
        Self(Source::Offer(offer))
    }

    pub(super) const fn from_answer(answer: extension::Answer) -> Self {
        Self(Source::Answer(answer))
    }

    encoding_methods!("value");
}

impl Encodable for FieldValue<'_> {
    fn write_to(&self, sink: &mut impl Sink) {
        match self.0 {
            Source::Bytes(bytes) => sink.put(bytes),
            Source::Authority(url) => url.put_authority(sink),
            Source::Resource(url) => url.put_resource(sink),
            Source::Offer(offer) => sink.put_display(&offer),
            Source::Answer(answer) => sink.put_display(&answer),
        }
    }
}

impl fmt::Debug for FieldValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.encoded_len())
    }
}
