//! The last octets that were inflated, from which a restarted inflater goes on. When it is restarted is decided in `decoder`.

use alloc::vec::Vec;

/// The last octets of everything that was pushed, at most a window of them.
pub(super) struct History {
    /// A ring buffer once it is full; until then it grows, and `oldest` is 0.
    ring: Vec<u8>,
    /// Where the oldest octet is.
    oldest: usize,
    /// The largest length of the ring.
    window: usize,
}

impl History {
    /// An empty history, which holds at most `window` octets.
    pub(super) const fn new(window: usize) -> Self {
        Self { ring: Vec::new(), oldest: 0, window }
    }

    /// Appends octets, and drops the oldest ones beyond the window.
    pub(super) fn push(&mut self, data: &[u8]) {
        if data.len() >= self.window {
            let (_, last) = data.split_at(data.len() - self.window);
            self.ring.clear();
            self.oldest = 0;
            self.append(last);
            return;
        }
        let (fill, wrap) = data.split_at(data.len().min(self.window - self.ring.len()));
        self.append(fill);
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

    /// Appends to a ring that is not full. Its capacity never exceeds the window.
    fn append(&mut self, data: &[u8]) {
        let length = self.ring.len() + data.len();
        if length > self.ring.capacity() {
            let capacity = (2 * self.ring.capacity()).clamp(length, self.window.max(length));
            self.ring.reserve_exact(capacity - self.ring.len());
        }
        self.ring.extend_from_slice(data);
    }

    /// What is kept, in order, in two parts, either of which may be empty.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        let (newer, older) = self.ring.split_at(self.oldest.min(self.ring.len()));
        [older, newer]
    }

    /// Drops the octets, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.ring.clear();
        self.oldest = 0;
    }

    /// Drops the octets, and frees the memory.
    pub(super) fn free(&mut self) {
        *self = Self::new(self.window);
    }
}
