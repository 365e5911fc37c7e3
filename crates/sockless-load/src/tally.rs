//! What one receiver has got from one sender: each message once, twice, late, or never.

/// What a message is to whoever receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It came in its turn.
    InOrder,
    /// One that was sent later came before it.
    OutOfOrder,
    /// It has come before.
    Doubled,
}

/// The messages of one sender, as they have come to one receiver.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// All below have come, but for those in the gaps.
    next: u32,
    /// What hasn't come: from, up to and without. They ascend and don't touch.
    gaps: Vec<(u32, u32)>,
    doubled: u32,
    reordered: u32,
}

impl Tally {
    /// Marks a message off.
    pub fn arrived(&mut self, sequence: u32) -> Arrival {
        if sequence >= self.next {
            if sequence > self.next {
                self.gaps.push((self.next, sequence));
            }
            self.next = sequence.saturating_add(1);
            return Arrival::InOrder;
        }
        let at = self.gaps.partition_point(|(_, to)| *to <= sequence);
        match self.gaps.get(at).copied() {
            Some((from, to)) if from <= sequence => {
                let left = [(from, sequence), (sequence + 1, to)];
                self.gaps.splice(at..=at, left.into_iter().filter(|(from, to)| from < to));
                self.reordered = self.reordered.saturating_add(1);
                Arrival::OutOfOrder
            }
            _ => {
                self.doubled = self.doubled.saturating_add(1);
                Arrival::Doubled
            }
        }
    }

    /// How many came that had come before.
    pub fn doubled(&self) -> u32 {
        self.doubled
    }

    /// How many came after one that was sent later.
    pub fn reordered(&self) -> u32 {
        self.reordered
    }

    /// How many different ones of the first `sent` messages haven't come.
    pub fn missing(&self, sent: u32) -> u32 {
        let inside = self.gaps.iter().map(|(from, to)| to.min(&sent).saturating_sub(*from)).sum();
        sent.saturating_sub(self.next).saturating_add(inside)
    }
}
