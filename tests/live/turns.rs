//! What a driver's turn came to, and whether one turn after the other comes to nothing.

use std::time::Duration;

use crate::pipe::Pipe;
use crate::random::Random;

/// One end of the wire, or one task of an end.
pub(crate) trait Party {
    /// Takes a turn, if there is a reason to; whether there was.
    fn turn(&mut self, wire: &mut Wire<'_>) -> bool;

    /// When there will be a reason, as far as that can be foretold.
    fn next(&self, inbound: &Pipe) -> Option<Duration>;

    fn is_over(&self) -> bool;

    /// Its state, for a failure's message.
    fn standing(&self) -> String;
}

/// What a party has of the wire, and the time.
pub(crate) struct Wire<'w> {
    pub(crate) now: Duration,
    pub(crate) inbound: &'w mut Pipe,
    pub(crate) outbound: &'w mut Pipe,
    pub(crate) random: &'w mut Random,
    /// How many bytes have moved in this run.
    pub(crate) moved: &'w mut u64,
}

impl Wire<'_> {
    /// Whether there is something to read, be it the end of the stream.
    pub(crate) fn is_readable(&self) -> bool {
        self.inbound.readable().is_some_and(|at| at <= self.now)
    }

    /// What has arrived; nothing at the end of the stream.
    pub(crate) fn read(&mut self) -> Vec<u8> {
        self.read_at_most(usize::MAX)
    }

    /// The same, as far as there is room.
    pub(crate) fn read_at_most(&mut self, room: usize) -> Vec<u8> {
        let bytes = self.inbound.read(self.now, room, self.random);
        *self.moved += bytes.len() as u64;
        bytes
    }

    /// How many of the bytes the wire takes; `None` if it is gone.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Option<usize> {
        let count = self.outbound.write(self.now, bytes, self.random).ok()?;
        *self.moved += count as u64;
        Some(count)
    }
}

/// What a turn came to.
pub(crate) struct Turn {
    pub(crate) moved: usize,
    pub(crate) events: usize,
    /// The deadline before it and after it.
    pub(crate) deadlines: [Option<Duration>; 2],
}

impl Turn {
    fn came_to_nothing(&self, now: Duration) -> bool {
        let advanced = match self.deadlines {
            [Some(before), Some(after)] => after > before,
            [Some(before), None] => before <= now,
            _ => false,
        };
        self.moved == 0 && self.events == 0 && !advanced
    }
}

/// Counts turns that come to nothing.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    at: Duration,
    idle: u32,
}

impl Turns {
    /// A turn has been taken.
    pub(crate) fn taken(&mut self, now: Duration, turn: &Turn, standing: impl FnOnce() -> String) {
        let goes_on = self.idle > 0 && self.at == now;
        self.idle = match turn.came_to_nothing(now) {
            true => {
                if goes_on {
                    self.idle + 1
                } else {
                    1
                }
            }
            false => 0,
        };
        self.at = now;
        assert!(self.idle < 2, "two turns at {now:?} came to nothing: {}", standing());
    }
}
