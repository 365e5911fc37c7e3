//! The client's extended CONNECT, and its check of the answer (RFC 8441, section 5).

use super::stream_fields;
use super::value::{Parts, Value};
use crate::established::Established;
use crate::handshake::field::Field;
use crate::handshake::misuse::Misuse;
use crate::handshake::offer::Offer;
use crate::handshake::response_error::ResponseError;
use crate::handshake::verdict::Verdict;

/// A client's extended CONNECT, checked and ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    offer: Offer<'a>,
}

/// What a server has answered to an extended CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered<'a> {
    /// The stream is a WebSocket.
    Open(Established<'a>),
    /// An interim answer: the final one follows.
    Interim,
    /// Another status than 2xx. It is for the application to follow it.
    Refused(u16),
    /// An answer that breaks the rules. The stream is to be reset.
    Failed(ResponseError),
}

impl<'a> Opening<'a> {
    /// An extended CONNECT for what is offered. It may be sent once the server's [`Setting`](super::Setting) allows it.
    ///
    /// # Errors
    ///
    /// If the offer can't be sent.
    pub fn new(offer: Offer<'a>) -> Result<Self, Misuse> {
        offer.check()?;
        for field in offer.fields {
            check(field)?;
        }
        Ok(Self { offer })
    }

    /// The fields in the order in which they are to be sent: the five pseudo-header fields, then the others.
    // RFC 8441, section 5: "The :protocol pseudo-header field MUST be included in the CONNECT request, and it MUST have
    // a value of websocket to initiate a WebSocket connection on an HTTP/2 stream."
    // RFC 8441, section 5: "The scheme of the target URI (Section 5.1 of [RFC7230]) MUST be 'https' for 'wss'-schemed
    // WebSockets and 'http' for 'ws'-schemed WebSockets."
    // RFC 8441, section 5: "[RFC6455] requires the use of Connection and Upgrade header fields that are not part of
    // HTTP/2.  They MUST NOT be included in the CONNECT request defined here."
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + Clone {
        let Offer { url, subprotocols, extensions, origin, fields } = self.offer;
        let scheme: &[u8] = if url.is_secure() { b"https" } else { b"http" };
        let extensions = extensions.offer();
        [
            (":method", Parts::Bytes(b"CONNECT")),
            (":protocol", Parts::Bytes(b"websocket")),
            (":scheme", Parts::Bytes(scheme)),
            (":path", Parts::Resource(url)),
            (":authority", Parts::Authority(url)),
            ("sec-websocket-version", Parts::Bytes(b"13")),
        ]
        .into_iter()
        .chain(origin.map(|origin| ("origin", Parts::Bytes(origin.as_bytes()))))
        // A list may be spread over several fields of one name: no buffer is needed to join it.
        .chain(
            subprotocols
                .iter()
                .map(|name| ("sec-websocket-protocol", Parts::Bytes(name.as_bytes()))),
        )
        .chain(
            (!extensions.is_empty())
                .then_some(("sec-websocket-extensions", Parts::Offer(extensions))),
        )
        .chain(fields.iter().map(|field| (field.name, Parts::Bytes(field.value))))
        .map(|(name, parts)| (name, Value(parts)))
    }

    /// Checks an answer: its status, and its fields with or without `:status`.
    // RFC 8441, section 5: "Implementations using this extended CONNECT to bootstrap WebSockets do not do the processing
    // of the Sec-WebSocket-Key and Sec-WebSocket-Accept header fields of [RFC6455] as that functionality has been
    // superseded by the :protocol pseudo-header field."
    pub fn check<'h, I>(&self, status: u16, fields: I) -> Answered<'a>
    where
        I: IntoIterator<Item = (&'h [u8], &'h [u8])>,
        I::IntoIter: Clone,
    {
        match status {
            200..=299 => {}
            100 | 102..=199 => return Answered::Interim,
            300..=599 => return Answered::Refused(status),
            _ => return Answered::Failed(ResponseError::Status),
        }
        match judge(&self.offer, fields.into_iter()) {
            Ok(established) => Answered::Open(established),
            Err(error) => Answered::Failed(error),
        }
    }
}

fn judge<'a, 'h>(
    offer: &Offer<'a>,
    fields: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
) -> Result<Established<'a>, ResponseError> {
    for (name, value) in fields.clone().filter(|field| field.0 != b":status") {
        stream_fields::check(name, value).map_err(|unfit| match unfit {
            stream_fields::Unfit::Connection => ResponseError::ConnectionField,
            _ => ResponseError::Field,
        })?;
    }
    let fields = fields.filter_map(stream_fields::field);
    Verdict::of(fields.clone()).judge_choice(offer, fields)
}

/// Checks a field that the caller adds.
pub(super) fn check(field: &Field<'_>) -> Result<(), Misuse> {
    use stream_fields::Unfit;
    stream_fields::check(field.name.as_bytes(), field.value).map_err(|unfit| match unfit {
        Unfit::Name => Misuse::UpperCaseName,
        Unfit::Value => Misuse::FieldValue,
        Unfit::Connection => Misuse::OwnedField,
    })
}
