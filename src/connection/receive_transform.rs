//! The negotiated extension on the receiving side: messages, and parts of them, out of the payloads of data frames that it has transformed.
//! The limit on messages becomes the extension's budget here, so that it counts decompressed bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::failure::Failure;
use crate::extension::door::{Decode, DecodeError};
use crate::frame::{Decoder, Input, Violation, decoder};
use crate::message::assembler::Assembler;
use crate::message::{Part, Payload};
use crate::words::opcode::Kind;
use crate::words::role::Role;
use crate::words::utf8::{self, Utf8};

/// How much of a transformed payload is decoded at once for delivery in parts: it bounds how large a part can get.
const SLICE: usize = 512;

/// The receiving side of the negotiated extension.
#[derive(Default)]
pub(crate) struct ReceiveTransform(Option<Box<State>>);

struct State {
    extension: Box<dyn Decode>,
    /// The validator of the text that has been decoded.
    utf8: Utf8,
    /// The bytes of the message that have been delivered in parts.
    delivered: u64,
    /// The failure to report after the part that has just been delivered.
    failure: Option<Failure>,
}

impl ReceiveTransform {
    /// Decodes with this extension.
    #[cfg(feature = "deflate")]
    pub(crate) fn new(extension: Box<dyn Decode>) -> Self {
        let state = State { extension, utf8: Utf8::new(), delivered: 0, failure: None };
        Self(Some(Box::new(state)))
    }

    /// Whether there is a failure to report after the part that has just been delivered.
    #[inline]
    pub(crate) fn has_failure(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.failure.is_some())
    }

    /// Takes the payload of the open data frame as far as it has arrived; the message, once it is complete.
    pub(crate) fn take_message<'b, R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        assembler: &mut Assembler,
        input: &mut Input<'b>,
        fin: bool,
        limit: u64,
    ) -> Result<Option<Payload<'b>>, Failure> {
        let state = self.state()?;
        let Some(bytes) = assembler.bytes_mut() else { return Ok(None) };
        let (kind, _) = decoder.message();
        let arrived = input.take(decoder::clamp(decoder.remaining()));
        let _ = decoder.unmask(arrived);
        let end = fin && decoder.remaining() == 0;
        // What is decoded is text again, and checked as such, whatever follows it.
        let start = bytes.len();
        let budget = decoder::clamp(limit.saturating_sub(start as u64));
        let decoded = state.extension.decode(arrived, end, budget, bytes).map_err(failure);
        if state.check(kind, &bytes[start..], end && decoded.is_ok()).is_err() {
            return Err(Failure::Violation(Violation::InvalidText));
        }
        decoded?;
        Ok(assembler.end_frame(decoder, fin)?)
    }

    /// Takes a slice of the payload of the open data frame; a part of the message, if there is something to deliver.
    pub(crate) fn take_part<'b, R: Role>(
        &mut self,
        decoder: &mut Decoder<R>,
        input: &mut Input<'b>,
        fin: bool,
        limit: u64,
    ) -> Result<Option<Part<'b>>, Failure> {
        let state = self.state()?;
        if let Some(failure) = state.failure {
            return Err(failure);
        }
        let (kind, _) = decoder.message();
        let arrived = input.take(decoder::clamp(decoder.remaining()).min(SLICE));
        let _ = decoder.unmask(arrived);
        let last = fin && decoder.remaining() == 0;

        let mut bytes = Vec::from(state.utf8.partial());
        let held = bytes.len();
        let budget = decoder::clamp(limit.saturating_sub(state.delivered + held as u64));
        let decoded = state.extension.decode(arrived, last, budget, &mut bytes).map_err(failure);
        let ends = last && decoded.is_ok();
        let (good, checked) = match state.check(kind, &bytes[held..], ends) {
            Ok(()) => (bytes.len(), decoded),
            //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
            //# At the receiver, the payload data portion after decompression is subject
            //# to the constraints for the original data type again.
            Err(good) => (held + good, Err(Failure::Violation(Violation::InvalidText))),
        };
        bytes.truncate(if kind == Kind::Text {
            utf8::len_of_whole_code_points(&bytes[..good])
        } else {
            good
        });
        let first = state.delivered == 0;
        state.delivered = if last { 0 } else { state.delivered + bytes.len() as u64 };
        if let Err(failure) = checked {
            // What is good is delivered first, as it would have been, had it arrived by itself.
            state.failure = Some(failure);
            let part = Part::new(kind, Payload::owned(bytes), first, false);
            return part.map(Some).ok_or(failure);
        }
        if decoder.remaining() == 0 {
            decoder.finish()?;
        }
        Ok(Part::new(kind, Payload::owned(bytes), first, last))
    }

    /// Gives back the memory that isn't needed between messages.
    #[cfg(feature = "deflate")]
    pub(crate) fn release(&mut self) {
        if let Some(state) = &mut self.0 {
            state.extension.release();
        }
    }

    /// The extension's state. There is one whenever a frame has set the bit that it claims.
    fn state(&mut self) -> Result<&mut State, Failure> {
        self.0.as_deref_mut().ok_or(Failure::Violation(Violation::ReservedBits))
    }
}

impl State {
    /// Checks what has been decoded; where it is wrong, how much is good.
    fn check(&mut self, kind: Kind, decoded: &[u8], end: bool) -> Result<(), usize> {
        if kind == Kind::Text {
            self.utf8.push(decoded)?;
            if end && !self.utf8.is_complete() {
                return Err(decoded.len());
            }
        }
        Ok(())
    }
}

/// The failure that an error of the extension is for the connection.
fn failure(error: DecodeError) -> Failure {
    match error {
        DecodeError::Corrupt => Failure::CorruptMessage,
        DecodeError::OverBudget => Failure::Violation(Violation::MessageTooLong),
    }
}

impl fmt::Debug for ReceiveTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveTransform").field("extension", &self.0.is_some()).finish()
    }
}
