//! A connection: its two halves, joined.
//!
//! It carries replies and notices between the halves, tells the receiving half when congestion of output holds messages, and tells the
//! driver what to do next. It decides nothing that a half can decide. When the transport is to be half-closed or closed takes both, and
//! is decided here, in `want_at_the_end`.

use alloc::sync::Arc;
#[cfg(feature = "handshake")]
use alloc::vec::Vec;
use core::time::Duration;

use super::config::Config;
use super::counters::Counters;
use super::event::Event;
#[cfg(feature = "handshake")]
use super::failure::Failure;
#[cfg(feature = "getrandom")]
use super::keys::Generator;
use super::keys::{Entropy, Side};
use super::outcome::Outcome;
use super::receiver::Receiver;
#[cfg(feature = "handshake")]
use super::reply::Reply;
use super::sender::Sender;
use super::want::Want;
use crate::frame::Input;
use crate::words::role::{Client, Server};

mod passed_on;

/// A WebSocket connection, after its opening handshake.
///
/// It reads nothing and writes nothing: the caller hands in the bytes that arrived and the time, and takes out events and the
/// bytes to write. Every driver is this loop:
///
/// 1. [Poll](Self::poll) until there is nothing left in the input: then the buffer is the driver's again.
/// 2. Write [what waits](Self::output), as far as the stream takes it, and say [how much that was](Self::wrote). Whatever happened in the
///    first step.
/// 3. Do what the connection [wants](Self::want): read, write, poll again when it is time, half-close, close. What is read is the next
///    [`Input`].
///
/// A driver has no case for output that piles up, for input that is left over, or for deadlines: the connection deals with them.
///
/// Time is a `Duration` since any origin of the caller's, the same for all calls, and never runs backwards.
///
/// ```
/// use std::time::Duration;
///
/// use sockless::{Client, CloseCode, Config, Connection, Event, Input, Outcome, Server, Want};
///
/// /// One turn of a driver, its stream being two vectors: how the connection ended, once it has.
/// fn turn(connection: &mut Connection<Server>, read: &mut Vec<u8>, written: &mut Vec<u8>) -> Option<Outcome> {
///     let now = Duration::ZERO;
///     let mut input = Input::new(read);
///     while let Some(event) = connection.poll(&mut input, now) {
///         match event {
///             Event::Text(text) => connection.send_text(&text).expect("room for an answer"),
///             Event::Binary(bytes) => connection.send_binary(&bytes).expect("room for an answer"),
///             Event::Failed(failure) => eprintln!("{failure}"),
///             _ => {} // pings and the peer's Close frame are answered already
///         }
///     }
///     while !connection.output().is_empty() {
///         let output = connection.output();
///         written.extend_from_slice(output);
///         connection.wrote(output.len());
///     }
///     match connection.want() {
///         Want::Done(outcome) => Some(outcome),
///         _ => None,
///     }
/// }
///
/// let now = Duration::ZERO;
/// let mut client = Connection::client(Config::default());
/// client.send_text("hello")?;
/// client.close(CloseCode::NORMAL, "", now)?;
/// let mut wire: Vec<u8> = client.output_slices().flatten().copied().collect();
///
/// let mut answer = Vec::new();
/// let outcome = turn(&mut Connection::server(Config::default()), &mut wire, &mut answer);
/// assert!(outcome.is_some_and(|outcome| outcome.clean()));
/// assert_eq!(answer, b"\x81\x05hello\x88\x02\x03\xE8");
/// # Ok::<(), sockless::SendError>(())
/// ```
///
/// # Which to use when
///
/// | to | take |
/// |---|---|
/// | send what you have borrowed: an answer, a line of a log | [`send_text`](Self::send_text), [`send_binary`](Self::send_binary) |
/// | send what you own, from 4 KiB on without a copy | [`send`](Self::send) |
/// | send the same to many clients, encoded once | [`send_prepared`](Self::send_prepared) |
/// | send a message whose end isn't known yet | [`begin_text`](Self::begin_text), [`continue_text`](Self::continue_text) and their like |
/// | send more than memory holds, of known length | [`stream_frame`](Self::stream_frame), [`stream_payload`](Self::stream_payload) |
/// | write without copying a borrowed payload first, where nothing waits | [`send_text_borrowed`](Self::send_text_borrowed), [`send_binary_borrowed`](Self::send_binary_borrowed) |
/// | write what waits | [`output`](Self::output) and [`wrote`](Self::wrote) |
/// | write it with one vectored call, or where a `Buf` is asked for | [`drain`](Self::drain); [`output_slices`](Self::output_slices) without the standard library |
/// | let one spare buffer serve many connections | [`lend`](Self::lend), [`reclaim`](Self::reclaim) |
/// | read a large message straight into its own memory | [`take_buffer`](Self::take_buffer), [`put_buffer`](Self::put_buffer) |
#[derive(Debug)]
#[must_use = "a connection does nothing by itself: it is polled, and its output is written"]
pub struct Connection<R: Side> {
    receiver: Receiver<R>,
    sender: Sender<R>,
}

impl Connection<Server> {
    /// A server's connection that has just been opened.
    pub fn server(config: impl Into<Arc<Config>>) -> Self {
        Self::with_keys(config.into(), ())
    }
}

impl Connection<Client> {
    /// A client's connection that has just been opened. Its masking keys come from a generator that the operating system seeds.
    #[cfg(feature = "getrandom")]
    pub fn client(config: impl Into<Arc<Config>>) -> Self {
        Self::client_with(config, Generator::new())
    }

    /// A client's connection that has just been opened, with its own source of masking keys.
    pub fn client_with(
        config: impl Into<Arc<Config>>,
        entropy: impl Entropy + Send + Sync + 'static,
    ) -> Self {
        Self::with_keys(config.into(), alloc::boxed::Box::new(entropy))
    }
}

impl<R: Side> Connection<R> {
    fn with_keys(config: Arc<Config>, keys: R::Keys) -> Self {
        let receiver = Receiver::new(Arc::clone(&config));
        Self::join(receiver, Sender::new(config, keys))
    }

    /// Joins two halves of the same connection. Replies and notices that still wait in them are delivered while it is polled, at the
    /// latest by the call that returns `None`.
    pub fn join(receiver: Receiver<R>, sender: Sender<R>) -> Self {
        Self { receiver, sender }
    }

    /// The same connection, its output beginning with the head of an answer.
    #[cfg(feature = "handshake")]
    pub(crate) fn with_head(mut self, head: Vec<u8>) -> Self {
        self.sender.begin_with(head);
        self
    }

    /// The same connection, which has never been open: what is in its output is written, and what arrives is thrown away, for as long as a
    /// closing handshake may take from `now` on.
    #[cfg(feature = "handshake")]
    pub(crate) fn refused(mut self, now: Duration) -> Self {
        self.receiver.refuse();
        self.sender.apply(Reply::Fail(Failure::Refused), now);
        self
    }

    /// Takes the two halves apart, for two tasks. What has been queued stays with the sending half, what is kept of the input with the
    /// receiving one, which holds nothing until it is [asked to](Receiver::hold).
    pub fn split(mut self) -> (Receiver<R>, Sender<R>) {
        self.receiver.hold(false);
        (self.receiver, self.sender)
    }

    /// The next event out of `input`. `None` when there is none, and nothing is due at `now`; then the input's buffer is always the
    /// caller's again.
    ///
    /// What an event or the time calls for is queued by the same call, as [output](Self::output): a pong, a ping, a Close frame.
    ///
    /// What can't be taken now is copied: while the connection is congested and its [`Holding`](super::Holding) says so, and while the buffer
    /// of a message is [taken](Self::take_buffer). `Input::none()` goes on with the copy, and further input is appended to it; the
    /// messages that come out of it own their payload. After [`Event::Closing`] and [`Event::Failed`], further input is thrown away.
    #[must_use = "the event is in what is returned; poll until `None`"]
    #[inline(always)]
    pub fn poll<'b>(&mut self, input: &mut Input<'b>, now: Duration) -> Option<Event<'b>> {
        if self.sender.is_calm()
            && let Some(event) = self.receiver.poll_fast(input)
        {
            return Some(event);
        }
        // The input goes in and comes out by value, so that it can stay in registers between messages.
        let (event, rest) = self.poll_general(core::mem::take(input), now);
        *input = rest;
        event
    }

    /// The next event, whatever it is, and what is left of the input. Carries replies, notices and congestion between the halves before
    /// and after.
    #[inline(never)]
    fn poll_general<'b>(
        &mut self,
        mut input: Input<'b>,
        now: Duration,
    ) -> (Option<Event<'b>>, Input<'b>) {
        if self.receiver.has_reply() {
            self.take_replies(now);
        }
        // Otherwise the fast way has been tried.
        if !self.sender.is_calm() {
            self.tell_receiver(now);
            if let Some(event) = self.receiver.poll_fast(&mut input) {
                return (Some(event), input);
            }
        }
        if self.sender.take_congestion() || self.receiver.is_holding() {
            self.update_holding();
        }
        let has_heard = self.receiver.has_heard();
        let event = self.receiver.poll_general(&mut input, now);
        match &event {
            Some(Event::Text(_) | Event::Binary(_) | Event::Part(_)) => {}
            Some(event) => self.answer(event, now),
            None => self.end_turn(now, has_heard),
        }
        (event, input)
    }

    /// Carries what the sending half knows to the receiving one, before it gives anything out: deadlines that have passed, pings that
    /// have been written, congestion.
    fn tell_receiver(&mut self, now: Duration) {
        self.sender.check_deadlines(now);
        while let Some(notice) = self.sender.notice() {
            self.receiver.note(notice, now);
        }
        self.receiver.hold(self.sender.holds());
    }

    /// Holds messages, or no longer, as `Sender::holds` now says. Called if output has been congested since the last turn, or messages are held. Where
    /// congestion may hold messages it counts as a pause, even if it is over: the time of the peer's silence begins anew.
    #[cold]
    fn update_holding(&mut self) {
        // To hold, even for a moment, is what begins that time anew.
        self.receiver.hold(self.sender.may_hold());
        self.receiver.hold(self.sender.holds());
    }

    /// Carries the reply that an event calls for to the sending half.
    #[cold]
    fn answer(&mut self, event: &Event<'_>, now: Duration) {
        if let Some(reply) = self.receiver.reply_to(event, now) {
            self.sender.apply(reply, now);
        }
    }

    /// Carries the replies that wait from the time in which the halves were apart.
    #[cold]
    fn take_replies(&mut self, now: Duration) {
        while let Some(reply) = self.receiver.reply() {
            self.sender.apply(reply, now);
        }
    }

    /// Ends a turn, when `poll` returns `None`: the sending half learns of the end of the stream, and looks at how far output has come.
    /// `has_heard` says that input has come in this turn, so that new output answers it.
    fn end_turn(&mut self, now: Duration, has_heard: bool) {
        if self.receiver.stream_has_ended() {
            self.sender.peer_gone(now);
        }
        self.sender.watch_output(now, has_heard);
    }

    /// What the driver is to do next.
    pub fn want(&self) -> Want {
        if self.receiver.is_open() && self.sender.is_open_and_idle() {
            let holds = self.sender.holds();
            return self.io(self.receiver.takes_input(holds), holds);
        }
        self.want_at_the_end()
    }

    /// [`Want::Io`]: to read if `read` says so, to write if output waits, and to poll again at the deadline.
    #[inline]
    fn io(&self, read: bool, holds: bool) -> Want {
        let write = !self.output().is_empty();
        Want::Io { read, write, deadline: self.deadline_with(holds) }
    }

    /// What the driver is to do once one of the halves has ended, or is about to.
    #[cold]
    fn want_at_the_end(&self) -> Want {
        let (receiver, sender) = (self.receiver.end(), self.sender.end());
        let outcome = Outcome::join(receiver, sender);
        let waits = !self.output().is_empty();
        let nothing_more_to_send = sender.is_ended() || receiver.failure().is_some();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //# After both sending and receiving a Close message, an endpoint
        //# considers the WebSocket connection closed and MUST close the
        //# underlying TCP connection.  The server MUST close the underlying TCP
        //# connection immediately; the client SHOULD wait for the server to
        //# close the connection but MAY close the connection at any time after
        //# sending and receiving a Close message, e.g., if it has not received a
        //# TCP Close from the server in a reasonable time period.
        let server_closes = !R::MASKS && outcome.clean();
        if sender.is_over()
            || (!waits && nothing_more_to_send && (receiver.has_stream_ended() || server_closes))
        {
            return Want::Done(outcome);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
        //# Similarly, to do so, the server MUST _Close the WebSocket Connection_, and
        //# SHOULD log the problem.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
        //# To do so, the client MUST _Close the WebSocket Connection_, and MAY report the
        //# problem to the user (which would be especially useful for developers) in an
        //# appropriate manner.
        if receiver.failure().is_some() && !waits && !self.sender.is_shut() {
            return Want::ShutdownWrite;
        }
        let holds = self.sender.holds();
        let reads = receiver.is_ended() || self.receiver.takes_input(holds);
        self.io(!receiver.has_stream_ended() && reads, holds)
    }

    /// When [`poll`](Self::poll) is to be called again, if nothing arrives before, with messages held or not; at once, if it has passed.
    #[inline]
    fn deadline_with(&self, holds: bool) -> Option<Duration> {
        if self.receiver.has_reply() {
            return Some(Duration::ZERO);
        }
        match (self.receiver.deadline_with(holds), self.sender.deadline()) {
            (Some(receiver), Some(sender)) => Some(receiver.min(sender)),
            (receiver, sender) => receiver.or(sender),
        }
    }

    /// Says that the transport has been half-closed, as [`Want::ShutdownWrite`] asked: it doesn't ask again.
    pub fn shut(&mut self) {
        self.sender.note_shutdown();
    }

    /// Says that the transport is gone in both directions, as after a write that failed: nothing that waits can be written
    /// any more. The connection has then ended.
    pub fn lost(&mut self) {
        self.sender.lost();
        self.receiver.lost();
    }

    /// How the connection ended, or what has become of it so far.
    pub fn outcome(&self) -> Outcome {
        Outcome::join(self.receiver.end(), self.sender.end())
    }

    /// What has gone over the connection.
    pub fn counters(&self) -> Counters {
        Counters {
            received: self.receiver.traffic(),
            sent: self.sender.traffic(),
            round_trip: self.receiver.round_trip(),
        }
    }

    /// Replaces the configuration: other limits after authentication, say. It holds from the next frame on, the way of delivery
    /// from the next message on; the SIMD level stays.
    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        let config = config.into();
        self.receiver.set_config(Arc::clone(&config));
        self.sender.set_config(config);
    }
}
