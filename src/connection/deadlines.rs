//! The two deadlines of the sending half: that of the closing handshake, and the write timeout. How long they are is in `timers`.
//!
//! The write timeout starts at the first `watch` that finds output waiting (for output that answers input of the same turn at the next
//! one), starts anew with any progress, and is judged in `pass`: only if the last `watch` found it expired too, so that output has been offered once
//! more. Once either has passed, `Sender::check_deadlines` throws away what waits
//! and changes the state, and the receiving half learns of it by a [`Notice`](super::reply::Notice).

use super::config::Config;
use super::output::Progress;
use super::timers::Timer;
use crate::words::time::Instant;

/// The deadlines.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// When the time for the closing handshake began to run.
    close_timer_start: Option<Instant>,
    /// When output that waits was first seen, or some of it was last seen to have been written.
    last_progress: Option<Instant>,
    /// Whether the write timeout had expired already at the last look. Output is offered once more before it is judged: the delay may have been
    /// the program's own.
    offered_late: bool,
    /// Which of the two has passed, if one has.
    passed: Option<Passed>,
    /// Whether one has passed and the receiving half doesn't know it yet.
    untold: bool,
}

/// A deadline that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// None of the waiting output was written for too long.
    Stalled,
    /// The closing handshake has taken too long.
    TimedOut,
}

impl Deadlines {
    /// Lets the time for the closing handshake run from now on, if it doesn't yet.
    pub(super) fn start_close_timer(&mut self, now: Instant) {
        self.close_timer_start.get_or_insert(now);
    }

    /// Notes how output has fared since the last look. `after_input`: what is new answers input of this turn and is about to be written, so that
    /// no time runs for it yet.
    pub(super) fn watch(
        &mut self,
        progress: Progress,
        after_input: bool,
        now: Instant,
        config: &Config,
    ) {
        self.last_progress = match progress {
            _ if progress.starts_no_timer(after_input) => None,
            Progress::Stuck => self.last_progress.or(Some(now)),
            _ => Some(now),
        };
        self.offered_late =
            progress == Progress::Stuck && Timer::Write.is_due(self.last_progress, now, config);
    }

    /// The deadline that passes at `now`, if one does and neither has before. `is_stuck` says that output waits, and none was written
    /// since the last look.
    pub(super) fn pass(&mut self, now: Instant, is_stuck: bool, config: &Config) -> Option<Passed> {
        if self.passed.is_some() {
            return None;
        }
        self.passed = if Timer::Close.is_due(self.close_timer_start, now, config) {
            Some(Passed::TimedOut)
        } else if self.offered_late
            && is_stuck
            && Timer::Write.is_due(self.last_progress, now, config)
        {
            Some(Passed::Stalled)
        } else {
            None
        };
        self.untold = self.passed.is_some();
        self.passed
    }

    /// Whether one has passed.
    pub(super) const fn have_passed(&self) -> bool {
        self.passed.is_some()
    }

    /// Whether one has passed of which the receiving half doesn't know.
    pub(super) const fn is_untold(&self) -> bool {
        self.untold
    }

    /// The deadline that has passed and of which the receiving half doesn't know; from now on it does.
    pub(super) fn tell(&mut self) -> Option<Passed> {
        core::mem::take(&mut self.untold).then_some(self.passed)?
    }

    /// Whether neither has to be watched any more; `is_empty` says that no output waits.
    pub(super) const fn are_done(&self, is_empty: bool) -> bool {
        self.close_timer_start.is_none()
            && self.passed.is_none()
            && (is_empty || self.last_progress.is_none())
    }

    /// When the end has to be reached: of a closing handshake, a failure's Close frame, or what was left to write when the peer's stream ended. `None`
    /// if nothing of it has begun.
    pub(super) fn close_due(&self, config: &Config) -> Option<Instant> {
        Timer::Close.due(self.close_timer_start, config)
    }

    /// When output that waits has waited for too long; `None` if it has not been looked at yet.
    pub(super) fn write_due(&self, config: &Config) -> Option<Instant> {
        Timer::Write.due(self.last_progress, config)
    }
}
