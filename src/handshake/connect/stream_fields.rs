//! The rules for ordinary fields on a stream of HTTP/2 or HTTP/3 (RFC 9113, section 8.2; RFC 9114, section 4.2).
//!
//! Pseudo-header fields are in `request`; what a field means to the handshake is decided in `request_fields` and `response_fields`.

use crate::handshake::field::Field;
use crate::handshake::misuse::HandshakeMisuse;
use crate::words::token::is_token;

/// Why a field can't be on a stream of HTTP/2 or HTTP/3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamFieldError {
    /// The name is not a token in lower case.
    Name,
    /// The value has CR, LF, NUL, or whitespace around it.
    Value,
    /// The field describes an HTTP/1.1 connection.
    Connection,
}

/// Checks an ordinary field.
pub(super) fn check_stream_field(name: &[u8], value: &[u8]) -> Result<(), StreamFieldError> {
    if !is_token(name) || name.iter().any(u8::is_ascii_uppercase) {
        return Err(StreamFieldError::Name);
    }
    if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))
        || matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
    {
        return Err(StreamFieldError::Value);
    }
    match name {
        b"connection" | b"upgrade" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" => {
            Err(StreamFieldError::Connection)
        }
        b"te" if value != b"trailers" => Err(StreamFieldError::Connection),
        _ => Ok(()),
    }
}

/// Checks a field that our caller adds.
pub(super) fn check_own_stream_field(field: &Field<'_>) -> Result<(), HandshakeMisuse> {
    check_stream_field(field.name.as_bytes(), field.value).map_err(|error| match error {
        StreamFieldError::Name => HandshakeMisuse::UpperCaseName,
        StreamFieldError::Value => HandshakeMisuse::FieldValue,
        StreamFieldError::Connection => HandshakeMisuse::OwnedField,
    })
}

/// A name and a value as a field; `None` if the name is not UTF-8.
pub(super) fn to_field<'h>((name, value): (&'h [u8], &'h [u8])) -> Option<Field<'h>> {
    core::str::from_utf8(name).ok().map(|name| Field { name, value })
}
