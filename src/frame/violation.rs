//! The rules that a peer's frames can break, and the close code for each.

use core::{error, fmt};

use crate::words::close_code::CloseCode;

/// A rule of RFC 6455 that the peer has broken. Fatal for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit that no extension has claimed, or one that it may not set on this frame.
    ReservedBits,
    /// An opcode without a meaning.
    ReservedOpcode,
    /// A frame from a client that is not masked.
    UnmaskedFrame,
    /// A frame from a server that is masked.
    MaskedFrame,
    /// A length in more bytes than it needs.
    NonMinimalLength,
    /// A 64-bit length with its most significant bit set.
    LengthOverflow,
    /// A control frame that is a fragment.
    FragmentedControl,
    /// A control frame with more than 125 bytes.
    LongControl,
    /// A continuation without a message to continue.
    UnexpectedContinuation,
    /// A new message inside an unfinished one.
    InterruptedMessage,
    /// A Close body of one byte.
    TruncatedCloseCode,
    /// A close code that must not be on the wire.
    ForbiddenCloseCode,
    /// A text message that is not UTF-8.
    InvalidText,
    /// A close reason that is not UTF-8.
    InvalidReason,
    /// A data frame over [`Limits::frame`](super::Limits::frame).
    FrameTooLong,
    /// A message over [`Limits::message`](super::Limits::message).
    MessageTooLong,
}

impl Violation {
    /// The close code that answers this violation (RFC 6455, section 7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::InvalidText | Self::InvalidReason => CloseCode::INVALID_PAYLOAD,
            Self::FrameTooLong | Self::MessageTooLong => CloseCode::MESSAGE_TOO_BIG,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "the peer set a reserved bit that nothing gives a meaning",
            Self::ReservedOpcode => "the peer used a reserved opcode",
            Self::UnmaskedFrame => "the client sent a frame without masking it",
            Self::MaskedFrame => "the server sent a masked frame",
            Self::NonMinimalLength => "the peer encoded a length in more bytes than it needs",
            Self::LengthOverflow => "the peer announced a length of 2^63 or more",
            Self::FragmentedControl => "the peer fragmented a control frame",
            Self::LongControl => "the peer announced a control frame of more than 125 bytes",
            Self::UnexpectedContinuation => "the peer continued a message that it had not begun",
            Self::InterruptedMessage => "the peer began a message inside another one",
            Self::TruncatedCloseCode => "the peer sent a Close frame with half a code",
            Self::ForbiddenCloseCode => "the peer sent a close code that must not be sent",
            Self::InvalidText => "the peer sent text that is not UTF-8",
            Self::InvalidReason => "the peer sent a close reason that is not UTF-8",
            Self::FrameTooLong => "the peer announced a frame over `Limits::frame`",
            Self::MessageTooLong => "the peer sent a message over `Limits::message`",
        })
    }
}

impl error::Error for Violation {}
