//! A compressor of the deflate library: the settings it is made with, and how it compresses some input and flushes.
//!
//! When the window has to be empty is decided in `encoder`.

use alloc::boxed::Box;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use super::effort::{Effort, Memory};
use super::output::BudgetedOutput;
use super::parameters::WindowBits;

/// The last octets of every flush: the lengths of an empty stored block.
pub(super) const FLUSH_TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The least room that a flush gets. With less, one that fills it exactly would have to be repeated.
const LEAST_ROOM: usize = 64;

/// The settings of a compressor, which can't be changed once it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CompressorSettings {
    level: Effort,
    memory: Memory,
    window: WindowBits,
}

impl CompressorSettings {
    /// Settings for a compressor; `None` if the library doesn't support the window.
    pub(super) fn new(level: Effort, memory: Memory, window: WindowBits) -> Option<Self> {
        (window >= WindowBits::COMPRESSIBLE).then_some(Self { level, memory, window })
    }

    /// Allocates a compressor with these settings.
    pub(super) fn make_compressor(self) -> Box<Deflate> {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# An endpoint MUST NOT use an LZ77 sliding window longer than 32,768
        //# bytes to compress messages to send.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# If the "agreed parameters" contain the "server_max_window_bits"
        //# extension parameter with a value of w, the server MUST NOT use an
        //# LZ77 sliding window longer than the w-th power of 2 bytes to compress
        //# messages to send.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# If the "agreed parameters" contain the "client_max_window_bits"
        //# extension parameter with a value of w, the client MUST NOT use an
        //# LZ77 sliding window longer than the w-th power of 2 bytes to compress
        //# messages to send.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Note that even if the client has included in its offer the
        //# "client_max_window_bits" extension parameter with a value smaller
        //# than one in the "agreed parameters", the client MUST use an LZ77
        //# sliding window of a size that conforms the "agreed parameters" to
        //# compress messages to send.
        Box::new(Deflate::new_with_config(DeflateConfig {
            level: self.level.get().into(),
            mem_level: self.memory.get().into(),
            // A negative number selects the raw format, without a header.
            window_bits: -i32::from(self.window.get()),
            ..DeflateConfig::default()
        }))
    }
}

/// Compresses `input` and flushes, so that the peer can decompress all of it. Writes nothing if there is nothing new to flush.
/// With `empties_window`, later input can't refer to this one.
pub(super) fn compress_and_flush(
    compressor: &mut Deflate,
    mut input: &[u8],
    empties_window: bool,
    output: &mut BudgetedOutput<'_>,
) {
    let flush = if empties_window { DeflateFlush::FullFlush } else { DeflateFlush::SyncFlush };
    loop {
        let room = output.room(LEAST_ROOM);
        let length = room.len();
        let (read, wrote) = (compressor.total_in(), compressor.total_out());
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# When any DEFLATE block with the "BFINAL" bit set to 1 doesn't end
        //# at a byte boundary, an endpoint MUST add minimal padding bits of 0
        //# to make it end at a byte boundary.
        // Only finishing a stream makes such blocks, and that is never done here.
        let result = compressor.compress(input, room, flush);
        // The library fails only in states and for orders of calls that don't occur here.
        debug_assert!(result.is_ok());
        let read = (compressor.total_in() - read) as usize;
        let wrote = (compressor.total_out() - wrote) as usize;
        output.advance(wrote);
        input = input.get(read..).unwrap_or_default();
        // If there is room left, the flush is complete. Only an input of more than 4 GiB is taken in parts.
        if wrote < length && (input.is_empty() || read == 0) {
            return;
        }
    }
}
