//! Ids that ascend, also over epochs: an epoch's number begins with the time at which it was drawn, in microseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sockless_channels::{Entropy, Position};

/// How many bits of an epoch's number are random.
const RANDOM: u32 = 12;

/// The id of what is at a position.
///
/// In one epoch ids ascend with the offset. A later epoch was drawn at a later time, by somebody who adds to the clock what the highest
/// id is that it knows, so its ids are higher as well, unless more than a million messages were published in each second before.
pub fn id_of(position: Position) -> u64 {
    (position.epoch().number() >> RANDOM) + position.offset()
}

/// A source of numbers that serve as epochs.
#[derive(Debug)]
pub(super) struct Epochs<E> {
    random: E,
    least: Arc<AtomicU64>,
}

impl<E: Entropy> Epochs<E> {
    /// `least` is the time in microseconds, or the id after the highest that is known, if that is more.
    pub(super) fn new(random: E, least: Arc<AtomicU64>) -> Self {
        Self { random, least }
    }
}

impl<E: Entropy> Entropy for Epochs<E> {
    fn number(&mut self) -> u64 {
        let random = self.random.number() & ((1 << RANDOM) - 1);
        self.least.load(Ordering::Relaxed) << RANDOM | random
    }
}
