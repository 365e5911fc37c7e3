//! What lies ahead of a sending half: control frames on their way out, and the two deadlines it has.

use super::reply::ControlPayload;
use super::waiting::Waiting;
use crate::words::time::Instant;

/// What lies ahead. It exists only while there is something.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// When the closing handshake has to be over.
    pub(super) close_by: Option<Instant>,
    /// Since when output waits with none of it being written.
    pub(super) stuck_since: Option<Instant>,
    /// Whether that had lasted too long when the output was offered last: it is given that one chance more, because the time may have
    /// been the program's own.
    pub(super) offered_late: bool,
    /// Which of the two has passed, if one has: nothing will be written any more.
    pub(super) over: Option<Over>,
    /// What the receiving half has not been told yet.
    pub(super) untold: Untold,
    /// Whether the transport has been half-closed.
    pub(super) shut: bool,
    /// The pings and pongs that wait for the end of the open frame.
    pub(super) waiting: Waiting,
    /// Whether the closing handshake waits for it.
    pub(super) leaves: bool,
    /// The latest of the pongs that found no room.
    pub(super) late_pong: Option<ControlPayload>,
    /// The bytes of pongs that have been queued since none of them waited.
    pub(super) pong_bytes: usize,
    /// How many bytes will have been written when the last of the pongs has, and when the Close frame has.
    pub(super) pongs_end: u64,
    pub(super) close_end: u64,
    /// How many will have been when the ping has that a reply asked for; `None` once that has been told.
    pub(super) ping_end: Option<u64>,
}

/// Why nothing will be written any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Stalled,
    TimedOut,
}

/// What is to be told beside a ping that has been written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Untold {
    pub(super) closing: bool,
    pub(super) over: bool,
}

impl Ahead {
    /// Forgets the pings and pongs that have not been queued: nobody waits for them any more.
    pub(super) fn drop_waiting(&mut self) {
        self.waiting = Waiting::default();
        self.late_pong = None;
    }

    /// Whether the ping that a reply asked for has been written, and that has not been told.
    pub(super) fn has_ping_written(&self, written: u64) -> bool {
        self.ping_end.is_some_and(|end| written >= end)
    }

    /// Whether there is something that the receiving half has not been told.
    pub(super) fn has_notice(&self, written: u64) -> bool {
        self.untold.closing || self.untold.over || self.has_ping_written(written)
    }

    /// Whether everything has come to pass, with so many bytes written and so many still to come.
    pub(super) fn is_done(&self, written: u64, queued: usize) -> bool {
        self.close_by.is_none()
            && self.over.is_none()
            && !self.untold.closing
            && !self.untold.over
            && !self.shut
            && !self.leaves
            && self.late_pong.is_none()
            && self.waiting.is_empty()
            && self.ping_end.is_none()
            && written >= self.pongs_end
            && (self.stuck_since.is_none() || queued == 0)
    }
}
