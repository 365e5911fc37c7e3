//! A point in time in eight bytes.
//!
//! The interface speaks of `Duration` since an origin of the caller's choice; inside, sixteen bytes a point are too many
//! for an idle connection.

use core::num::NonZeroU64;
use core::time::Duration;

/// Nanoseconds since the caller's origin, plus one so that an absent time costs nothing. It saturates after 584 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(NonZeroU64);

impl Instant {
    pub(crate) fn new(since_origin: Duration) -> Self {
        let nanos = u64::try_from(since_origin.as_nanos()).unwrap_or(u64::MAX);
        Self(NonZeroU64::MIN.saturating_add(nanos))
    }

    pub(crate) fn after(self, wait: Duration) -> Self {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }

    pub(crate) fn since_origin(self) -> Duration {
        Duration::from_nanos(self.0.get() - 1)
    }
}
