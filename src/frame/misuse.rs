//! What our own caller can ask for that no endpoint may send.

use core::{error, fmt};

/// A call that would have broken a rule of sending: a mistake of the program, but for [`Closed`](Self::Closed). Nothing was encoded, nothing has changed, and
/// another call may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// The closing handshake has begun, and what was asked for may not be sent any more: there is nothing more to send.
    Closed,
    /// A new message inside an unfinished one: send that one's last fragment first.
    MessageOpen,
    /// A continuation without a message to continue: begin one.
    NoMessage,
    /// A continuation of another kind than the open message: continue it with its own.
    OtherKind,
    /// Another frame before the payload of the last one is complete: send the rest of that first.
    FrameOpen,
    /// More payload than the frame's header announced: what is left over needs a frame of its own.
    FrameOverrun,
    /// A control frame with more than 125 bytes: shorten its payload.
    LongControl,
    /// A close reason of more than 123 bytes: shorten it.
    LongReason,
    /// A close reason without a code, which has to precede it.
    ReasonWithoutCode,
    /// A length of 2^63 or more.
    LengthOverflow,
    /// Text that is not UTF-8: check it before, or send it as binary.
    InvalidText,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the closing handshake has begun",
            Self::MessageOpen => "the open message has to be finished first",
            Self::NoMessage => "there is no open message to continue",
            Self::OtherKind => "the open message is of the other kind",
            Self::FrameOpen => "the payload of the open frame has to be completed first",
            Self::FrameOverrun => "the payload is longer than the frame's header announced",
            Self::LongControl => "a control frame carries at most 125 bytes",
            Self::LongReason => "a close reason has at most 123 bytes",
            Self::ReasonWithoutCode => "a close reason needs a close code",
            Self::LengthOverflow => "a frame is shorter than 2^63 bytes",
            Self::InvalidText => "a text message is UTF-8",
        })
    }
}

impl error::Error for Misuse {}
