//! What the header fields of a request ask for (RFC 6455, section 4.2.1): one list of rules, wherever the fields come from.

use super::authority::Authority;
use super::field::Field;
use super::key::Key;
use super::request_error::RequestError;
use crate::words::token::{elements, is_token};

/// The values of a field that may stand in a request once.
#[derive(Clone, Copy, Default)]
pub(super) enum Once<'h> {
    #[default]
    Absent,
    One(&'h [u8]),
    Repeated,
}

impl<'h> Once<'h> {
    pub(super) fn note(&mut self, value: &'h [u8]) {
        *self = match self {
            Self::Absent => Self::One(value),
            _ => Self::Repeated,
        };
    }

    /// The value; one of the errors where the field is missing or repeated.
    pub(super) fn require<E>(self, missing: E, repeated: E) -> Result<&'h [u8], E> {
        match self {
            Self::One(value) => Ok(value),
            Self::Absent => Err(missing),
            Self::Repeated => Err(repeated),
        }
    }
}

/// A list of tokens, over any number of fields.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tokens {
    #[default]
    Absent,
    /// Empty so far, which a list of one or more may not stay.
    Empty,
    Some,
    Malformed,
}

impl Tokens {
    pub(super) fn note(&mut self, value: &[u8]) {
        if *self == Self::Absent {
            *self = Self::Empty;
        }
        for element in elements(value) {
            if !is_token(element) {
                *self = Self::Malformed;
            } else if *self == Self::Empty {
                *self = Self::Some;
            }
        }
    }
}

/// The fields of a request that bear on the handshake.
#[derive(Clone, Copy, Default)]
pub(super) struct Demand<'h> {
    pub(super) host: Once<'h>,
    origin: Once<'h>,
    key: Once<'h>,
    version: Once<'h>,
    upgrade: bool,
    connection: bool,
    body: bool,
    invalid_length: bool,
    pub(super) subprotocols: Tokens,
    /// Whether extensions are offered; their grammar is that of `extension::header`.
    pub(super) extensions: Once<'h>,
}

impl<'h> Demand<'h> {
    /// Notes what a field says. The length of a name tells nearly all of them apart.
    #[inline]
    pub(super) fn note(&mut self, field: Field<'h>) {
        let value = field.value;
        match field.name.len() {
            4 if field.is("Host") => self.host.note(value),
            6 if field.is("Origin") => self.origin.note(value),
            7 if field.is("Upgrade") => self.upgrade |= names(value, "websocket"),
            10 if field.is("Connection") => self.connection |= names(value, "Upgrade"),
            14 if field.is("Content-Length") => {
                let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
                self.invalid_length |= !digits;
                self.body |= value.iter().any(|byte| *byte != b'0');
            }
            17 if field.is("Sec-WebSocket-Key") => self.key.note(value),
            17 if field.is("Transfer-Encoding") => self.body = true,
            21 if field.is("Sec-WebSocket-Version") => self.version.note(value),
            22 if field.is("Sec-WebSocket-Protocol") => self.subprotocols.note(value),
            24 if field.is("Sec-WebSocket-Extensions") => self.extensions.note(value),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
            //# Unknown header fields are ignored, as per [RFC2616].
            _ => {}
        }
    }

    /// Judges what every request has to fulfil, whether it asks for a WebSocket or not.
    pub(super) fn judge_request(&self) -> Result<(), RequestError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# A |Host| header field containing the server's authority.
        let host = self.host.require(RequestError::MissingHost, RequestError::RepeatedHost)?;
        Authority::parse(host).map_err(|_| RequestError::InvalidHost)?;
        self.judge_origin()?;
        if self.invalid_length {
            return Err(RequestError::InvalidContentLength);
        }
        if self.body { Err(RequestError::Body) } else { Ok(()) }
    }

    pub(super) fn judge_origin(&self) -> Result<(), RequestError> {
        match self.origin {
            Once::Absent => Ok(()),
            Once::One(origin) if is_origin(origin) => Ok(()),
            Once::One(_) => Err(RequestError::InvalidOrigin),
            Once::Repeated => Err(RequestError::RepeatedOrigin),
        }
    }

    /// The key, if the request asks for a WebSocket and does so by the rules.
    pub(super) fn judge_upgrade(&self) -> Result<Option<&'h [u8; 24]>, RequestError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# An |Upgrade| header field containing the value "websocket", treated as an
        //# ASCII case-insensitive value.
        if !self.upgrade {
            return Ok(None);
        }
        self.judge_version()?;
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
        let key = Key::parse(key).ok_or(RequestError::InvalidKey)?;
        self.judge_subprotocols()?;
        Ok(Some(key))
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
    //# However, the |Sec-WebSocket-Version| header field MUST NOT appear
    //# more than once in an HTTP request.
    pub(super) fn judge_version(&self) -> Result<(), RequestError> {
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
    /// Uniqueness is the client's duty: a subprotocol that is listed twice is chosen once.
    pub(super) fn judge_subprotocols(&self) -> Result<(), RequestError> {
        match self.subprotocols {
            Tokens::Absent | Tokens::Some => Ok(()),
            Tokens::Empty | Tokens::Malformed => Err(RequestError::InvalidSubprotocols),
        }
    }
}

/// Whether a list of tokens includes `token`, compared without regard to ASCII case.
#[inline]
pub(super) fn names(list: &[u8], token: &str) -> bool {
    // Nearly always the list is the token.
    let token = token.as_bytes();
    list == token || elements(list).any(|element| element.eq_ignore_ascii_case(token))
}

/// Whether `value` is one version: 0 to 255 without leading zeros (RFC 6455, section 4.3).
pub(super) fn is_version(value: &[u8]) -> bool {
    match value {
        [b'0'] => true,
        [b'0', ..] => false,
        [_, ..] if value.len() <= 3 && value.iter().all(u8::is_ascii_digit) => {
            value.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')) <= 255
        }
        _ => false,
    }
}

/// Whether `value` can be an origin: visible ASCII. Spaces may stand between the origins of a chain of redirects (RFC 6454).
pub(super) fn is_origin(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().fold(true, |fine, byte| fine & matches!(byte, b' '..=b'~'))
}
