//! Waking loops that wait for a stream when something else has happened: a line is there, a queue has room, the program is to stop.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use mio::Waker;

/// The loops to be woken. Those that have ended are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<Vec<Weak<Waker>>>);

impl Bell {
    /// From now on this loop is woken, too.
    pub(crate) fn wakes(&self, waker: &Arc<Waker>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(waker));
    }

    /// Wakes them all; how many there were.
    pub(crate) fn ring(&self) -> usize {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.retain(|waker| waker.upgrade().is_some_and(|waker| waker.wake().is_ok()));
        wakers.len()
    }
}
