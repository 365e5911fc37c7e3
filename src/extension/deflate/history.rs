//! The last octets that were inflated: what a restarted inflater has to be given before it can go on.

use alloc::vec::Vec;

/// The last octets of everything that was pushed, at most as many as the window has.
pub(super) struct History {
    /// A ring once it is full; until then it grows, and `oldest` is 0.
    ring: Vec<u8>,
    oldest: usize,
    window: usize,
}

impl History {
    pub(super) const fn new(window: usize) -> Self {
        Self { ring: Vec::new(), oldest: 0, window }
    }

    pub(super) fn push(&mut self, data: &[u8]) {
        if data.len() >= self.window {
            let (_, last) = data.split_at(data.len() - self.window);
            self.ring.clear();
            self.oldest = 0;
            self.grow(last);
            return;
        }
        let (fill, wrap) = data.split_at(data.len().min(self.window - self.ring.len()));
        self.grow(fill);
        if wrap.is_empty() {
            return;
        }
        let (end, start) = wrap.split_at(wrap.len().min(self.window - self.oldest));
        if let Some(place) = self.ring.get_mut(self.oldest..self.oldest + end.len()) {
            place.copy_from_slice(end);
        }
        if let Some(place) = self.ring.get_mut(..start.len()) {
            place.copy_from_slice(start);
        }
        self.oldest = (self.oldest + wrap.len()) % self.window;
    }

    /// Appends to the ring, which never gets a capacity above the window.
    fn grow(&mut self, data: &[u8]) {
        let length = self.ring.len() + data.len();
        if length > self.ring.capacity() {
            let capacity = (2 * self.ring.capacity()).clamp(length, self.window.max(length));
            self.ring.reserve_exact(capacity - self.ring.len());
        }
        self.ring.extend_from_slice(data);
    }

    /// What is kept, in order, in two parts of which each may be empty.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        let (newer, older) = self.ring.split_at(self.oldest.min(self.ring.len()));
        [older, newer]
    }

    /// Forgets everything; the memory stays.
    pub(super) fn clear(&mut self) {
        self.ring.clear();
        self.oldest = 0;
    }

    /// Frees everything.
    pub(super) fn free(&mut self) {
        *self = Self::new(self.window);
    }
}
