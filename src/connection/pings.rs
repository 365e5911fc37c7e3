//! Pings and pongs that the receiving half asks for, on their way out: which of them goes out now, and which waits, for the end of the open
//! frame or for the pongs before it. At most 2 KiB of pongs that have not been written are kept in order; of those beyond only the latest
//! ([`PongLimit`]), so that a flood of pings can't make memory grow. There is at most one ping.
//!
//! It knows payloads and how far output has come. It encodes nothing, which `sender::pinging` does, and knows nothing of closing.

use super::reply::ControlPayload;
use super::waiting::{PongLimit, Waited, Waiting};

/// How far output has come. Where something ends in the output is counted like `written`, in bytes from the connection's beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// How many bytes have been written since the connection's beginning.
    written: u64,
    /// Whether a frame is open, so that no other can be queued.
    in_frame: bool,
}

impl Position {
    pub(super) const fn new(written: u64, in_frame: bool) -> Self {
        Self { written, in_frame }
    }
}

/// Pings and pongs on their way out. The application's own don't come this way.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// Those that wait for the end of the open frame.
    waiting: Waiting,
    /// The room for pongs, and the latest of those that found none.
    pong_limit: PongLimit,
    /// Where the last of the queued pongs ends in the output.
    pongs_end: u64,
    /// Where the queued ping ends in the output; `None` once the receiving half knows that it was written.
    ping_end: Option<u64>,
}

impl Pings {
    /// Takes the pong for a ping that has arrived, and returns it if it is to be queued now.
    pub(super) fn answer(&mut self, pong: ControlPayload, at: Position) -> Option<ControlPayload> {
        if at.written >= self.pongs_end && self.waiting.is_empty() {
            self.pong_limit.reset();
        }
        if !self.pong_limit.admit(&pong) {
            return None;
        }
        if at.in_frame {
            self.waiting.push_pong(&pong);
            return None;
        }
        Some(pong)
    }

    /// Takes a ping that asks the peer for a sign of life, and returns it if it is to be queued now. One that is queued and not written
    /// serves for this one too: whatever the peer does, pings don't pile up.
    pub(super) fn ask(&mut self, ping: ControlPayload, at: Position) -> Option<ControlPayload> {
        if self.ping_end.is_some_and(|end| end > at.written) {
            return None;
        }
        if at.in_frame {
            self.waiting.set_ping(ping);
            return None;
        }
        Some(ping)
    }

    /// Notes that a pong has been queued, which ends in the output at `end_offset`, counted in bytes from the connection's beginning.
    pub(super) fn note_pong_queued(&mut self, end_offset: u64) {
        self.pongs_end = end_offset;
    }

    /// Notes that a ping has been queued that the receiving half asked for; `end_offset` as for a pong.
    pub(super) fn note_ping_queued(&mut self, end_offset: u64) {
        self.ping_end = Some(end_offset);
    }

    /// Takes out the next of the pings and pongs that waited for the end of a frame.
    pub(super) fn pop_waiting(&mut self) -> Option<Waited> {
        self.waiting.pop()
    }

    /// Takes out the latest of the pongs that found no room, once those before it have been written.
    pub(super) fn pop_late_pong(&mut self, at: Position) -> Option<ControlPayload> {
        if at.written >= self.pongs_end { self.pong_limit.take_late() } else { None }
    }

    /// Takes out the latest of the pongs that found no room, even if those before it have not been written. No pong may follow it.
    pub(super) fn pop_last_pong(&mut self) -> Option<ControlPayload> {
        self.pong_limit.take_late()
    }

    /// Forgets what has not been queued: nobody waits for it any more.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting = Waiting::default();
        self.pong_limit.take_late();
    }

    /// Whether the ping that was asked for has been written, and the receiving half doesn't know.
    pub(super) fn has_written_ping(&self, written: u64) -> bool {
        self.ping_end.is_some_and(|end| written >= end)
    }

    /// Whether the ping that was asked for has been written, and the receiving half didn't know. From now on it does.
    pub(super) fn take_written_ping(&mut self, written: u64) -> bool {
        self.ping_end.take_if(|end| written >= *end).is_some()
    }

    /// Whether nothing is left to do here: no ping or pong waits, the queued pongs have been written, and the receiving half knows that
    /// the queued ping has been.
    pub(super) fn is_done(&self, written: u64) -> bool {
        !self.pong_limit.has_late()
            && self.waiting.is_empty()
            && self.ping_end.is_none()
            && written >= self.pongs_end
    }
}
