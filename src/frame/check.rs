//! The rules on a frame's payload, checked as it arrives: those on text and on the body of a Close frame (RFC 6455, sections 5.5.1, 7.4
//! and 8.1).

use super::violation::Violation;
use crate::words::close_code::CloseCode;
use crate::words::utf8::Utf8;

/// The first byte that can't be right: how many good ones precede it, and what is wrong with it.
pub(super) type BadByte = (usize, Violation);

/// What the payload has to be, from the next byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Any bytes.
    Nothing,
    /// Text.
    Text,
    /// A Close body from its beginning.
    Close,
    /// A Close body after this first byte of its code.
    CloseAfter(u8),
    /// The reason in a Close body.
    Reason,
}

impl Check {
    /// Checks the next bytes, which have been unmasked. `utf8` has seen the text, or the reason, before them.
    ///
    /// # Errors
    ///
    /// The first byte that can't be right.
    pub(crate) fn check_next(&mut self, utf8: &mut Utf8, bytes: &[u8]) -> Result<(), BadByte> {
        let mut rest = bytes;
        while let (Self::Close | Self::CloseAfter(_), [byte, tail @ ..]) = (*self, rest) {
            *self = match *self {
                Self::CloseAfter(high) => {
                    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2
                    //# Status codes in the range 0-999 are not used.
                    if CloseCode::new(u16::from_be_bytes([high, *byte])).is_none() {
                        return Err((bytes.len() - rest.len(), Violation::ForbiddenCloseCode));
                    }
                    Self::Reason
                }
                _ => Self::CloseAfter(*byte),
            };
            rest = tail;
        }
        let before = bytes.len() - rest.len();
        match (*self, self.utf8_violation()) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-8.1
            //# When an endpoint is to interpret a byte stream as UTF-8 but finds
            //# that the byte stream is not, in fact, a valid UTF-8 stream, that
            //# endpoint MUST _Fail the WebSocket Connection_.
            (Self::Text | Self::Reason, violation) => {
                utf8.push(rest).map_err(|at| (before + at, violation))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the payload may end here.
    pub(crate) fn check_end(self, utf8: &Utf8) -> Result<(), Violation> {
        match self {
            Self::Text | Self::Reason if !utf8.is_complete() => Err(self.utf8_violation()),
            _ => Ok(()),
        }
    }

    /// The violation if bytes aren't UTF-8.
    const fn utf8_violation(self) -> Violation {
        match self {
            Self::Text => Violation::InvalidText,
            _ => Violation::InvalidReason,
        }
    }
}
