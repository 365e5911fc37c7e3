//! What messages are sent with, by any number of threads.

use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use sockless::CloseCode;
use sockless::connection::{SendError, SenderEnd, Side, Traffic};

use super::shared::{Shared, State};
use crate::clock::CallTime;
use crate::error::Error;
use crate::message::Message;
use crate::stream::Stream;

/// Sends messages, from any number of threads: clone it. A thread of its own writes them.
///
/// What is in the queue is written in its order, whether those who have sent it wait or not.
pub struct Sender<S: Stream, R: Side> {
    shared: Arc<Shared<S, R>>,
    time: CallTime,
}

impl<S: Stream, R: Side> Sender<S, R> {
    pub(super) fn new(shared: Arc<Shared<S, R>>, time: CallTime) -> Self {
        Self { shared, time }
    }

    /// Limits the time of every call from now on, with this sender and its clones made later; `None` is no limit.
    pub fn set_timeout(&mut self, timeout: impl Into<Option<Duration>>) {
        self.time.timeout = timeout.into();
    }

    /// Limits the time of all calls together, with this sender and its clones made later; `None` is no limit.
    pub fn set_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.time.deadline = deadline.into();
    }

    /// Sends a message: waits until there is room for it, queues it, and waits until it has been written to the stream.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if there was no room in time: the message will not be sent. [`Error::Unwritten`] if it was queued, and not written in time: it
    /// will be, so don't send it again. Others if the connection has ended: whether it was sent before that is not known.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_by(message.into(), self.time.ends(self.shared.clock))
    }

    /// The same, within this time.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.send_by(message.into(), self.time.ends_within(timeout, self.shared.clock))
    }

    fn send_by(&self, message: Message, ends: Option<Duration>) -> Result<(), Error> {
        let state = self.queue(message, ends)?;
        self.wait_until_written(state, ends)
    }

    /// Queues a message, once there is room for it. It is written at once, but not waited for.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if there was no room in time, others if the connection has ended. The message is not queued.
    pub fn feed(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.queue(message.into(), self.time.ends(self.shared.clock)).map(drop)
    }

    /// Waits until all that is queued has been written to the stream.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the time of the call is over, others if the connection has ended before.
    pub fn flush(&self) -> Result<(), Error> {
        match self.wait_until_written(self.shared.lock(), self.time.ends(self.shared.clock)) {
            Err(Error::Unwritten) => Err(Error::TimedOut),
            flushed => flushed,
        }
    }

    /// Queues a Close frame: no message can be sent after it, and those of the peer arrive until its own Close frame does. The reader
    /// is to be received from to the end.
    ///
    /// # Errors
    ///
    /// If the connection has ended or closes already, or the reason is longer than 123 bytes.
    pub fn close(&self, code: impl Into<Option<CloseCode>>, reason: &str) -> Result<(), Error> {
        let mut state = self.shared.lock();
        let closed = state.sender.close(code, reason, self.shared.clock.now());
        closed.map_err(|reason| refuse(&state, reason))?;
        self.shared.wake_writer();
        Ok(())
    }

    /// What has become of this half so far.
    pub fn end_of_sender(&self) -> SenderEnd {
        self.shared.lock().sender.end()
    }

    /// What has been sent.
    pub fn traffic(&self) -> Traffic {
        self.shared.lock().sender.traffic()
    }

    fn queue(
        &self,
        message: Message,
        ends: Option<Duration>,
    ) -> Result<MutexGuard<'_, State<R>>, Error> {
        let mut state = self.shared.lock();
        while state.sender.is_congested() && !state.ended {
            if self.is_over(ends) {
                return Err(Error::TimedOut);
            }
            state = self.shared.wait_for_progress(state, ends);
        }
        if state.ended {
            return Err(state.error());
        }
        let sent = match message {
            Message::Text(text) if text.len() < SHARE => state.sender.send_text(&text),
            Message::Binary(data) if data.len() < SHARE => state.sender.send_binary(&data),
            message => state.sender.send(message).map_err(|refused| refused.reason),
        };
        sent.map_err(|reason| refuse(&state, reason))?;
        self.shared.wake_writer();
        Ok(state)
    }

    fn wait_until_written(
        &self,
        mut state: MutexGuard<'_, State<R>>,
        ends: Option<Duration>,
    ) -> Result<(), Error> {
        let end = state.queued_end();
        while state.written() < end {
            if state.ended {
                return Err(state.error());
            }
            if self.is_over(ends) {
                return Err(Error::Unwritten);
            }
            state = self.shared.wait_for_progress(state, ends);
        }
        Ok(())
    }

    fn is_over(&self, ends: Option<Duration>) -> bool {
        ends.is_some_and(|at| self.shared.clock.now() >= at)
    }
}

/// Why something was refused: what has ended the connection, if it has ended.
fn refuse<R: Side>(state: &State<R>, reason: SendError) -> Error {
    match reason {
        SendError::Failed => state.error(),
        reason => reason.into(),
    }
}

/// From how many bytes on the engine queues a payload without copying it, if it is shared.
const SHARE: usize = 4 << 10;

impl<S: Stream, R: Side> Clone for Sender<S, R> {
    fn clone(&self) -> Self {
        self.shared.lock().senders += 1;
        Self { shared: Arc::clone(&self.shared), time: self.time }
    }
}

impl<S: Stream, R: Side> Drop for Sender<S, R> {
    fn drop(&mut self) {
        self.shared.lock().senders -= 1;
        // Perhaps nobody is left.
        self.shared.wake_writer();
    }
}

impl<S: Stream, R: Side> fmt::Debug for Sender<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("end", &self.end_of_sender()).finish_non_exhaustive()
    }
}
