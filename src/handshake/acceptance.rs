//! A server's acceptance of a request, and the answer that it makes (RFC 6455, section 4.2.2).
//!
//! The acceptance is checked against the fields of the request, wherever they come from. Refusals are in
//! `refusal`.

use core::fmt;

use super::field::{Field, check_added, values_of};
use super::key::accept_key;
use super::misuse::HandshakeMisuse;
use super::sink::{Encodable, Sink, encoding_methods};
use crate::established::Established;
use crate::extension::{Agreed, Supported};
use crate::words::token::elements;

/// How a server accepts a request: without subprotocol, extensions and further fields, unless they are added.
///
/// ```
/// use sockless::handshake::{Acceptance, Field};
///
/// let cookie = [Field::new("Set-Cookie", "seen=1; Secure; HttpOnly")];
/// let acceptance = Acceptance::new().with_subprotocol("chat").with_fields(&cookie);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Acceptance<'a> {
    subprotocol: Option<&'a str>,
    extensions: Supported,
    fields: &'a [Field<'a>],
}

impl<'a> Acceptance<'a> {
    /// An acceptance without subprotocol, extensions and further fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a subprotocol, which has to be one that the client offers; `None` takes it away.
    #[must_use]
    pub fn with_subprotocol(mut self, subprotocol: impl Into<Option<&'a str>>) -> Self {
        self.subprotocol = subprotocol.into();
        self
    }

    /// The same with extensions that may be used if the client offers them.
    #[must_use]
    pub fn with_extensions(mut self, supported: impl Into<Supported>) -> Self {
        self.extensions = supported.into();
        self
    }

    /// The same with further header fields.
    #[must_use]
    pub fn with_fields(mut self, fields: &'a [Field<'a>]) -> Self {
        self.fields = fields;
        self
    }

    /// Checks the acceptance against the fields of a request, and says what the two agree on.
    pub(super) fn agree_with<'h>(
        &self,
        request: impl Iterator<Item = Field<'h>> + Clone,
    ) -> Result<Established<'a>, HandshakeMisuse> {
        check_added(self.fields)?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# The value chosen MUST be derived
        //# from the client's handshake, specifically by selecting one of
        //# the values from the |Sec-WebSocket-Protocol| field that the
        //# server is willing to use for this connection (if any).
        if let Some(chosen) = self.subprotocol {
            let values = values_of(request.clone(), "sec-websocket-protocol");
            let mut offered = values.flat_map(elements);
            if !offered.any(|offered| offered == chosen.as_bytes()) {
                return Err(HandshakeMisuse::UnofferedSubprotocol);
            }
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# If the server supports multiple
        //# extensions, then the value MUST be derived from the
        //# client's handshake, specifically by selecting one or more of
        //# the values from the |Sec-WebSocket-Extensions| field.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# Extensions not listed by the client MUST NOT be
        //# listed.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-9
        //# A server MUST NOT respond with any extension not requested
        //# by the client.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-9
        //# If extension parameters are included in negotiations
        //# between the client and the server, those parameters MUST be chosen in
        //# accordance with the specification of the extension to which the
        //# parameters apply.
        let extensions = if self.extensions.is_empty() {
            Agreed::default()
        } else {
            // The grammar was checked with the request.
            let offered = values_of(request, "sec-websocket-extensions");
            self.extensions.accept(offered).unwrap_or_default()
        };
        Ok(Established::new(self.subprotocol, extensions))
    }

    /// Makes the answer to a request with these fields and this key.
    pub(super) fn answer<'h>(
        &self,
        request: impl Iterator<Item = Field<'h>> + Clone,
        key: &[u8; 24],
    ) -> Result<Switching<'a>, HandshakeMisuse> {
        let established = self.agree_with(request)?;
        Ok(Switching { accept: accept_key(key), established, fields: self.fields })
    }

    /// The further fields.
    pub(super) const fn fields(&self) -> &'a [Field<'a>] {
        self.fields
    }
}

/// The answer that switches protocols, checked and ready to be written. Frames may follow it at once.
#[derive(Clone, Copy)]
pub struct Switching<'a> {
    accept: [u8; 28],
    established: Established<'a>,
    fields: &'a [Field<'a>],
}

impl<'a> Switching<'a> {
    /// What the handshake agreed on. The connection is open once the answer is on its way.
    pub const fn established(&self) -> Established<'a> {
        self.established
    }

    /// The value of `Sec-WebSocket-Accept`.
    pub const fn accept_key(&self) -> &[u8; 28] {
        &self.accept
    }

    encoding_methods!("answer");
}

impl Encodable for Switching<'_> {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# When a client establishes a WebSocket connection to a server, the
    //# server MUST complete the following steps to accept the connection and
    //# send the server's opening handshake.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# If the server chooses to accept the incoming connection, it MUST
    //# reply with a valid HTTP response indicating the following.
    fn write_to(&self, sink: &mut impl Sink) {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# A Status-Line with a 101 response code as per RFC 2616 [RFC2616].
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# An |Upgrade| header field with value "websocket" as per RFC 2616 [RFC2616].
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# A |Connection| header field with value "Upgrade".
        sink.put(
            b"HTTP/1.1 101 Switching Protocols\r\n\
            Upgrade: websocket\r\n\
            Connection: Upgrade\r\n\
            Sec-WebSocket-Accept: ",
        );
        sink.put(&self.accept);
        sink.put(b"\r\n");
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# The absence
        //# of such a field is equivalent to the null value (meaning that
        //# if the server does not wish to agree to one of the suggested
        //# subprotocols, it MUST NOT send back a |Sec-WebSocket-Protocol|
        //# header field in its response).
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
        //# However, the |Sec-WebSocket-Protocol| header field MUST NOT appear
        //# more than once in an HTTP response.
        if let Some(subprotocol) = self.established.subprotocol {
            sink.put_field("Sec-WebSocket-Protocol", subprotocol.as_bytes());
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.2
        //# However, the |Sec-WebSocket-Extensions| header field MUST NOT appear
        //# more than once in an HTTP response.
        let extensions = self.established.extensions.header();
        if !extensions.is_empty() {
            sink.put(b"Sec-WebSocket-Extensions: ");
            sink.put_display(&extensions);
            sink.put(b"\r\n");
        }
        for field in self.fields {
            sink.put_field(field.name, field.value);
        }
        sink.put(b"\r\n");
    }
}

impl fmt::Debug for Switching<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switching")
            .field("established", &self.established)
            .field("fields", &self.fields)
            .finish()
    }
}
