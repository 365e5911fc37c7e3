//! The output as a [`bytes::Buf`], for transports that take one.

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
        self.0.output_io_slices(slices)
    }

    fn advance(&mut self, count: usize) {
        self.0.wrote(count);
    }
}

impl<R: Side> Sender<R> {
    /// The bytes that wait to be written, as a [`Buf`].
    pub fn drain(&mut self) -> Drain<'_, R> {
        Drain(self)
    }
}
