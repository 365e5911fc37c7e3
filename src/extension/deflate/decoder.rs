//! Decompression of messages (RFC 7692, section 7.2.2).

use alloc::boxed::Box;
use alloc::vec::Vec;

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

use super::history::History;
use super::output::Output;
use super::parameters::{Direction, WindowBits};
use super::pool::Pool;
use crate::extension::door::{Decode, DecodeError};

/// What the sender has stripped, with an octet behind it that must not be looked at.
const TAIL: [u8; 5] = [0x00, 0x00, 0xff, 0xff, 0xff];
/// An empty block without compression: decodable to nothing at the end of a block and of an octet, and nowhere else.
const PROBE: [u8; 5] = [0x00, 0x00, 0x00, 0xff, 0xff];

/// Decompresses what comes from one direction.
///
/// The inflater is allocated with the first octet. It has a window of its own, but gives it up where a block has `BFINAL`
/// set; so the last octets are kept here as well. What follows such a block is first decoded without them, and again with
/// them if it refers to them or goes on into the next piece. So no octet is decoded more than twice, and a block costs one
/// copy of the window at most: work stays linear in the octets received.
pub(crate) struct Decoder {
    takeover: bool,
    pool: Option<Pool>,
    inflater: Option<Box<Inflate>>,
    history: History,
    /// Whether the inflater has to be restarted from the history before it gets the next octet.
    stale: bool,
    /// Whether a message is under way.
    inside: bool,
    /// How often the inflater was restarted from the history.
    #[cfg(test)]
    pub(super) restores: usize,
}

impl Decoder {
    /// Without a pool, an inflater is kept until it is released.
    pub(crate) fn new(direction: Direction, pool: Option<Pool>) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the client MUST use a
        //# 32,768-byte LZ77 sliding window to decompress received messages.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the server MUST use a
        //# 32,768-byte LZ77 sliding window to decompress received messages.
        // The inflater's own window has that size always. Compressors built on zlib take 8 bits for 9.
        let window = direction.window.max(WindowBits::COMPRESSIBLE).window();
        Self {
            takeover: direction.takeover,
            pool,
            inflater: None,
            history: History::new(window),
            stale: true,
            inside: false,
            #[cfg(test)]
            restores: 0,
        }
    }

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
        output: &mut Output<'_>,
    ) -> Result<(), DecodeError> {
        if input.is_empty() {
            return Ok(());
        }
        let mut kept = output.at();
        if self.stale {
            self.restore(inflater)?;
        }
        // Where the input behind a final block began, as long as it is tried without the history.
        let mut tried = None;
        loop {
            match run(inflater, &mut input, output) {
                Ok(Stop::Final) => {
                    self.history.push(output.written(kept));
                    kept = output.at();
                    self.stale = true;
                    if input.is_empty() {
                        return Ok(());
                    }
                    // What follows may do without the history. That's worth a try: it is a copy of the window otherwise, for
                    // two octets perhaps.
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

    /// Appends the octets that the sender has stripped, and checks that the message ends with them.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //# 1.  Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
    //# payload of the message.
    fn finish(&self, inflater: &mut Inflate) -> Result<(), DecodeError> {
        // The payload has to end inside the header of a block. It doesn't if it is empty, or ends right behind a block whose
        // `BFINAL` is set; without this check the tail would be taken for the beginning of a block of 65,280 octets.
        if self.stale {
            return Err(DecodeError::Corrupt);
        }
        // The tail completes the block, without giving any data: the inflater stops there, before the octet behind it.
        let mut nothing = [0];
        let tail = Step::take(inflater, &TAIL, &mut nothing, InflateFlush::Block);
        if (tail.status, tail.read, tail.wrote) != (Ok(Status::Ok), TAIL.len() - 1, 0) {
            return Err(DecodeError::Corrupt);
        }
        // A compressed block may end there too, in the middle of the last octet. Its other bits would belong to the next message.
        let probe = Step::take(inflater, &PROBE, &mut nothing, InflateFlush::NoFlush);
        if (probe.status, probe.read, probe.wrote) != (Ok(Status::Ok), PROBE.len(), 0) {
            return Err(DecodeError::Corrupt);
        }
        Ok(())
    }
}

impl Decode for Decoder {
    fn decode(
        &mut self,
        piece: &[u8],
        end: bool,
        budget: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let mut inflater = self.begin();
        let mut output = Output::new(out, budget, piece.len().saturating_mul(8));
        self.inflate(&mut inflater, piece, end, &mut output)?;
        if end {
            self.finish(&mut inflater)?;
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

fn corrupt(_: InflateError) -> DecodeError {
    DecodeError::Corrupt
}

/// Why the inflater stopped.
enum Stop {
    /// The input is used up.
    Starved,
    /// A block has ended whose `BFINAL` is set.
    Final,
}

/// Inflates up to the end of the input, or of a block whose `BFINAL` is set.
fn run(
    inflater: &mut Inflate,
    input: &mut &[u8],
    output: &mut Output<'_>,
) -> Result<Stop, DecodeError> {
    loop {
        let room = output.room(1);
        let full = room.is_empty();
        let mut beyond = [0];
        let room = if full { &mut beyond[..] } else { room };
        let length = room.len();
        let step = Step::take(inflater, input, room, InflateFlush::NoFlush);
        *input = input.get(step.read..).unwrap_or_default();
        if full && step.wrote > 0 {
            return Err(DecodeError::OverBudget);
        }
        output.wrote(step.wrote);
        if step.status.map_err(corrupt)? == Status::StreamEnd {
            return Ok(Stop::Final);
        }
        // With room left, everything that the input can give is written.
        if step.wrote < length && (input.is_empty() || step.read == 0) {
            return if input.is_empty() { Ok(Stop::Starved) } else { Err(DecodeError::Corrupt) };
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
    fn take(inflater: &mut Inflate, input: &[u8], room: &mut [u8], flush: InflateFlush) -> Self {
        let (read, wrote) = (inflater.total_in(), inflater.total_out());
        let status = inflater.decompress(input, room, flush);
        // Both are at most the length of a slice.
        Self {
            status,
            read: (inflater.total_in() - read) as usize,
            wrote: (inflater.total_out() - wrote) as usize,
        }
    }
}
