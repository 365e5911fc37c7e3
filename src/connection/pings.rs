//! Pings and pongs that the receiving half asks for, on their way out: which of them goes out now, and which waits, for the end of the open frame or for the pongs before it. It
//! knows payloads and how far output has come; it encodes nothing, and knows nothing of closing.

use super::reply::ControlPayload;
use super::waiting::{self, Waited, Waiting};

/// How far output has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// How many bytes have been written.
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
    /// The latest of the pongs that found no room.
    late_pong: Option<ControlPayload>,
    /// The bytes of pongs that have been queued since none of them waited.
    pong_bytes: usize,
    /// How many bytes will have been written when the last of the queued pongs has.
    pongs_end: u64,
    /// The same for the ping that is queued; `None` once the receiving half knows that it was written.
    ping_end: Option<u64>,
}

impl Pings {
    /// A ping has arrived: its pong, if it goes out now.
    pub(super) fn answer(&mut self, pong: ControlPayload, at: Position) -> Option<ControlPayload> {
        if at.written >= self.pongs_end && self.waiting.is_empty() {
            self.pong_bytes = 0;
        }
        let len = waiting::frame_len(&pong);
        if self.late_pong.is_some() || self.pong_bytes + len > waiting::MAX_PONG_BYTES {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
            //# If an endpoint receives a Ping frame and has not yet sent Pong
            //# frame(s) in response to previous Ping frame(s), the endpoint MAY
            //# elect to send a Pong frame for only the most recently processed Ping
            //# frame.
            self.late_pong = Some(pong);
            return None;
        }
        self.pong_bytes += len;
        if at.in_frame {
            self.waiting.push_pong(&pong);
            return None;
        }
        Some(pong)
    }

    /// The peer is to be asked for a sign of life: the ping, if it goes out now. One that is on its way serves for this one too: whatever the
    /// peer does, pings don't pile up.
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

    /// Notes that a pong is queued. It has been written once `end` bytes have.
    pub(super) fn note_pong_queued(&mut self, end: u64) {
        self.pongs_end = end;
    }

    /// Notes that a ping that was asked for is queued. It has been written once `end` bytes have, counted from the connection's beginning.
    pub(super) fn note_ping_queued(&mut self, end: u64) {
        self.ping_end = Some(end);
    }

    /// Takes out the next of those that waited for the end of a frame.
    pub(super) fn pop_waiting(&mut self) -> Option<Waited> {
        self.waiting.pop()
    }

    /// Takes out the latest of the pongs that found no room, once those before it have been written.
    pub(super) fn pop_late_pong(&mut self, at: Position) -> Option<ControlPayload> {
        self.late_pong.take_if(|_| at.written >= self.pongs_end)
    }

    /// Takes it out even if earlier pongs are unwritten; no pong follows it.
    pub(super) fn pop_last_pong(&mut self) -> Option<ControlPayload> {
        self.late_pong.take()
    }

    /// Forgets what has not been queued: nobody waits for it any more.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting = Waiting::default();
        self.late_pong = None;
    }

    /// Whether the ping that was asked for has been written, and the receiving half doesn't know.
    pub(super) fn has_written_ping(&self, written: u64) -> bool {
        self.ping_end.is_some_and(|end| written >= end)
    }

    /// The same; from now on the receiving half knows.
    pub(super) fn take_written_ping(&mut self, written: u64) -> bool {
        self.ping_end.take_if(|end| written >= *end).is_some()
    }

    /// Whether nothing is left to do here: none waits, the queued pongs have been written, and the receiving half knows of the ping.
    pub(super) fn is_done(&self, written: u64) -> bool {
        self.late_pong.is_none()
            && self.waiting.is_empty()
            && self.ping_end.is_none()
            && written >= self.pongs_end
    }
}
