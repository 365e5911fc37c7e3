//! The header fields of an answer that matter to the handshake, and their rules (RFC 6455, section 4.1).
//!
//! The fields come from a head that was parsed here, from the `http` crate or from an extended CONNECT: the rules are the same.
//! The status is looked at before, in `Connector::classify`, `Connector::check_http` or `connect::ConnectOpening::check`.

use super::collected::SingleField;
use super::field::{Field, values_of};
use super::key::WebSocketKey;
use super::offer::Offer;
use super::response_error::ResponseError;
use crate::established::Established;
use crate::words::token::list_contains;

/// The fields of an answer that matter to the handshake.
#[derive(Clone, Copy, Default)]
pub(super) struct ResponseFields<'h> {
    upgrade: SingleField<'h>,
    connection: SingleField<'h>,
    accept: SingleField<'h>,
    subprotocol: SingleField<'h>,
    /// Whether a body is announced.
    body: bool,
}

impl<'h> ResponseFields<'h> {
    /// Collects them from all fields of an answer.
    pub(super) fn collect(all: impl Iterator<Item = Field<'h>>) -> Self {
        let mut collected = Self::default();
        all.for_each(|field| collected.add(field));
        collected
    }

    /// Adds a field. The names are told apart by their length first.
    fn add(&mut self, field: Field<'h>) {
        let value = field.value;
        match field.name.len() {
            7 if field.is("upgrade") => self.upgrade.add(value),
            10 if field.is("connection") => self.connection.add(value),
            14 if field.is("content-length") => self.body = true,
            17 if field.is("transfer-encoding") => self.body = true,
            20 if field.is("sec-websocket-accept") => self.accept.add(value),
            22 if field.is("sec-websocket-protocol") => self.subprotocol.add(value),
            _ => {}
        }
    }

    /// Checks what only an answer over HTTP/1.1 has: that it switches to the WebSocket protocol, and answers the key.
    pub(super) fn check_switch(&self, key: &WebSocketKey) -> Result<(), ResponseError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the response lacks an |Upgrade| header field or the |Upgrade|
        //# header field contains a value that is not an ASCII case-
        //# insensitive match for the value "websocket", the client MUST
        //# _Fail the WebSocket Connection_.
        let upgrade =
            self.upgrade.require(ResponseError::MissingUpgrade, ResponseError::RepeatedUpgrade)?;
        if !upgrade.eq_ignore_ascii_case(b"websocket") {
            return Err(ResponseError::InvalidUpgrade);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the response lacks a |Connection| header field or the
        //# |Connection| header field doesn't contain a token that is an
        //# ASCII case-insensitive match for the value "Upgrade", the client
        //# MUST _Fail the WebSocket Connection_.
        let connection = self
            .connection
            .require(ResponseError::MissingConnection, ResponseError::RepeatedConnection)?;
        if !list_contains(connection, "Upgrade") {
            return Err(ResponseError::MissingConnection);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.3
        //# The |Sec-WebSocket-Accept| header MUST NOT appear more than once in
        //# an HTTP response.
        let accept =
            self.accept.require(ResponseError::MissingAccept, ResponseError::RepeatedAccept)?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the response lacks a |Sec-WebSocket-Accept| header field or
        //# the |Sec-WebSocket-Accept| contains a value other than the
        //# base64-encoded SHA-1 of the concatenation of the |Sec-WebSocket-
        //# Key| (as a string, not base64-decoded) with the string "258EAFA5-
        //# E914-47DA-95CA-C5AB0DC85B11" but ignoring any leading and
        //# trailing whitespace, the client MUST _Fail the WebSocket
        //# Connection_.
        if *accept != key.accept_value() {
            return Err(ResponseError::WrongAccept);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the server's response does not conform to the requirements for the
        //# server's handshake as defined in this section and in Section 4.2.2,
        //# the client MUST _Fail the WebSocket Connection_.
        if self.body { Err(ResponseError::Body) } else { Ok(()) }
    }

    /// Checks that the server has chosen only from what was offered, and says what it chose. `all` are all fields of the answer,
    /// from which the extensions are read.
    pub(super) fn check_choice<'a>(
        &self,
        offer: &Offer<'a>,
        all: impl Iterator<Item = Field<'h>>,
    ) -> Result<Established<'a>, ResponseError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the response includes a |Sec-WebSocket-Protocol| header field
        //# and this header field indicates the use of a subprotocol that was
        //# not present in the client's handshake (the server has indicated a
        //# subprotocol not requested by the client), the client MUST _Fail
        //# the WebSocket Connection_.
        let subprotocol = match self.subprotocol {
            SingleField::Absent => None,
            SingleField::Once(chosen) => {
                let mut offered = offer.subprotocols().iter().copied();
                let found = offered.find(|name| name.as_bytes() == chosen);
                Some(found.ok_or(ResponseError::UnofferedSubprotocol)?)
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
            //# However, the |Sec-WebSocket-Protocol| header field MUST NOT appear
            //# more than once in an HTTP response.
            SingleField::Repeated => return Err(ResponseError::RepeatedSubprotocol),
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the response includes a |Sec-WebSocket-Extensions| header
        //# field and this header field indicates the use of an extension
        //# that was not present in the client's handshake (the server has
        //# indicated an extension not requested by the client), the client
        //# MUST _Fail the WebSocket Connection_.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
        //# Note that the client is only offering
        //# to use any advertised extensions and MUST NOT use them unless the
        //# server indicates that it wishes to use the extension.
        let extensions = offer.extensions().check(values_of(all, "sec-websocket-extensions"))?;
        Ok(Established::new(subprotocol, extensions))
    }
}
