//! What a handshake agreed on: all that a connection needs to know of it.

use crate::extension::Agreed;

/// What both endpoints agreed on, in a handshake of ours or in an upgrade by another HTTP server.
///
/// The subprotocol is borrowed from the caller's own list, never from the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Established<'a> {
    /// The subprotocol in use, if any.
    pub subprotocol: Option<&'a str>,
    /// The extensions in use.
    pub extensions: Agreed,
}

impl<'a> Established<'a> {
    /// What was agreed on.
    pub const fn new(subprotocol: Option<&'a str>, extensions: Agreed) -> Self {
        Self { subprotocol, extensions }
    }
}
