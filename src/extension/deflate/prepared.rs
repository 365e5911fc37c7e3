//! Messages compressed once, for every connection that can take them.

use super::config::Config;
use super::encoder::prepare;
use super::parameters::Parameters;
use crate::message::Prepared;
use crate::words::role::Server;

impl Prepared {
    /// The message with a compressed form beside the plain one. Connections that agreed on `permessage-deflate` with a
    /// `server_max_window_bits` at least as large as that of `parameters` send the compressed form, the others the plain one.
    ///
    /// The message is compressed by itself, so the form fits at any point of a connection, with context takeover or without. The
    /// message of the connection's own that comes next can't refer to earlier ones.
    ///
    /// The plain form stays the only one if the compressed one isn't shorter, or if the parameters allow 256 bytes of window
    /// only.
    #[must_use]
    pub fn compressed(self, parameters: &Parameters, config: &Config) -> Self {
        let direction = parameters.sent_by::<Server>();
        match prepare(self.payload(), direction, config) {
            Some(payload) if payload.len() < self.payload_len() => {
                self.with_transformed(&payload, direction.window.get())
            }
            _ => self,
        }
    }
}
