//! Room behind the contents of a vector, for code that writes into a slice of initialised octets.

use alloc::vec::Vec;

/// The step in which room is made first, and the largest one.
const STEPS: (usize, usize) = (1024, 64 * 1024);

/// A vector under extension, by at most a budget. Dropped, it leaves in the vector what was written and no more.
///
/// Room is zeroed once, in steps that double, and the vector grows geometrically, never beyond the budget.
pub(super) struct Output<'a> {
    out: &'a mut Vec<u8>,
    /// Where the next octet goes; what is behind it in the vector is room.
    at: usize,
    budget: usize,
    step: usize,
}

impl<'a> Output<'a> {
    /// Extends `out` by at most `budget` octets, of which about `expected` will be used.
    pub(super) fn new(out: &'a mut Vec<u8>, budget: usize, expected: usize) -> Self {
        Self { at: out.len(), out, budget, step: expected.clamp(STEPS.0, STEPS.1 / 4) }
    }

    /// Where the next octet will be.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What was written from the position `start` on.
    pub(super) fn written(&self, start: usize) -> &[u8] {
        self.out.get(start..self.at).unwrap_or_default()
    }

    /// Room for at least `least` octets, unless the budget ends before; empty when it is used up.
    pub(super) fn room(&mut self, least: usize) -> &mut [u8] {
        let least = least.min(self.budget);
        if self.out.len() - self.at < least {
            let spare = self.out.capacity() - self.at;
            let mut step = self.step.max(least).min(self.budget);
            if spare >= STEPS.0.min(step) {
                step = step.min(spare);
            } else {
                self.out
                    .reserve_exact(step.max(self.at).min(self.budget) + self.at - self.out.len());
            }
            self.out.resize(self.at + step, 0);
            self.step = (2 * self.step).min(STEPS.1);
        }
        let end = self.out.len().min(self.at.saturating_add(self.budget));
        self.out.get_mut(self.at..end).unwrap_or_default()
    }

    /// Notes that the first `count` octets of the room were written.
    pub(super) fn wrote(&mut self, count: usize) {
        self.at += count;
        self.budget -= count;
    }

    /// Takes back what was written from the position `at` on.
    pub(super) fn rewind(&mut self, at: usize) {
        self.budget += self.at - at;
        self.at = at;
    }

    /// Takes back the last octets that were written, if they are `tail`.
    pub(super) fn strip(&mut self, tail: &[u8]) -> bool {
        let stripped = self.written(0).ends_with(tail);
        if stripped {
            self.at -= tail.len();
        }
        stripped
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.at);
    }
}
