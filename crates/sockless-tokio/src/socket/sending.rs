//! Sending: into the connection's queue, and from there to the stream.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use sockless::connection::{Cause, Failure, SendError, Side};
use sockless::frame::Misuse;
use sockless::message::Prepared;
use sockless::{CloseCode, Outcome, Server};
use tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocket;
use super::turn::Goal;
use crate::error::Error;
use crate::message::{Message, TrySendError};
use crate::output;

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    /// Sends a message: waits until there is room for it, queues it, and offers what waits to the stream. If the future is dropped before it
    /// is ready, nothing of the message is sent.
    ///
    /// # Errors
    ///
    /// If the connection has ended; nothing is sent then.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed(message).await?;
        self.offer().await
    }

    /// Queues a message, once there is room for it. It is written by the next [`send`](Self::send) or [`flush`](Self::flush), and by
    /// [`recv`](Self::recv) before it sleeps. If the future is dropped before it is ready, the message is not queued.
    ///
    /// # Errors
    ///
    /// If the connection has ended; nothing is queued then.
    #[inline]
    pub fn feed(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message);
        // By hand: an `async fn` would move the message more often.
        poll_fn(move |cx| {
            if let Err(error) = ready!(self.poll_room(cx)) {
                return Poll::Ready(Err(error));
            }
            let Some(message) = message.take() else { unreachable!("it is ready only once") };
            match self.queue(&message.into()) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(reason) => Poll::Ready(Err(self.refuse(reason))),
            }
        })
    }

    /// Queues a text message without making it owned: as [`feed`](Self::feed) does.
    ///
    /// # Errors
    ///
    /// As [`feed`](Self::feed).
    #[inline]
    pub async fn feed_text(&mut self, text: &str) -> Result<(), Error> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        output::lend(&mut self.connection);
        self.connection.send_text(text).map_err(|reason| self.refuse(reason))
    }

    /// Sends a text message without making it owned: as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.feed_text(text).await?;
        self.offer().await
    }

    /// Sends a binary message without making it owned: as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        output::lend(&mut self.connection);
        self.connection.send_binary(bytes).map_err(|reason| self.refuse(reason))?;
        self.offer().await
    }

    /// Queues a message, if there is room for it. Like [`feed`](Self::feed), it writes nothing.
    ///
    /// # Errors
    ///
    /// The message, and why it was not queued.
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), TrySendError> {
        let message = message.into();
        if self.state.over {
            return Err(TrySendError::Closed(message));
        }
        if self.connection.is_congested() {
            return Err(TrySendError::Full(message));
        }
        match self.queue(&message) {
            Ok(()) => Ok(()),
            Err(SendError::QueueFull) => Err(TrySendError::Full(message)),
            Err(SendError::Failed | SendError::Misuse(Misuse::Closed)) => {
                Err(TrySendError::Closed(message))
            }
            Err(reason) => Err(TrySendError::Refused(message, reason)),
        }
    }

    /// Sends a ping. Its round-trip time is in the [counters](Self::counters) once the pong has arrived.
    ///
    /// # Errors
    ///
    /// If the connection has ended, or the payload is longer than 125 bytes.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        self.look_at_the_clock();
        self.connection.ping(payload, self.now).map_err(|reason| self.refuse(reason))?;
        self.offer().await
    }

    /// Writes all that waits. The future may be dropped at any time: what has been written has been.
    ///
    /// # Errors
    ///
    /// If the stream has failed, or the peer takes nothing for the write timeout.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_wait(Goal::Written, cx)).await
    }

    /// Begins the closing handshake, and completes it. Messages that arrive meanwhile are thrown away: to have them, call
    /// [`start_close`](Self::start_close) and receive on. The future may be dropped at any time, and the closing goes on with the next call.
    ///
    /// # Errors
    ///
    /// If the connection fails meanwhile, or the reason is longer than 123 bytes. A connection that is closed already is no error.
    pub async fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> Result<Outcome, Error> {
        match self.start_close(code, reason) {
            Ok(()) | Err(Error::Closed | Error::Failed(_) | Error::Limit(_)) => {}
            Err(error) => return Err(error),
        }
        while let Some(message) = self.recv().await {
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
        self.look_at_the_clock();
        let closed = self.connection.close(code, reason, self.now);
        closed.map_err(|reason| self.refuse(reason))
    }

    /// Queues a message.
    #[inline]
    pub(super) fn queue(&mut self, message: &Message) -> Result<(), SendError> {
        output::lend(&mut self.connection);
        match message {
            Message::Text(text) if text.as_bytes().len() < SHARE => self.connection.send_text(text),
            Message::Binary(data) if data.len() < SHARE => self.connection.send_binary(data),
            message => self.queue_other(message),
        }
    }

    #[cold]
    fn queue_other(&mut self, message: &Message) -> Result<(), SendError> {
        let refused = |refused: sockless::connection::Refused| refused.reason;
        match message {
            Message::Text(text) => {
                self.connection.send(text.clone().into_utf8_bytes()).map_err(refused)
            }
            Message::Binary(data) => {
                self.connection.send(data.clone().into_bytes()).map_err(refused)
            }
            Message::Ping(data) => self.connection.ping(data, self.clock.now()),
            Message::Pong(data) => self.connection.pong(data),
            Message::Close(frame) => {
                let code = frame.as_ref().map(|frame| frame.code);
                let reason = frame.as_ref().map_or("", |frame| &frame.reason);
                self.connection.close(code, reason, self.clock.now())
            }
        }
    }

    /// Why something was refused: what has ended the connection, if it has ended.
    #[cold]
    pub(super) fn refuse(&self, reason: SendError) -> Error {
        match (reason, self.outcome().cause) {
            (SendError::Failed, Cause::Failed(failure)) => failure.into(),
            (SendError::Failed, _) => Error::Closed,
            (reason, _) => reason.into(),
        }
    }

    /// Ready once a message may be queued.
    #[inline]
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.connection.is_congested() {
            return Poll::Ready(Ok(()));
        }
        self.poll_wait(Goal::Room, cx)
    }

    /// Waits for something else than a message.
    #[inline(never)]
    pub(super) fn poll_wait(
        &mut self,
        goal: Goal,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if goal == Goal::Written && self.poll_write(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if self.state.over {
            return Poll::Ready(Err(self.ended()));
        }
        // Who always finds room after a while would never hear the peer's pings otherwise.
        self.read_ahead(cx);
        match self.poll_turns(goal, Self::put_message_aside, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // What could not be written is gone.
            Poll::Ready(Ok(_)) if self.state.over || self.has_stalled() => {
                Poll::Ready(Err(self.ended()))
            }
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
        }
    }

    /// Whether what waited was thrown away.
    fn has_stalled(&self) -> bool {
        self.outcome().cause == Cause::Failed(Failure::Stalled)
    }

    /// Offers what waits to the stream, once. Whatever it takes, this is ready.
    async fn offer(&mut self) -> Result<(), Error> {
        poll_fn(|cx| {
            let _ = self.poll_write(cx);
            Poll::Ready(match self.broken {
                None => Ok(()),
                Some(kind) => Err(Error::Io(kind.into())),
            })
        })
        .await
    }
}

/// From how many bytes on the engine queues a payload without copying it, if it is shared.
const SHARE: usize = 4 << 10;

#[cfg(feature = "session")]
impl<S: AsyncRead + AsyncWrite + Unpin, R: crate::halves::Role> WebSocket<S, R> {
    /// Queues a message that was encoded once for many: whether it was taken.
    pub(crate) fn try_send_prepared(&mut self, message: &Prepared) -> bool {
        if self.state.over || self.connection.is_congested() {
            return false;
        }
        output::lend(&mut self.connection);
        R::send_prepared_whole(&mut self.connection, message).is_ok()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S, Server> {
    /// Sends a message that was encoded, and perhaps compressed, once for many: as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_prepared(&mut self, message: &Prepared) -> Result<(), Error> {
        self.feed_prepared(message).await?;
        self.offer().await
    }

    /// Queues a message that was encoded once for many: as [`feed`](Self::feed) does.
    ///
    /// # Errors
    ///
    /// As [`feed`](Self::feed).
    pub async fn feed_prepared(&mut self, message: &Prepared) -> Result<(), Error> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        output::lend(&mut self.connection);
        self.connection.send_prepared(message).map_err(|reason| self.refuse(reason))
    }
}
