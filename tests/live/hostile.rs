//! A hostile peer, written by hand: what it sends, whether it reads, and how it goes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::pipe::Pipe;
use crate::random::Random;
use crate::turns::{Party, Wire};
use crate::wire::{BINARY, CLOSE, FIN, PING, TEXT, Tested, close_body, peer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Never,
    /// A read every so often.
    Now(Duration),
}

pub(crate) struct Hostile {
    /// What it has to send, and when the next piece goes.
    script: VecDeque<Vec<u8>>,
    pause: Duration,
    sends_at: Duration,
    reading: Reading,
    reads_at: Duration,
    /// It ends the stream once everything is sent.
    ends: bool,
    ended: bool,
    seen_end: bool,
}

impl Hostile {
    /// A hostile peer of an end in the role `R`, which answers with frames of as many bytes as it gets in each message.
    pub(crate) fn new<R: Tested>(len: usize, random: &mut Random) -> Self {
        let message = peer::<R>(FIN | BINARY, &vec![7; len]);
        let count = 1 + random.below(if len > 10_000 { 4 } else { 40 });
        let mut bytes = Vec::new();
        for _ in 0..count {
            match random.below(12) {
                0 => bytes.extend(peer::<R>(FIN | PING, &vec![1; random.below(126)])),
                1 => {
                    bytes.extend(peer::<R>(TEXT, b"two "));
                    bytes.extend(peer::<R>(FIN | PING, b"between"));
                    bytes.extend(peer::<R>(FIN, b"fragments"));
                }
                2 => bytes.extend(peer::<R>(FIN | TEXT, "ü".repeat(random.below(200)).as_bytes())),
                _ => bytes.extend(&message),
            }
        }
        match random.below(6) {
            // A Close frame, and bytes after it.
            0 | 1 => {
                bytes.extend(peer::<R>(FIN | CLOSE, &close_body(1000, b"")));
                bytes.extend(vec![0x81; random.below(3)]);
            }
            // A violation.
            2 => bytes.extend(peer::<R>(FIN | 0x3, b"")),
            // The beginning of a frame.
            3 => bytes.extend(&message[..random.below(message.len())]),
            _ => {}
        }
        let piece = random.pick(&[1, 7, 100, 1 << 20]);
        let piece = if bytes.len() / piece > 300 { 100 } else { piece };
        let slow = Duration::from_millis(1 + random.below(1500) as u64);
        Self {
            script: bytes.chunks(piece).map(<[u8]>::to_vec).collect(),
            pause: random.pick(&[Duration::ZERO, Duration::from_millis(10), slow]),
            sends_at: Duration::ZERO,
            reading: random.pick(&[
                Reading::Never,
                Reading::Never,
                Reading::Now(Duration::ZERO),
                Reading::Now(slow),
            ]),
            reads_at: Duration::ZERO,
            ends: random.one_in(3),
            ended: false,
            seen_end: false,
        }
    }
}

impl Party for Hostile {
    fn turn(&mut self, wire: &mut Wire<'_>) -> bool {
        let mut acted = false;
        if self.sends_at <= wire.now && wire.outbound.is_writable() {
            if let Some(piece) = self.script.front_mut() {
                match wire.write(piece) {
                    Some(count) => drop(piece.drain(..count)),
                    None => piece.clear(),
                }
                if piece.is_empty() {
                    self.script.pop_front();
                    self.sends_at = wire.now + self.pause;
                }
                acted = true;
            } else if self.ends && !self.ended {
                wire.outbound.end(wire.now);
                self.ended = true;
                acted = true;
            }
        }
        if let Reading::Now(every) = self.reading
            && self.reads_at <= wire.now
            && !self.seen_end
            && wire.is_readable()
        {
            self.seen_end = wire.read().is_empty();
            self.reads_at = wire.now + every;
            acted = true;
        }
        acted
    }

    fn next(&self, inbound: &Pipe) -> Option<Duration> {
        let sends = (!self.script.is_empty() || self.ends && !self.ended).then_some(self.sends_at);
        let reads = inbound.readable().filter(|_| !self.seen_end && self.reading != Reading::Never);
        sends.into_iter().chain(reads.map(|at| at.max(self.reads_at))).min()
    }

    /// It never ends: whoever talks to it has to.
    fn is_over(&self) -> bool {
        true
    }

    fn standing(&self) -> String {
        format!("hostile, {} pieces, {:?}, {}", self.script.len(), self.reading, self.ended)
    }
}
