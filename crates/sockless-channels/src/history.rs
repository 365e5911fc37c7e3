//! The publications of one channel that are remembered, by offset and without holes. Who may read them, and when, is decided elsewhere.

use alloc::collections::VecDeque;
use core::time::Duration;

use bytes::Bytes;

use crate::position::{Epoch, Position};
use crate::retention::Retention;

/// One epoch of a channel: its newest offset, and as many publications before it as are kept.
#[derive(Clone, Debug)]
pub(crate) struct History {
    epoch: Epoch,
    /// Where the epoch began. What is kept from before was published in an earlier one.
    base: u64,
    top: u64,
    bytes: usize,
    /// The last one has the offset `top`.
    entries: VecDeque<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    payload: Bytes,
    at: Duration,
}

impl History {
    /// An empty history whose next publication has the offset after `base`.
    pub(crate) fn new(epoch: Epoch, base: u64) -> Self {
        Self { epoch, base, top: base, bytes: 0, entries: VecDeque::new() }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The newest offset.
    pub(crate) fn top(&self) -> u64 {
        self.top
    }

    pub(crate) fn position(&self) -> Position {
        Position::new(self.epoch, self.top)
    }

    /// The oldest offset that is kept, or the next one to come.
    pub(crate) fn first(&self) -> u64 {
        self.top + 1 - self.entries.len() as u64
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The payload at an offset, if it is kept.
    pub(crate) fn payload(&self, offset: u64) -> Option<&Bytes> {
        let index = usize::try_from(offset.checked_sub(self.first())?).ok()?;
        Some(&self.entries.get(index)?.payload)
    }

    /// What is kept after an offset, the oldest first.
    pub(crate) fn after(&self, offset: u64) -> impl Iterator<Item = (u64, &Bytes)> {
        let kept = self.top.saturating_sub(offset).min(self.entries.len() as u64);
        let skipped = self.entries.len() - kept as usize;
        let entries = self.entries.iter().skip(skipped);
        (self.top + 1 - kept..).zip(entries.map(|entry| &entry.payload))
    }

    /// Adds a publication, and drops what exceeds the limits then.
    pub(crate) fn append(&mut self, payload: Bytes, retention: &Retention, now: Duration) -> u64 {
        self.top += 1;
        self.bytes += payload.len();
        self.entries.push_back(Entry { payload, at: now });
        while self.entries.len() > retention.count()
            || self.bytes > retention.bytes() && self.entries.len() > 1
        {
            self.drop_oldest();
        }
        self.expire(retention, now);
        self.top
    }

    /// Drops what is too old.
    pub(crate) fn expire(&mut self, retention: &Retention, now: Duration) {
        while self.expires_at(retention).is_some_and(|at| now >= at) {
            self.drop_oldest();
        }
    }

    /// When the oldest publication becomes too old.
    pub(crate) fn expires_at(&self, retention: &Retention) -> Option<Duration> {
        Some(self.entries.front()?.at.saturating_add(retention.age()))
    }

    /// Drops everything up to an offset, whatever the limits say.
    pub(crate) fn drop_through(&mut self, offset: u64) {
        while !self.entries.is_empty() && self.first() <= offset {
            self.drop_oldest();
        }
    }

    /// Begins another epoch after the newest offset; what is kept stays readable.
    pub(crate) fn renew(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.base = self.top;
    }

    /// Goes on after an offset that lies ahead. Nothing before it is kept.
    pub(crate) fn jump(&mut self, offset: u64) {
        self.entries.clear();
        self.bytes = 0;
        self.top = self.top.max(offset);
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.payload.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch::new(7);

    fn payload(len: usize) -> Bytes {
        Bytes::from(alloc::vec![b'x'; len])
    }

    fn offsets(history: &History, after: u64) -> alloc::vec::Vec<u64> {
        history.after(after).map(|(offset, _)| offset).collect()
    }

    #[test]
    fn each_limit_drops_the_oldest() {
        let retention = Retention::default().with_count(3).with_bytes(10);
        let mut history = History::new(EPOCH, 0);
        for _ in 0..5 {
            history.append(payload(1), &retention, Duration::ZERO);
        }
        assert_eq!(offsets(&history, 0), [3, 4, 5], "three are kept");
        history.append(payload(9), &retention, Duration::ZERO);
        assert_eq!(offsets(&history, 0), [5, 6], "ten bytes are kept");
        history.append(payload(99), &retention, Duration::ZERO);
        assert_eq!(offsets(&history, 0), [7], "the newest is kept whatever its size");
        history.expire(&retention, retention.age() - Duration::from_nanos(1));
        assert_eq!(offsets(&history, 0), [7]);
        history.expire(&retention, retention.age());
        assert_eq!((history.len(), history.bytes(), history.first(), history.top()), (0, 0, 8, 7));
    }

    #[test]
    fn offsets_after_any_offset_are_those_that_are_kept() {
        let retention = Retention::default().with_count(4);
        let mut history = History::new(EPOCH, 100);
        for _ in 0..6 {
            history.append(payload(1), &retention, Duration::ZERO);
        }
        assert_eq!(offsets(&history, 0), [103, 104, 105, 106]);
        assert_eq!(offsets(&history, 102), [103, 104, 105, 106]);
        assert_eq!(offsets(&history, 104), [105, 106]);
        assert_eq!(offsets(&history, 106), []);
        assert_eq!(offsets(&history, u64::MAX), []);
        assert!(history.payload(102).is_none() && history.payload(107).is_none());
        assert!(history.payload(103).is_some() && history.payload(106).is_some());
    }
}
