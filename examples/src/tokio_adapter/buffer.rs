//! The memory that is read to and written from. Each thread has one spare buffer of either kind, which a connection takes when it
//! has something to put in and gives back when that is done with: one that is idle holds none.

use std::cell::Cell;
use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much is read at once.
const READ: usize = 128 << 10;
/// The largest buffer for output that is kept.
const SPARE: usize = 256 << 10;

thread_local! {
    static INPUT: Cell<BytesMut> = Cell::default();
    static OUTPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What has been read and not been looked at.
#[derive(Debug, Default)]
pub(super) struct Buffer(BytesMut);

impl Buffer {
    /// Reads behind what is there, which is nothing usually. The future that calls this may be dropped.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.0.capacity() == 0 {
            self.0 = INPUT.take();
        }
        // It moves only if somebody holds a part of it still.
        self.0.reserve(READ);
        let read = pin!(stream.read_buf(&mut self.0)).poll(cx);
        self.rest();
        Poll::Ready(ready!(read))
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Takes note that so much has been looked at.
    pub(super) fn consume(&mut self, count: usize) {
        if count < self.0.len() {
            self.0.advance(count);
        } else {
            self.0.clear();
        }
    }

    /// Takes note that all but the last so many bytes have been looked at.
    pub(super) fn keep_last(&mut self, rest: usize) {
        self.consume(self.0.len() - rest);
    }

    /// The same, and takes out the last so many bytes of what has been looked at, without copying them.
    pub(super) fn split_off(&mut self, rest: usize, count: usize) -> Bytes {
        let mut seen = self.0.split_to(self.0.len() - rest);
        seen.advance(seen.len() - count);
        seen.freeze()
    }

    /// Gives the memory back to the thread, if nothing is in it. To be called before anything is waited for.
    pub(super) fn rest(&mut self) {
        if self.0.is_empty() && self.0.capacity() > 0 {
            INPUT.set(std::mem::take(&mut self.0));
        }
    }
}

/// The spare buffer for output.
pub(super) fn take_output() -> Vec<u8> {
    OUTPUT.take()
}

/// Keeps a buffer for the next one who has output.
pub(super) fn keep_output(buffer: Vec<u8>) {
    if buffer.capacity() <= SPARE {
        OUTPUT.set(buffer);
    }
}
