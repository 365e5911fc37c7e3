//! Which fields a stream of HTTP/2 or HTTP/3 can have (RFC 9113, section 8.2; RFC 9114, section 4.2).

use crate::handshake::field::Field;
use crate::words::token::is_token;

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Name,
    Value,
    Connection,
}

/// Checks an ordinary field: its name is a token in lower case, its value has no CR, LF, NUL nor whitespace around it, and it does
/// not speak of a connection.
pub(super) fn check(name: &[u8], value: &[u8]) -> Result<(), Unfit> {
    if !is_token(name) || name.iter().any(u8::is_ascii_uppercase) {
        return Err(Unfit::Name);
    }
    if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))
        || matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
    {
        return Err(Unfit::Value);
    }
    match name {
        b"connection" | b"upgrade" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" => {
            Err(Unfit::Connection)
        }
        b"te" if value != b"trailers" => Err(Unfit::Connection),
        _ => Ok(()),
    }
}

/// A field by its name and value, unless the name is not even text.
pub(super) fn field<'h>((name, value): (&'h [u8], &'h [u8])) -> Option<Field<'h>> {
    core::str::from_utf8(name).ok().map(|name| Field { name, value })
}
