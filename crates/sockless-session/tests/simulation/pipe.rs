//! One direction of a connection: octets in flight, which are delayed, and cut at any octet. Messages are framed by a kind and a
//! length, so that a cut can go through the middle of one.

use std::collections::VecDeque;
use std::time::Duration;

use sockless_session::reliable::{Incoming, Kind};

use crate::random::Random;

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Pipe {
    flying: VecDeque<(Duration, Vec<u8>)>,
    len: usize,
    /// Nothing arrives before this.
    busy: Duration,
    carried: usize,
    /// After this number of octets nothing is carried any more.
    cut: usize,
    delay: usize,
    /// What has arrived and isn't a whole message yet.
    partial: Vec<u8>,
    /// Whether the writer has closed it.
    ended: bool,
}

/// How many octets a pipe takes before its writer has to wait.
const CAPACITY: usize = 4000;

impl Pipe {
    pub(crate) fn new(random: &mut Random, cut: usize) -> Self {
        let delay = random.pick(&[1, 5, 40]);
        let (flying, partial) = Default::default();
        Self { flying, len: 0, busy: Duration::ZERO, carried: 0, cut, delay, partial, ended: false }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.len < CAPACITY
    }

    /// Whether the wire has been cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.carried >= self.cut
    }

    /// Mends the wire, as far as it isn't cut yet.
    pub(crate) fn calm(&mut self) {
        if !self.is_cut() {
            self.cut = usize::MAX;
        }
    }

    pub(crate) fn write(&mut self, now: Duration, kind: Kind, payload: &[u8], random: &mut Random) {
        let mut bytes = vec![u8::from(kind == Kind::Binary)];
        bytes.extend((payload.len() as u32).to_be_bytes());
        bytes.extend(payload);
        bytes.truncate(self.cut - self.carried.min(self.cut));
        self.carried += bytes.len();
        self.len += bytes.len();
        while !bytes.is_empty() {
            let count = if random.one_in(4) { 1 + random.below(bytes.len()) } else { bytes.len() };
            let rest = bytes.split_off(count);
            self.busy = self.busy.max(now + random.millis(self.delay));
            self.flying.push_back((self.busy, bytes));
            bytes = rest;
        }
    }

    /// The next whole message that has arrived.
    pub(crate) fn read(&mut self, now: Duration) -> Option<(Kind, Vec<u8>)> {
        while self.flying.front().is_some_and(|(at, _)| *at <= now)
            && let Some((_, bytes)) = self.flying.pop_front()
        {
            self.len -= bytes.len();
            self.partial.extend(bytes);
        }
        let (head, rest) = self.partial.split_first_chunk::<5>()?;
        let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if rest.len() < len {
            return None;
        }
        let kind = if head[0] == 0 { Kind::Text } else { Kind::Binary };
        let payload = rest[..len].to_vec();
        self.partial.drain(..5 + len);
        Some((kind, payload))
    }

    /// The writer closes it: the reader learns of it after all that is in flight, unless the wire has been cut.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether the reader has learnt that the writer has closed it.
    pub(crate) fn is_at_end(&self) -> bool {
        self.ended && self.flying.is_empty() && !self.is_cut()
    }

    pub(crate) fn arrival(&self) -> Option<Duration> {
        self.flying.front().map(|(at, _)| *at)
    }
}

/// The message as the session takes it.
pub(crate) fn incoming(kind: Kind, payload: &[u8]) -> Incoming<'_> {
    match kind {
        Kind::Text => Incoming::Text(std::str::from_utf8(payload).expect("text is UTF-8")),
        Kind::Binary => Incoming::Binary(payload),
    }
}
