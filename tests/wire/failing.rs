//! What the Close frame of a failed connection has to say, written down once more: nothing here is asked of the engine.

use sockless::connection::Failure;
use sockless::frame::{Limits, Violation};

use super::frames::close_body;

/// The code (RFC 6455, section 7.4.1) and the words.
pub(crate) fn code_and_reason(failure: Failure, limits: &Limits) -> (u16, String) {
    let violation = match failure {
        Failure::Violation(violation) => violation,
        Failure::CorruptMessage => return (1007, "compressed message is corrupt".into()),
        Failure::Unresponsive => return (1011, "ping was not answered".into()),
        other => panic!("there is no Close frame for {other:?}"),
    };
    let (code, reason) = match violation {
        Violation::FrameTooLong => {
            return (1009, format!("frame exceeds {} bytes", limits.frame));
        }
        Violation::MessageTooLong => {
            return (1009, format!("message exceeds {} bytes", limits.message));
        }
        Violation::ReservedBits => (1002, "reserved bit is set"),
        Violation::ReservedOpcode => (1002, "opcode is reserved"),
        Violation::UnmaskedFrame => (1002, "frame is not masked"),
        Violation::MaskedFrame => (1002, "frame is masked"),
        Violation::NonMinimalLength => (1002, "length is not minimal"),
        Violation::LengthOverflow => (1002, "length is 2^63 or more"),
        Violation::FragmentedControl => (1002, "control frame is fragmented"),
        Violation::LongControl => (1002, "control frame exceeds 125 bytes"),
        Violation::UnexpectedContinuation => (1002, "no message to continue"),
        Violation::InterruptedMessage => (1002, "message begins inside another"),
        Violation::TruncatedCloseCode => (1002, "close code is cut off"),
        Violation::ForbiddenCloseCode => (1002, "close code is not allowed"),
        Violation::InvalidText => (1007, "text is not UTF-8"),
        Violation::InvalidReason => (1007, "close reason is not UTF-8"),
        other => panic!("a violation without a code: {other:?}"),
    };
    (code, reason.into())
}

/// The body of the Close frame, with the default limits.
pub(crate) fn failing_body(failure: impl Into<Failure>) -> Vec<u8> {
    let (code, reason) = code_and_reason(failure.into(), &Limits::DEFAULT);
    close_body(code, reason.as_bytes())
}
