//! A point in time in eight bytes, and what is left of a time that has to pass.

use core::num::NonZeroU64;
use core::time::Duration;

/// Nanoseconds since the caller's origin, plus one so that an absent time costs nothing. It saturates after 584 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(NonZeroU64);

impl Instant {
    pub(crate) fn new(since_origin: Duration) -> Self {
        Self(NonZeroU64::MIN.saturating_add(nanos(since_origin)))
    }

    pub(crate) fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(nanos(wait)))
    }

    pub(crate) fn since_origin(self) -> Duration {
        Duration::from_nanos(self.0.get() - 1)
    }
}

/// A duration in nanoseconds, saturated.
pub(crate) fn nanos(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}
