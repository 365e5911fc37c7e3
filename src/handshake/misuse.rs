//! The errors of our own caller: arguments that can't become part of a handshake.

use core::{error, fmt};

/// An argument that can't become part of a handshake. Nothing was written, and nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeMisuse {
    /// A header field name that is not a token.
    FieldName,
    /// A header field value with CR, LF, NUL or another control.
    FieldValue,
    /// A header field that the handshake itself writes: `Host`, `Upgrade`, `Connection`, `Content-Length`,
    /// `Transfer-Encoding`, `Sec-WebSocket-*`.
    OwnedField,
    /// A header field name with an upper-case letter, for HTTP/2 or HTTP/3.
    UpperCaseName,
    /// An origin that is not visible ASCII.
    Origin,
    /// A subprotocol that is not a token.
    Subprotocol,
    /// A subprotocol that is offered twice.
    RepeatedSubprotocol,
    /// A subprotocol chosen that the client did not offer.
    UnofferedSubprotocol,
    /// An acceptance of a request that does not ask for a WebSocket.
    PlainRequest,
    /// A refusal with a status below 200 or above 599.
    Status,
    /// A body for a status that allows none.
    Body,
    /// A buffer too small for what is to be written into it.
    BufferTooSmall,
}

impl fmt::Display for HandshakeMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FieldName => "a header field name is a token",
            Self::FieldValue => "a header field value has no control characters",
            Self::OwnedField => "this header field is written by the handshake itself",
            Self::UpperCaseName => "header field names are lower case in HTTP/2 and HTTP/3",
            Self::Origin => "an origin is visible ASCII",
            Self::Subprotocol => "a subprotocol is a token",
            Self::RepeatedSubprotocol => "a subprotocol is offered once",
            Self::UnofferedSubprotocol => "the client did not offer this subprotocol",
            Self::PlainRequest => "the request does not ask for a WebSocket",
            Self::Status => "a refusal has a status from 200 to 599",
            Self::Body => "an answer with this status has no body",
            Self::BufferTooSmall => "the buffer is too small",
        })
    }
}

impl error::Error for HandshakeMisuse {}
