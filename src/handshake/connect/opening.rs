//! The client's extended CONNECT, and its check of the answer (RFC 8441, section 5).
//!
//! The rules that the answer shares with HTTP/1.1 are in `response_fields`.

use super::stream_fields::{
    StreamFieldError, check_own_stream_field, check_stream_field, to_field,
};
use super::value::FieldValue;
use crate::established::Established;
use crate::handshake::misuse::HandshakeMisuse;
use crate::handshake::offer::Offer;
use crate::handshake::response_error::ResponseError;
use crate::handshake::response_fields::ResponseFields;

/// A client's extended CONNECT, checked and ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOpening<'a> {
    offer: Offer<'a>,
}

/// What a server has answered to an extended CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectAnswered<'a> {
    /// The stream is a WebSocket.
    Open(Established<'a>),
    /// An interim answer: the final one follows.
    Interim,
    /// A status other than 2xx. The application decides what to do about it.
    Refused(u16),
    /// An answer that breaks the rules. Reset the stream.
    Failed(ResponseError),
}

impl<'a> ConnectOpening<'a> {
    /// An extended CONNECT for an offer. It may be sent once the server's [`Setting`](super::Setting) allows it.
    ///
    /// # Errors
    ///
    /// If the offer can't be sent: the error names what is wrong with it. It is the program's to mend, or its user's who gave the value.
    pub fn new(offer: Offer<'a>) -> Result<Self, HandshakeMisuse> {
        offer.check()?;
        offer.fields().iter().try_for_each(check_own_stream_field)?;
        Ok(Self { offer })
    }

    /// The fields in the order in which they are to be sent: the five pseudo-header fields, then the others.
    // RFC 8441, section 5: "The :protocol pseudo-header field MUST be included in the CONNECT request, and it MUST have
    // a value of websocket to initiate a WebSocket connection on an HTTP/2 stream."
    // RFC 8441, section 5: "The scheme of the target URI (Section 5.1 of [RFC7230]) MUST be 'https' for 'wss'-schemed
    // WebSockets and 'http' for 'ws'-schemed WebSockets."
    // RFC 8441, section 5: "[RFC6455] requires the use of Connection and Upgrade header fields that are not part of
    // HTTP/2.  They MUST NOT be included in the CONNECT request defined here."
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, FieldValue<'a>)> + Clone {
        let url = self.offer.url();
        let scheme: &[u8] = if url.is_secure() { b"https" } else { b"http" };
        let origin = self.offer.origin();
        // A list may be spread over several fields of one name, so no buffer is needed to join it.
        let subprotocols = self.offer.subprotocols().iter();
        let extensions = self.offer.extensions().header();
        [
            (":method", FieldValue::from_bytes(b"CONNECT")),
            (":protocol", FieldValue::from_bytes(b"websocket")),
            (":scheme", FieldValue::from_bytes(scheme)),
            (":path", FieldValue::from_resource(url)),
            (":authority", FieldValue::from_authority(url)),
            ("sec-websocket-version", FieldValue::from_bytes(b"13")),
        ]
        .into_iter()
        .chain(origin.map(|origin| ("origin", FieldValue::from_bytes(origin.as_bytes()))))
        .chain(
            subprotocols
                .map(|name| ("sec-websocket-protocol", FieldValue::from_bytes(name.as_bytes()))),
        )
        .chain(
            (!extensions.is_empty())
                .then_some(("sec-websocket-extensions", FieldValue::from_offer(extensions))),
        )
        .chain(
            self.offer
                .fields()
                .iter()
                .map(|field| (field.name, FieldValue::from_bytes(field.value))),
        )
    }

    /// Checks an answer: its status, and its fields with or without `:status`.
    // RFC 8441, section 5: "Implementations using this extended CONNECT to bootstrap WebSockets do not do the processing
    // of the Sec-WebSocket-Key and Sec-WebSocket-Accept header fields of [RFC6455] as that functionality has been
    // superseded by the :protocol pseudo-header field."
    pub fn check<'h, I>(&self, status: u16, fields: I) -> ConnectAnswered<'a>
    where
        I: IntoIterator<Item = (&'h [u8], &'h [u8])>,
        I::IntoIter: Clone,
    {
        match status {
            200..=299 => {}
            100 | 102..=199 => return ConnectAnswered::Interim,
            300..=599 => return ConnectAnswered::Refused(status),
            _ => return ConnectAnswered::Failed(ResponseError::Status),
        }
        match check_fields(&self.offer, fields.into_iter()) {
            Ok(established) => ConnectAnswered::Open(established),
            Err(error) => ConnectAnswered::Failed(error),
        }
    }
}

/// Checks the fields of an answer that opens the stream, and says what they agree on.
fn check_fields<'a, 'h>(
    offer: &Offer<'a>,
    fields: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
) -> Result<Established<'a>, ResponseError> {
    for (name, value) in fields.clone().filter(|field| field.0 != b":status") {
        check_stream_field(name, value).map_err(|error| match error {
            StreamFieldError::Connection => ResponseError::ConnectionField,
            StreamFieldError::Name | StreamFieldError::Value => ResponseError::Field,
        })?;
    }
    let fields = fields.filter_map(to_field);
    ResponseFields::collect(fields.clone()).check_choice(offer, fields)
}
