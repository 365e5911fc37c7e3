//! Time: since an origin, as the engine counts it, and how long a call may take.

use std::time::{Duration, Instant};

/// The origin of a connection's times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long calls may take: each, and all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallTime {
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
}

impl CallTime {
    /// When a call that begins now has to be over.
    pub(crate) fn ends(self, clock: Clock) -> Option<Duration> {
        earliest(
            self.timeout.and_then(|timeout| clock.now().checked_add(timeout)),
            self.deadline.map(|deadline| deadline.saturating_duration_since(clock.0)),
        )
    }

    /// When a call has to be over that begins now and may take this long.
    pub(crate) fn ends_within(self, timeout: Duration, clock: Clock) -> Option<Duration> {
        Self { timeout: Some(timeout), ..self }.ends(clock)
    }
}

/// The earlier of two times, where `None` is never.
pub(crate) fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_ends_by_its_own_time_or_by_the_one_for_all() {
        let clock = Clock::start();
        let second = Duration::from_secs(1);
        assert_eq!(CallTime::default().ends(clock), None);
        let never = CallTime { timeout: Some(Duration::MAX), deadline: None };
        assert_eq!(never.ends(clock), None);
        let all = CallTime { timeout: Some(60 * second), deadline: Some(clock.0 + second) };
        assert_eq!(all.ends(clock), Some(second));
        let each = CallTime { timeout: Some(second), deadline: Some(clock.0 + 60 * second) };
        assert!(each.ends(clock).is_some_and(|at| at >= second && at < 60 * second));
        let past = CallTime { timeout: None, deadline: Some(clock.0) };
        assert_eq!(past.ends_within(second, clock), Some(Duration::ZERO));
    }
}
