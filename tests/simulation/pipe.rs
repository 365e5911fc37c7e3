//! One direction of the wire: bytes in flight, which it cuts, delays, stalls and swallows, and the ways in which it can end.

use std::collections::VecDeque;
use std::time::Duration;

use crate::random::Random;

/// One direction of the wire.
#[derive(Debug)]
pub(crate) struct Pipe {
    flying: VecDeque<(Duration, Vec<u8>)>,
    len: usize,
    capacity: usize,
    delay: usize,
    /// Nothing arrives before this time.
    busy: Duration,
    carried: usize,
    /// After this number of bytes the stream ends, and nobody tells the writer.
    cut: Option<usize>,
    /// After this number of bytes the connection is reset: both directions are gone, with all that is in flight.
    reset: Option<usize>,
    /// After this number of bytes nothing arrives any more, not even the end, and nobody learns of it.
    mute: Option<usize>,
    /// When the reader learns that the stream has ended, if it has.
    ended: Option<Duration>,
    /// The reader has gone away.
    deaf: bool,
    /// The connection has been reset: whoever writes gets an error.
    broken: bool,
}

/// The connection is gone, in both directions.
#[derive(Debug)]
pub(crate) struct Reset;

impl Pipe {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self {
            flying: VecDeque::new(),
            len: 0,
            capacity: random.pick(&[100, 600, 5000, 1 << 20]),
            delay: random.pick(&[1, 10, 200]),
            busy: Duration::ZERO,
            carried: 0,
            cut: None,
            reset: None,
            mute: None,
            ended: None,
            deaf: false,
            broken: false,
        }
    }

    /// Lets the stream end after this number of bytes.
    pub(crate) fn cut_after(&mut self, bytes: usize) {
        self.cut = Some(bytes);
        if bytes == 0 {
            self.end(Duration::ZERO);
        }
    }

    /// Lets the connection be reset when this number of bytes has been written.
    pub(crate) fn reset_after(&mut self, bytes: usize) {
        self.reset = Some(bytes);
    }

    /// Lets the wire swallow all that is written after this number of bytes.
    pub(crate) fn mute_after(&mut self, bytes: usize) {
        self.mute = Some(bytes);
    }

    fn is_mute(&self) -> bool {
        self.mute == Some(self.carried)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.len
    }

    /// Whether a write would take anything, or tell that the connection is gone.
    pub(crate) fn is_writable(&self) -> bool {
        self.broken || self.len < self.capacity
    }

    /// Takes some of `bytes`: how many.
    pub(crate) fn write(
        &mut self,
        now: Duration,
        bytes: &[u8],
        random: &mut Random,
    ) -> Result<usize, Reset> {
        if self.broken {
            return Err(Reset);
        }
        let most = match random.below(3) {
            0 => 1 + random.below(9),
            1 => 1 + random.below(400),
            _ => usize::MAX,
        };
        let count = bytes.len().min(self.capacity - self.len).min(most);
        if self.deaf || self.ended.is_some() {
            return Ok(count);
        }
        if self.reset.is_some_and(|reset| reset <= self.carried + count) {
            return Err(Reset);
        }
        let ends = self.cut.or(self.mute);
        let alive = ends.map_or(count, |end| count.min(end - self.carried));
        let stall = if random.one_in(20) { random.millis(2000) } else { Duration::ZERO };
        self.busy = self.busy.max(now + random.millis(self.delay) + stall);
        if alive > 0 {
            self.flying.push_back((self.busy, bytes[..alive].to_vec()));
            self.len += alive;
            self.carried += alive;
        }
        if self.cut == Some(self.carried) {
            self.end(now);
        }
        if self.is_mute() {
            // What is swallowed keeps its place in the buffers.
            self.len += count - alive;
        }
        Ok(count)
    }

    /// The writer ends the stream: the reader learns of it after all that is in flight.
    pub(crate) fn end(&mut self, now: Duration) {
        if !self.is_mute() {
            self.ended.get_or_insert(self.busy.max(now));
        }
    }

    /// The reader goes away: what is in flight is lost, and so is what will be written.
    pub(crate) fn close(&mut self) {
        self.deaf = true;
        self.flying.clear();
        self.len = 0;
    }

    /// The connection is reset: what is in flight is lost, and both ends learn of it.
    pub(crate) fn destroy(&mut self, now: Duration) {
        self.close();
        self.broken = true;
        self.ended = Some(self.ended.map_or(now, |ended| ended.min(now)));
    }

    /// Some of what has arrived; nothing when the stream has ended.
    pub(crate) fn read(&mut self, now: Duration, most: usize, random: &mut Random) -> Vec<u8> {
        let mut most = most.min(random.pick(&[1, 7, 100, 5000]));
        let mut bytes = Vec::new();
        while let Some((_, first)) =
            self.flying.front_mut().filter(|(at, _)| *at <= now && most > 0)
        {
            let count = first.len().min(most);
            bytes.extend(first.drain(..count));
            most -= count;
            if first.is_empty() {
                self.flying.pop_front();
            }
        }
        self.len -= bytes.len();
        bytes
    }

    /// Whether bytes have arrived that a read would give.
    pub(crate) fn has_arrived(&self, now: Duration) -> bool {
        self.flying.front().is_some_and(|(at, _)| *at <= now)
    }

    /// When there is something to read next, be it the end.
    pub(crate) fn readable(&self) -> Option<Duration> {
        self.flying.front().map(|(at, _)| *at).or(self.ended)
    }
}
