//! The header fields of a request that matter to the handshake, and their rules (RFC 6455, section 4.2.1).
//!
//! The fields come from a head that was parsed here, from the `http` crate or from an extended CONNECT: the rules are the same.
//! The grammar of `Sec-WebSocket-Extensions` is not here, but in `extension::header`.

use super::authority::Authority;
use super::collected::{SingleField, TokenList};
use super::field::{Field, values_of};
use super::key::WebSocketKey;
use super::origins::is_origin;
use super::request_error::RequestError;
use super::version::is_version;
use crate::extension::header;
use crate::words::token::list_contains;

/// The extensions that browsers offer, as they write them.
const USUAL_EXTENSIONS: [&[u8]; 2] =
    [b"permessage-deflate; client_max_window_bits", b"permessage-deflate"];

/// The fields of a request that matter to the handshake.
#[derive(Clone, Copy, Default)]
pub(super) struct RequestFields<'h> {
    host: SingleField<'h>,
    origin: SingleField<'h>,
    key: SingleField<'h>,
    version: SingleField<'h>,
    /// Whether `Upgrade` names `websocket`.
    upgrade: bool,
    /// Whether `Connection` names `Upgrade`.
    connection: bool,
    /// Whether a body is announced.
    body: bool,
    invalid_length: bool,
    subprotocols: TokenList,
    extensions: SingleField<'h>,
}

impl<'h> RequestFields<'h> {
    /// Adds a field. The names are told apart by their length first, which is quick and leaves at most two candidates.
    #[inline]
    pub(super) fn add(&mut self, field: Field<'h>) {
        let value = field.value;
        match field.name.len() {
            4 if field.is("Host") => self.host.add(value),
            6 if field.is("Origin") => self.origin.add(value),
            7 if field.is("Upgrade") => self.upgrade |= list_contains(value, "websocket"),
            10 if field.is("Connection") => self.connection |= list_contains(value, "Upgrade"),
            14 if field.is("Content-Length") => {
                let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
                self.invalid_length |= !digits;
                self.body |= value.iter().any(|byte| *byte != b'0');
            }
            17 if field.is("Sec-WebSocket-Key") => self.key.add(value),
            17 if field.is("Transfer-Encoding") => self.body = true,
            21 if field.is("Sec-WebSocket-Version") => self.version.add(value),
            22 if field.is("Sec-WebSocket-Protocol") => self.subprotocols.add(value),
            24 if field.is("Sec-WebSocket-Extensions") => self.extensions.add(value),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
            //# Unknown header fields are ignored, as per [RFC2616].
            _ => {}
        }
    }

    /// Checks the rules for every request, whether it asks for a WebSocket or not.
    pub(super) fn check_request(&self) -> Result<(), RequestError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# A |Host| header field containing the server's authority.
        let host = self.host.require(RequestError::MissingHost, RequestError::RepeatedHost)?;
        Authority::parse(host).map_err(|_| RequestError::InvalidHost)?;
        self.check_origin()?;
        if self.invalid_length {
            return Err(RequestError::InvalidContentLength);
        }
        if self.body { Err(RequestError::Body) } else { Ok(()) }
    }

    /// Checks that there is at most one origin, and that it has the form of one.
    pub(super) fn check_origin(&self) -> Result<(), RequestError> {
        match self.origin {
            SingleField::Absent => Ok(()),
            SingleField::Once(origin) if is_origin(origin) => Ok(()),
            SingleField::Once(_) => Err(RequestError::InvalidOrigin),
            SingleField::Repeated => Err(RequestError::RepeatedOrigin),
        }
    }

    /// Whether the host is absent or the same as `authority`, as an extended CONNECT requires.
    pub(super) fn host_agrees_with(&self, authority: &str) -> bool {
        match self.host {
            SingleField::Absent => true,
            SingleField::Once(host) => host.eq_ignore_ascii_case(authority.as_bytes()),
            SingleField::Repeated => false,
        }
    }

    /// The key, if the request asks for a WebSocket; an error if it does so against the rules.
    pub(super) fn check_upgrade(&self) -> Result<Option<&'h [u8; 24]>, RequestError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# An |Upgrade| header field containing the value "websocket", treated as an
        //# ASCII case-insensitive value.
        if !self.upgrade {
            return Ok(None);
        }
        self.check_version()?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# A |Connection| header field that includes the token "Upgrade", treated as an
        //# ASCII case-insensitive value.
        if !self.connection {
            return Err(RequestError::MissingConnection);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.1
        //# The |Sec-WebSocket-Key| header field MUST NOT appear more than once
        //# in an HTTP request.
        let key = self.key.require(RequestError::MissingKey, RequestError::RepeatedKey)?;
        let key = WebSocketKey::check_form(key).ok_or(RequestError::InvalidKey)?;
        self.check_subprotocols()?;
        Ok(Some(key))
    }

    /// Checks that there is one version, and that it is 13.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
    //# However, the |Sec-WebSocket-Version| header field MUST NOT appear
    //# more than once in an HTTP request.
    pub(super) fn check_version(&self) -> Result<(), RequestError> {
        let version =
            self.version.require(RequestError::MissingVersion, RequestError::RepeatedVersion)?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# A |Sec-WebSocket-Version| header field, with a value of 13.
        match version {
            b"13" => Ok(()),
            other if is_version(other) => Err(RequestError::UnsupportedVersion),
            _ => Err(RequestError::InvalidVersion),
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //# Optionally, a |Sec-WebSocket-Protocol| header field, with a list of values
    //# indicating which protocols the client would like to speak, ordered by preference.
    /// Checks that the subprotocols, if there are any, are a list of tokens. One that is listed twice is no error: not to repeat one
    /// is the client's duty.
    pub(super) fn check_subprotocols(&self) -> Result<(), RequestError> {
        match self.subprotocols {
            TokenList::Absent | TokenList::Tokens => Ok(()),
            TokenList::Empty | TokenList::Malformed => Err(RequestError::InvalidSubprotocols),
        }
    }

    /// Whether there is at least one subprotocol, and the list is well-formed.
    pub(super) fn has_subprotocols(&self) -> bool {
        self.subprotocols == TokenList::Tokens
    }

    /// Checks the grammar of the extensions that are offered. `all` are all fields of the request: they are read again only if
    /// the list is spread over several of them.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# If a value is received by either the client or
    //# the server during negotiation that does not conform to the ABNF
    //# below, the recipient of such malformed data MUST immediately _Fail
    //# the WebSocket Connection_.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.3
    //# ; When using the quoted-string syntax variant, the value
    //# ; after quoted-string unescaping MUST conform to the
    //# ; 'token' ABNF.
    #[inline]
    pub(super) fn check_extensions<'a>(
        &self,
        all: impl Iterator<Item = Field<'a>>,
    ) -> Result<(), RequestError> {
        let checked = match self.extensions {
            SingleField::Absent => Ok(()),
            // What most clients send is known to be right.
            SingleField::Once(list) if USUAL_EXTENSIONS.contains(&list) => Ok(()),
            SingleField::Once(list) => header::check_grammar([list]),
            SingleField::Repeated => {
                header::check_grammar(values_of(all, "sec-websocket-extensions"))
            }
        };
        checked.map_err(|_| RequestError::InvalidExtensions)
    }
}
