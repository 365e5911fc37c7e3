//! A bucket for each key, in bounded memory.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;
use core::time::Duration;

use super::bucket::{Bucket, Rate, TooMuch};
use crate::time::nanos;

/// A bucket for each key: an address, a user, a room.
///
/// The number of keys that it remembers is limited. A key whose bucket is full again is forgotten, which changes nothing. If none is, all keys that
/// aren't known share one bucket of the same rate: so whoever has many addresses can't get more by making us forget, and those who
/// are known are served as before.
///
/// An IPv6 address is best cut to its first 64 bits: one subscriber has them all.
pub struct Limiter<K> {
    rate: Rate,
    most: usize,
    buckets: BTreeMap<K, Bucket>,
    /// The keys by when their buckets will be full.
    by_time: BTreeSet<(u64, K)>,
    /// For those for whom there is no room.
    shared: Bucket,
}

impl<K: Ord + Clone> Limiter<K> {
    /// A limiter that remembers at most `most` keys.
    pub fn new(rate: Rate, most: usize) -> Self {
        let (buckets, by_time) = (BTreeMap::new(), BTreeSet::new());
        Self { rate, most, buckets, by_time, shared: Bucket::new() }
    }

    /// Takes `count` tokens from the key's bucket, if they are there.
    ///
    /// # Errors
    ///
    /// They aren't: before an upgrade the answer is 429 with `Retry-After`.
    pub fn take(&mut self, key: &K, count: u64, now: Duration) -> Result<(), TooMuch> {
        if let Some(bucket) = self.buckets.get_mut(key) {
            let before = bucket.full_at();
            bucket.take(&self.rate, count, now)?;
            let after = bucket.full_at();
            if after != before {
                self.by_time.remove(&(before, key.clone()));
                self.by_time.insert((after, key.clone()));
            }
            return Ok(());
        }
        if self.buckets.len() >= self.most && !self.forget_full(now) {
            return self.shared.take(&self.rate, count, now);
        }
        let mut bucket = Bucket::new();
        bucket.take(&self.rate, count, now)?;
        if !bucket.is_full(now) {
            self.by_time.insert((bucket.full_at(), key.clone()));
            self.buckets.insert(key.clone(), bucket);
        }
        Ok(())
    }

    /// Forgets keys whose buckets are full: whether there is room now. Two each time, so that what was filled once empties again.
    fn forget_full(&mut self, now: Duration) -> bool {
        let now = nanos(now);
        for _ in 0..2 {
            let Some((full_at, _)) = self.by_time.first() else { break };
            if *full_at > now {
                break;
            }
            if let Some((_, key)) = self.by_time.pop_first() {
                self.buckets.remove(&key);
            }
        }
        self.buckets.len() < self.most
    }

    /// Forgets all keys whose buckets are full, which changes no answer.
    pub fn sweep(&mut self, now: Duration) {
        while let Some((full_at, _)) = self.by_time.first()
            && *full_at <= nanos(now)
            && let Some((_, key)) = self.by_time.pop_first()
        {
            self.buckets.remove(&key);
        }
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether no key is.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

impl<K> fmt::Debug for Limiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Limiter");
        shown.field("rate", &self.rate).field("keys", &self.buckets.len()).finish_non_exhaustive()
    }
}
