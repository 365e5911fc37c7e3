//! Whether an answer opens the connection that was asked for (RFC 6455, section 4.1): one list of rules, wherever the fields come
//! from.

use super::demand::{Once, names};
use super::field::{Field, values};
use super::key::Key;
use super::offer::Offer;
use super::response_error::ResponseError;
use crate::established::Established;

/// The fields of an answer that bear on the handshake.
#[derive(Clone, Copy, Default)]
pub(super) struct Verdict<'h> {
    upgrade: Once<'h>,
    connection: Once<'h>,
    accept: Once<'h>,
    subprotocol: Once<'h>,
    body: bool,
}

impl<'h> Verdict<'h> {
    pub(super) fn of(fields: impl Iterator<Item = Field<'h>>) -> Self {
        let mut verdict = Self::default();
        fields.for_each(|field| verdict.note(field));
        verdict
    }

    fn note(&mut self, field: Field<'h>) {
        let value = field.value;
        match field.name.len() {
            7 if field.is("upgrade") => self.upgrade.note(value),
            10 if field.is("connection") => self.connection.note(value),
            14 if field.is("content-length") => self.body = true,
            17 if field.is("transfer-encoding") => self.body = true,
            20 if field.is("sec-websocket-accept") => self.accept.note(value),
            22 if field.is("sec-websocket-protocol") => self.subprotocol.note(value),
            _ => {}
        }
    }

    /// Judges the switch of protocols: what only HTTP/1.1 has.
    pub(super) fn judge_switch(&self, key: &Key) -> Result<(), ResponseError> {
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
        if !names(connection, "Upgrade") {
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
        if *accept != key.accept() {
            return Err(ResponseError::WrongAccept);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the server's response does not conform to the requirements for the
        //# server's handshake as defined in this section and in Section 4.2.2,
        //# the client MUST _Fail the WebSocket Connection_.
        if self.body { Err(ResponseError::Body) } else { Ok(()) }
    }

    /// Judges what the server has chosen among the offers.
    pub(super) fn judge_choice<'a>(
        &self,
        offer: &Offer<'a>,
        fields: impl Iterator<Item = Field<'h>>,
    ) -> Result<Established<'a>, ResponseError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the response includes a |Sec-WebSocket-Protocol| header field
        //# and this header field indicates the use of a subprotocol that was
        //# not present in the client's handshake (the server has indicated a
        //# subprotocol not requested by the client), the client MUST _Fail
        //# the WebSocket Connection_.
        let subprotocol = match self.subprotocol {
            Once::Absent => None,
            Once::One(chosen) => {
                let mut offered = offer.subprotocols.iter().copied();
                let found = offered.find(|name| name.as_bytes() == chosen);
                Some(found.ok_or(ResponseError::UnofferedSubprotocol)?)
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
            //# However, the |Sec-WebSocket-Protocol| header field MUST NOT appear
            //# more than once in an HTTP response.
            Once::Repeated => return Err(ResponseError::RepeatedSubprotocol),
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
        let extensions = offer.extensions.check(values(fields, "sec-websocket-extensions"))?;
        Ok(Established::new(subprotocol, extensions))
    }
}
