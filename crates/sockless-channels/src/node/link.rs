//! The connection to the broker: whether there is one, and when to try again. What is sent over it is decided elsewhere.

use core::time::Duration;

use crate::entropy::Entropy;
use crate::request::Command;

/// The states of the connection.
///
/// ```text
///            connect            connected
///   +-> Down -------> Dialing -----------> Up
///   |                    |                 |
///   +--------------------+-----------------+
///       disconnected, or no answer in time
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is none; it is tried again at this time.
    Down { at: Duration },
    /// It is being made; until this time.
    Dialing { until: Duration },
    /// There is one.
    Up,
}

/// The connection as the node sees it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    state: State,
    /// How often it has failed since the last answer.
    failures: u32,
    backoff: (Duration, Duration),
    patience: Duration,
    /// Whether the driver has still to give a connection up.
    hang_up: bool,
}

impl Link {
    pub(super) fn new(backoff: (Duration, Duration), patience: Duration, now: Duration) -> Self {
        Self { state: State::Down { at: now }, failures: 0, backoff, patience, hang_up: false }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// The connection is there. Returns `false` if nobody has asked for one.
    pub(super) fn connected(&mut self) -> bool {
        let asked = matches!(self.state, State::Dialing { .. });
        if asked {
            self.state = State::Up;
        }
        asked
    }

    /// Whether there is a connection, or one is being made.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self.state, State::Down { .. })
    }

    /// The broker has answered: whatever failed before is over.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
    }

    /// There is no connection any more.
    pub(super) fn lost(&mut self, now: Duration, entropy: &mut impl Entropy) {
        let (first, most) = self.backoff;
        let wait = first.saturating_mul(1 << self.failures.min(20)).min(most);
        self.failures = self.failures.saturating_add(1);
        // From half of the wait to the whole of it, so that many nodes don't come back at once.
        let thousandths = 500 + (entropy.number() % 501) as u32;
        let wait = wait.saturating_mul(thousandths) / 1000;
        self.state = State::Down { at: now.saturating_add(wait) };
    }

    /// The connection doesn't answer, so it is given up.
    pub(super) fn give_up(&mut self, now: Duration, entropy: &mut impl Entropy) {
        self.hang_up = true;
        self.lost(now, entropy);
    }

    /// When something is due here.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Down { at } => Some(at),
            State::Dialing { until } => Some(until),
            State::Up => None,
        }
    }

    /// Whether a connection is being made and it takes too long.
    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        matches!(self.state, State::Dialing { until } if now >= until)
    }

    /// What the driver has to do about the connection.
    pub(super) fn command(&mut self, now: Duration) -> Option<Command> {
        if core::mem::take(&mut self.hang_up) {
            return Some(Command::Disconnect);
        }
        if matches!(self.state, State::Down { at } if now >= at) {
            self.state = State::Dialing { until: now.saturating_add(self.patience) };
            return Some(Command::Connect);
        }
        None
    }
}
