//! The door: what an extension does to the payload of data messages, one trait for each half of a connection.
//!
//! Internal until a second extension wants through it. An extension sees the payload of data messages and nothing else: no
//! control frames, no framing.

use alloc::vec::Vec;

/// Why an extension could not decode what the peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The payload is not what the extension's specification asks for.
    Corrupt,
    /// The message would be longer than the budget.
    OverBudget,
}

/// Undoes what the peer's extension did to messages whose first frame carries the RSV bit that the extension claims.
pub(crate) trait Decode: Send {
    /// Takes the next piece of a message's payload, cut anywhere, and appends to `out` all that can be decoded from it, at
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

/// Transforms the payload of messages that go out with the RSV bit that the extension claims.
pub(crate) trait Encode: Send {
    /// Takes the next fragment of a message and appends its encoded form to `out`. With `end`, it is the last.
    fn encode(&mut self, fragment: &[u8], end: bool, out: &mut Vec<u8>);

    /// Notes that the peer's history and this encoder's may differ from here on.
    fn forget(&mut self);

    /// Gives back the memory that isn't needed between messages, as far as what was agreed allows.
    fn release(&mut self);
}
