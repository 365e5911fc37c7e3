//! Input that could not be taken when it was handed in, because messages are held or a message's buffer is out: a copy of it, and whether
//! the stream ended after it. `Receiver::poll_kept` reads it. While any is kept, `Receiver::takes_input` says no and `want` asks for no
//! reads; there is no other limit on its length, since only a driver that reads all the same makes it grow.

use alloc::vec::Vec;

use crate::frame::Input;

/// A copy of input, given out from the front.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    /// How many of them have been used.
    used: usize,
    /// Whether the peer's stream has ended after them.
    eof: bool,
}

impl Kept {
    /// Whether nothing is kept, not even the end of the stream.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.eof
    }

    /// Whether the peer's stream has ended after what is kept.
    pub(super) fn ends(&self) -> bool {
        self.eof
    }

    /// Appends what is left of `input`. The used bytes make room first if they are the greater part, so that each byte is moved once
    /// on average.
    pub(super) fn append(&mut self, input: &mut Input<'_>) {
        self.eof |= input.is_eof();
        if self.used > self.bytes.len() - self.used {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        self.bytes.extend_from_slice(input.take_shared(input.len()));
    }

    /// What is kept, as input.
    pub(super) fn input(&mut self) -> Input<'_> {
        let rest = &mut self.bytes[self.used..];
        if self.eof { Input::last(rest) } else { Input::new(rest) }
    }

    /// What is left to keep when all but the last `count` bytes have been used.
    pub(super) fn keep_last(mut self, count: usize) -> Self {
        self.used = self.bytes.len() - count;
        if count == 0 {
            self.bytes = Vec::new();
            self.used = 0;
        }
        self
    }

    /// The same bytes without the end of the stream, which has been dealt with.
    pub(super) fn without_end(mut self) -> Self {
        self.eof = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept after 100 bytes have arrived and all but the last `left` have been used.
    fn used_up_to(left: usize) -> Kept {
        let mut kept = Kept::default();
        kept.append(&mut Input::new(&mut [1; 100]));
        kept.keep_last(left)
    }

    #[test]
    fn used_bytes_make_room_when_they_are_the_greater_part() {
        let mut kept = used_up_to(49);
        kept.append(&mut Input::new(&mut [2; 10]));
        assert_eq!((kept.used, kept.bytes.len()), (0, 59));
        assert_eq!(kept.input().len(), 59);
    }

    #[test]
    fn bytes_are_not_moved_while_more_are_left_than_used() {
        let mut kept = used_up_to(50);
        kept.append(&mut Input::new(&mut [2; 10]));
        assert_eq!((kept.used, kept.bytes.len()), (50, 110));
        assert_eq!(kept.input().len(), 60);
    }

    #[test]
    fn nothing_left_owns_no_memory() {
        let kept = used_up_to(0);
        assert!(kept.is_empty());
        assert_eq!(kept.bytes.capacity(), 0);
    }
}
