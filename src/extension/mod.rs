//! Extensions (RFC 6455, section 9): negotiation, and the door through which one transforms the payload of messages.
//!
//! The door is internal until a second extension wants through it. Negotiation yields a decoder for the receiving half and an
//! encoder for the sending one. They see the payload of data messages and nothing else: no control frames, no framing.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// What both endpoints agreed on about extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {}

/// Why an extension could not decode what the peer sent.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The payload is not what the extension's specification asks for.
    Corrupt,
    /// The message would be longer than the budget.
    OverBudget,
}

/// Undoes what the peer's extension did to messages whose first frame carries the RSV bit that the extension claims.
#[cfg(feature = "alloc")]
pub(crate) trait Decode: Send {
    /// Takes the next piece of a message's payload, cut anywhere, and appends to `out` all that can be decoded from it, at
    /// most `budget` octets. With `end`, the piece is the message's last; a piece may be empty.
    ///
    /// # Errors
    ///
    /// After an error the decoder is not called again.
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
#[cfg(feature = "alloc")]
pub(crate) trait Encode: Send {
    /// Takes the next fragment of a message and appends its encoded form to `out`. With `end`, it is the last.
    fn encode(&mut self, fragment: &[u8], end: bool, out: &mut Vec<u8>);

    /// Notes that the peer's history and this encoder's may differ from here on.
    fn forget(&mut self);

    /// Gives back the memory that isn't needed between messages, as far as what was agreed allows.
    fn release(&mut self);
}
