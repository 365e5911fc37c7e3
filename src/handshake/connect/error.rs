//! The errors of a client in an extended CONNECT, and the answer to each.

use core::{error, fmt};

use crate::handshake::request_error::RequestError;

/// Why an extended CONNECT opens no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectRequestError {
    /// A method other than CONNECT, or a CONNECT without `:protocol`: not a request for a WebSocket, but perhaps for another service.
    NotExtended,
    /// A `:protocol` other than `websocket`.
    UnknownProtocol,
    /// A pseudo-header field that is missing, repeated, unknown, or after an ordinary field.
    PseudoField,
    /// A `:scheme` other than `http` and `https`.
    Scheme,
    /// A malformed `:authority`, or a `host` that differs from it.
    Authority,
    /// A malformed `:path`.
    Path,
    /// A field name that is not a token in lower case.
    FieldName,
    /// A field value with CR, LF or NUL, or with whitespace around it.
    FieldValue,
    /// A field that HTTP/2 and HTTP/3 don't have: `connection`, `upgrade` and the like.
    ConnectionField,
    /// A field of the handshake that breaks its rules.
    Field(RequestError),
}

impl ConnectRequestError {
    /// The status of the answer.
    // RFC 9220, section 3: "If a server advertises support for Extended CONNECT but receives an Extended CONNECT request
    // with a ':protocol' value that is unknown or is not supported, the server SHOULD respond to the request with a 501
    // (Not Implemented) status code (Section 15.6.2 of [HTTP])."
    pub const fn status(self) -> u16 {
        match self {
            Self::NotExtended => 405,
            Self::UnknownProtocol => 501,
            _ => 400,
        }
    }

    /// The fields of the answer: the version that is supported here, if the client's is another.
    ///
    /// The status of such an answer is 400, not 426 as in HTTP/1.1: 426 asks for an `Upgrade`, which the stream can't have.
    pub const fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Field(
                RequestError::MissingVersion
                | RequestError::RepeatedVersion
                | RequestError::InvalidVersion
                | RequestError::UnsupportedVersion,
            ) => &[("sec-websocket-version", "13")],
            _ => &[],
        }
    }
}

impl From<RequestError> for ConnectRequestError {
    fn from(error: RequestError) -> Self {
        Self::Field(error)
    }
}

impl fmt::Display for ConnectRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotExtended => "the client did not send an extended CONNECT",
            Self::UnknownProtocol => "the client asked for another protocol",
            Self::PseudoField => "the client sent malformed pseudo-header fields",
            Self::Scheme => "the client used another scheme than http and https",
            Self::Authority => "the client sent a malformed or contradictory authority",
            Self::Path => "the client sent a malformed path",
            Self::FieldName => "the client sent a malformed field name",
            Self::FieldValue => "the client sent a malformed field value",
            Self::ConnectionField => "the client sent a field that the stream can't have",
            Self::Field(error) => return error.fmt(f),
        })
    }
}

impl error::Error for ConnectRequestError {}
