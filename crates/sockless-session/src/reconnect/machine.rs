//! The machine: what to do next, and when.

use core::time::Duration;

use super::backoff::Backoff;
use super::policy::{Outcome, Policy, Worth};
use crate::Entropy;
use crate::time::Instant;

/// How a client reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How the delays grow.
    pub backoff: Backoff,
    /// After how many tries in a row that have failed it gives up: never by default.
    pub most_tries: Option<u32>,
    /// For how long a connection has to last for the delays to begin anew: ten seconds by default. A server that accepts and closes
    /// at once so doesn't see its clients at once again.
    pub stable: Duration,
    /// The longest delay that a server is granted: an hour by default.
    pub longest_asked: Duration,
    /// Which outcomes deserve another try.
    pub policy: Policy,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            most_tries: None,
            stable: Duration::from_secs(10),
            longest_asked: Duration::from_secs(3600),
            policy: Policy::DEFAULT,
        }
    }
}

impl Settings {
    /// The same settings with other delays.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The same settings, giving up after this number of tries in a row.
    #[must_use]
    pub fn with_most_tries(mut self, tries: u32) -> Self {
        self.most_tries = Some(tries);
        self
    }

    /// The same settings with another time after which a connection counts as stable.
    #[must_use]
    pub fn with_stable(mut self, stable: Duration) -> Self {
        self.stable = stable;
        self
    }

    /// The same settings with another limit on what a server may ask for.
    #[must_use]
    pub fn with_longest_asked(mut self, longest: Duration) -> Self {
        self.longest_asked = longest;
        self
    }

    /// The same settings with another policy.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }
}

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Connect now, and say [`connecting`](Reconnect::connecting).
    Connect,
    /// Wait until this time.
    Wait {
        /// The time of the next try.
        until: Duration,
    },
    /// A try is being made, or a connection is open: say how it [ended](Reconnect::ended).
    Busy,
    /// There will be no further try, unless it is [asked for](Reconnect::retry_now).
    GiveUp(GaveUp),
}

/// Why there will be no further try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveUp {
    /// The outcome of the last try would be the same again.
    NotWorthIt(Outcome),
    /// As many tries in a row as there may be have failed.
    TooManyTries(Outcome),
    /// The application has stopped it.
    Stopped,
}

/// Reconnecting, as a state machine.
///
/// ```text
///              connecting             connected
/// Due, Waiting -----------> Trying --------------> Open
///   ^    ^                    |                      |
///   |    +---- ended, retry --+----------------------+
///   | retry_now               | ended, not worth it, or too often; stop
///   +---------------------- GaveUp
/// ```
#[derive(Clone, Debug)]
pub struct Reconnect {
    settings: Settings,
    state: State,
    /// How many tries have failed since a connection was stable.
    failed: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Due,
    Waiting(Instant),
    Trying,
    Open(Instant),
    GaveUp(GaveUp),
}

impl Reconnect {
    /// A client that hasn't tried yet: its first try is due at once.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, state: State::Due, failed: 0 }
    }

    /// What to do next. It stays true until something is said, or until the time that it names.
    pub fn next(&self, now: Duration) -> Next {
        match self.state {
            State::Due => Next::Connect,
            State::Waiting(until) if Instant::new(now) >= until => Next::Connect,
            State::Waiting(until) => Next::Wait { until: until.since_origin() },
            State::Trying | State::Open(_) => Next::Busy,
            State::GaveUp(why) => Next::GiveUp(why),
        }
    }

    /// How many tries in a row have failed.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// A try begins.
    pub fn connecting(&mut self) {
        self.state = State::Trying;
    }

    /// The connection is open. Where a session has to be resumed as well, that is the moment to say so.
    pub fn connected(&mut self, now: Duration) {
        self.state = State::Open(Instant::new(now));
    }

    /// The try, or the connection, has ended. Nothing happens if there was none.
    pub fn ended(&mut self, outcome: Outcome, now: Duration, entropy: &mut impl Entropy) {
        let now = Instant::new(now);
        match self.state {
            State::Trying => self.failed = self.failed.saturating_add(1),
            State::Open(since) if now >= since.after(self.settings.stable) => self.failed = 1,
            State::Open(_) => self.failed = self.failed.saturating_add(1),
            _ => return,
        }
        let Settings { backoff, most_tries, longest_asked, policy, .. } = self.settings;
        self.state = if policy.judge(outcome) == Worth::Stop {
            State::GaveUp(GaveUp::NotWorthIt(outcome))
        } else if most_tries.is_some_and(|most| self.failed >= most) {
            State::GaveUp(GaveUp::TooManyTries(outcome))
        } else {
            let asked = match outcome {
                Outcome::Refused { retry_after, .. } | Outcome::Closed { retry_after, .. } => {
                    retry_after.unwrap_or_default().min(longest_asked)
                }
                _ => Duration::ZERO,
            };
            // Whoever was asked for the same delay at the same moment still comes at another one.
            let delay = backoff.delay(self.failed, entropy);
            State::Waiting(now.after(asked).after(delay))
        };
    }

    /// The next try is due at once, whatever was waited for: the network is back, or the user asks for it. Also after it has been
    /// given up. The delays go on as before.
    pub fn retry_now(&mut self) {
        if matches!(self.state, State::Waiting(_) | State::GaveUp(_)) {
            self.state = State::Due;
        }
    }

    /// There will be no further try.
    pub fn stop(&mut self) {
        self.state = State::GaveUp(GaveUp::Stopped);
    }
}
