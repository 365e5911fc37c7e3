//! What arrives: bytes in, messages, parts of messages and control frames out. The decoder reads the frames, the assembler or the extension makes
//! messages of their payloads: which of the two gets a payload is decided here, in `take_data`. It knows no time and no closing handshake.

use alloc::vec::Vec;

use bytes::BytesMut;

use super::config::{Config, Delivery};
use super::failure::Failure;
use super::receive_transform::ReceiveTransform;
use crate::frame::{Decoder, FastLimit, Header, Input, Limits, Violation, decoder};
use crate::message::assembler::Assembler;
use crate::message::{Part, Payload};
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;

/// From how many missing bytes on it is worth to read into a message's own buffer.
const WORTH_TAKING: usize = 16 << 10;

/// What arrives, as far as it is not complete.
#[derive(Debug)]
pub(super) struct Incoming<R: Role> {
    decoder: Decoder<R>,
    assembler: Assembler,
    transform: ReceiveTransform,
    manner: Manner,
}

/// How the message that is arriving is delivered, whatever the configuration has become since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Whole,
    Parts,
}

impl From<Delivery> for Manner {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Whole => Self::Whole,
            Delivery::Parts => Self::Parts,
        }
    }
}

/// What data frames have come to.
pub(super) enum Delivered<'b> {
    Message(Kind, Payload<'b>),
    Part(Part<'b>),
}

impl<R: Role> Incoming<R> {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            decoder: Decoder::with_level(config.simd),
            assembler: Assembler::default(),
            transform: ReceiveTransform::default(),
            manner: Manner::from(config.delivery),
        }
    }

    /// What arrives on a connection whose extension transforms messages.
    #[cfg(feature = "deflate")]
    pub(super) fn transformed(config: &Config, transform: ReceiveTransform) -> Self {
        let decoder = Decoder::with_level(config.simd.beside_compression()).claiming_rsv1();
        Self { decoder, transform, ..Self::new(config) }
    }

    /// Takes a message that lies whole in the input, if nothing asks for attention: the fast way of nearly all messages.
    #[inline(always)]
    pub(super) fn fast_decode<'b>(
        &mut self,
        input: &mut Input<'b>,
        fast: FastLimit,
        config: &Config,
    ) -> Option<(Kind, &'b mut [u8])> {
        self.decoder.fast_decode(input, fast, || &config.limits)
    }

    /// Whether nothing can be read now: the message's buffer is out, or a data frame comes next and messages are held.
    pub(super) fn is_blocked(&self, hold: bool, input: &Input<'_>) -> bool {
        self.is_taken() || hold && self.decoder.is_data_next(input)
    }

    /// Reads the next frame's header, if none is open and all of it has arrived.
    pub(super) fn read_header(
        &mut self,
        input: &mut Input<'_>,
        config: &Config,
    ) -> Result<Option<Header>, Violation> {
        if self.decoder.in_payload() {
            return Ok(None);
        }
        let header = self.decoder.decode_header(input, &config.limits)?;
        if header.is_some_and(|header| matches!(header.opcode, Opcode::Text | Opcode::Binary)) {
            self.manner = Manner::from(config.delivery);
        }
        Ok(header)
    }

    /// The open frame, and whether it is the last of its message.
    pub(super) fn frame(&self) -> Option<(Opcode, bool)> {
        self.decoder.open_frame()
    }

    /// Whether a frame's header has been read and its end has not.
    pub(super) fn in_frame(&self) -> bool {
        self.decoder.in_payload()
    }

    /// Whether there may be something to read without further input.
    pub(super) fn has_more(&self) -> bool {
        self.decoder.has_more()
    }

    /// Whether a violation has been found that the next step reports.
    pub(super) fn has_violation(&self) -> bool {
        self.decoder.has_failed() && !self.is_taken()
    }

    /// Whether there is something to deliver, or to report, that needs no further input.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.decoder.is_due() || self.transform.has_failure()
    }

    /// Takes what has arrived of the open control frame's payload, and says whether that is its end. `None` if it is wrong, which the next step
    /// reports.
    pub(super) fn take_control<'b>(
        &mut self,
        input: &mut Input<'b>,
    ) -> Result<Option<(&'b mut [u8], bool)>, Violation> {
        let remaining = decoder::clamp(self.decoder.remaining());
        let bytes = input.take(remaining);
        if self.decoder.unmask(bytes).is_err() {
            return Ok(None);
        }
        let last = bytes.len() == remaining;
        if last {
            self.decoder.finish()?;
        }
        Ok(Some((bytes, last)))
    }

    /// Takes what has arrived of the open data frame: what that comes to, if anything.
    pub(super) fn take_data<'b>(
        &mut self,
        fin: bool,
        input: &mut Input<'b>,
        limits: &Limits,
    ) -> Result<Option<Delivered<'b>>, Failure> {
        let (kind, transformed) = self.decoder.message();
        let decoder = &mut self.decoder;
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
        //# An endpoint MUST use the following algorithm to receive a message in
        //# the form of a compressed message.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
        //# An endpoint MUST use the following algorithm to receive a message in
        //# the form of an uncompressed message.
        match (transformed, self.manner) {
            (false, Manner::Whole) => {
                let message = self.assembler.assemble(decoder, input, fin)?;
                Ok(message.map(|payload| Delivered::Message(kind, payload)))
            }
            (false, Manner::Parts) => Ok(Part::take_next(decoder, input, fin).map(Delivered::Part)),
            (true, Manner::Whole) => {
                let (limit, assembler) = (limits.message, &mut self.assembler);
                let message = self.transform.take_message(decoder, assembler, input, fin, limit)?;
                Ok(message.map(|payload| Delivered::Message(kind, payload)))
            }
            (true, Manner::Parts) => {
                let part = self.transform.take_part(decoder, input, fin, limits.message)?;
                Ok(part.map(Delivered::Part))
            }
        }
    }

    /// Whether a message's buffer is out.
    pub(super) fn is_taken(&self) -> bool {
        self.assembler.is_taken()
    }

    /// Takes out the buffer of the message that is arriving, if enough of the open frame is still to come.
    pub(super) fn take_buffer(&mut self) -> Option<BytesMut> {
        let (opcode, fin) = self.decoder.open_frame()?;
        let (_, transformed) = self.decoder.message();
        if opcode.is_control() || transformed || self.manner == Manner::Parts {
            return None;
        }
        self.assembler.take_buffer(&self.decoder, fin, WORTH_TAKING)
    }

    /// Takes the buffer back, and returns how many bytes have been read into it.
    pub(super) fn put_buffer(&mut self, buffer: BytesMut) -> Result<u64, BytesMut> {
        self.assembler.put_buffer(&mut self.decoder, buffer)
    }

    /// Lends memory for the next message that has to be assembled.
    pub(super) fn lend(&mut self, buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        self.assembler.lend(buffer)
    }

    /// Gives lent memory back, unless a message is being assembled in it.
    pub(super) fn reclaim(&mut self) -> Option<Vec<u8>> {
        self.assembler.reclaim()
    }

    /// Gives back the memory that the extension doesn't need between messages.
    #[cfg(feature = "deflate")]
    pub(super) fn release(&mut self) {
        self.transform.release();
    }

    /// How many bytes were announced where that was more than a limit allows, if that is known: for when nothing more is read.
    pub(super) fn announced(&self, violation: Violation) -> Option<u64> {
        self.decoder.announced_before_the_end(violation)
    }

    /// Reads nothing more, and gives all memory back.
    pub(super) fn stop(&mut self) {
        self.decoder.stop();
        self.assembler.clear();
        self.transform = ReceiveTransform::default();
    }
}
