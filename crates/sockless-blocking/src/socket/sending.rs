//! Sending: into the connection's queue, and from there to the stream; closing, too.

use std::time::Duration;

use sockless::connection::{Cause, SendError, Side};
use sockless::{CloseCode, Outcome};

use super::WebSocket;
use super::turn::Goal;
use crate::error::Error;
use crate::message::Message;
use crate::stream::Stream;

impl<S: Stream, R: Side> WebSocket<S, R> {
    /// Sends a message: waits until there is room for it, queues it, and waits until it has been written to the stream.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if there was no room in time: the message will not be sent; keep a clone, which costs nothing, to send it again.
    /// [`Error::Unwritten`] if it was queued, and not written in time: it will be sent by the calls that follow, so don't send it again. Others if the
    /// connection has ended: whether it was sent before that is not known.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_by(message.into(), self.time.ends(self.clock))
    }

    /// The same, within this time.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn send_timeout(
        &mut self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.send_by(message.into(), self.time.ends_within(timeout, self.clock))
    }

    fn send_by(&mut self, message: Message, ends: Option<Duration>) -> Result<(), Error> {
        self.feed_by(message, ends)?;
        match self.flush_by(ends) {
            Err(Error::TimedOut) => Err(Error::Unwritten),
            flushed => flushed,
        }
    }

    /// Queues a message, once there is room for it. It is written by the next [`send`](Self::send) or [`flush`](Self::flush), and by
    /// [`recv`](Self::recv) before it sleeps: one write for many messages.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if there was no room in time, others if the connection has ended. The message is not queued.
    pub fn feed(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed_by(message.into(), self.time.ends(self.clock))
    }

    fn feed_by(&mut self, message: Message, ends: Option<Duration>) -> Result<(), Error> {
        self.wait_for(Goal::Room, ends)?;
        let sent = match message {
            Message::Text(text) if text.len() < SHARE => self.connection.send_text(&text),
            Message::Binary(data) if data.len() < SHARE => self.connection.send_binary(&data),
            message => self.connection.send(message).map_err(|refused| refused.reason),
        };
        sent.map_err(|reason| self.refuse(reason))
    }

    /// Waits until all that is queued has been written to the stream.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the time of the call is over, others if the connection has ended before.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.flush_by(self.time.ends(self.clock))
    }

    pub(crate) fn flush_by(&mut self, ends: Option<Duration>) -> Result<(), Error> {
        let end = self.written() + self.connection.queued() as u64;
        self.wait_for(Goal::Written(end), ends)
    }

    pub(super) fn wait_for(&mut self, goal: Goal, ends: Option<Duration>) -> Result<(), Error> {
        if goal == Goal::Room && !self.connection.is_congested() {
            return Ok(());
        }
        if self.state.over {
            return Err(self.ended());
        }
        match self.turns(goal, ends) {
            // What could not be written is gone.
            Ok(_) if self.state.over => Err(self.ended()),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Begins the closing handshake, and completes it. Messages that arrive meanwhile are thrown away: to have them, call
    /// [`start_close`](Self::start_close) and receive on. The outcome says whether the peer has answered: it has ten seconds ([`Config::with_close`](sockless::Config::with_close)).
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the time of the call is over: close again, and it goes on. Others if the connection fails meanwhile, or the reason is longer than
    /// 123 bytes. A connection that is closed already is no error.
    pub fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> Result<Outcome, Error> {
        let ends = self.time.ends(self.clock);
        match self.start_close(code, reason) {
            Ok(()) | Err(Error::Closed | Error::Failed(_) | Error::Limit(_)) => {}
            Err(error) => return Err(error),
        }
        while let Some(message) = self.recv_by(ends) {
            message?;
        }
        Ok(self.outcome())
    }

    /// Queues a Close frame: no message can be sent after it, and those of the peer arrive until its own Close frame does. To be received
    /// from to the end.
    ///
    /// # Errors
    ///
    /// If the connection has ended or closes already, or the reason is longer than 123 bytes.
    pub fn start_close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> Result<(), Error> {
        self.now = self.clock.now();
        let closed = self.connection.close(code, reason, self.now);
        closed.map_err(|reason| self.refuse(reason))
    }

    /// Why something was refused: what has ended the connection, if it has ended.
    pub(super) fn refuse(&self, reason: SendError) -> Error {
        match (reason, self.outcome().cause) {
            (SendError::Failed, Cause::Failed(failure)) => failure.into(),
            (SendError::Failed, _) => Error::Closed,
            (reason, _) => reason.into(),
        }
    }

    /// Why nothing can be done any more with a connection that has ended.
    pub(super) fn ended(&self) -> Error {
        match (self.broken, self.outcome().cause) {
            (Some(kind), _) => Error::Io(kind.into()),
            (None, Cause::Failed(failure)) if !self.seen.closing => failure.into(),
            (None, _) => Error::Closed,
        }
    }
}

/// From how many bytes on the engine queues a payload without copying it, if it is shared.
const SHARE: usize = 4 << 10;
