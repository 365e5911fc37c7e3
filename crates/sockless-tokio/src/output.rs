//! Writing what a connection has to write.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use sockless::Connection;
use sockless::connection::{Loan, Side};
use tokio::io::AsyncWrite;

use crate::buffer;

/// How many slices are written by one call.
const SLICES: usize = 16;

/// Writes all output, and flushes the stream. `unflushed` says whether something of it is still to be flushed.
pub(crate) fn poll_write<R: Side>(
    stream: &mut (impl AsyncWrite + Unpin),
    connection: &mut Connection<R>,
    unflushed: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut stream = Pin::new(stream);
    while !connection.output().is_empty() {
        let output = connection.output();
        let written = if output.len() == connection.queued() {
            // The plain call costs the system less.
            stream.as_mut().poll_write(cx, output)
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let output = connection.drain();
            let count = output.chunks_vectored(&mut slices);
            stream.as_mut().poll_write_vectored(cx, &slices[..count])
        };
        match ready!(written)? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            count => {
                connection.wrote(count);
                *unflushed = true;
            }
        }
    }
    if let Some(buffer) = connection.reclaim(Loan::Output) {
        buffer::keep_output(buffer);
    }
    ready!(stream.poll_flush(cx))?;
    *unflushed = false;
    Poll::Ready(Ok(()))
}

/// Lends the thread's spare buffer for output, if none waits.
#[inline]
pub(crate) fn lend<R: Side>(connection: &mut Connection<R>) {
    if connection.output().is_empty()
        && let Err(buffer) = connection.lend(Loan::Output, buffer::take_output())
    {
        buffer::keep_output(buffer);
    }
}
