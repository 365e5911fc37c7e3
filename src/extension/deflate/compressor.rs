//! One compressor of the deflate library: its shape, and a flush of what it was given.

use alloc::boxed::Box;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use super::effort::{Level, Memory};
use super::output::Output;
use super::parameters::WindowBits;

/// What a flush ends with: the rest of an empty block without compression.
pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// With less room than this, a flush that just fits would be repeated.
const ROOM: usize = 64;

/// What can't be changed in a compressor once it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    level: Level,
    memory: Memory,
    window: WindowBits,
}

impl Shape {
    /// None for a window that no compressor keeps to.
    pub(super) fn new(level: Level, memory: Memory, window: WindowBits) -> Option<Self> {
        (window >= WindowBits::COMPRESSIBLE).then_some(Self { level, memory, window })
    }

    pub(super) fn compressor(self) -> Box<Deflate> {
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
            // Negative: the bare format, without a header.
            window_bits: -i32::from(self.window.get()),
            ..DeflateConfig::default()
        }))
    }
}

/// Compresses `input` so that it can be decompressed from what was written so far. Writes nothing if there is nothing new. What
/// comes next begins with an empty window if the compressor forgets.
pub(super) fn flush(
    compressor: &mut Deflate,
    mut input: &[u8],
    forgets: bool,
    output: &mut Output<'_>,
) {
    let flush = if forgets { DeflateFlush::FullFlush } else { DeflateFlush::SyncFlush };
    loop {
        let room = output.room(ROOM);
        let length = room.len();
        let (read, wrote) = (compressor.total_in(), compressor.total_out());
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# When any DEFLATE block with the "BFINAL" bit set to 1 doesn't end
        //# at a byte boundary, an endpoint MUST add minimal padding bits of 0
        //# to make it end at a byte boundary.
        // Such blocks come of finishing a stream, which is never done.
        let result = compressor.compress(input, room, flush);
        // The library fails only for a state or an order of calls that this code doesn't produce.
        debug_assert!(result.is_ok());
        let read = (compressor.total_in() - read) as usize;
        let wrote = (compressor.total_out() - wrote) as usize;
        output.wrote(wrote);
        input = input.get(read..).unwrap_or_default();
        // With room left the flush is complete; only inputs beyond 4 GiB are taken in parts.
        if wrote < length && (input.is_empty() || read == 0) {
            return;
        }
    }
}
