//! The last messages, by sender and key: after a loss one may be published again that somebody has had already.

use std::collections::{HashSet, VecDeque};

/// How many are remembered.
const MOST: usize = 65_536;

/// The last messages.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl Recent {
    /// Takes note of one. Returns whether it is new.
    pub(super) fn is_new(&mut self, key: &[u8; 32]) -> bool {
        let mut short = [0; 16];
        short.copy_from_slice(&key[..16]);
        if !self.known.insert(short) {
            return false;
        }
        self.order.push_back(short);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
