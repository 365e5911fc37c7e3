//! How much a client has taken that its program has not received yet: events, and their bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

/// From how many events on no more are taken, and how few let it go on.
const MANY: usize = 1_024;
const FEW: usize = 512;

/// The same for their bytes.
const MUCH: usize = 4 << 20;
const LITTLE: usize = 2 << 20;

/// What waits for one namespace.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    events: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waiting {
    /// Whether no more is to be taken.
    pub(super) fn is_much(&self) -> bool {
        self.events.load(Ordering::SeqCst) >= MANY || self.bytes.load(Ordering::SeqCst) >= MUCH
    }

    /// One more waits. This is called before it can be received.
    pub(super) fn given(&self, bytes: usize) {
        self.events.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    /// One was received. Returns whether what was held may go on now.
    pub(super) fn taken(&self, bytes: usize) -> bool {
        let events = self.events.fetch_sub(1, Ordering::SeqCst);
        let before = self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        events == FEW + 1 || (before > LITTLE && before - bytes <= LITTLE)
    }
}
