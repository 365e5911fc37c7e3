//! What has been read and not been polled yet.

use sockless::Input;

/// How much is read at once.
const SIZE: usize = 16 << 10;

/// Bytes that arrived, in memory that is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// Made by the first read.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Room for a read. Everything that has been read before is gone.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = vec![0; SIZE];
        }
        (self.start, self.end) = (0, 0);
        &mut self.bytes
    }

    /// Says that this number of bytes has been read into the room.
    pub(crate) fn filled(&mut self, count: usize) {
        self.end = count.min(self.bytes.len());
    }

    /// What has not been polled yet.
    pub(crate) fn unseen(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The same, to be polled.
    pub(crate) fn input(&mut self) -> Input<'_> {
        Input::new(&mut self.bytes[self.start..self.end])
    }

    /// Says that all has been used but this many bytes at the end.
    pub(crate) fn keep_last(&mut self, count: usize) {
        self.start = self.end.saturating_sub(count).max(self.start);
    }
}
