//! Delays: exponential backoff with full jitter. When to begin anew is the machine's business.

use core::time::Duration;

use crate::Entropy;
use crate::time::nanos;

/// How delays grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The greatest delay before the second try: half a second by default.
    pub first: Duration,
    /// By how much the greatest delay grows with each try, in percent: 200 by default. Less than 100 counts as 100.
    pub percent: u32,
    /// What the greatest delay never exceeds: 30 seconds by default.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(500), 200, Duration::from_secs(30))
    }
}

impl Backoff {
    /// Delays that begin with at most `first`, grow by `percent` each time, and never exceed `cap`.
    pub const fn new(first: Duration, percent: u32, cap: Duration) -> Self {
        Self { first, percent, cap }
    }

    /// The greatest delay after this number of tries that have failed: after the first it is 1.
    pub fn greatest(&self, failed: u32) -> Duration {
        let cap = nanos(self.cap);
        let percent = u128::from(self.percent.max(100));
        let mut greatest = u128::from(nanos(self.first).min(cap));
        for _ in 1..failed {
            if greatest >= u128::from(cap) || percent == 100 || greatest == 0 {
                break;
            }
            // At least one nanosecond more, so that it ends.
            greatest = (greatest * percent / 100).max(greatest + 1);
        }
        Duration::from_nanos(u64::try_from(greatest).unwrap_or(u64::MAX).min(cap))
    }

    /// A delay after this number of tries that have failed: drawn evenly from nothing to the greatest, both included.
    pub fn delay(&self, failed: u32, entropy: &mut impl Entropy) -> Duration {
        let greatest = nanos(self.greatest(failed));
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        // The upper half of a product: even to within 2^-64 of the greatest delay.
        let drawn = (u128::from(u64::from_le_bytes(bytes)) * (u128::from(greatest) + 1)) >> 64;
        Duration::from_nanos(drawn as u64)
    }
}
