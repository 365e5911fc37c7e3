//! A token bucket. It is kept as the time at which it will be full again: eight octets, and nothing to refill.

use core::time::Duration;

use crate::time::nanos;

/// How much is allowed: a burst, and the time in which a burst is earned again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    burst: u64,
    /// The nanoseconds in which an empty bucket fills.
    period: u64,
}

impl Rate {
    /// At most `burst` at once, and as much again in each `period`. A burst of nothing allows nothing; a period of nothing limits
    /// only what is taken at once.
    pub const fn new(burst: u64, period: Duration) -> Self {
        let nanos = period.as_nanos();
        let period = if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 };
        Self { burst, period }
    }

    /// What can be taken at once.
    pub const fn burst(&self) -> u64 {
        self.burst
    }

    /// The nanoseconds in which `count` tokens are earned, rounded up: so nobody gets more than the rate.
    fn cost(&self, count: u64) -> u64 {
        let cost = u128::from(count) * u128::from(self.period);
        u64::try_from(cost.div_ceil(u128::from(self.burst.max(1)))).unwrap_or(u64::MAX)
    }
}

/// It is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    /// After how long it would not be, if nothing else is taken: `None` if never.
    pub retry_after: Option<Duration>,
}

impl TooMuch {
    /// The same in whole seconds, rounded up: for a `Retry-After` field. What never is allowed says a day.
    pub fn retry_after_seconds(&self) -> u64 {
        self.retry_after.map_or(86_400, |wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }
}

/// A token bucket, full at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// When it will be full, in nanoseconds since the caller's origin.
    full_at: u64,
}

impl Bucket {
    /// A full bucket.
    pub const fn new() -> Self {
        Self { full_at: 0 }
    }

    /// Takes `count` tokens, if they are there.
    ///
    /// # Errors
    ///
    /// They aren't. Nothing was taken.
    #[inline]
    pub fn take(&mut self, rate: &Rate, count: u64, now: Duration) -> Result<(), TooMuch> {
        if count == 0 {
            return Ok(());
        }
        if count > rate.burst {
            return Err(TooMuch { retry_after: None });
        }
        let now = nanos(now);
        let full_at = self.full_at.max(now).saturating_add(rate.cost(count));
        // Full is at most a period away.
        let most = now.saturating_add(rate.period);
        if full_at > most {
            return Err(TooMuch { retry_after: Some(Duration::from_nanos(full_at - most)) });
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Takes `count` tokens whether they are there or not: they have to be earned before more can be taken. What is owed is at most one
    /// burst.
    pub fn charge(&mut self, rate: &Rate, count: u64, now: Duration) {
        let now = nanos(now);
        let most = now.saturating_add(rate.period).saturating_add(rate.period);
        self.full_at = self.full_at.max(now).saturating_add(rate.cost(count)).min(most);
    }

    /// How long it takes until something can be taken: nothing if it can be now.
    pub fn wait(&self, rate: &Rate, now: Duration) -> Duration {
        let most = nanos(now).saturating_add(rate.period);
        Duration::from_nanos(self.full_at.saturating_add(rate.cost(1)).saturating_sub(most))
    }

    /// Whether it is full: the same as a new one.
    pub fn is_full(&self, now: Duration) -> bool {
        self.full_at <= nanos(now)
    }

    /// When it will be full.
    pub(super) fn full_at(&self) -> u64 {
        self.full_at
    }
}
