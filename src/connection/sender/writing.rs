//! What waits to be written, as the driver sees it: the slices, as a [`Buf`] too, how much of them has been written, and memory lent for them.

use alloc::vec::Vec;

use bytes::Buf;

use super::Sender;
use crate::connection::keys::Side;

/// The bytes that wait to be written, as a [`Buf`]: advancing it takes them out of the queue.
#[derive(Debug)]
pub struct Drain<'s, R: Side>(&'s mut Sender<R>);

impl<R: Side> Buf for Drain<'_, R> {
    fn remaining(&self) -> usize {
        self.0.queued()
    }

    fn chunk(&self) -> &[u8] {
        self.0.output()
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (place, slice) in slices.iter_mut().zip(self.0.output_slices()) {
            *place = std::io::IoSlice::new(slice);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, count: usize) {
        self.0.wrote(count);
    }
}

impl<R: Side> Sender<R> {
    /// The first slice of the bytes that wait to be written; empty when none do. Where a server's payloads of 4 KiB or more wait, other slices follow
    /// it: write until there is none.
    #[inline]
    pub fn output(&self) -> &[u8] {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# The frame(s) that have been formed MUST be transmitted over the underlying
        //# network connection.
        self.output.first()
    }

    /// All slices of the bytes that wait to be written, in order.
    pub fn output_slices(&self) -> impl Iterator<Item = &[u8]> {
        self.output.slices()
    }

    /// How many bytes wait to be written.
    #[inline]
    pub fn queued(&self) -> usize {
        self.output.len()
    }

    /// Says that the first `count` bytes of the output have been written. More than wait counts as all.
    #[inline]
    pub fn wrote(&mut self, count: usize) {
        let count = count.min(self.output.len());
        if self.is_congested() {
            self.output.remember_congestion();
        }
        self.output.wrote(count);
        self.tally.add_wire_bytes(count as u64);
        if self.pending.is_some() {
            self.catch_up();
        }
    }

    /// Lends a buffer for output, to be used in place of memory of this connection's own until it is taken back.
    ///
    /// # Errors
    ///
    /// The buffer, if output waits already or a buffer is lent.
    #[inline]
    pub fn lend(&mut self, buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        self.output.lend(buffer)
    }

    /// Takes the lent buffer back; `None` if none is lent, or if output waits in it.
    #[inline]
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        self.output.reclaim()
    }

    /// The bytes that wait to be written, as a [`Buf`], whose `chunks_vectored` is for vectored writes. Advancing it says that they have been written,
    /// as [`wrote`](Self::wrote) does; dropping it takes nothing out.
    pub fn drain(&mut self) -> Drain<'_, R> {
        Drain(self)
    }
}
