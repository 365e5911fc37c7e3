//! Reads a head from input that is cut anywhere, within its limits and before its deadline.
//!
//! Both roles use it: the caller, `acceptor` or `connector`, hands in the function that parses the complete head.

use core::time::Duration;

use super::head_buffer::{HeadBuffer, HeadBytes};
use super::head_scan::{HeadError, HeadScan};
use super::limits::HeadLimits;
use crate::frame::Input;
use crate::words::time::Instant;

/// A reader of heads: of one, or of several after each other.
#[derive(Debug)]
pub(super) struct HeadReader<'b> {
    limits: HeadLimits,
    /// The scan of the current head.
    scan: HeadScan,
    /// The pieces of the current head.
    buffer: HeadBuffer<'b>,
    deadline: Option<Instant>,
    finished: bool,
    /// How many octets have been scanned or parsed.
    work: u64,
}

/// A head that is complete, and parsed.
pub(super) struct CompleteHead<'i, P> {
    parsed: P,
    last_piece: &'i [u8],
}

impl<'b> HeadReader<'b> {
    /// A reader whose first head is found by the scan that `scan` makes. The timeout begins at `now`.
    pub(super) fn new(
        limits: &HeadLimits,
        scan: fn(&HeadLimits) -> HeadScan,
        now: Duration,
        buffer: HeadBuffer<'b>,
    ) -> Self {
        let mut limits = *limits;
        limits.head = limits.head.min(buffer.capacity());
        Self {
            limits,
            scan: scan(&limits),
            buffer,
            deadline: limits.timeout.map(|timeout| Instant::new(now).after(timeout)),
            finished: false,
            work: 0,
        }
    }

    /// Parses the first input without a scan, if it ends like a head. `None` if it doesn't, or if `parse` finds anything unusual
    /// in it: then call [`read`](Self::read) with the same input.
    pub(super) fn read_at_once<P, E>(
        &mut self,
        input: &[u8],
        parse: impl FnOnce(&[u8], &HeadLimits) -> Option<Result<P, E>>,
    ) -> Option<Result<P, E>> {
        if self.work != 0 || !input.ends_with(b"\r\n\r\n") {
            return None;
        }
        self.work = 2 * input.len() as u64;
        parse(input, &self.limits)
    }

    /// Reads on, up to the end of the head, and parses the head once it is complete; `parse` gets it with the number of its
    /// fields. `None` if all of `input` was taken and more is needed; otherwise what follows the head is left in it.
    pub(super) fn read<'i, P, E: From<HeadError>>(
        &mut self,
        input: &mut Input<'i>,
        parse: impl FnOnce(&[u8], usize) -> Result<P, E>,
    ) -> Result<Option<CompleteHead<'i, P>>, E> {
        let found = self.scan.scan(input.peek())?;
        self.work += found.end() as u64;
        let piece = found.piece(input.take_shared(found.end()));
        if !found.is_complete() {
            self.buffer.append(piece, self.limits.head);
            return Ok(None);
        }
        let head = self.buffer.complete(piece, self.limits.head);
        self.work += head.len() as u64;
        let parsed = parse(head, self.scan.fields())?;
        Ok(Some(CompleteHead { parsed, last_piece: piece }))
    }

    /// Hands out the bytes of a head that has just been read.
    pub(super) fn take_bytes<'i, P>(&mut self, head: &CompleteHead<'i, P>) -> HeadBytes<'i>
    where
        'b: 'i,
    {
        self.buffer.take(head.last_piece)
    }

    /// Drops the head that has just been read, and begins the next one with a new scan.
    pub(super) fn begin_next(&mut self, scan: fn(&HeadLimits) -> HeadScan) {
        self.buffer.clear();
        self.scan = scan(&self.limits);
    }

    /// Ends reading: the head that was read is the last one.
    pub(super) const fn finish(&mut self) {
        self.finished = true;
    }

    /// Ends reading, and drops the pieces of an incomplete head.
    pub(super) fn abandon(&mut self) {
        self.finished = true;
        self.buffer.clear();
    }

    /// Whether reading has ended.
    pub(super) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the deadline has passed.
    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        self.deadline.is_some_and(|deadline| Instant::new(now) >= deadline)
    }

    /// The deadline, as long as there is something to wait for.
    pub(super) fn deadline(&self) -> Option<Duration> {
        if self.finished { None } else { self.deadline.map(Instant::since_origin) }
    }

    /// How many octets have been scanned or parsed so far.
    pub(super) const fn work(&self) -> u64 {
        self.work
    }
}

impl<P: Copy> CompleteHead<'_, P> {
    /// What the head says.
    pub(super) const fn parsed(&self) -> P {
        self.parsed
    }
}
