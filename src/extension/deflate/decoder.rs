//! Decompression of messages (RFC 7692, section 7.2.2).
//!
//! Which messages are compressed is read from their headers, in `frame::open_message`. The budget on what they decompress to is enforced in
//! `inflate_block`; it comes from `connection::receive_transform`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

use super::history::History;
use super::output::BudgetedOutput;
use super::parameters::{Direction, WindowBits};
use super::pool::Pool;
use crate::extension::door::{Decode, DecodeError};

/// The octets that the sender has stripped, and one more, which the inflater must not read.
const TAIL_AND_ONE: [u8; 5] = [0x00, 0x00, 0xff, 0xff, 0xff];
/// An empty stored block. At the end of a block and of an octet it decodes to nothing; anywhere else it is an error or data.
const EMPTY_BLOCK: [u8; 5] = [0x00, 0x00, 0x00, 0xff, 0xff];

/// Decompresses the messages of one direction.
///
/// The inflater is allocated with the first octet. It has a window, but drops it after a block whose `BFINAL` is set, so the
/// last octets are kept here as well. What follows such a block is first decoded without them, and then again with them if it
/// refers to them or goes on into the next piece. So no octet is decoded more than twice, and a block costs at most one copy of
/// the window: the work is linear in the octets received.
pub(crate) struct DeflateDecoder {
    takeover: bool,
    pool: Option<Pool>,
    inflater: Option<Box<Inflate>>,
    history: History,
    /// Whether the inflater has to be restarted from the history before it gets the next octet.
    stale: bool,
    /// Whether a message has begun and not ended.
    inside: bool,
    /// How often the inflater was restarted from the history.
    #[cfg(test)]
    restores: usize,
}

impl DeflateDecoder {
    /// A decoder for the messages of one direction. Without a pool, it keeps its inflater until it is released.
    pub(crate) fn new(direction: Direction, pool: Option<Pool>) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the client MUST use a
        //# 32,768-byte LZ77 sliding window to decompress received messages.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the server MUST use a
        //# 32,768-byte LZ77 sliding window to decompress received messages.
        // The inflater's own window always has that size. Compressors built on zlib use 9 bits if they are asked for 8.
        let window = direction.window().max(WindowBits::COMPRESSIBLE).window();
        Self {
            takeover: direction.has_takeover(),
            pool,
            inflater: None,
            history: History::new(window),
            stale: true,
            inside: false,
            #[cfg(test)]
            restores: 0,
        }
    }

    /// How often the inflater was restarted from the history.
    #[cfg(test)]
    pub(super) const fn restores(&self) -> usize {
        self.restores
    }

    /// Begins a message or goes on with it; the inflater for its next piece.
    fn begin(&mut self) -> Box<Inflate> {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the client MUST decompress
        //# each new message using the LZ77 sliding window used to process the
        //# last compressed message.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the server MUST decompress
        //# each new message using the LZ77 sliding window used to process the
        //# last compressed message.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Note that even if the client has included
        //# the "client_no_context_takeover" extension parameter in its offer,
        //# the server MUST decompress each new message using the LZ77 sliding
        //# window used to process the last compressed message if the "agreed
        //# parameters" don't contain the "client_no_context_takeover" extension
        //# parameter.
        if !self.inside && !self.takeover {
            self.history.clear();
            self.stale = true;
        }
        self.inside = true;
        if let Some(inflater) = self.inflater.take() {
            return inflater;
        }
        self.stale = true;
        let pooled = self.pool.as_ref().and_then(Pool::take_inflater);
        pooled.unwrap_or_else(|| Box::new(Inflate::new(false, WindowBits::MAX.get())))
    }

    /// Ends a message: the inflater goes to the pool, or is kept for the next message.
    fn end(&mut self, inflater: Box<Inflate>) {
        self.inside = false;
        match &self.pool {
            Some(pool) if !self.takeover => {
                pool.give_inflater(inflater);
                self.history.free();
            }
            _ => self.inflater = Some(inflater),
        }
    }

    /// Inflates `input` up to its end, over any number of blocks whose `BFINAL` is set.
    fn inflate(
        &mut self,
        inflater: &mut Inflate,
        mut input: &[u8],
        end: bool,
        output: &mut BudgetedOutput<'_>,
    ) -> Result<(), DecodeError> {
        if input.is_empty() {
            return Ok(());
        }
        let mut kept = output.at();
        if self.stale {
            self.restore(inflater)?;
        }
        // What followed a final block, as long as it is decoded without the history, on trial.
        let mut tried = None;
        loop {
            match inflate_block(inflater, &mut input, output) {
                Ok(Stop::Final) => {
                    self.history.push(output.written(kept));
                    kept = output.at();
                    self.stale = true;
                    if input.is_empty() {
                        return Ok(());
                    }
                    // What follows may not need the history. Trying that first saves a copy of the window, perhaps for only
                    // two octets of input.
                    inflater.reset(false);
                    tried = Some(input);
                }
                Err(DecodeError::OverBudget) => return Err(DecodeError::OverBudget),
                result => match (tried.take(), result) {
                    (Some(from), _) => {
                        output.rewind(kept);
                        input = from;
                        self.restore(inflater)?;
                    }
                    (None, Ok(_)) => break,
                    (None, Err(error)) => return Err(error),
                },
            }
        }
        if self.takeover || !end {
            self.history.push(output.written(kept));
        }
        Ok(())
    }

    /// Restarts the inflater with the history for its window.
    fn restore(&mut self, inflater: &mut Inflate) -> Result<(), DecodeError> {
        #[cfg(test)]
        {
            self.restores += 1;
        }
        inflater.reset(false);
        for part in self.history.parts() {
            if !part.is_empty() {
                inflater.set_dictionary(part).map_err(corrupt)?;
            }
        }
        self.stale = false;
        Ok(())
    }

    /// Checks that the message ends where the sender can have stripped the tail, by appending it.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //# 1.  Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
    //# payload of the message.
    fn check_end(&self, inflater: &mut Inflate) -> Result<(), DecodeError> {
        // The payload has to end inside the header of a block. It doesn't if it is empty, or ends right after a block whose
        // `BFINAL` is set: then the tail would be decoded as the beginning of a block of 65,280 octets.
        if self.stale {
            return Err(DecodeError::Corrupt);
        }
        // The tail has to complete the block without any data. Then the inflater stops before the octet that follows.
        let mut nothing = [0];
        let tail = Step::inflate(inflater, &TAIL_AND_ONE, &mut nothing, InflateFlush::Block);
        if (tail.status, tail.read, tail.wrote) != (Ok(Status::Ok), TAIL_AND_ONE.len() - 1, 0) {
            return Err(DecodeError::Corrupt);
        }
        // A compressed block may end there too, but inside the last octet, whose other bits would belong to the next message. In
        // that case an empty block is not decoded as one.
        let empty = Step::inflate(inflater, &EMPTY_BLOCK, &mut nothing, InflateFlush::NoFlush);
        if (empty.status, empty.read, empty.wrote) != (Ok(Status::Ok), EMPTY_BLOCK.len(), 0) {
            return Err(DecodeError::Corrupt);
        }
        Ok(())
    }
}

impl Decode for DeflateDecoder {
    fn decode(
        &mut self,
        piece: &[u8],
        end: bool,
        budget: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let mut inflater = self.begin();
        let mut output = BudgetedOutput::new(out, budget, piece.len().saturating_mul(8));
        self.inflate(&mut inflater, piece, end, &mut output)?;
        if end {
            self.check_end(&mut inflater)?;
            self.end(inflater);
        } else {
            self.inflater = Some(inflater);
        }
        Ok(())
    }

    fn release(&mut self) {
        if self.inside {
            return;
        }
        self.stale = true;
        if !self.takeover {
            self.history.free();
        }
        if let (Some(inflater), Some(pool)) = (self.inflater.take(), &self.pool) {
            pool.give_inflater(inflater);
        }
    }
}

/// Converts any error of the inflater: the peer's data is to blame.
fn corrupt(_: InflateError) -> DecodeError {
    DecodeError::Corrupt
}

/// Why the inflater stopped.
enum Stop {
    /// At the end of the input.
    InputEnd,
    /// At the end of a block whose `BFINAL` is set.
    Final,
}

/// Inflates up to the end of the input, or of a block whose `BFINAL` is set; `input` becomes what is left of it.
fn inflate_block(
    inflater: &mut Inflate,
    input: &mut &[u8],
    output: &mut BudgetedOutput<'_>,
) -> Result<Stop, DecodeError> {
    loop {
        let room = output.room(1);
        let full = room.is_empty();
        let mut beyond = [0];
        let room = if full { &mut beyond[..] } else { room };
        let length = room.len();
        let step = Step::inflate(inflater, input, room, InflateFlush::NoFlush);
        *input = input.get(step.read..).unwrap_or_default();
        if full && step.wrote > 0 {
            return Err(DecodeError::OverBudget);
        }
        output.advance(step.wrote);
        if step.status.map_err(corrupt)? == Status::StreamEnd {
            return Ok(Stop::Final);
        }
        // If there is room left, everything that the input decodes to is written.
        if step.wrote < length && (input.is_empty() || step.read == 0) {
            return if input.is_empty() { Ok(Stop::InputEnd) } else { Err(DecodeError::Corrupt) };
        }
    }
}

/// What one call of the inflater did.
struct Step {
    status: Result<Status, InflateError>,
    read: usize,
    wrote: usize,
}

impl Step {
    /// Calls the inflater once, and measures what it did.
    fn inflate(inflater: &mut Inflate, input: &[u8], room: &mut [u8], flush: InflateFlush) -> Self {
        let (read, wrote) = (inflater.total_in(), inflater.total_out());
        let status = inflater.decompress(input, room, flush);
        // The differences are lengths within slices, so the conversions lose nothing.
        Self {
            status,
            read: (inflater.total_in() - read) as usize,
            wrote: (inflater.total_out() - wrote) as usize,
        }
    }
}
