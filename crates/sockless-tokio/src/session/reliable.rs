//! One side's end of a session, for its application.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use sockless_session::Session;
use sockless_session::reliable::{Misuse, SendError, SendFailure, SessionId, Status};
use tokio::sync::oneshot;

use super::delivery::Delivery;
use super::event::{Event, RequestError};
use super::hub::Hub;
use super::payload::Body;
use crate::message::Message;

/// One side's end of a session, which lives through any number of connections. It is a `Stream` of events, and a `Sink` of messages.
///
/// It is driven by tasks: nothing has to be polled for acks to leave or connections to be made. An end that is dropped ends the session,
/// unless that is stored: then it sleeps in the journal, and a process that opens the journal again goes on with it.
pub struct Reliable {
    sender: ReliableSender,
    /// The message that is accepted by going on.
    taken: Option<u64>,
    over: bool,
    /// What waits for room in the queue, as a `Sink`.
    room: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// The sending side of a session, for any number of tasks.
#[derive(Clone)]
pub struct ReliableSender {
    pub(super) hub: Arc<Hub>,
}

impl Reliable {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self { sender: ReliableSender { hub }, taken: None, over: false, room: None }
    }

    /// The next event; `None` after [`Event::Ended`]. A message that was returned before counts as accepted now. The future may be dropped at
    /// any time.
    pub async fn recv(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.over {
            return Poll::Ready(None);
        }
        self.accept();
        loop {
            let item = ready!(self.hub().inbox.poll_pop(cx));
            self.taken = item.number;
            match item.event {
                None => self.accept(),
                Some(event) => {
                    self.over = matches!(event, Event::Ended { .. });
                    if let Event::Unnumbered(message) = &event {
                        self.hub().took_unnumbered(message);
                    }
                    return Poll::Ready(Some(event));
                }
            }
        }
    }

    /// Accepts the message that was returned last, without asking for the next event.
    pub fn accept(&mut self) {
        let Some(number) = self.taken.take() else { return };
        let now = self.hub().clock.now();
        // A session that has ended takes no more, and its peer has learnt so.
        let _ = self.hub().change(|session| session.accept(number, now));
    }

    /// Accepts the message that was returned last, together with what it has done: both are stored in one step, so that neither is there
    /// without the other.
    #[cfg(feature = "journal")]
    pub fn accept_with(&mut self, effects: &[u8]) {
        let Some(number) = self.taken.take() else { return };
        let hub = Arc::clone(self.hub());
        let now = hub.clock.now();
        let _ = self.hub().change(|session| {
            if session.accept(number, now).is_ok()
                && let Some(journal) = &hub.journal
            {
                journal.add_effects(effects);
            }
        });
    }

    /// Accepts the message that was returned last, together with what it has done (if that is anything) and with a message that follows from
    /// it, once the queue has room for that: all three are stored in one step, so that the answer, too, is sent once. Two steps wouldn't do: after a death between
    /// them the message would arrive again, and be answered again. If the future is dropped before it is ready, nothing has happened.
    ///
    /// # Errors
    ///
    /// The session has ended, or has no number left. The message comes back, and nothing was accepted.
    #[cfg(feature = "journal")]
    pub async fn accept_and_send(
        &mut self,
        effects: &[u8],
        message: impl Into<Message>,
    ) -> Result<Delivery, SendFailure<Message>> {
        self.accept_and(effects, message.into(), |session, message| session.send(message)).await
    }

    /// The same with the reply to the request with this number.
    ///
    /// # Errors
    ///
    /// As [`accept_and_send`](Self::accept_and_send).
    #[cfg(feature = "journal")]
    pub async fn accept_and_reply(
        &mut self,
        effects: &[u8],
        to: u64,
        message: impl Into<Message>,
    ) -> Result<Delivery, SendFailure<Message>> {
        let reply = move |session: &mut Session<Body>, message| session.reply(to, message);
        self.accept_and(effects, message.into(), reply).await
    }

    #[cfg(feature = "journal")]
    async fn accept_and(
        &mut self,
        effects: &[u8],
        message: Message,
        work: impl Fn(&mut Session<Body>, Body) -> Result<u64, SendFailure<Body>>,
    ) -> Result<Delivery, SendFailure<Message>> {
        let mut message = message;
        loop {
            let (hub, taken) = (Arc::clone(self.hub()), self.taken);
            let now = hub.clock.now();
            let done = self.sender.take(message, |session, message| {
                let sent = work(session, message)?;
                if let Some(number) = taken
                    && session.accept(number, now).is_ok()
                    && !effects.is_empty()
                    && let Some(journal) = &hub.journal
                {
                    journal.add_effects(effects);
                }
                Ok(sent)
            });
            match done {
                Err(SendFailure { message: back, error: SendError::QueueFull }) => message = back,
                done => {
                    if done.is_ok() {
                        self.taken = None;
                    }
                    return done;
                }
            }
            self.sender.room().await;
        }
    }

    /// The sending side, to be cloned for other tasks.
    pub fn sender(&self) -> &ReliableSender {
        &self.sender
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.sender.hub
    }

    /// Ends the session on both sides, and waits until that is done: the last event, with what was not delivered. The message that was returned
    /// last is accepted; those that wait are thrown away, and their sender learns that they were not delivered.
    pub async fn end(mut self) -> Option<Event> {
        self.accept();
        let _ = self.hub().change(|session| session.end());
        self.hub().settle();
        let mut last = None;
        while let Some(event) = self.recv().await {
            last = Some(event);
        }
        last
    }
}

impl std::ops::Deref for Reliable {
    type Target = ReliableSender;

    fn deref(&self) -> &ReliableSender {
        &self.sender
    }
}

impl Drop for Reliable {
    fn drop(&mut self) {
        if !self.over {
            let _ = self.hub().change(|session| match session.config().stored {
                true => Err(Misuse::Ended),
                false => session.end(),
            });
        }
        self.hub().inbox.abandon();
    }
}

impl ReliableSender {
    /// The session's name: a secret.
    pub fn id(&self) -> SessionId {
        self.hub.id
    }

    /// As whom the connection was served that has opened the session: see [`SessionsServer::serve_as`](super::SessionsServer::serve_as).
    pub fn owner(&self) -> Option<&str> {
        self.hub.owner.get().map(AsRef::as_ref)
    }

    /// Closes the connection that carries the session now, behind what waits to be sent, if there is one. The session sleeps: its client
    /// comes back, or not, as the code says. A server that stops says 1012 (with `retry-after=`*seconds*, if the clients should not come all at
    /// once); one that has taken back a permission says 1008, and drops its end.
    ///
    /// A reason of more than 123 bytes doesn't fit into a Close frame: then the connection ends without one.
    pub fn close_connection(&self, code: sockless::CloseCode, reason: &str) {
        self.hub.close_connection(code, reason);
    }

    /// What has become of the message with this number, which must be one that was given.
    pub fn status(&self, number: u64) -> Status {
        self.hub.status(number)
    }

    /// The last number that a message has been given.
    pub fn assigned(&self) -> u64 {
        self.hub.assigned()
    }

    /// How many messages wait, for being sent or acknowledged.
    pub fn queued(&self) -> usize {
        self.hub.with(|session| session.queued()).unwrap_or(0)
    }

    /// Takes a message for sending, once the queue has room: how to learn what becomes of it.
    ///
    /// # Errors
    ///
    /// The session has ended, or has no number left. The message comes back.
    pub async fn send(
        &self,
        message: impl Into<Message>,
    ) -> Result<Delivery, SendFailure<Message>> {
        let mut message = message.into();
        loop {
            match self.try_send(message) {
                Err(SendFailure { message: back, error: SendError::QueueFull }) => message = back,
                other => return other,
            }
            self.room().await;
        }
    }

    /// Takes a message for sending, if the queue has room.
    ///
    /// # Errors
    ///
    /// The message comes back, with the reason.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<Delivery, SendFailure<Message>> {
        let message = message.into();
        self.take(message, |session, message| session.send(message))
    }

    /// Sends a request, and waits for its reply.
    ///
    /// # Errors
    ///
    /// It was rejected, or there was no reply in time. The request itself is delivered all the same.
    pub async fn request(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<Message, RequestError> {
        let message = message.into();
        let deadline = self.hub.clock.now() + timeout;
        let (asked, reply) = oneshot::channel();
        let mut asked = Some(asked);
        let sent = self.take(message, |session, message| {
            let number = session.request(message, deadline)?;
            // The reply can't be there before: the session is locked.
            if let Some(asked) = asked.take() {
                self.hub.ask(number, asked);
            }
            Ok(number)
        });
        sent.map_err(|failure| RequestError::NotSent(failure.error))?;
        reply.await.unwrap_or(Err(RequestError::Ended))
    }

    /// Replies to the peer's request with this number.
    ///
    /// # Errors
    ///
    /// The message comes back, with the reason.
    pub fn reply(
        &self,
        to: u64,
        message: impl Into<Message>,
    ) -> Result<Delivery, SendFailure<Message>> {
        self.take(message.into(), |session, message| session.reply(to, message))
    }

    /// Says that the peer's request with this number can't be answered, and why.
    ///
    /// # Errors
    ///
    /// The message comes back, with the reason.
    pub fn reject(
        &self,
        to: u64,
        message: impl Into<Message>,
    ) -> Result<Delivery, SendFailure<Message>> {
        self.take(message.into(), |session, message| session.reject(to, message))
    }

    /// For a client that waits, or has given up: the next try is made at once.
    pub fn retry_now(&self) {
        self.hub.retry.notify_one();
    }

    fn take(
        &self,
        message: Message,
        work: impl FnOnce(&mut Session<Body>, Body) -> Result<u64, SendFailure<Body>>,
    ) -> Result<Delivery, SendFailure<Message>> {
        let message = match message {
            Message::Text(_) | Message::Binary(_) => Body::Message(message),
            // Control frames belong to connections.
            other => return Err(SendFailure { message: other, error: SendError::Ended }),
        };
        let mut message = Some(message);
        let taken = self.hub.change(|session| match message.take() {
            Some(message) => work(session, message),
            None => unreachable!("it is called once"),
        });
        match (taken, message) {
            (Some(Ok(number)), _) => Ok(Delivery::new(number, Arc::clone(&self.hub))),
            (Some(Err(SendFailure { message, error })), _) => {
                Err(SendFailure { message: message.into(), error })
            }
            (None, Some(message)) => {
                Err(SendFailure { message: message.into(), error: SendError::Ended })
            }
            (None, None) => unreachable!("it was taken by the call"),
        }
    }

    /// Waits until the queue has room, or the session has ended.
    pub(super) async fn room(&self) {
        let look = |hub: &Hub| {
            let full = hub.with(|session| {
                !session.has_room()
                    && session.stage() <= sockless_session::reliable::Stage::Established
            });
            (full != Some(true)).then_some(())
        };
        self.hub.until(look).await;
    }
}

impl Stream for Reliable {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_recv(cx)
    }
}

impl Sink<Message> for Reliable {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let sender = self.sender.clone();
        let room = self.room.get_or_insert_with(|| Box::pin(async move { sender.room().await }));
        ready!(room.as_mut().poll(cx));
        self.room = None;
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.try_send(message).map(drop).map_err(|failure| failure.error)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Reliable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reliable").field("id", &self.hub().id).finish_non_exhaustive()
    }
}

impl fmt::Debug for ReliableSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReliableSender").field("id", &self.hub.id).finish_non_exhaustive()
    }
}
