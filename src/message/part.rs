//! Parts of a message, delivered as they arrive, and never cut inside a code point.
//!
//! Messages that are delivered whole are in `assembler`. Whether a message is delivered in parts is decided by `connection::incoming`.

use super::payload::Payload;
use super::text::Text;
use crate::frame::{Decoder, Input, decoder};
use crate::words::opcode::Kind;
use crate::words::role::Role;
use crate::words::utf8;

/// A part of a message, delivered as it arrives.
#[derive(Debug)]
#[non_exhaustive]
pub struct Part<'b> {
    /// What has arrived, never cut inside a code point. It can be empty in the last part.
    pub content: Content<'b>,
    /// Whether this is the message's first part.
    pub first: bool,
    /// Whether this is the message's last part.
    pub last: bool,
}

/// The content of a part of a message.
#[derive(Debug)]
pub enum Content<'b> {
    /// Of a text message.
    Text(Text<'b>),
    /// Of a binary message.
    Binary(Payload<'b>),
}

impl<'b> Content<'b> {
    /// Content of this kind. Text has been checked.
    #[inline]
    pub(crate) fn new(kind: Kind, payload: Payload<'b>) -> Self {
        match kind {
            Kind::Text => Self::Text(Text::checked(payload)),
            Kind::Binary => Self::Binary(payload),
        }
    }

    /// The content's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(payload) => payload,
        }
    }
}

impl<'b> Part<'b> {
    /// A part, unless it is empty and not the last.
    pub(crate) fn new(kind: Kind, payload: Payload<'b>, first: bool, last: bool) -> Option<Self> {
        let delivered = last || !payload.is_empty();
        delivered.then(|| Self { content: Content::new(kind, payload), first, last })
    }

    /// The same part, its content owned: copied if it was borrowed. For a part out of input that is kept, which can't outlive the call.
    pub(crate) fn into_owned(self) -> Part<'static> {
        let content = match self.content {
            Content::Text(text) => Content::Text(text.into_owned()),
            Content::Binary(payload) => Content::Binary(payload.into_owned()),
        };
        Part { content, first: self.first, last: self.last }
    }

    /// Takes what has arrived of the current frame's payload, as the next part of its message.
    pub(crate) fn take_next<R: Role>(
        decoder: &mut Decoder<R>,
        input: &mut Input<'b>,
        fin: bool,
    ) -> Option<Self> {
        let (kind, _) = decoder.message();
        let remaining = decoder::clamp(decoder.remaining());
        // The first octets of a code point that was cut, which were held back. In a binary message there are none.
        let cut = *decoder.utf8();
        let first = decoder.arrived() == cut.partial().len() as u64;
        let payload = if cut.is_complete() {
            let arrived = input.take(remaining);
            let good = match decoder.unmask(arrived) {
                Ok(()) => arrived.len(),
                Err(good) => good,
            };
            let good = match kind {
                Kind::Text => utf8::len_of_whole_code_points(&arrived[..good]),
                Kind::Binary => good,
            };
            Payload::borrowed(&mut arrived[..good])
        } else {
            let tail = input.take(cut.missing().min(remaining));
            match decoder.unmask(tail) {
                Ok(()) if decoder.utf8().is_complete() => Payload::code_point(cut.partial(), tail),
                _ => Payload::borrowed(&mut []),
            }
        };
        let ends = decoder.in_payload() && decoder.remaining() == 0;
        // An error in the payload or at its end is reported by the decoder's next call.
        let last = ends && decoder.finish().is_ok() && fin;
        Self::new(kind, payload, first, last)
    }
}
