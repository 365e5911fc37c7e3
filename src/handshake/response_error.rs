//! The errors of a server in its answer.

use core::{error, fmt};

use super::head_scan::HeadError;
use crate::extension::AnswerError;

/// Why an answer fails the connection. There is nothing to write: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseError {
    /// A line feed without a carriage return before it.
    BareLineFeed,
    /// A carriage return without a line feed after it.
    BareCarriageReturn,
    /// A control character.
    Control,
    /// A line that begins with whitespace.
    FoldedLine,
    /// A head over the limit.
    HeadTooLong,
    /// More header fields than the limit.
    TooManyFields,
    /// A malformed status line.
    StatusLine,
    /// A malformed header field.
    Field,
    /// A status outside 100 to 599.
    Status,
    /// A switch of protocols in HTTP/1.0.
    HttpVersion,
    /// More interim answers than are skipped.
    TooManyInterims,
    /// A body announced for a switch of protocols.
    Body,
    /// No `Upgrade`.
    MissingUpgrade,
    /// More than one `Upgrade`.
    RepeatedUpgrade,
    /// An `Upgrade` to something else.
    InvalidUpgrade,
    /// No `Upgrade` token in `Connection`.
    MissingConnection,
    /// More than one `Connection`.
    RepeatedConnection,
    /// No `Sec-WebSocket-Accept`.
    MissingAccept,
    /// More than one `Sec-WebSocket-Accept`.
    RepeatedAccept,
    /// A `Sec-WebSocket-Accept` that does not answer the key.
    WrongAccept,
    /// More than one `Sec-WebSocket-Protocol`.
    RepeatedSubprotocol,
    /// A subprotocol that was not offered.
    UnofferedSubprotocol,
    /// Extensions that don't follow from the offer.
    Extensions(AnswerError),
    /// A field that HTTP/2 and HTTP/3 don't know, or an upper-case name, on an extended CONNECT.
    ConnectionField,
    /// The deadline has passed before the answer was complete.
    Timeout,
    /// The server's stream has ended before the answer was complete.
    Truncated,
}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::BareLineFeed => Self::BareLineFeed,
            HeadError::BareCarriageReturn => Self::BareCarriageReturn,
            HeadError::Control => Self::Control,
            HeadError::Folded => Self::FoldedLine,
            HeadError::EmptyLines => Self::StatusLine,
            HeadError::TooLong => Self::HeadTooLong,
            HeadError::TooManyFields => Self::TooManyFields,
        }
    }
}

impl From<AnswerError> for ResponseError {
    fn from(error: AnswerError) -> Self {
        Self::Extensions(error)
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareLineFeed => "the server ended a line with a bare line feed",
            Self::BareCarriageReturn => "the server sent a bare carriage return",
            Self::Control => "the server sent a control character in its head",
            Self::FoldedLine => "the server began a line of its head with whitespace",
            Self::HeadTooLong => "the server sent a head over `HeadLimits::head`",
            Self::TooManyFields => "the server sent more header fields than `HeadLimits::fields`",
            Self::StatusLine => "the server sent a malformed status line",
            Self::Field => "the server sent a malformed header field",
            Self::Status => "the server sent an invalid status",
            Self::HttpVersion => "the server switched protocols in HTTP/1.0",
            Self::TooManyInterims => "the server sent too many interim answers",
            Self::Body => "the server announced a body for a switch of protocols",
            Self::MissingUpgrade => "the server did not say to which protocol it switches",
            Self::RepeatedUpgrade => "the server said twice to which protocol it switches",
            Self::InvalidUpgrade => "the server switched to another protocol",
            Self::MissingConnection => "the server did not upgrade the connection",
            Self::RepeatedConnection => "the server sent more than one list of connection options",
            Self::MissingAccept => "the server did not answer the key",
            Self::RepeatedAccept => "the server answered the key more than once",
            Self::WrongAccept => "the server's answer does not fit the key",
            Self::RepeatedSubprotocol => "the server chose more than one subprotocol",
            Self::UnofferedSubprotocol => "the server chose a subprotocol that was not offered",
            Self::Extensions(_) => "the server's choice of extensions does not follow the offer",
            Self::ConnectionField => "the server sent a header field that the stream can't have",
            Self::Timeout => "the server did not answer within `HeadLimits::timeout`",
            Self::Truncated => "the server's stream ended inside its answer",
        })
    }
}

impl error::Error for ResponseError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Extensions(error) => Some(error),
            _ => None,
        }
    }
}
