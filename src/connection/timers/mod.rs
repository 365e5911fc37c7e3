//! The timers of a connection, a line each: how long it runs, and so when it is due. Since when it runs is known to `liveness` for the
//! receiving half's, to `deadlines` for the sending half's; what happens when it is due is decided by `Receiver::poll_end_and_time` and
//! `Sender::check_deadlines`.

use core::time::Duration;

use super::config::Config;
use crate::words::time::Instant;

/// A timer. The receiving half has the first three, the sending half the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Runs from the turn that saw the peer's last byte: then the peer is asked for a sign of life.
    Quiet,
    /// Runs from when the ping that asks for it was written: then the peer is taken for dead.
    Answer,
    /// Runs from the turn that saw the peer's last byte of a data frame: then the connection is closed.
    Idle,
    /// Runs from when the end began, be it by a Close frame, a failure or the end of the peer's stream: then the connection is over.
    Close,
    /// Runs, as long as output waits, from the turn that saw the last byte written: then the connection fails.
    Write,
}

impl Timer {
    /// How long it runs; `None` if the configuration does without it.
    const fn length(self, config: &Config) -> Option<Duration> {
        match (self, config.keepalive) {
            (Self::Quiet, Some(keepalive)) => Some(keepalive.interval),
            (Self::Answer, Some(keepalive)) => Some(keepalive.timeout),
            (Self::Quiet | Self::Answer, None) => None,
            (Self::Idle, _) => config.idle,
            (Self::Close, _) => Some(config.close),
            (Self::Write, _) => Some(config.write_timeout),
        }
    }

    /// When it is due, if it runs since `start`.
    pub(super) fn due(self, start: Option<Instant>, config: &Config) -> Option<Instant> {
        Some(start?.after(self.length(config)?))
    }

    /// Whether it is due at `now`, if it runs since `start`.
    pub(super) fn is_due(self, start: Option<Instant>, now: Instant, config: &Config) -> bool {
        self.due(start, config).is_some_and(|due| now >= due)
    }
}

#[cfg(test)]
mod tests;
