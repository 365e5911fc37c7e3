//! The two deadlines of the sending half: that of the closing handshake, and that of output of which nothing is written. Once one has passed,
//! nothing is written any more; what that means for the connection is decided elsewhere.

use super::config::Config;
use super::output::Progress;
use super::timers::Timer;
use crate::words::time::Instant;

/// The deadlines.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// When the closing handshake began.
    closing_since: Option<Instant>,
    /// Since when output waits with none of it being written.
    stuck_since: Option<Instant>,
    /// Whether that had lasted too long when output was offered last. It is offered once more before it is judged: the time may have been the
    /// program's own.
    offered_late: bool,
    /// Which of the two has passed, if one has.
    passed: Option<Passed>,
    /// Whether the receiving half doesn't know of that yet.
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
    /// Begins the closing handshake, if it has not begun.
    pub(super) fn begin_closing(&mut self, now: Instant) {
        self.closing_since.get_or_insert(now);
    }

    /// Notes how output has fared since the last look. `about_to_be_written` is what is new in a turn that has brought input: the answers to it.
    pub(super) fn watch(
        &mut self,
        progress: Progress,
        about_to_be_written: bool,
        now: Instant,
        config: &Config,
    ) {
        self.stuck_since = match progress {
            _ if progress.starts_no_timer(about_to_be_written) => None,
            Progress::Stuck => self.stuck_since.or(Some(now)),
            _ => Some(now),
        };
        self.offered_late = Timer::Write.is_due(self.stuck_since, now, config);
    }

    /// The deadline that passes at `now`, if one does and none had. `is_stuck` says that output waits, and none was written since the last look.
    pub(super) fn pass(&mut self, now: Instant, is_stuck: bool, config: &Config) -> Option<Passed> {
        if self.passed.is_some() {
            return None;
        }
        self.passed = if Timer::Close.is_due(self.closing_since, now, config) {
            Some(Passed::TimedOut)
        } else if self.offered_late
            && is_stuck
            && Timer::Write.is_due(self.stuck_since, now, config)
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

    /// Whether they have to be looked at again, if so much output waits.
    pub(super) const fn are_done(&self, is_empty: bool) -> bool {
        self.closing_since.is_none()
            && self.passed.is_none()
            && (is_empty || self.stuck_since.is_none())
    }

    /// When the closing handshake has to be over.
    pub(super) fn close_due(&self, config: &Config) -> Option<Instant> {
        Timer::Close.due(self.closing_since, config)
    }

    /// When output that waits has waited for too long; `None` if it has not been looked at yet.
    pub(super) fn write_due(&self, config: &Config) -> Option<Instant> {
        Timer::Write.due(self.stuck_since, config)
    }
}
