//! Appending to a vector, within a budget, for code that writes into a slice of initialised octets. What happens when the budget is used up is
//! decided by the writer.

use alloc::vec::Vec;

/// The least number of octets by which the room grows at a time, unless the budget is smaller.
const LEAST_STEP: usize = 1024;
/// The largest first step, however much is expected.
const MOST_FIRST_STEP: usize = 16 * 1024;
/// The largest step that doubling leads to.
const MOST_STEP: usize = 64 * 1024;

/// Appends to a vector, at most as many octets as the budget allows.
///
/// In the meantime the vector has room at its end: zeros that may be written to. The room grows in steps that double, and is
/// zeroed only once. When this value is dropped, the vector is left with what was written.
pub(super) struct BudgetedOutput<'a> {
    out: &'a mut Vec<u8>,
    /// Where the next octet goes; the rest of the vector is room.
    at: usize,
    /// How many octets may still be written.
    budget: usize,
    /// By how many octets the room grows next.
    step: usize,
}

impl<'a> BudgetedOutput<'a> {
    /// Appends at most `budget` octets to `out`. `expected` is a guess at how many they will be, from which the first step is made.
    pub(super) fn new(out: &'a mut Vec<u8>, budget: usize, expected: usize) -> Self {
        Self { at: out.len(), out, budget, step: expected.clamp(LEAST_STEP, MOST_FIRST_STEP) }
    }

    /// The position of the next octet.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What was written from the position `start` on.
    pub(super) fn written(&self, start: usize) -> &[u8] {
        self.out.get(start..self.at).unwrap_or_default()
    }

    /// Room for at least `least` octets, or for what is left of the budget if that is less.
    pub(super) fn room(&mut self, least: usize) -> &mut [u8] {
        let least = least.min(self.budget);
        if self.out.len() - self.at < least {
            let spare = self.out.capacity() - self.at;
            let mut step = self.step.max(least).min(self.budget);
            if spare >= LEAST_STEP.min(step) {
                step = step.min(spare);
            } else {
                self.out
                    .reserve_exact(step.max(self.at).min(self.budget) + self.at - self.out.len());
            }
            self.out.resize(self.at + step, 0);
            self.step = (2 * self.step).min(MOST_STEP);
        }
        let end = self.out.len().min(self.at.saturating_add(self.budget));
        self.out.get_mut(self.at..end).unwrap_or_default()
    }

    /// Counts the first `count` octets of the room as written.
    pub(super) fn advance(&mut self, count: usize) {
        self.at += count;
        self.budget -= count;
    }

    /// Drops what was written from the position `at` on.
    pub(super) fn rewind(&mut self, at: usize) {
        self.budget += self.at - at;
        self.at = at;
    }

    /// Drops the last octets that were written if they are `tail`, and says whether they were.
    pub(super) fn strip_tail(&mut self, tail: &[u8]) -> bool {
        let stripped = self.written(0).ends_with(tail);
        if stripped {
            self.at -= tail.len();
        }
        stripped
    }
}

impl Drop for BudgetedOutput<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.at);
    }
}
