//! The errors of a client in its request, and the HTTP answer to each.

use core::{error, fmt};

use super::head_scan::HeadError;

/// Why a request is refused. Write the [`answer`](Self::answer), then close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestError {
    /// A line feed without a carriage return before it.
    BareLineFeed,
    /// A carriage return without a line feed after it.
    BareCarriageReturn,
    /// A control character.
    Control,
    /// A line that begins with whitespace.
    FoldedLine,
    /// Too many empty lines before the request line.
    EmptyLines,
    /// A head over the limit.
    HeadTooLong,
    /// More header fields than the limit.
    TooManyFields,
    /// A malformed request line.
    RequestLine,
    /// A malformed header field.
    Field,
    /// A version of HTTP other than 1.1.
    HttpVersion,
    /// A method other than GET.
    Method,
    /// A request target that is neither a path nor an absolute http or https URI.
    Target,
    /// No `Host`.
    MissingHost,
    /// More than one `Host`.
    RepeatedHost,
    /// A `Host` that is not a host with an optional port.
    InvalidHost,
    /// More than one `Origin`.
    RepeatedOrigin,
    /// An `Origin` that is not visible ASCII.
    InvalidOrigin,
    /// A request with a body.
    Body,
    /// A `Content-Length` that is not a number.
    InvalidContentLength,
    /// A request that doesn't ask for a WebSocket.
    PlainRequest,
    /// No `Sec-WebSocket-Version`.
    MissingVersion,
    /// More than one `Sec-WebSocket-Version`.
    RepeatedVersion,
    /// A `Sec-WebSocket-Version` that is not a version.
    InvalidVersion,
    /// A `Sec-WebSocket-Version` other than 13.
    UnsupportedVersion,
    /// No `Upgrade` token in `Connection`.
    MissingConnection,
    /// No `Sec-WebSocket-Key`.
    MissingKey,
    /// More than one `Sec-WebSocket-Key`.
    RepeatedKey,
    /// A `Sec-WebSocket-Key` that is not sixteen bytes in base64.
    InvalidKey,
    /// A `Sec-WebSocket-Protocol` that is not a list of tokens.
    InvalidSubprotocols,
    /// A `Sec-WebSocket-Extensions` that is not a list of extensions.
    InvalidExtensions,
    /// The deadline has passed before the head was complete.
    Timeout,
    /// The client's stream has ended before the head was complete.
    Truncated,
}

/// An answer without a body, from its status line and its fields.
macro_rules! answer {
    ($status:literal $(, $line:literal)*) => {
        concat!(
            "HTTP/1.1 ", $status, "\r\n",
            $($line, "\r\n",)*
            "Content-Length: 0\r\n\r\n"
        ).as_bytes()
    };
}

impl RequestError {
    /// The status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::HttpVersion => 505,
            Self::Method => 405,
            Self::HeadTooLong | Self::TooManyFields => 431,
            Self::PlainRequest | Self::UnsupportedVersion => 426,
            Self::Timeout => 408,
            _ => 400,
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# If this
    //# version does not match a version understood by the server, the
    //# server MUST abort the WebSocket handshake described in this
    //# section and instead send an appropriate HTTP error code (such
    //# as 426 Upgrade Required) and a |Sec-WebSocket-Version| header
    //# field indicating the version(s) the server is capable of
    //# understanding.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.4
    //# If the server
    //# doesn't support the requested version, it MUST respond with a
    //# |Sec-WebSocket-Version| header field (or multiple
    //# |Sec-WebSocket-Version| header fields) containing all versions it is
    //# willing to use.
    /// The whole answer, as bytes to write over HTTP/1.1. It announces that the connection is closed after it.
    pub const fn answer(self) -> &'static [u8] {
        match self {
            Self::MissingVersion | Self::RepeatedVersion | Self::InvalidVersion => {
                answer!("400 Bad Request", "Connection: close", "Sec-WebSocket-Version: 13")
            }
            _ => match self.status() {
                405 => answer!("405 Method Not Allowed", "Connection: close", "Allow: GET"),
                408 => answer!("408 Request Timeout", "Connection: close"),
                426 => answer!(
                    "426 Upgrade Required",
                    "Connection: close, Upgrade",
                    "Upgrade: websocket",
                    "Sec-WebSocket-Version: 13"
                ),
                431 => answer!("431 Request Header Fields Too Large", "Connection: close"),
                505 => answer!("505 HTTP Version Not Supported", "Connection: close"),
                _ => answer!("400 Bad Request", "Connection: close"),
            },
        }
    }
}

impl From<HeadError> for RequestError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::BareLineFeed => Self::BareLineFeed,
            HeadError::BareCarriageReturn => Self::BareCarriageReturn,
            HeadError::Control => Self::Control,
            HeadError::Folded => Self::FoldedLine,
            HeadError::EmptyLines => Self::EmptyLines,
            HeadError::TooLong => Self::HeadTooLong,
            HeadError::TooManyFields => Self::TooManyFields,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareLineFeed => "the client ended a line with a bare line feed",
            Self::BareCarriageReturn => "the client sent a bare carriage return",
            Self::Control => "the client sent a control character in its head",
            Self::FoldedLine => "the client began a line of its head with whitespace",
            Self::EmptyLines => "the client sent too many empty lines before its request",
            Self::HeadTooLong => "the client sent a head over `HeadLimits::head`",
            Self::TooManyFields => "the client sent more header fields than `HeadLimits::fields`",
            Self::RequestLine => "the client sent a malformed request line",
            Self::Field => "the client sent a malformed header field",
            Self::HttpVersion => "the client speaks another version of HTTP than 1.1",
            Self::Method => "the client used another method than GET",
            Self::Target => "the client sent a malformed request target",
            Self::MissingHost => "the client sent no host",
            Self::RepeatedHost => "the client sent more than one host",
            Self::InvalidHost => "the client sent a malformed host",
            Self::RepeatedOrigin => "the client sent more than one origin",
            Self::InvalidOrigin => "the client sent a malformed origin",
            Self::Body => "the client sent a request with a body",
            Self::InvalidContentLength => "the client sent a malformed content length",
            Self::PlainRequest => "the client did not ask for a WebSocket",
            Self::MissingVersion => "the client sent no version of the WebSocket protocol",
            Self::RepeatedVersion => {
                "the client sent more than one version of the WebSocket protocol"
            }
            Self::InvalidVersion => "the client sent a malformed version of the WebSocket protocol",
            Self::UnsupportedVersion => {
                "the client speaks another version of the WebSocket protocol"
            }
            Self::MissingConnection => "the client did not ask for an upgrade of the connection",
            Self::MissingKey => "the client sent no key",
            Self::RepeatedKey => "the client sent more than one key",
            Self::InvalidKey => "the client sent a key that is not sixteen bytes in base64",
            Self::InvalidSubprotocols => "the client sent a malformed list of subprotocols",
            Self::InvalidExtensions => "the client sent a malformed list of extensions",
            Self::Timeout => "the client did not complete its request within `HeadLimits::timeout`",
            Self::Truncated => "the client's stream ended inside its request",
        })
    }
}

impl error::Error for RequestError {}
