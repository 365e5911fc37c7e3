//! Compression of messages (RFC 7692, section 7.2.1).
//!
//! Which messages are compressed is decided by `connection::send_transform`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zlib_rs::Deflate;

use super::compressor::{CompressorSettings, FLUSH_TAIL, compress_and_flush};
use super::config::Compression;
use super::output::BudgetedOutput;
use super::parameters::Direction;
use super::pool::Pool;
use crate::extension::door::Encode;

/// Compresses the messages of one direction.
///
/// The compressor is allocated with the first message. A sender may begin with an empty window at any message, so nothing has to
/// be kept when it is released.
pub(crate) struct DeflateEncoder {
    settings: CompressorSettings,
    takeover: bool,
    pool: Option<Pool>,
    compressor: Option<Box<Deflate>>,
    /// Whether the next message has to begin with an empty window.
    stale: bool,
    /// Whether a message has begun and not ended.
    inside: bool,
}

impl DeflateEncoder {
    /// An encoder for the messages of one direction. `None` if the library can't compress with the window that was agreed on:
    /// then all messages are sent uncompressed.
    pub(crate) fn new(direction: Direction, config: &Compression) -> Option<Self> {
        Some(Self {
            settings: CompressorSettings::new(config.level, config.memory, direction.window())?,
            takeover: direction.has_takeover(),
            pool: config.pool.clone(),
            compressor: None,
            stale: false,
            inside: false,
        })
    }

    /// Begins a message or goes on with it; the compressor for its next fragment.
    fn begin(&mut self) -> Box<Deflate> {
        let begins = !core::mem::replace(&mut self.inside, true);
        let compressor = match self.compressor.take() {
            Some(compressor) => Some(compressor),
            None => {
                self.stale = true;
                self.pool.as_ref().and_then(|pool| pool.take_compressor(self.settings))
            }
        };
        let Some(mut compressor) = compressor else {
            self.stale = false;
            return self.settings.make_compressor();
        };
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# If the "agreed parameters" contain the "client_no_context_takeover"
        //# extension parameter, the client MUST start compressing each new
        //# message with an empty LZ77 sliding window.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# If the "agreed parameters" contain the "server_no_context_takeover"
        //# extension parameter, the server MUST start compressing each new
        //# message with an empty LZ77 sliding window.
        // Without takeover and without a pool, the last flush has emptied the window: see `empties_window_at_end`.
        if begins && self.stale {
            compressor.reset();
            self.stale = false;
        }
        compressor
    }

    /// Whether the last flush of a message empties the window, which costs less than a reset before the next message. A compressor
    /// from a pool is reset in any case.
    fn empties_window_at_end(&self) -> bool {
        !self.takeover && self.pool.is_none()
    }

    /// Ends a message: the compressor goes to the pool, or is kept for the next message.
    fn end(&mut self, compressor: Box<Deflate>) {
        self.inside = false;
        match &self.pool {
            Some(pool) if !self.takeover => pool.give_compressor(self.settings, compressor),
            _ => self.compressor = Some(compressor),
        }
    }
}

impl Encode for DeflateEncoder {
    fn encode(&mut self, fragment: &[u8], end: bool, out: &mut Vec<u8>) {
        let mut compressor = self.begin();
        if fragment.is_empty() && !end {
            // Whether a flush without input writes anything depends on earlier messages, which must not make a difference.
            self.compressor = Some(compressor);
            return;
        }
        let mut output = BudgetedOutput::new(out, usize::MAX, fragment.len());
        let start = output.at();
        let empties_window = end && self.empties_window_at_end();
        compress_and_flush(&mut compressor, fragment, empties_window, &mut output);
        if !end {
            // Fragments before the last keep their tail, since more follows it.
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
            output.strip_tail(&FLUSH_TAIL);
        } else if let [first, ..] = output.room(1) {
            // Nothing new to flush: write an empty stored block whose tail is stripped.
            *first = 0;
            output.advance(1);
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
            pool.give_compressor(self.settings, compressor);
        }
    }
}

/// Compresses a whole message independently of others, for every connection whose sender may use a window of the direction's size.
///
/// `None` if [`DeflateEncoder::new`] is. A connection that sends the result has to make its encoder [forget](Encode::forget): the
/// peer's history then contains this message.
pub(crate) fn compress_alone(
    message: &[u8],
    direction: Direction,
    config: &Compression,
) -> Option<Vec<u8>> {
    let independent = Direction::new(direction.window(), false);
    let mut out = Vec::new();
    let mut encoder = DeflateEncoder::new(independent, config)?;
    encoder.encode(message, true, &mut out);
    Some(out)
}
