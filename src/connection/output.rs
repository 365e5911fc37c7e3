//! The bytes that wait to be written: one queue, in the order of the calls.
//!
//! Small frames follow one another in one batch, a single slice. A large payload that is shared is not copied into it: it
//! has a place in the batch where it belongs.
//!
//! `watch` reports whether output has moved since the last look; the write timeout, in `deadlines`, is based on it. How much may wait is
//! for the sending half to decide: `Sender::check_room` and `Sender::is_congested`.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::{Buf as _, Bytes};

/// From how many bytes on a shared payload is queued without a copy.
pub(crate) const SHARE: usize = 4 << 10;

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// What waits, but for shared payloads, after the `written` bytes at its front.
    batch: Vec<u8>,
    /// How much of the batch has been written; 32 bits, because an idle connection has none to spare.
    written: u32,
    /// Payloads queued without a copy; `None` as soon as none waits.
    shared: Option<Box<Shared>>,
    /// Whether the batch's memory is the caller's.
    lent: bool,
    /// Whether what waits has been looked at by [`watch`](Self::watch).
    watched: bool,
    /// Whether something has been written since the last call of [`watch`](Self::watch).
    moved: bool,
    /// Whether the connection has been congested since the last call of [`take_congestion`](Self::take_congestion).
    was_congested: bool,
}

/// How the queue has fared since it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing waits.
    Empty,
    /// Something waits that has not been looked at before.
    New,
    /// Some of what waited has been written.
    Moving,
    /// Something waits, and nothing has been written.
    Stuck,
}

impl Progress {
    /// Whether no time runs yet: nothing waits, or what waits is new and comes `after_input`, whose answer it is.
    pub(crate) const fn starts_no_timer(self, after_input: bool) -> bool {
        match self {
            Self::Empty => true,
            Self::New => after_input,
            Self::Moving | Self::Stuck => false,
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    /// Payloads, each with the place in the batch before which it goes out. The places ascend.
    parts: VecDeque<(usize, Bytes)>,
    /// How many bytes of them have not been written.
    bytes_left: usize,
}

impl Output {
    /// A queue in which these bytes wait.
    #[cfg(feature = "handshake")]
    pub(crate) fn new(batch: Vec<u8>) -> Self {
        Self { batch, ..Self::default() }
    }

    /// How many bytes wait.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.batch.len() - self.written()
            + self.shared.as_ref().map_or(0, |shared| shared.bytes_left)
    }

    /// Whether no bytes wait.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.len() == self.written() && self.shared.is_none()
    }

    /// How much of the batch has been written.
    #[inline]
    fn written(&self) -> usize {
        self.written as usize
    }

    /// Advances past `count` more bytes of the batch, which have been written.
    #[inline]
    fn skip(&mut self, count: usize) {
        let written = self.written() + count;
        match u32::try_from(written) {
            Ok(written) => self.written = written,
            Err(_) => self.cut(written),
        }
    }

    /// Moves what begins at `start` to the front of the batch.
    #[cold]
    fn cut(&mut self, start: usize) {
        self.batch.drain(..start);
        for (place, _) in self.shared.iter_mut().flat_map(|shared| &mut shared.parts) {
            *place -= start;
        }
        self.written = 0;
    }

    /// The batch, with room for `count` more bytes, to append to.
    #[inline]
    pub(crate) fn batch(&mut self, count: usize) -> &mut Vec<u8> {
        if self.batch.capacity() - self.batch.len() < count {
            self.make_room(count);
        }
        &mut self.batch
    }

    /// How many bytes wait, as long as nothing is queued beside the batch.
    #[inline(always)]
    pub(crate) fn plain_len(&self) -> usize {
        debug_assert!(self.is_plain());
        self.batch.len() - self.written()
    }

    /// Whether nothing is queued beside the batch.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.shared.is_none()
    }

    /// The batch, beside which nothing is queued, if it has room for `count` more bytes and less than `limit` is in it, written
    /// or not: the fast way of nearly all frames.
    #[inline(always)]
    pub(crate) fn plain_batch(&mut self, limit: usize, count: usize) -> Option<&mut Vec<u8>> {
        debug_assert!(self.is_plain());
        let room = self.batch.capacity() - self.batch.len();
        (self.batch.len() < limit && room >= count).then_some(&mut self.batch)
    }

    /// Whether fewer than `limit` bytes wait, as far as one look at the batch tells: it says no though they do when a payload is queued beside the
    /// batch, or when bytes in it that have been written make up the rest.
    #[inline(always)]
    pub(crate) fn is_surely_below(&self, limit: usize) -> bool {
        self.is_plain() & (self.batch.len() < limit)
    }

    /// Moves what has not been written to the front if that gives enough back, so that a batch that is never quite empty does not
    /// grow for ever; the bytes moved are no more than those written since the last time.
    #[cold]
    fn make_room(&mut self, count: usize) {
        if self.written() >= self.batch.len() - self.written() {
            self.cut(self.written());
        }
        self.batch.reserve(count);
    }

    /// Queues a payload without copying it.
    pub(crate) fn queue_shared(&mut self, payload: Bytes) {
        if payload.is_empty() {
            return;
        }
        let shared = self.shared.get_or_insert_default();
        shared.bytes_left += payload.len();
        shared.parts.push_back((self.batch.len(), payload));
    }

    /// The first slice to be written; empty only if nothing waits.
    #[inline]
    pub(crate) fn first(&self) -> &[u8] {
        match &self.shared {
            None => &self.batch[self.written()..],
            Some(_) => self.first_of_many(),
        }
    }

    /// [`first`](Self::first), where a shared payload waits.
    #[cold]
    fn first_of_many(&self) -> &[u8] {
        self.slices().next().unwrap_or_default()
    }

    /// All slices to be written, in order.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let parts = self.shared.iter().flat_map(|shared| &shared.parts);
        let mut from = self.written();
        let end = (self.batch.len(), &[][..]);
        parts
            .map(|(place, payload)| (*place, &payload[..]))
            .chain([end])
            .flat_map(move |(place, payload)| {
                let batched = &self.batch[from..place];
                from = place;
                [batched, payload]
            })
            .filter(|slice| !slice.is_empty())
    }

    /// Advances past the first `count` bytes, which have been written.
    #[inline]
    pub(crate) fn wrote(&mut self, count: usize) {
        self.moved |= count > 0;
        if self.shared.is_none() {
            self.skip(count.min(self.batch.len() - self.written()));
        } else {
            self.wrote_shared(count);
        }
        if self.is_empty() {
            self.clear();
        }
    }

    /// Whether something has been written since the last call of [`watch`](Self::watch).
    pub(crate) fn has_moved(&self) -> bool {
        self.moved
    }

    /// Whether something waits, and nothing has been written since the last call of [`watch`](Self::watch).
    pub(crate) fn is_stuck(&self) -> bool {
        !self.moved && !self.is_empty()
    }

    /// Remembers that the connection has been congested.
    pub(crate) fn remember_congestion(&mut self) {
        self.was_congested = true;
    }

    /// Whether the connection has been congested since the last call.
    pub(crate) fn take_congestion(&mut self) -> bool {
        core::mem::take(&mut self.was_congested)
    }

    /// How the queue has fared since the last call.
    pub(crate) fn watch(&mut self) -> Progress {
        let moved = core::mem::take(&mut self.moved);
        if self.is_empty() {
            return Progress::Empty;
        }
        match (core::mem::replace(&mut self.watched, true), moved) {
            (false, _) => Progress::New,
            (true, true) => Progress::Moving,
            (true, false) => Progress::Stuck,
        }
    }

    /// Advances past `count` bytes in the batch and in shared payloads, which take turns.
    #[cold]
    fn wrote_shared(&mut self, mut count: usize) {
        while let Some(place) = self.next_place() {
            let batched = count.min(place - self.written());
            self.skip(batched);
            count -= batched;
            if count == 0 || !self.advance_shared(&mut count) {
                return;
            }
        }
        self.skip(count.min(self.batch.len() - self.written()));
    }

    /// The place in the batch before which the first shared payload goes out.
    fn next_place(&self) -> Option<usize> {
        Some(self.shared.as_ref()?.parts.front()?.0)
    }

    /// Advances in the first shared payload, by `count` or to its end, and takes that off `count`. Returns whether the end has been reached.
    fn advance_shared(&mut self, count: &mut usize) -> bool {
        let Some(shared) = &mut self.shared else {
            return true;
        };
        let Some((_, payload)) = shared.parts.front_mut() else {
            return true;
        };
        let written = payload.len().min(*count);
        payload.advance(written);
        shared.bytes_left -= written;
        *count -= written;
        if !payload.is_empty() {
            return false;
        }
        shared.parts.pop_front();
        if shared.parts.is_empty() {
            self.shared = None;
        }
        true
    }

    /// Empties the batch, of which nothing waits. Memory of our own is freed, lent memory is kept.
    #[inline]
    fn clear(&mut self) {
        self.written = 0;
        self.watched = false;
        if self.lent {
            self.batch.clear();
        } else {
            self.batch = Vec::new();
        }
    }

    /// Throws away what waits.
    pub(crate) fn discard(&mut self) {
        self.shared = None;
        self.batch.clear();
        self.clear();
    }

    /// Takes lent memory for the batch; returns it if bytes wait, or if memory is lent already.
    #[inline]
    pub(crate) fn lend(&mut self, mut buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        if !self.is_empty() || self.lent {
            return Err(buffer);
        }
        buffer.clear();
        self.batch = buffer;
        self.lent = true;
        Ok(())
    }

    /// Gives the lent memory back, unless something waits in it.
    #[inline]
    pub(crate) fn reclaim(&mut self) -> Option<Vec<u8>> {
        if !self.lent || !self.is_empty() {
            return None;
        }
        self.lent = false;
        Some(core::mem::take(&mut self.batch))
    }
}
