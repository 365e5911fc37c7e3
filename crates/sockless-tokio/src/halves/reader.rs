//! The half that reads.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use sockless::connection::{Cause, Failure, Notice, ReceiverEnd, SenderEnd, Side, Traffic};
use sockless::extension::Agreed;
use sockless::{CloseCode, Config, Event, Input, Outcome, Receiver, Want};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;

use super::order::{Note, Order};
use super::shared::Shared;
use crate::buffer::Buffer;
use crate::clock::{Alarm, Clock};
use crate::error::Error;
use crate::message::{CloseFrame, Message};
use crate::observe::Observer;
use crate::shutdown::Member;
use crate::socket::{Opened, Shows, see};

/// From how many bytes on a message is handed over together with the memory it was read into.
const LARGE: usize = 32 << 10;

/// The half that reads. Its deadlines are kept while it is received from; those of writing and closing, by the writing task.
pub struct Reader<I, R: Side> {
    stream: I,
    receiver: Receiver<R>,
    config: Arc<Config>,
    buffer: Buffer,
    clock: Clock,
    now: Duration,
    alarm: Alarm,
    orders: mpsc::UnboundedSender<Order>,
    notes: mpsc::UnboundedReceiver<Note>,
    shared: Arc<Shared>,
    /// A message that was put aside before the halves were apart.
    stash: Option<Message>,
    shows: Shows,
    state: State,
    /// How the other half stood when it was heard of last.
    other: SenderEnd,
    broken: Option<io::ErrorKind>,
    /// Until when the stream may take to end.
    ends_by: Option<Duration>,
    opened: Option<Box<Opened>>,
    /// Where it hears of a shutdown.
    member: Option<Box<Member>>,
    observer: Option<Observer>,
    /// What the writing task has sent, once it has ended.
    sent: Traffic,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Whether the stream has ended, and the receiving half does not know yet.
    eof: bool,
    /// Whether input of which the time has been looked at is being worked on.
    works: bool,
    /// Whether a reply may wait to be handed on.
    owes: bool,
    /// Whether the writing task has ended.
    alone: bool,
    /// Whether it has heard of a shutdown.
    leaves: bool,
    /// Whether the end has been told.
    over: bool,
}

/// What a reader begins with.
pub(super) struct Beginning<I, R: Side> {
    pub(super) stream: I,
    pub(super) receiver: Receiver<R>,
    pub(super) config: Arc<Config>,
    pub(super) buffer: Buffer,
    pub(super) clock: Clock,
    pub(super) stash: Option<Message>,
    pub(super) shows: Shows,
    pub(super) other: SenderEnd,
    pub(super) opened: Option<Box<Opened>>,
    pub(super) member: Option<Box<Member>>,
    pub(super) observer: Option<Observer>,
}

impl<I: AsyncRead + Unpin, R: Side> Reader<I, R> {
    pub(super) fn new(
        beginning: Beginning<I, R>,
        orders: mpsc::UnboundedSender<Order>,
        notes: mpsc::UnboundedReceiver<Note>,
        shared: Arc<Shared>,
    ) -> Self {
        let Beginning { stream, receiver, config, buffer, clock, .. } = beginning;
        let Beginning { stash, shows, other, opened, member, observer, .. } = beginning;
        Self {
            stream,
            receiver,
            config,
            buffer,
            now: clock.now(),
            clock,
            alarm: Alarm::default(),
            orders,
            notes,
            shared,
            stash,
            shows,
            state: State::default(),
            other,
            broken: None,
            ends_by: None,
            opened,
            member,
            observer,
            sent: Traffic::default(),
        }
    }

    /// The next message. `None` once the connection is closed, an error before it if it has failed. The future may be dropped at any time.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::recv`](crate::WebSocket::recv).
    #[inline]
    pub async fn recv(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The same as [`recv`](Self::recv), for those who write futures by hand.
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if !self.buffer.is_empty()
            && self.stash.is_none()
            && let Some(message) = self.next_message()
        {
            // A ping before it is answered before what is sent because of it.
            if self.state.owes {
                self.reply();
            }
            return Poll::Ready(Some(Ok(message)));
        }
        self.poll_turns(cx)
    }

    #[inline(never)]
    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if let Some(message) = self.stash.take() {
            return Poll::Ready(Some(Ok(message)));
        }
        if self.state.over {
            return Poll::Ready(None);
        }
        let mut looked = !mem::take(&mut self.state.works);
        if looked {
            self.now = self.clock.now();
        }
        loop {
            self.hear_notes(cx);
            // 1. Poll until there is nothing left in the input.
            let message = self.next_message();
            // 2. Hand on the replies, as far as they are taken.
            self.reply();
            if let Some(message) = message {
                self.state.works = true;
                return Poll::Ready(Some(Ok(message)));
            }
            // 3. Do what the receiving half wants.
            let Want::Io { read, write, deadline } = self.receiver.want() else {
                return Poll::Ready(None);
            };
            let ended = self.receiver.end().is_ended();
            let deadline = match (ended && !write || self.state.alone, self.state.alone) {
                (true, true) if self.has_ended() => return Poll::Ready(self.end()),
                (true, true) => {
                    let close = self.config.close;
                    Some(*self.ends_by.get_or_insert_with(|| self.clock.now() + close))
                }
                // The writing task has deadlines of its own.
                (true, false) => None,
                (false, _) => deadline,
            };
            let arrived =
                if read { self.buffer.poll_read(&mut self.stream, cx) } else { Poll::Pending };
            match arrived {
                Poll::Ready(count) => {
                    // A stream that is reset has ended, too.
                    self.state.eof = !matches!(count, Ok(1..));
                    if !mem::take(&mut looked) {
                        self.now = self.clock.now();
                    }
                    continue;
                }
                // What the peer has sent before has been read.
                Poll::Pending if self.broken.is_some() => return Poll::Ready(self.end()),
                Poll::Pending => {}
            }
            self.hear_shutdown(cx);
            let Some(deadline) = deadline else { return Poll::Pending };
            if deadline > self.now && self.alarm.poll(self.clock, deadline, cx).is_pending() {
                return Poll::Pending;
            }
            self.now = self.clock.now();
            if self.ends_by.is_some_and(|by| self.now >= by) {
                return Poll::Ready(self.end());
            }
        }
    }

    /// Lets the writing task close once a shutdown has begun.
    fn hear_shutdown(&mut self, cx: &Context<'_>) {
        if let Some(member) = self.member.as_mut().filter(|_| !self.state.leaves)
            && member.has_begun(cx)
        {
            self.state.leaves = true;
            self.shared.add(0);
            let close = Order::Close(Some(CloseCode::GOING_AWAY), "the server stops".into());
            let _ = self.orders.send(close);
        }
    }

    /// Whether there is nothing left to wait for once the writing task has ended: a client waits for the server to close, and after a
    /// failure the peer may still be sending.
    fn has_ended(&self) -> bool {
        let failure = self.receiver.end().failure();
        let waits = failure.map_or(R::MASKS, |failure| failure != Failure::Stalled);
        let timed_out = self.outcome().cause == Cause::TimedOut;
        !waits || timed_out || self.receiver.is_over()
    }

    /// Tells the end.
    fn end(&mut self) -> Option<Result<Message, Error>> {
        self.state.over = true;
        let end = self.receiver.end();
        match (end.failure(), self.broken) {
            (Some(failure), _) => Some(Err(failure.into())),
            (None, Some(kind)) if !end.is_ended() => Some(Err(Error::Io(kind.into()))),
            (None, _) => None,
        }
    }

    /// Hears what the writing task has to say.
    fn hear_notes(&mut self, cx: &mut Context<'_>) {
        while !self.state.alone {
            match self.notes.poll_recv(cx) {
                Poll::Ready(Some(Note::Notice(notice))) => self.note(notice),
                Poll::Ready(Some(Note::Probe(probe))) => self.receiver.expect(*probe),
                Poll::Ready(Some(Note::Room)) => {}
                Poll::Ready(Some(Note::Ended(end, broken, sent))) => {
                    (self.other, self.broken, self.state.alone) = (end, broken, true);
                    self.sent = *sent;
                }
                // It was dropped before it had ended.
                Poll::Ready(None) => {
                    self.state.alone = true;
                    self.broken.get_or_insert(io::ErrorKind::BrokenPipe);
                }
                Poll::Pending => return,
            }
        }
    }

    fn note(&mut self, notice: Notice) {
        self.now = self.clock.now();
        self.receiver.note(notice, self.now);
    }

    /// The next message out of what has been read.
    #[inline]
    fn next_message(&mut self) -> Option<Message> {
        let Self { buffer, receiver, state, now, shows, config, .. } = self;
        let mut input = if mem::take(&mut state.eof) { Input::eof() } else { buffer.input() };
        let message = loop {
            match receiver.poll(&mut input, *now) {
                Some(Event::Text(text)) => break Some(Message::Text(text.into())),
                Some(Event::Binary(bytes)) if bytes.len() < LARGE || !bytes.is_borrowed() => {
                    break Some(Message::Binary(bytes.into()));
                }
                Some(Event::Binary(bytes)) => {
                    let (count, rest) = (bytes.len(), input.len());
                    let bytes = self.buffer.take_last(rest, count);
                    return Some(Message::Binary(bytes.into()));
                }
                Some(event) => {
                    state.owes = true;
                    let shown = see(event, shows, config);
                    if shown.is_some() {
                        break shown;
                    }
                }
                None => break None,
            }
        };
        let rest = input.len();
        self.buffer.keep_last(rest);
        message
    }

    fn reply(&mut self) {
        while let Want::Io { write: true, .. } = self.receiver.want() {
            if self.state.alone {
                // Nobody is left who could apply it.
                self.receiver.reply();
            } else if !self.shared.takes_reply() {
                self.state.owes = true;
                return;
            } else if let Some(reply) = self.receiver.reply() {
                let _ = self.orders.send(Order::Reply(Box::new(reply)));
            }
        }
        self.state.owes = false;
    }

    /// The subprotocol in use, if one was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.opened.as_ref()?.subprotocol.as_deref()
    }

    /// The extensions in use, with the terms that were agreed on.
    pub fn extensions(&self) -> Agreed {
        self.opened.as_ref().map_or(Agreed::default(), |opened| opened.extensions)
    }

    /// How the connection ended, or how it stood when the writing task was heard of last.
    pub fn outcome(&self) -> Outcome {
        Outcome::join(self.receiver.end(), self.other)
    }

    /// How this half stands.
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
        self.shows.close_frame()
    }

    /// Lets [`recv`](Self::recv) give out pings, pongs and the Close frame as well, or not.
    pub fn show_control_frames(&mut self, show: bool) {
        self.shows.control = show;
    }
}

impl<I: AsyncRead + Unpin, R: Side> Stream for Reader<I, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(cx)
    }
}

impl<I: Unpin, R: Side> Unpin for Reader<I, R> {}

impl<I, R: Side> Drop for Reader<I, R> {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            let outcome = Outcome::join(self.receiver.end(), self.other);
            observer.end(R::MASKS, &outcome, self.receiver.traffic(), self.sent, 0);
        }
    }
}

impl<I, R: Side> std::fmt::Debug for Reader<I, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("end", &self.receiver.end()).finish_non_exhaustive()
    }
}
