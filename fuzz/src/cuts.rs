//! How an input is cut into reads.

use std::ops::Range;

use arbitrary::Arbitrary;

/// The sizes of reads, over and over; without any, everything is one read.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Cuts(Vec<u8>);

impl Cuts {
    pub(crate) fn whole() -> Self {
        Self(Vec::new())
    }

    /// Single bytes.
    pub(crate) fn single() -> Self {
        Self(vec![1])
    }

    /// The reads of `len` bytes. A size of zero stands for 256; what is long is not cut into single bytes, which would cost more
    /// than it finds. Nothing is allocated: memory is measured around it.
    pub(crate) fn reads(&self, len: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut sizes = self.0.iter().cycle();
        let least = if len > 4096 { 97 } else { 1 };
        let mut from = 0;
        std::iter::from_fn(move || {
            let size = match sizes.next() {
                None => len,
                Some(0) => 256,
                Some(size) => usize::from(*size).max(least),
            };
            let read = from..(from + size).min(len);
            from = read.end;
            (!read.is_empty()).then_some(read)
        })
    }
}
