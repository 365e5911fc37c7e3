//! Compression of messages (RFC 7692, section 7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use zlib_rs::Deflate;

use super::compressor::{Shape, TAIL, flush};
use super::config::Config;
use super::output::Output;
use super::parameters::Direction;
use super::pool::Pool;
use crate::extension::door::Encode;

/// Compresses what goes in one direction.
///
/// The compressor is allocated with the first message. A sender may begin with an empty window whenever it likes, so nothing
/// has to be kept when it is released.
pub(crate) struct Encoder {
    shape: Shape,
    takeover: bool,
    pool: Option<Pool>,
    compressor: Option<Box<Deflate>>,
    /// Whether the next message has to begin with an empty window.
    stale: bool,
    /// Whether a message is under way.
    inside: bool,
}

impl Encoder {
    /// None if the peer can't take messages that a compressor at hand makes: then all go out uncompressed.
    pub(crate) fn new(direction: Direction, config: &Config) -> Option<Self> {
        Some(Self {
            shape: Shape::new(config.level, config.memory, direction.window)?,
            takeover: direction.takeover,
            pool: config.pool.clone(),
            compressor: None,
            stale: false,
            inside: false,
        })
    }

    fn begin(&mut self) -> Box<Deflate> {
        let begins = !core::mem::replace(&mut self.inside, true);
        let compressor = match self.compressor.take() {
            Some(compressor) => Some(compressor),
            None => {
                self.stale = true;
                self.pool.as_ref().and_then(|pool| pool.take_compressor(self.shape))
            }
        };
        let Some(mut compressor) = compressor else {
            self.stale = false;
            return self.shape.compressor();
        };
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# If the "agreed parameters" contain the "client_no_context_takeover"
        //# extension parameter, the client MUST start compressing each new
        //# message with an empty LZ77 sliding window.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# If the "agreed parameters" contain the "server_no_context_takeover"
        //# extension parameter, the server MUST start compressing each new
        //# message with an empty LZ77 sliding window.
        // At the end of a message a compressor has forgotten it: see `forgets`.
        if begins && self.stale {
            compressor.reset();
            self.stale = false;
        }
        compressor
    }

    /// Whether a message's last flush makes the compressor forget it, which costs less than a reset. One that goes back to a pool is
    /// reset anyway when it is taken.
    fn forgets(&self) -> bool {
        !self.takeover && self.pool.is_none()
    }

    fn end(&mut self, compressor: Box<Deflate>) {
        self.inside = false;
        match &self.pool {
            Some(pool) if !self.takeover => pool.give_compressor(self.shape, compressor),
            _ => self.compressor = Some(compressor),
        }
    }
}

impl Encode for Encoder {
    fn encode(&mut self, fragment: &[u8], end: bool, out: &mut Vec<u8>) {
        let mut compressor = self.begin();
        if fragment.is_empty() && !end {
            // Whether a flush of nothing gives anything depends on what went before, which must not show.
            self.compressor = Some(compressor);
            return;
        }
        let mut output = Output::new(out, usize::MAX, fragment.len());
        let start = output.at();
        flush(&mut compressor, fragment, end && self.forgets(), &mut output);
        if !end {
            // Fragments before the last keep their tail: it belongs to a block that is complete.
            drop(output);
            self.compressor = Some(compressor);
            return;
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# Note that
        //# for non-final fragments, the removal of 0x00 0x00 0xff 0xff MUST NOT
        //# be done.
        if output.at() > start {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
            //# Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end.
            output.strip(&TAIL);
        } else if let [first, ..] = output.room(1) {
            // Nothing new to flush: an empty block without compression, and its tail stripped.
            *first = 0;
            output.wrote(1);
        }
        drop(output);
        self.end(compressor);
    }

    fn forget(&mut self) {
        self.stale = true;
    }

    fn release(&mut self) {
        if self.inside {
            return;
        }
        if let (Some(compressor), Some(pool)) = (self.compressor.take(), &self.pool) {
            pool.give_compressor(self.shape, compressor);
        }
    }
}

/// Compresses a whole message by itself, for every connection whose sender may use a window of the direction's size.
///
/// None where [`Encoder::new`] gives none. Each encoder past which the result is sent has to [forget](Encode::forget).
pub(crate) fn prepare(message: &[u8], direction: Direction, config: &Config) -> Option<Vec<u8>> {
    let alone = Direction { takeover: false, ..direction };
    let mut out = Vec::new();
    let mut encoder = Encoder::new(alone, config)?;
    encoder.encode(message, true, &mut out);
    Some(out)
}
