//! What a connection asks of an extension: to decode and to encode the payload of messages, one trait for each direction.
//!
//! An extension gets the payload of data messages and nothing else: frames and control frames are not known here. The traits
//! are internal until there is a second extension.

use alloc::vec::Vec;

/// Why an extension could not decode what the peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The payload is not what the extension's specification asks for.
    Corrupt,
    /// The message would be longer than the budget.
    OverBudget,
}

/// Decodes the payload of messages whose first frame has the RSV bit that the extension uses.
pub(crate) trait Decode: Send + Sync {
    /// Takes the next piece of a message's payload, cut anywhere, and appends to `out` all that can be decoded so far, at
    /// most `budget` octets. With `end`, the piece is the message's last; a piece may be empty.
    ///
    /// # Errors
    ///
    /// What could be decoded before the error has been appended. After an error the decoder is not called again.
    fn decode(
        &mut self,
        piece: &[u8],
        end: bool,
        budget: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError>;

    /// Gives back the memory that isn't needed between messages, as far as what was agreed allows.
    fn release(&mut self);
}

/// Encodes the payload of messages that are sent with the RSV bit that the extension uses.
pub(crate) trait Encode: Send + Sync {
    /// Takes the next fragment of a message and appends its encoded form to `out`. With `end`, it is the last.
    fn encode(&mut self, fragment: &[u8], end: bool, out: &mut Vec<u8>);

    /// Makes the next message independent of earlier ones: the peer may not have received all that was encoded.
    fn forget(&mut self);

    /// Gives back the memory that isn't needed between messages, as far as what was agreed allows.
    fn release(&mut self);
}
