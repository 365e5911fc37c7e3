//! A data message that is arriving, as far as the headers of its frames tell. The limits on frames and on messages that no extension
//! transforms are enforced here, on the fast path in `fast_decode`; those on transformed messages by the extension,
//! within the budget that `connection::receive_transform` gives it.

use super::check::Check;
use super::limits::Limits;
use super::violation::Violation;
use crate::words::opcode::Kind;

/// A data message whose last frame is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenMessage {
    content: Content,
    /// How many payload bytes the frames have announced so far. An array of bytes, since an aligned number would make the decoder larger.
    announced: [u8; 8],
}

/// The kind of a message, and whether its first frame had a bit set that an extension has claimed; together, so that they take one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Text,
    Binary,
    TransformedText,
    TransformedBinary,
}

impl OpenMessage {
    /// A message of whose frames none has been [added](Self::add_frame) yet.
    pub(super) fn new(kind: Kind, transformed: bool) -> Self {
        let content = match (kind, transformed) {
            (Kind::Text, false) => Content::Text,
            (Kind::Binary, false) => Content::Binary,
            (Kind::Text, true) => Content::TransformedText,
            (Kind::Binary, true) => Content::TransformedBinary,
        };
        Self { content, announced: [0; 8] }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn kind(&self) -> Kind {
        match self.content {
            Content::Text | Content::TransformedText => Kind::Text,
            Content::Binary | Content::TransformedBinary => Kind::Binary,
        }
    }

    pub(super) fn is_transformed(&self) -> bool {
        matches!(self.content, Content::TransformedText | Content::TransformedBinary)
    }

    /// How many payload bytes the headers of its frames so far have announced.
    pub(super) fn announced(&self) -> u64 {
        u64::from_ne_bytes(self.announced)
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
            // That is what the error is about; nothing follows it.
            self.announced = len.to_ne_bytes();
            return Err(Violation::FrameTooLong);
        }
        let announced = self.announced().saturating_add(len);
        self.announced = announced.to_ne_bytes();
        if !self.is_transformed() && announced > limits.message {
            return Err(Violation::MessageTooLong);
        }
        Ok(())
    }

    /// What its payload has to be on the wire: anything, if an extension has transformed it.
    pub(super) fn payload_check(&self) -> Check {
        match self.content {
            Content::Text => Check::Text,
            _ => Check::Nothing,
        }
    }
}
