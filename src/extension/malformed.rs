//! How a `Sec-WebSocket-Extensions` header can break its grammar. The grammar itself is in `header`.

use core::fmt;

/// Why field values don't follow the grammar of the header.
//= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
//# If a value is received by either the client or
//# the server during negotiation that does not conform to the ABNF
//# below, the recipient of such malformed data MUST immediately _Fail
//# the WebSocket Connection_.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// An element, a parameter or a value doesn't begin with the token that it needs.
    MissingToken,
    /// A quoted string has no end.
    UnterminatedString,
    /// A quoted value is not a token once its quotes and escapes are removed.
    QuotedNonToken,
    /// Something other than a separator follows a token or a quoted string.
    MissingSeparator,
    /// The header is there, but has no element.
    NoElement,
    /// More than 64 list elements are empty.
    TooManyEmptyElements,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingToken => "a token is missing",
            Self::UnterminatedString => "a quoted string has no end",
            Self::QuotedNonToken => "a quoted value is not a token",
            Self::MissingSeparator => "a separator is missing",
            Self::NoElement => "the list is empty",
            Self::TooManyEmptyElements => "too many empty elements",
        })
    }
}

impl core::error::Error for Malformed {}
