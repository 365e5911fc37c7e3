//! What a handshake agreed on about compression, for both directions of one connection.

use crate::verdict::Testee;
use crate::wire::deflate::{Compressor, Direction, Inflater};

/// The longest message that is taken from a testee.
pub(super) const MAX_MESSAGE: usize = 64 << 20;

/// What was agreed on about compression.
pub(crate) struct Agreement {
    pub(crate) compressor: Compressor,
    pub(crate) inflater: Inflater,
    /// Whether the testee may refer to earlier messages, and how far back.
    pub(crate) theirs: Direction,
}

impl Agreement {
    /// What follows from an answer's element.
    pub(crate) fn new(element: &str, testee: Testee) -> Self {
        let (server, client) = (Direction::of(element, "server"), Direction::of(element, "client"));
        let (ours, theirs) = match testee {
            Testee::Server => (client, server),
            Testee::Client => (server, client),
        };
        let inflater = Inflater::new(theirs, MAX_MESSAGE);
        Self { compressor: Compressor::new(ours), inflater, theirs }
    }
}
