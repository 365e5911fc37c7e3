//! Compressing a prepared message, once for every connection that can decompress it.
//!
//! It is here and not with [`Prepared`], since messages know nothing of extensions.

use super::config::Compression;
use super::encoder::compress_alone;
use super::parameters::{Parameters, WindowBits};
use crate::message::Prepared;
use crate::words::role::Server;

impl Prepared {
    /// The message with a compressed form beside the plain one, for whose window a receiver needs no more than `window`. Connections that agreed on
    /// `permessage-deflate` with a `server_max_window_bits` of at least that send the compressed form, the others the plain one. With
    /// [`WindowBits::MAX`] that is nearly everybody, since few clients ask for less.
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
                self.with_transformed(&payload, direction.window().get())
            }
            _ => self,
        }
    }
}
