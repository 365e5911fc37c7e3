//! Compressing a prepared message, once for every connection that can decompress it.
//!
//! It is here and not with [`Prepared`], since messages know nothing of extensions.

use super::config::Compression;
use super::encoder::compress_alone;
use super::parameters::{Parameters, WindowBits};
use crate::message::Prepared;
use crate::words::role::Server;

impl Prepared {
    /// The message with a compressed form beside the plain one, compressed with a window of this size. Which form a connection sends:
    ///
    /// | connection | form |
    /// |---|---|
    /// | no `permessage-deflate` agreed on, or switched off by [`set_compression`](crate::Connection::set_compression) | plain |
    /// | agreed on, without `server_max_window_bits` or with no less than `window` | compressed |
    /// | agreed on with less than `window`, and the message is no longer than that window: it refers to nothing further back | compressed |
    /// | agreed on with less, and the message is longer | plain |
    ///
    /// So [`WindowBits::MAX`] is right unless long messages go to clients that ask for less, which few do: for them, take the smallest window that any of
    /// them has agreed on, and the compressed form reaches all.
    ///
    /// The message is compressed independently of others, so its form fits at any point of a connection, with or without context
    /// takeover. The next message that the connection itself compresses can't refer to earlier ones.
    ///
    /// There is only the plain form if the compressed one isn't shorter, or if the window has only 256 bytes.
    #[must_use]
    pub fn compressed(self, window: WindowBits, config: &Compression) -> Self {
        let parameters =
            Parameters { server_max_window_bits: Some(window), ..Parameters::default() };
        let direction = parameters.sent_by::<Server>();
        match compress_alone(self.payload(), direction, config) {
            Some(payload) if payload.len() < self.payload_len() => {
                let needed = direction.window().min(window_for(self.payload_len()));
                self.with_transformed(&payload, needed.get())
            }
            _ => self,
        }
    }
}

/// The smallest window in which a message of this length fits, and so everything that its compressed form can refer to, however large the
/// compressor's own is.
fn window_for(len: usize) -> WindowBits {
    let sizes = WindowBits::COMPRESSIBLE.get()..WindowBits::MAX.get();
    sizes.filter_map(WindowBits::new).find(|bits| bits.window() >= len).unwrap_or(WindowBits::MAX)
}
