//! What lies ahead of a sending half: the pongs and the Close frame on their way out, the end of the closing handshake.

use super::reply::ControlPayload;
use crate::words::time::Instant;

/// What lies ahead: pongs and a Close frame on their way out, a deadline. It exists only while there is something.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// When the closing handshake has to be over.
    pub(super) deadline: Option<Instant>,
    pub(super) timed_out: bool,
    /// Whether the transport has been half-closed.
    pub(super) shut: bool,
    /// The latest of the pongs that found no room.
    pub(super) late_pong: Option<ControlPayload>,
    /// The bytes of pongs that have been queued since none of them waited.
    pub(super) pong_bytes: usize,
    /// How many bytes will have been written when the last of the pongs has, and when the Close frame has.
    pub(super) pongs_end: u64,
    pub(super) close_end: u64,
}
