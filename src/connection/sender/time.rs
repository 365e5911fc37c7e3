//! The sending half and time: how far output has come, whether a deadline has passed, and what the receiving half has to be told of both.
//! When a deadline has passed is decided by [`Deadlines`](crate::connection::deadlines::Deadlines); what that means for this half, here.

use core::time::Duration;

use super::Sender;
use crate::connection::deadlines::Passed;
use crate::connection::failure::Failure;
use crate::connection::keys::Side;
use crate::connection::reply::Notice;
use crate::connection::state::SendingChange;
use crate::words::time::Instant;

impl<R: Side> Sender<R> {
    /// When [`timeout`](Self::timeout) is to be called at the latest: when the closing handshake has to be over, or when output has
    /// waited for too long. At once, if there is something that the receiving half has to be told, or if output waits and has not been
    /// looked at since some of it was written.
    pub fn deadline(&self) -> Option<Duration> {
        let waits = !self.output.is_empty();
        let Some(pending) = &self.pending else {
            return waits.then_some(Duration::ZERO);
        };
        let deadlines = &pending.deadlines;
        if deadlines.is_untold() || pending.pings.has_written_ping(self.tally.wire_bytes()) {
            return Some(Duration::ZERO);
        }
        if deadlines.have_passed() {
            return None;
        }
        let write = match deadlines.write_due(&self.config) {
            _ if !waits => None,
            Some(due) if !self.output.has_moved() => Some(due.since_origin()),
            _ => Some(Duration::ZERO),
        };
        let close = deadlines.close_due(&self.config).map(Instant::since_origin);
        close.into_iter().chain(write).min()
    }

    /// Looks at the time: whether this half is over, because the closing handshake has taken too long, or because output has waited for too
    /// long without any of it being written. A task that writes calls it in each of its turns, after writing.
    pub fn timeout(&mut self, now: Duration) -> bool {
        let over = self.check_deadlines(now);
        if !over {
            self.watch_output(now, false);
        }
        over
    }

    /// Looks at how far output has come since the last look, once in each of the driver's turns. What is new in a turn that has brought input
    /// is `after_input`: the answers to it.
    pub(in crate::connection) fn watch_output(&mut self, now: Duration, after_input: bool) {
        let progress = self.output.watch();
        if self.pending.is_none() && progress.starts_no_timer(after_input) {
            return;
        }
        let pending = self.pending.get_or_insert_default();
        let now = Instant::new(now);
        pending.deadlines.watch(progress, after_input, now, &self.config);
    }

    /// Looks at the deadlines: whether this half is over.
    pub(in crate::connection) fn check_deadlines(&mut self, now: Duration) -> bool {
        let Some(pending) = &mut self.pending else { return false };
        let is_stuck = self.output.is_stuck();
        match pending.deadlines.pass(Instant::new(now), is_stuck, &self.config) {
            Some(Passed::Stalled) => self.give_up(Failure::Stalled),
            Some(Passed::TimedOut) => {
                self.gate.change(SendingChange::TimedOut);
                self.stop();
            }
            None => return pending.deadlines.have_passed(),
        }
        true
    }

    /// Writes nothing more, whatever waits.
    fn stop(&mut self) {
        self.forget_waiting();
        self.output.discard();
    }

    /// Fails with nothing more to be written, whatever waits. Only for a failure that has no Close frame: `fail` would queue it.
    fn give_up(&mut self, failure: Failure) {
        self.stop();
        self.fail(failure);
    }

    /// Says that the transport is gone, as after a write that failed: what waits is thrown away, and this half fails, if it hasn't ended before. The
    /// receiving half has to be told too: [`Receiver::lost`](crate::Receiver::lost).
    pub fn lost(&mut self) {
        self.give_up(Failure::EndOfStream);
    }

    /// Takes out what the receiving half has to know. Ask after every call of [`timeout`](Self::timeout) and of
    /// [`wrote`](Self::wrote), and hand it to [`Receiver::note`](crate::Receiver::note).
    pub fn notice(&mut self) -> Option<Notice> {
        let written = self.tally.wire_bytes();
        let pending = self.pending.as_deref_mut()?;
        let notice = if core::mem::take(&mut pending.close_untold) {
            Some(Notice::Closing)
        } else if pending.pings.take_written_ping(written) {
            Some(Notice::PingWritten)
        } else {
            pending.deadlines.tell().map(|passed| match passed {
                Passed::Stalled => Notice::Stalled,
                Passed::TimedOut => Notice::TimedOut,
            })
        };
        if notice.is_some() {
            self.drop_pending_if_done();
        }
        notice
    }

    /// Gives memory back if there is nothing left to see to.
    pub(super) fn drop_pending_if_done(&mut self) {
        let (written, is_empty) = (self.tally.wire_bytes(), self.output.is_empty());
        self.pending.take_if(|pending| {
            !pending.close_untold
                && !pending.shut
                && pending.deadlines.are_done(is_empty)
                && pending.pings.is_done(written)
        });
    }
}
