//! The stream of bytes that every contender is given in memory: reads copy from input that was made before, writes are thrown
//! away.
//!
//! A read gives at most as much as one is told to, and ends where the input ends, at the end of a frame; the next one begins
//! anew. A write takes all of it at once and looks at nothing, as a system call does that hands memory to a device.

use std::hint::black_box;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wtx::stream::{StreamReader, StreamWriter};

/// What comes in, and by what steps.
#[derive(Clone)]
pub struct Input {
    bytes: Arc<[u8]>,
    /// The most that one read gives.
    pub step: usize,
    /// Whether it begins anew at its end. Otherwise there is nothing more: a stream that stays open and idle.
    endless: bool,
}

impl Input {
    pub fn endless(bytes: Arc<[u8]>, step: usize) -> Self {
        Self { bytes, step, endless: true }
    }

    pub fn once(bytes: Arc<[u8]>) -> Self {
        Self { bytes, step: usize::MAX, endless: false }
    }

    pub fn none() -> Self {
        Self::once(Arc::from([]))
    }

    /// All of it by steps, for those who are handed their input.
    pub fn steps(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.step)
    }
}

/// What was written.
#[derive(Default)]
pub struct Written {
    /// To check it; not while it is timed.
    kept: Option<Mutex<Vec<u8>>>,
}

impl Written {
    /// One that keeps what is written.
    pub fn keeping() -> Self {
        Self { kept: Some(Mutex::default()) }
    }

    pub fn kept(&self) -> Vec<u8> {
        self.kept.as_ref().map(|kept| kept.lock().expect("one thread").clone()).unwrap_or_default()
    }

    #[inline(always)]
    pub fn write(&self, bytes: &[u8]) {
        let bytes = black_box(bytes);
        if let Some(kept) = &self.kept {
            kept.lock().expect("one thread").extend_from_slice(bytes);
        }
    }

    #[inline(always)]
    pub fn write_slices(&self, slices: &[IoSlice<'_>]) -> usize {
        slices.iter().map(|slice| (self.write(slice), slice.len()).1).sum()
    }
}

/// A stream.
pub struct Wire {
    input: Input,
    at: usize,
    output: Arc<Written>,
}

impl Wire {
    pub fn new(input: Input, output: &Arc<Written>) -> Self {
        Self { input, at: 0, output: Arc::clone(output) }
    }

    /// The next part of the input, `room` bytes at most; `None` if there is nothing more.
    #[inline(always)]
    fn next(&mut self, room: usize) -> Option<&[u8]> {
        if self.at == self.input.bytes.len() {
            if !self.input.endless {
                return None;
            }
            self.at = 0;
        }
        let rest = &self.input.bytes[self.at..];
        let part = &rest[..rest.len().min(self.input.step).min(room)];
        self.at += part.len();
        Some(part)
    }
}

impl Wire {
    /// A read into memory that needs no zeros first.
    #[inline]
    pub fn append(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(self.next(out.capacity()).unwrap_or_default());
    }
}

impl io::Read for Wire {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let part = self.next(buffer.len()).ok_or(io::ErrorKind::WouldBlock)?;
        buffer[..part.len()].copy_from_slice(part);
        Ok(part.len())
    }
}

impl io::Write for Wire {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.output.write_slices(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.next(buffer.remaining()) {
            Some(part) => {
                buffer.put_slice(part);
                Poll::Ready(Ok(()))
            }
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Wire {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.output.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.output.write_slices(slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl StreamReader for Wire {
    #[inline]
    async fn read(&mut self, buffer: &mut [u8]) -> wtx::Result<usize> {
        match self.next(buffer.len()) {
            Some(part) => {
                buffer[..part.len()].copy_from_slice(part);
                Ok(part.len())
            }
            None => std::future::pending().await,
        }
    }
}

impl StreamWriter for Wire {
    #[inline]
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        self.output.write(bytes);
        Ok(())
    }

    #[inline]
    async fn write_all_vectored(&mut self, slices: &[&[u8]]) -> wtx::Result<()> {
        slices.iter().for_each(|slice| self.output.write(slice));
        Ok(())
    }
}
