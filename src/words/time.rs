//! A point in time, in eight bytes.
//!
//! The public interface uses `Duration` since an origin that the caller chooses. That takes sixteen bytes, too many for each time that
//! an idle connection stores. No clock is read here.

use core::num::NonZeroU64;
use core::time::Duration;

/// How long a call may block that has to return at `deadline`, if it has to: never for no time at all, which the standard library refuses.
pub(crate) fn timeout(deadline: Option<Duration>, now: Duration) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_sub(now).max(Duration::from_millis(1)))
}

/// Nanoseconds since the caller's origin, plus one, so that `Option<Instant>` has the same size. It saturates after 584 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(NonZeroU64);

impl Instant {
    /// The time at this distance from the caller's origin.
    pub(crate) fn new(since_origin: Duration) -> Self {
        let nanos = u64::try_from(since_origin.as_nanos()).unwrap_or(u64::MAX);
        Self(NonZeroU64::MIN.saturating_add(nanos))
    }

    /// The time that is later by `wait`.
    pub(crate) fn after(self, wait: Duration) -> Self {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// The time that has passed since an earlier time; zero if that one is later.
    #[cfg(feature = "alloc")]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }

    /// The distance from the caller's origin.
    pub(crate) fn since_origin(self) -> Duration {
        Duration::from_nanos(self.0.get() - 1)
    }
}
