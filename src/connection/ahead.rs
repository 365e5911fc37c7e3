//! What lies ahead of a sending half: the pongs and the Close frame on their way out, the end of the closing handshake.

use alloc::vec::Vec;

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
    /// The pings and pongs that wait for the end of the frame under way: for each a byte with its payload's length and, for a
    /// ping, the highest bit; then the payload.
    waiting: Vec<u8>,
    /// Whether the closing handshake waits for it.
    pub(super) leaves: bool,
    /// The latest of the pongs that found no room.
    pub(super) late_pong: Option<ControlPayload>,
    /// The bytes of pongs that have been queued since none of them waited.
    pub(super) pong_bytes: usize,
    /// How many bytes will have been written when the last of the pongs has, and when the Close frame has.
    pub(super) pongs_end: u64,
    pub(super) close_end: u64,
}

const PING: u8 = 0x80;

impl Ahead {
    /// Lets a pong wait for the end of the frame under way.
    pub(super) fn defer_pong(&mut self, payload: &ControlPayload) {
        self.defer(0, payload);
    }

    /// Lets a ping wait for the end of the frame under way.
    pub(super) fn defer_ping(&mut self, payload: &ControlPayload) {
        self.defer(PING, payload);
    }

    fn defer(&mut self, ping: u8, payload: &ControlPayload) {
        self.waiting.push(ping | payload.len() as u8);
        self.waiting.extend_from_slice(payload);
    }

    /// Whether anything waits for the end of the frame under way.
    pub(super) fn has_deferred(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The pings and pongs that waited, in order, each with whether it is a ping; none waits any more.
    pub(super) fn take_deferred(&mut self) -> impl Iterator<Item = (bool, ControlPayload)> + use<> {
        let waiting = core::mem::take(&mut self.waiting);
        let mut at = 0;
        core::iter::from_fn(move || {
            let first = *waiting.get(at)?;
            let start = at + 1;
            at = start + usize::from(first & !PING);
            Some((first & PING != 0, ControlPayload::new(waiting.get(start..at)?)?))
        })
    }

    /// Forgets the pings and pongs that have not been queued: nobody waits for them any more.
    pub(super) fn drop_deferred(&mut self) {
        self.waiting = Vec::new();
        self.late_pong = None;
    }
}
