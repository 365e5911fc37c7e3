//! The half that reads.

use std::collections::VecDeque;
use std::fmt;
use std::io::ErrorKind;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sockless::connection::{Cause, Failure, Notice, ReceiverEnd, Reply, SenderEnd, Side, Traffic};
use sockless::handshake::Response;
use sockless::{Config, Input, Outcome, Receiver, Want};

use super::shared::Shared;
use crate::buffer::Buffer;
use crate::clock::{CallTime, earliest};
use crate::error::Error;
use crate::events::Seen;
use crate::message::{CloseFrame, Message};
use crate::socket::Opened;
use crate::stream::Stream;
use crate::timed::{self, LastWait, Moved, SHORTEST};

/// How long a read waits while the writing thread may have something to say.
const LOOK: Duration = Duration::from_millis(50);

/// The half that reads. While it receives, pings are answered and silence is noticed.
pub struct Reader<S: Stream, R: Side> {
    shared: Arc<Shared<S, R>>,
    receiver: Receiver<R>,
    config: Arc<Config>,
    buffer: Buffer,
    /// The time when the stream was looked at last.
    now: Duration,
    time: CallTime,
    /// Messages that were put aside before the halves were apart.
    stash: VecDeque<Message>,
    seen: Seen,
    /// Whether the stream has ended, and the receiving half does not know yet.
    eof: bool,
    /// Whether the end has been told.
    over: bool,
    /// What was last heard of the writing thread.
    other: Other,
    /// Until when the stream may take to end, once the writing thread has.
    ends_by: Option<Duration>,
    reads: LastWait,
    opened: Opened,
}

/// What is known of the sending half.
#[derive(Clone, Copy, Debug)]
struct Other {
    end: SenderEnd,
    broken: Option<ErrorKind>,
    /// Whether the writing thread has ended.
    is_gone: bool,
}

/// What a reader begins with.
pub(super) struct Beginning<R: Side> {
    pub(super) receiver: Receiver<R>,
    pub(super) config: Arc<Config>,
    pub(super) buffer: Buffer,
    pub(super) now: Duration,
    pub(super) time: CallTime,
    pub(super) stash: VecDeque<Message>,
    pub(super) seen: Seen,
    pub(super) eof: bool,
    pub(super) opened: Opened,
}

impl<S: Stream, R: Side> Reader<S, R> {
    pub(super) fn new(shared: Arc<Shared<S, R>>, beginning: Beginning<R>) -> Self {
        let Beginning { receiver, config, buffer, now, time, stash, seen, eof, opened } = beginning;
        let end = shared.lock().sender.end();
        Self {
            shared,
            receiver,
            config,
            buffer,
            now,
            time,
            stash,
            seen,
            eof,
            over: false,
            other: Other { end, broken: None, is_gone: false },
            ends_by: None,
            reads: LastWait::default(),
            opened,
        }
    }

    /// Limits the time of every call from now on; `None` is no limit.
    pub fn set_timeout(&mut self, timeout: impl Into<Option<Duration>>) {
        self.time.timeout = timeout.into();
    }

    /// Limits the time of all calls together; `None` is no limit.
    pub fn set_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.time.deadline = deadline.into();
    }

    /// The next message. `None` once the connection is closed, an error before it if it has failed.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::recv`](crate::WebSocket::recv).
    pub fn recv(&mut self) -> Option<Result<Message, Error>> {
        self.recv_by(self.time.ends(self.shared.clock))
    }

    /// The same, if it comes within this time. Zero is for what has arrived already.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Option<Result<Message, Error>> {
        self.recv_by(self.time.ends_within(timeout, self.shared.clock))
    }

    fn recv_by(&mut self, ends: Option<Duration>) -> Option<Result<Message, Error>> {
        if let Some(message) = self.stash.pop_front() {
            return Some(Ok(message));
        }
        if self.over {
            return None;
        }
        // A call whose time is over before it begins looks once.
        let mut has_looked = false;
        loop {
            self.hear();
            // 1. Poll until there is nothing left in the input, or a message to be given out.
            let message = self.next_message();
            // 2. Hand on the replies: a ping before a message is answered before what is sent because of it.
            self.reply();
            if let Some(message) = message {
                return Some(Ok(message));
            }
            // 3. Do what the receiving half wants.
            if self.other.is_gone && self.has_ended() {
                return self.end();
            }
            let Want::Io { read, deadline, .. } = self.receiver.want() else { return self.end() };
            let deadline = match self.wakes(deadline) {
                Some(at) if at <= self.now && !self.other.is_gone => continue,
                deadline => deadline,
            };
            let now = self.shared.clock.now();
            if mem::replace(&mut has_looked, true) && ends.is_some_and(|at| now >= at) {
                return Some(Err(Error::TimedOut));
            }
            let wait = earliest(deadline, ends).map(|at| at.saturating_sub(now));
            if self.waits_for_writer() {
                self.wait_for_writer(ends);
            } else if read && !self.eof {
                self.read(wait);
            } else {
                thread::sleep(wait.map_or(LOOK, |wait| wait.min(LOOK)).max(SHORTEST));
            }
            self.now = self.shared.clock.now();
            if self.other.is_gone && self.ends_by.is_some_and(|by| self.now >= by) {
                return self.end();
            }
        }
    }

    /// When to look again, at the latest.
    fn wakes(&mut self, deadline: Option<Duration>) -> Option<Duration> {
        let look = Some(self.shared.clock.now() + LOOK);
        if self.other.is_gone {
            let by = self.now + self.config.close;
            return earliest(look, Some(*self.ends_by.get_or_insert(by)));
        }
        match self.receiver.end().is_ended() {
            // The writing thread has deadlines of its own.
            true => look,
            // Once it has written the ping, the time for the answer runs.
            false if self.seen.asked => earliest(look, deadline),
            false => deadline,
        }
    }

    /// Whether nothing is waited for but that the writing thread answers the peer's Close frame.
    fn waits_for_writer(&self) -> bool {
        let end = self.receiver.end();
        end.is_ended() && end.failure().is_none() && !self.other.is_gone
    }

    fn wait_for_writer(&self, ends: Option<Duration>) {
        let mut state = self.shared.lock();
        while !state.ended && ends.is_none_or(|at| self.shared.clock.now() < at) {
            state = self.shared.wait_for_progress(state, ends);
        }
    }

    /// Reads, and waits for at most this long.
    fn read(&mut self, wait: Option<Duration>) {
        // Where the stream has failed for the writing thread, what the peer has sent before is here already.
        let is_broken = self.other.broken.is_some();
        let wait = if is_broken { Some(SHORTEST) } else { wait };
        let room = self.buffer.room();
        match timed::read_some(&self.shared.stream, room, wait, &mut self.reads) {
            Moved::Some(0) => self.eof = true,
            Moved::Some(count) => {
                self.buffer.filled(count);
                // That was a sign of life.
                self.seen.asked = false;
            }
            Moved::Nothing if is_broken => self.receiver.lost(),
            Moved::Nothing => {}
            // A stream that is reset has ended, too.
            Moved::Failed(_) => self.eof = true,
        }
    }

    /// Whether there is nothing left to wait for once the writing thread has ended: a client waits for the server to close, and after a
    /// failure the peer may still be sending.
    fn has_ended(&self) -> bool {
        let end = self.receiver.end();
        if !end.is_ended() && self.outcome().cause != Cause::TimedOut {
            return false;
        }
        let waits = end.failure().map_or(R::MASKS, |failure| failure != Failure::Stalled);
        !waits || self.outcome().cause == Cause::TimedOut || self.receiver.is_over()
    }

    /// Tells the end.
    fn end(&mut self) -> Option<Result<Message, Error>> {
        self.over = true;
        self.shared.stream.close();
        let end = self.receiver.end();
        match (self.other.broken, end.failure()) {
            // The peer said goodbye, and did not wait for the answer.
            _ if self.seen.closing => None,
            (Some(kind), _) => Some(Err(Error::Io(kind.into()))),
            (None, Some(failure)) => Some(Err(failure.into())),
            (None, None) => None,
        }
    }

    /// Hears what the writing thread has to say.
    fn hear(&mut self) {
        let mut state = self.shared.lock();
        self.other = Other { end: state.sender.end(), broken: state.broken, is_gone: state.ended };
        for notice in mem::take(&mut state.notices) {
            self.seen.asked &= notice != Notice::PingWritten;
            let now = self.shared.clock.now();
            self.receiver.note(notice, now);
        }
    }

    /// Hands on what the sending half has to do.
    fn reply(&mut self) {
        let Some(mut reply) = self.receiver.reply() else { return };
        let mut state = self.shared.lock();
        loop {
            let now = self.shared.clock.now();
            state.sender.apply(reply, now);
            match reply {
                Reply::Fail(failure) => {
                    state.failure.get_or_insert(failure);
                    state.peer_done = true;
                }
                Reply::Close { .. } => state.peer_done = true,
                _ => {}
            }
            match self.receiver.reply() {
                Some(next) => reply = next,
                None => break,
            }
        }
        drop(state);
        self.shared.wake_writer();
    }

    /// The next message out of what has been read.
    fn next_message(&mut self) -> Option<Message> {
        let Self { buffer, receiver, eof, seen, now, .. } = self;
        let mut input =
            if buffer.is_empty() && mem::take(eof) { Input::eof() } else { buffer.input() };
        let mut message = None;
        while message.is_none()
            && let Some(event) = receiver.poll(&mut input, *now)
        {
            message = seen.see(event);
        }
        let rest = input.len();
        buffer.keep_last(rest);
        message
    }

    /// The subprotocol in use, if one was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.opened.subprotocol.as_deref()
    }

    /// The server's answer that opened the connection, with its fields: for a client.
    pub fn response(&self) -> Option<&Response<'static>> {
        self.opened.response.as_ref()
    }

    /// How the connection ended, or what has become of it so far.
    pub fn outcome(&self) -> Outcome {
        Outcome::join(self.receiver.end(), self.other.end)
    }

    /// What has become of this half so far.
    pub fn end_of_receiver(&self) -> ReceiverEnd {
        self.receiver.end()
    }

    /// What has been received.
    pub fn traffic(&self) -> Traffic {
        self.receiver.traffic()
    }

    /// The round-trip time of the last ping that was answered.
    pub fn round_trip(&self) -> Option<Duration> {
        self.receiver.round_trip()
    }

    /// The code and the reason of the peer's Close frame: `None` if none has arrived, or one without a code.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.seen.close_frame.as_ref()
    }

    /// The stream below: for its addresses and options. Whoever reads or writes it breaks the connection.
    pub fn get_ref(&self) -> &S {
        &self.shared.stream
    }
}

impl<S: Stream, R: Side> Drop for Reader<S, R> {
    fn drop(&mut self) {
        self.shared.lock().has_reader = false;
        // Perhaps nobody is left.
        self.shared.wake_writer();
    }
}

impl<S: Stream, R: Side> fmt::Debug for Reader<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("end", &self.receiver.end()).finish_non_exhaustive()
    }
}
