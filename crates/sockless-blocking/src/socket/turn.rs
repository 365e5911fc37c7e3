//! A turn of the socket: poll, write, and do what the connection wants; again and again, until something is reached.
//!
//! A blocking stream can wait for one thing at a time, so while there is something to be written, reads and writes wait for a short while each:
//! neither keeps the other waiting. The time is looked at after reading, never before: what has arrived while no call was running counts.

use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sockless::connection::{Cause, Holding, Side};
use sockless::{Config, Delivery, Event, Input, Outcome, Want};

use super::{State, WebSocket};
use crate::clock::earliest;
use crate::error::Error;
use crate::events::Seen;
use crate::message::Message;
use crate::stream::Stream;
use crate::timed::{self, Moved, SHORTEST};

/// How long a read or a write waits while both are to be done: from this on, and longer as long as nothing is written.
pub(super) const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_millis(40);
/// How long writes go on while all of them are taken, before something is read.
const STREAK: Duration = Duration::from_millis(50);
/// How much is written over the calls of somebody who only sends, before one of them looks at what the peer says: a refusal, say.
const UNHEARD: u64 = 1 << 20;
/// How much a message is taken to need beside its payload, so that empty ones don't pile up either.
const BESIDE: usize = 64;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// A message.
    Message,
    /// A part of a message, which is left in its place.
    Part,
    /// Room for a message that is to be queued.
    Room,
    /// That the output has been written up to here, counted in bytes from the connection's beginning.
    Written(u64),
}

/// How far writing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// There is nothing left.
    Done,
    /// It goes on, and it is time to look at the other direction.
    Moves,
    /// The stream takes nothing now.
    Stuck,
}

impl<S: Stream, R: Side> WebSocket<S, R> {
    /// Takes turns until the goal is reached: with a message, if that is the goal. `None` otherwise, and also if the connection has ended.
    pub(super) fn turns(
        &mut self,
        goal: Goal,
        ends: Option<Duration>,
    ) -> Result<Option<Message>, Error> {
        // A call whose time is over before it begins looks once.
        let mut has_looked = false;
        // When the stream took nothing, and whether something has been read since.
        let mut stuck_at = None;
        let mut has_read = false;
        loop {
            // 1. Poll until there is nothing left in the input, or a message to be given out, or a part of one.
            match goal {
                Goal::Message => {
                    if let Some(message) = self.next_message() {
                        return Ok(Some(message));
                    }
                }
                Goal::Part if self.find_part() => return Ok(None),
                Goal::Part => {}
                Goal::Room | Goal::Written(_) => self.put_aside(),
            }
            // 2. Write what waits, as far as the stream takes it. What can be read is read first, for a while: the peer may be waiting for that.
            let writing = match stuck_at {
                Some(at) if has_read && self.clock.now() < at + STREAK => Writing::Stuck,
                _ => {
                    let writing = self.write(ends);
                    stuck_at = (writing == Writing::Stuck).then(|| self.clock.now());
                    writing
                }
            };
            let is_reached = self.has_reached(goal);
            if is_reached && !self.is_deaf() {
                return Ok(None);
            }
            if let (Some(kind), Goal::Room | Goal::Written(_)) = (self.broken, goal) {
                // What the peer has sent before is for those who receive.
                return Err(Error::Io(kind.into()));
            }
            // 3. Do what the connection wants.
            let (reads, deadline) = match self.connection.want() {
                Want::Done(outcome) => return self.end(outcome).map(|()| None),
                Want::ShutdownWrite => {
                    // The peer may have closed it already.
                    let _ = self.stream.shutdown_write();
                    self.connection.shut();
                    continue;
                }
                Want::Io { read, deadline, .. } => (read && self.may_read(), deadline),
            };
            if self.broken.is_some() && !reads {
                // Nothing moves any more, in either direction.
                self.connection.lost();
                continue;
            }
            if deadline.is_some_and(|at| at <= self.now) {
                continue;
            }
            let left = earliest(deadline, ends).map(|at| at.saturating_sub(self.clock.now()));
            let is_late = ends.is_some_and(|at| self.clock.now() >= at);
            if mem::replace(&mut has_looked, true) && is_late && !is_reached {
                return Err(Error::TimedOut);
            }
            let wait = match writing {
                _ if is_reached => Some(SHORTEST),
                Writing::Done => left,
                Writing::Moves => Some(SHORTEST),
                Writing::Stuck if has_read => Some(SHORTEST),
                Writing::Stuck => earliest(left, Some(self.turn)),
            };
            self.looked = (self.clock.now(), self.written());
            has_read = reads && self.read(wait);
            if has_read {
                self.turn = SHORT;
            } else if !reads && writing == Writing::Done && !is_reached {
                thread::sleep(wait.unwrap_or(LONG).max(SHORTEST));
            }
            // Otherwise the next write waits, if nothing is to be read.
            self.now = self.clock.now();
        }
    }

    /// Whether the goal is reached.
    fn has_reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Message | Goal::Part => false,
            Goal::Room => !self.connection.is_congested(),
            Goal::Written(end) => self.written() >= end,
        }
    }

    /// Whether much has been sent, for some time, by calls that all were taken at once, so that nothing was read.
    fn is_deaf(&self) -> bool {
        let (time, written) = self.looked;
        self.written() >= written + UNHEARD && self.clock.now() >= time + STREAK
    }

    /// How much has been written since the connection's beginning.
    pub(super) fn written(&self) -> u64 {
        self.connection.counters().sent.wire_bytes
    }

    /// Puts messages aside that have arrived, as far as there is room for them.
    fn put_aside(&mut self) {
        while self.stashed < self.config.soft_limit.max(1) {
            let Some(message) = self.next_message() else { return };
            self.stash(message);
        }
        if !self.connection.output().is_empty() {
            // Control frames, time and the end are dealt with all the same.
            self.set_patient(true);
            let mut input = Input::none();
            while let Some(event) = self.connection.poll(&mut input, self.now) {
                if let Some(message) = self.seen.see(event) {
                    self.stashed += message.as_bytes().len() + BESIDE;
                    self.stash.push_back(message);
                }
            }
        }
    }

    fn stash(&mut self, message: Message) {
        self.stashed += message.as_bytes().len() + BESIDE;
        self.stash.push_back(message);
    }

    /// The first of the messages that were put aside.
    pub(super) fn take_stashed(&mut self) -> Option<Message> {
        let message = self.stash.pop_front()?;
        self.stashed -= message.as_bytes().len() + BESIDE;
        Some(message)
    }

    /// The next message out of what has been read.
    pub(super) fn next_message(&mut self) -> Option<Message> {
        self.poll_for(Seen::see)
    }

    /// Polls what has been read until this makes something of an event.
    pub(super) fn poll_for<T>(
        &mut self,
        mut make: impl FnMut(&mut Seen, Event<'_>) -> Option<T>,
    ) -> Option<T> {
        let Self { buffer, connection, state, seen, now, .. } = self;
        let mut input = if buffer.is_empty() && mem::take(&mut state.eof) {
            Input::eof()
        } else {
            buffer.input()
        };
        let mut made = None;
        while made.is_none()
            && let Some(event) = connection.poll(&mut input, *now)
        {
            made = make(seen, event);
        }
        let rest = input.len();
        buffer.keep_last(rest);
        made
    }

    /// Holds messages while anything waits to be written, or goes back to what the configuration says.
    pub(crate) fn set_patient(&mut self, patient: bool) {
        if mem::replace(&mut self.state.patient, patient) != patient {
            self.configure();
        }
    }

    /// Lets messages that begin from now on come in parts, or whole.
    pub(super) fn set_parts(&mut self, parts: bool) {
        if mem::replace(&mut self.state.parts, parts) != parts {
            self.configure();
        }
    }

    /// Configures the connection for what is done with it now.
    fn configure(&mut self) {
        let State { patient, parts, .. } = self.state;
        if !patient && !parts {
            return self.connection.set_config(Arc::clone(&self.config));
        }
        let mut config = Config::clone(&self.config);
        if patient {
            let hard = config.hard_limit;
            config = config.with_holding(Holding::Answering).with_output_limits(0, hard);
        }
        if parts {
            config = config.with_delivery(Delivery::Parts);
        }
        self.connection.set_config(config);
    }

    /// Writes what waits, as far as the stream takes it.
    fn write(&mut self, ends: Option<Duration>) -> Writing {
        let began = self.clock.now();
        let mut has_moved = false;
        while !self.connection.output().is_empty() && self.broken.is_none() {
            let left = ends.map(|at| at.saturating_sub(self.clock.now()));
            let wait = left.map_or(self.turn, |left| left.min(self.turn));
            let output = self.connection.output();
            match timed::write_some(&self.stream, output, wait, &mut self.writes) {
                Moved::Some(count) => {
                    self.connection.wrote(count);
                    (has_moved, self.turn) = (true, SHORT);
                    if self.clock.now() >= began + STREAK {
                        return Writing::Moves;
                    }
                }
                Moved::Nothing if has_moved => return Writing::Moves,
                Moved::Nothing => {
                    self.turn = (self.turn * 2).min(LONG);
                    return Writing::Stuck;
                }
                Moved::Failed(kind) => self.broken = Some(kind),
            }
        }
        Writing::Done
    }

    /// Whether what is read could be taken.
    fn may_read(&self) -> bool {
        self.buffer.is_empty() && !self.state.eof
    }

    /// Reads, and waits for at most this long: whether something has come.
    fn read(&mut self, wait: Option<Duration>) -> bool {
        // Where nothing can be written any more, what the peer has sent before is here already.
        let wait = if self.broken.is_some() { Some(SHORTEST) } else { wait };
        let room = self.buffer.room();
        match timed::read_some(&self.stream, room, wait, &mut self.reads) {
            Moved::Some(0) => self.state.eof = true,
            Moved::Some(count) => {
                self.buffer.filled(count);
                return true;
            }
            Moved::Nothing if self.broken.is_some() => self.connection.lost(),
            Moved::Nothing => {}
            // What a reset stream has ended is the connection's to say.
            Moved::Failed(_) => self.state.eof = true,
        }
        false
    }

    /// The connection has ended: closes the stream, and says how it was.
    fn end(&mut self, outcome: Outcome) -> Result<(), Error> {
        self.state.over = true;
        if outcome.clean() {
            // The peer may have closed it already.
            let _ = self.stream.shutdown_write();
        } else {
            self.stream.close();
        }
        match (self.broken, outcome.cause) {
            // The peer said goodbye, and did not wait for the answer.
            _ if self.seen.closing => Ok(()),
            (Some(kind), _) => Err(Error::Io(kind.into())),
            (None, Cause::Failed(failure)) => Err(failure.into()),
            (None, _) => Ok(()),
        }
    }
}
