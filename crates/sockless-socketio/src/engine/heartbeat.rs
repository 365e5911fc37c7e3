//! When a session is pinged, and when it counts as dead.
//!
//! ```text
//!            interval has passed: Ping
//!   Quiet ──────────────────────────────> Asked ── timeout has passed ──> Dead
//!     ^                                     │
//!     └──────────────── pong ───────────────┘
//! ```

use core::time::Duration;

use super::config::Config;

/// The heartbeat of one session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    Quiet { ping_at: Duration },
    Asked { pong_by: Duration },
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Ping,
    Dead,
}

impl Heartbeat {
    /// The first ping is due after the interval.
    pub(super) fn new(config: &Config, now: Duration) -> Self {
        Self::Quiet { ping_at: now.saturating_add(config.ping_interval) }
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Duration {
        match self {
            Self::Quiet { ping_at } => *ping_at,
            Self::Asked { pong_by } => *pong_by,
        }
    }

    /// Does what is due. While nothing of the client is read, its silence says nothing.
    pub(super) fn beat(&mut self, config: &Config, held: bool, now: Duration) -> Beat {
        if now < self.deadline() {
            return Beat::Nothing;
        }
        match *self {
            Self::Quiet { ping_at } => {
                // The client's time runs from when the ping was due, unless we are so late that it would have less than half of it.
                let late = now - ping_at > config.ping_timeout / 2;
                let since = if late { now } else { ping_at };
                *self = Self::Asked { pong_by: since.saturating_add(config.ping_timeout) };
                Beat::Ping
            }
            Self::Asked { .. } if held => {
                *self = Self::Asked { pong_by: now.saturating_add(config.ping_timeout) };
                Beat::Nothing
            }
            Self::Asked { .. } => Beat::Dead,
        }
    }

    /// The client is read again: it has its time to answer.
    pub(super) fn resume(&mut self, config: &Config, now: Duration) {
        if let Self::Asked { pong_by } = self {
            *pong_by = (*pong_by).max(now.saturating_add(config.ping_timeout));
        }
    }

    /// A pong has come. One that wasn't asked for changes nothing.
    pub(super) fn pong(&mut self, config: &Config, now: Duration) {
        if matches!(self, Self::Asked { .. }) {
            *self = Self::new(config, now);
        }
    }
}
