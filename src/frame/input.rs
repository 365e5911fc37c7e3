//! The bytes that arrived: the caller's buffer, given out from the front.

use core::fmt;

/// What has arrived from the peer: bytes in the caller's own buffer, the end of the stream, or both.
///
/// Bytes are decoded in place, so that what is taken from an input borrows the caller's buffer and nothing else. Bytes in memory that
/// can't be written to are [copied](Self::copied) into such a buffer while they are decoded.
#[derive(Default)]
#[must_use = "input does nothing until it is polled"]
pub struct Input<'b> {
    /// Where the bytes are that have not been consumed, or where they will be copied.
    rest: &'b mut [u8],
    /// Where they are to be copied from, of the same length as `rest`; empty if they are in `rest` already.
    from: &'b [u8],
    eof: bool,
}

impl<'b> Input<'b> {
    /// Bytes that arrived. None at all say only that time has passed: a read of zero bytes is the end of the stream, [`eof`](Self::eof), and
    /// whoever passes it on as no bytes reads for ever.
    #[inline]
    pub fn new(arrived: &'b mut [u8]) -> Self {
        Self { rest: arrived, from: &[], eof: false }
    }

    /// Bytes that arrived in memory that can't be written to, such as [`bytes::Bytes`], and a buffer to decode them in. They are copied
    /// and unmasked in one pass; a copy made by the caller would be a second one.
    ///
    /// # Panics
    ///
    /// If the buffer is shorter than what arrived.
    ///
    #[cfg_attr(feature = "alloc", doc = "```")]
    #[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
    /// use core::time::Duration;
    /// use sockless::{Config, Connection, Event, Input};
    ///
    /// // "Hello" as a client sends it (RFC 6455, section 5.7).
    /// let arrived = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    /// let mut place = [0; 1024];
    /// let mut input = Input::copied(&arrived, &mut place);
    ///
    /// let mut connection = Connection::server(Config::default());
    /// let Some(Event::Text(text)) = connection.poll(&mut input, Duration::ZERO) else { panic!() };
    /// assert_eq!(text, "Hello");
    /// ```
    #[inline]
    pub fn copied(arrived: &'b [u8], place: &'b mut [u8]) -> Self {
        Self { rest: &mut place[..arrived.len()], from: arrived, eof: false }
    }

    /// Nothing: only time has passed.
    #[inline]
    pub fn none() -> Self {
        Self { rest: &mut [], from: &[], eof: false }
    }

    /// The peer's stream has ended: a read returned zero bytes, or the connection was reset.
    #[inline]
    pub fn eof() -> Self {
        Self { rest: &mut [], from: &[], eof: true }
    }

    /// What a call that read into `buffer` has brought. Zero bytes are the [end of the stream](Self::eof), and so is an error: a reset, say. A
    /// timeout is no error, whatever the system calls it, nor is an interruption: then only [time has passed](Self::none).
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// use std::io::Read;
    /// use sockless::Input;
    ///
    /// let mut stream: &[u8] = b"\x81\x82\0\0\0\0hi";
    /// let mut buffer = [0; 1024];
    /// assert_eq!(Input::read(stream.read(&mut buffer), &mut buffer).len(), 8);
    /// assert!(Input::read(stream.read(&mut buffer), &mut buffer).is_eof());
    /// ```
    #[cfg(feature = "std")]
    #[inline]
    pub fn read(result: std::io::Result<usize>, buffer: &'b mut [u8]) -> Self {
        match result {
            Ok(0) => Self::eof(),
            Ok(count) => Self::new(&mut buffer[..count]),
            Err(error) if is_pause(&error) => Self::none(),
            Err(_) => Self::eof(),
        }
    }

    /// Bytes that arrived, after which the peer's stream has ended.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn last(arrived: &'b mut [u8]) -> Self {
        Self { rest: arrived, from: &[], eof: true }
    }

    /// Whether the peer's stream has ended.
    #[inline]
    pub const fn is_eof(&self) -> bool {
        self.eof
    }

    /// How many bytes have not been consumed.
    #[inline]
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether all bytes have been consumed.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that have not been consumed, for a caller that stops early and hands them in again before any others.
    #[inline]
    pub fn into_rest(mut self) -> &'b mut [u8] {
        self.take(self.len())
    }

    /// The buffer of the bytes that have not been consumed. It has them only if they are not still to be copied.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub(crate) const fn place(&self) -> &[u8] {
        self.rest
    }

    /// The bytes that have not been consumed, without consuming them.
    #[inline]
    pub(crate) const fn peek(&self) -> &[u8] {
        if self.from.is_empty() { self.rest } else { self.from }
    }

    /// Consumes `count` bytes, or all if there are fewer, and copies them into the buffer if they aren't there.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> &'b mut [u8] {
        let from = self.take_source(count);
        let rest = core::mem::take(&mut self.rest);
        let (taken, rest) = rest.split_at_mut(count.min(rest.len()));
        self.rest = rest;
        if !from.is_empty() {
            taken.copy_from_slice(from);
        }
        taken
    }

    /// Consumes the source of `count` bytes; it is empty if they are in the buffer already.
    #[inline]
    fn take_source(&mut self, count: usize) -> &'b [u8] {
        let (taken, from) = self.from.split_at(count.min(self.from.len()));
        self.from = from;
        taken
    }

    /// Consumes one byte.
    #[inline]
    pub(crate) fn take_byte(&mut self) -> Option<u8> {
        match self.take_shared(1) {
            [byte] => Some(*byte),
            _ => None,
        }
    }

    /// Consumes `count` bytes, or all if there are fewer, for a reader who doesn't change them: nothing is copied.
    #[inline]
    pub(crate) fn take_shared(&mut self, count: usize) -> &'b [u8] {
        if self.from.is_empty() {
            return self.take(count);
        }
        let taken = self.take_source(count);
        self.rest = &mut core::mem::take(&mut self.rest)[taken.len()..];
        taken
    }

    /// The first two bytes, if the input is still to be copied and has two.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub(crate) const fn copied_front(&self) -> Option<&[u8; 2]> {
        self.from.first_chunk()
    }

    /// Consumes a frame whose header and payload have these lengths, if all of it is in the buffer: its header and its payload.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub(crate) fn take_frame(
        &mut self,
        header: usize,
        len: usize,
    ) -> Option<(&'b [u8], &'b mut [u8])> {
        let whole = header.checked_add(len)?;
        if self.rest.len() < whole {
            return None;
        }
        let (frame, rest) = core::mem::take(&mut self.rest).split_at_mut(whole);
        self.rest = rest;
        let (header, payload) = frame.split_at_mut(header);
        Some((header, payload))
    }

    /// Consumes a frame whose header and payload have these lengths, if all of it has arrived and is still to be copied: its header, its
    /// payload, and where the payload is to be copied.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn take_copied_frame(
        &mut self,
        header: usize,
        len: usize,
    ) -> Option<(&'b [u8], &'b [u8], &'b mut [u8])> {
        let (frame, from) = self.from.split_at_checked(header.checked_add(len)?)?;
        let (_, place) = self.take_frame(header, len)?;
        self.from = from;
        let (header, payload) = frame.split_at(header);
        Some((header, payload, place))
    }
}

/// Whether an error of a call that reads or writes says that nothing has happened yet: a timeout, which is called the one or the other,
/// according to the system, or a signal.
#[cfg(feature = "std")]
pub(crate) fn is_pause(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("len", &self.rest.len()).field("eof", &self.eof).finish()
    }
}
