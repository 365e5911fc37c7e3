//! What the Close frame of a failed connection says in words, for whoever looks into the other end's log. The codes are in
//! `failure` and `frame::violation`.

use core::fmt::{self, Write};

use super::failure::Failure;
use crate::frame::{Limits, Violation};

/// How long the longest of them can be: a limit has up to twenty digits.
const LONGEST: usize = 48;

/// A close reason.
pub(super) struct CloseReason {
    bytes: [u8; LONGEST],
    len: usize,
}

impl CloseReason {
    /// Why the connection fails, in a few words.
    #[cold]
    pub(super) fn new(failure: Failure, limits: &Limits) -> Self {
        let mut reason = Self { bytes: [0; LONGEST], len: 0 };
        // It has room for the longest: see the test.
        let _ = reason.describe(failure, limits);
        reason
    }

    fn describe(&mut self, failure: Failure, limits: &Limits) -> fmt::Result {
        let violation = match failure {
            Failure::Violation(violation) => violation,
            Failure::CorruptMessage => return self.write_str("compressed message is corrupt"),
            Failure::Unresponsive => return self.write_str("ping was not answered"),
            // Nobody is left to read it.
            Failure::Stalled | Failure::EndOfStream | Failure::Refused => return Ok(()),
        };
        self.write_str(match violation {
            Violation::FrameTooLong => {
                return write!(self, "frame exceeds {} bytes", limits.frame);
            }
            Violation::MessageTooLong => {
                return write!(self, "message exceeds {} bytes", limits.message);
            }
            Violation::ReservedBits => "reserved bit is set",
            Violation::ReservedOpcode => "opcode is reserved",
            Violation::UnmaskedFrame => "frame is not masked",
            Violation::MaskedFrame => "frame is masked",
            Violation::NonMinimalLength => "length is not minimal",
            Violation::LengthOverflow => "length is 2^63 or more",
            Violation::FragmentedControl => "control frame is fragmented",
            Violation::LongControl => "control frame exceeds 125 bytes",
            Violation::UnexpectedContinuation => "no message to continue",
            Violation::InterruptedMessage => "message begins inside another",
            Violation::TruncatedCloseCode => "close code is cut off",
            Violation::ForbiddenCloseCode => "close code is not allowed",
            Violation::InvalidText => "text is not UTF-8",
            Violation::InvalidReason => "close reason is not UTF-8",
        })
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for CloseReason {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_limit_fits() {
        let limits = Limits::DEFAULT.with_frame(u64::MAX).with_message(u64::MAX);
        for (violation, expected) in [
            (Violation::FrameTooLong, "frame exceeds 18446744073709551615 bytes"),
            (Violation::MessageTooLong, "message exceeds 18446744073709551615 bytes"),
        ] {
            assert_eq!(CloseReason::new(violation.into(), &limits).as_str(), expected);
        }
    }
}
