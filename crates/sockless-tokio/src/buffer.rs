//! The memory that is read to and written from. Each thread has one spare buffer of either kind, which a connection takes when it
//! has something to put in and gives back when that is done with: one that is idle holds none.

use std::cell::Cell;
use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use sockless::Input;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much is read at once.
const READ: usize = 128 << 10;
/// How much room a buffer for output has at least.
const OUTPUT_ROOM: usize = 4 << 10;
/// The largest buffer for output that is kept.
const SPARE: usize = 256 << 10;

thread_local! {
    static INPUT: Cell<BytesMut> = Cell::default();
    static OUTPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What has been read and not been looked at.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: BytesMut,
    /// How much of it has been looked at: moving the beginning of the bytes would cost more for each message.
    seen: usize,
}

impl Buffer {
    /// Reads after what is there, which is nothing usually. The future that calls this may be dropped.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.capacity() == 0 {
            self.bytes = INPUT.take();
        }
        // It moves only if somebody holds a part of it still.
        self.bytes.reserve(READ);
        let read = pin!(stream.read_buf(&mut self.bytes)).poll(cx);
        self.rest();
        Poll::Ready(ready!(read))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.seen == self.bytes.len()
    }

    pub(crate) fn unseen(&self) -> &[u8] {
        &self.bytes[self.seen..]
    }

    /// What has not been looked at, to be looked at.
    #[inline]
    pub(crate) fn input(&mut self) -> Input<'_> {
        Input::new(&mut self.bytes[self.seen..])
    }

    /// Remembers that all but the last `rest` bytes have been looked at. If that is all of them, the memory goes back to the thread.
    #[inline]
    pub(crate) fn keep_last(&mut self, rest: usize) {
        self.seen = self.bytes.len() - rest;
        if rest == 0 {
            self.rest();
        }
    }

    /// The same, and takes out the last `count` bytes of what has been looked at, without copying them.
    pub(crate) fn take_last(&mut self, rest: usize, count: usize) -> Bytes {
        let mut seen = self.bytes.split_to(self.bytes.len() - rest);
        seen.advance(seen.len() - count);
        self.keep_last(rest);
        seen.freeze()
    }

    /// Gives the memory back to the thread, if nothing is in it.
    fn rest(&mut self) {
        if self.is_empty() && self.bytes.capacity() > 0 {
            self.bytes.clear();
            self.seen = 0;
            INPUT.set(std::mem::take(&mut self.bytes));
        }
    }
}

/// The spare buffer for output. It has room enough for frames to be encoded in it in one step.
pub(crate) fn take_output() -> Vec<u8> {
    let buffer = OUTPUT.take();
    if buffer.capacity() < OUTPUT_ROOM { Vec::with_capacity(OUTPUT_ROOM) } else { buffer }
}

/// Keeps a buffer for the next one who has output.
pub(crate) fn keep_output(buffer: Vec<u8>) {
    if buffer.capacity() <= SPARE {
        OUTPUT.set(buffer);
    }
}
