//! A data message that is arriving, as far as the headers of its frames tell.

use super::check::Check;
use super::limits::Limits;
use super::violation::Violation;
use crate::words::opcode::Kind;

/// A data message whose last frame is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenMessage {
    kind: Kind,
    /// Whether the first frame had a bit set that an extension has claimed.
    transformed: bool,
    /// How many payload bytes the frames have announced so far.
    announced: u64,
}

impl OpenMessage {
    /// A message of whose frames none has been [added](Self::add_frame) yet.
    pub(super) fn new(kind: Kind, transformed: bool) -> Self {
        Self { kind, transformed, announced: 0 }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    #[cfg(feature = "alloc")]
    pub(super) fn is_transformed(&self) -> bool {
        self.transformed
    }

    /// How many payload bytes its frames have announced.
    #[cfg(feature = "alloc")]
    pub(super) fn announced(&self) -> u64 {
        self.announced
    }

    /// Adds the payload length that the next frame's header announces.
    ///
    /// # Errors
    ///
    /// The frame, or the message with it, is longer than the limits allow.
    pub(super) fn add_frame(&mut self, len: u64, limits: &Limits) -> Result<(), Violation> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.4
        //# Implementations that have implementation- and/or platform-specific
        //# limitations regarding the frame size or total message size after
        //# reassembly from multiple frames MUST protect themselves against
        //# exceeding those limits.
        if len > limits.frame {
            return Err(Violation::FrameTooLong);
        }
        self.announced = self.announced.saturating_add(len);
        if !self.transformed && self.announced > limits.message {
            return Err(Violation::MessageTooLong);
        }
        Ok(())
    }

    /// What its payload has to be on the wire.
    pub(super) fn check(&self) -> Check {
        match (self.kind, self.transformed) {
            (Kind::Text, false) => Check::Text,
            _ => Check::Nothing,
        }
    }
}
