//! The receiving half: input in, events out (RFC 6455, sections 5.4 to 5.6, 6.2 and 7).
//!
//! It polls what is kept and what has arrived, throws away what comes after a failure or the peer's Close, watches the time, and replies:
//! what has to be sent goes to the sending half as a [`Reply`]. A message that lies whole in the input becomes its event here, in
//! `poll_fast`, which needs no check of the state: after the end the decoder is stopped, and refuses everything. What all other frames
//! come to is decided by [`Incoming`]. The files below this one: what frames mean, memory lent and taken out, extensions.

use alloc::sync::Arc;
use core::time::Duration;

use super::aside::Aside;
use super::close_status::CloseStatus;
use super::config::Config;
use super::counters::{Tally, Traffic};
use super::event::Event;
use super::failure::Failure;
use super::incoming::Incoming;
use super::liveness::{Alarm, Liveness};
use super::outcome::ReceiverEnd;
use super::receive_gate::ReceiveGate;
use super::reply::{ControlPayload, Notice, Probe, Reply};
use super::state::{Receiving, ReceivingChange};
use super::want::Want;
use crate::frame::Input;
use crate::message::Payload;
use crate::words::role::Role;
use crate::words::time::Instant;

mod buffers;
mod extensions;
mod frames;

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Receiver<R: Role> {
    incoming: Incoming<R>,
    aside: Aside,
    gate: ReceiveGate,
    config: Arc<Config>,
    liveness: Liveness,
    tally: Tally,
}

impl<R: Role> Receiver<R> {
    /// The receiving half of a connection that has just been opened.
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        Self {
            incoming: Incoming::new(&config),
            aside: Aside::default(),
            gate: ReceiveGate::new(&config),
            config,
            liveness: Liveness::default(),
            tally: Tally::default(),
        }
    }

    /// The next event out of `input`. `None` when all of it has been consumed or copied, and nothing is due at `now`, the time since any
    /// origin of the caller's; then the input's buffer is the caller's again.
    ///
    /// What the sending half has to do about an event waits until [`reply`](Self::reply) takes it. The end of the stream has a reply too, though no
    /// event: ask after every call.
    ///
    /// While messages are held, and while the buffer of a message is taken, input is copied; messages that come out of the copy own
    /// their payload. After [`Event::Closing`] and [`Event::Failed`], further input is thrown away.
    #[must_use = "the event is in what is returned; poll until `None`"]
    pub fn poll<'b>(&mut self, input: &mut Input<'b>, now: Duration) -> Option<Event<'b>> {
        let event = self.next_event(input, now);
        let reply = match &event {
            Some(event) => self.reply_to(event, now),
            None => self.reply_to_the_end(),
        };
        if let Some(reply) = reply {
            self.aside.push_reply(reply);
        }
        event
    }

    /// The reply to the end of the stream, once, where no failure says it.
    fn reply_to_the_end(&mut self) -> Option<Reply> {
        let is_news = self.stream_has_ended() && self.gate.tell_of_end();
        is_news.then_some(Reply::Gone)
    }

    /// Takes the next reply that the sending half has to [apply](super::Sender::apply). Until they are taken, replies wait in a fixed
    /// place: pongs in order, as far as 2 KiB reach, and of those beyond only the latest; one ping; and what ends the connection.
    pub fn reply(&mut self) -> Option<Reply> {
        self.aside.pop_reply()
    }

    /// Says whether messages are to be held, because the sending half [is congested](super::Sender::is_congested): then none
    /// is given out, nor a further part of one, and `want` asks for no input. Control frames before the next data frame, the end of the
    /// stream and time are dealt with all the same, as far as they don't come after what is held.
    pub fn hold(&mut self, hold: bool) {
        if hold {
            self.liveness.pause();
        }
        self.gate.hold(hold);
    }

    /// Whether anything has arrived since time was last looked at. What is thrown away doesn't count.
    #[inline]
    pub(super) fn has_heard(&self) -> bool {
        self.gate.is_open() && self.liveness.has_heard()
    }

    /// Whether messages are held.
    #[inline]
    pub(super) fn is_holding(&self) -> bool {
        self.gate.holds()
    }

    /// Takes what the sending half has found out.
    pub fn note(&mut self, notice: Notice, now: Duration) {
        match (notice, self.gate.state()) {
            (Notice::PingWritten, _) => self.liveness.ping_written(Instant::new(now)),
            (Notice::Closing, _) => self.liveness.stop_asking(),
            (Notice::Stalled, Receiving::Open) => {
                self.stop_reading(ReceivingChange::Stalled);
            }
            (Notice::TimedOut, Receiving::Open) => self.stop_reading(ReceivingChange::TimedOut),
            (Notice::Stalled | Notice::TimedOut, _) => {}
        }
    }

    /// What a task that reads is to do next: to read or not, and when to poll again at the latest. `write` says that a reply waits to
    /// be taken. There is nothing left to do when [`is_over`](Self::is_over).
    pub fn want(&self) -> Want {
        let read = !self.gate.has_stream_ended()
            && (!self.gate.is_open() || self.takes_input(self.gate.holds()));
        Want::Io { read, write: self.aside.has_reply(), deadline: self.deadline() }
    }

    /// Whether a reply waits to be taken.
    pub(super) fn has_reply(&self) -> bool {
        self.aside.has_reply()
    }

    /// Whether nothing will arrive any more: the stream has ended.
    pub fn is_over(&self) -> bool {
        self.gate.has_stream_ended()
    }

    /// Whether the stream has ended, even if that has not been reported, because the caller still has a message's buffer.
    pub(super) fn stream_has_ended(&self) -> bool {
        self.gate.has_stream_ended() || self.incoming.is_taken() && self.aside.has_kept_end()
    }

    /// Whether input is welcome while frames are read; `hold` says whether messages are held. The state isn't looked at.
    #[inline]
    pub(super) fn takes_input(&self, hold: bool) -> bool {
        !hold && !self.aside.has_kept() && !self.incoming.is_due()
    }

    /// The next event. Its reply is due before the next call.
    pub(super) fn next_event<'b>(
        &mut self,
        input: &mut Input<'b>,
        now: Duration,
    ) -> Option<Event<'b>> {
        match self.poll_fast(input) {
            Some(event) => Some(event),
            None => self.poll_general(input, now),
        }
    }

    /// A message that lies whole in the input: nearly all events. `None` for everything else; then nothing has been consumed, or a violation has
    /// been found, which [`poll_general`](Self::poll_general) reports.
    #[inline(always)]
    pub(super) fn poll_fast<'b>(&mut self, input: &mut Input<'b>) -> Option<Event<'b>> {
        if self.aside.has_kept() {
            return None;
        }
        let arrived = input.len();
        let decoded = self.incoming.fast_decode(input, self.gate.fast_limit(), &self.config);
        // Text that turned out to be wrong has been consumed, too.
        self.tally.add_wire_bytes((arrived - input.len()) as u64);
        let (kind, payload) = decoded?;
        self.liveness.heard_data();
        Some(self.give_out_message(kind, Payload::borrowed(payload)))
    }

    /// The next event, whatever it is.
    pub(super) fn poll_general<'b>(
        &mut self,
        input: &mut Input<'b>,
        now: Duration,
    ) -> Option<Event<'b>> {
        let now = Instant::new(now);
        if let Receiving::Failing(failure) = self.gate.state() {
            self.stop_reading(ReceivingChange::Told);
            return Some(Event::Failed(failure));
        }
        if self.aside.has_kept() {
            return self.poll_kept(input, now);
        }
        if !input.is_empty() || self.incoming.has_more() {
            if let Some(event) = self.read_frames(input, now) {
                return Some(event);
            }
            let waits = self.incoming.is_taken() || self.incoming.is_due();
            if self.gate.is_open() && (waits || !input.is_empty()) {
                self.keep(input);
                return self.poll_end_and_time(&mut Input::none(), now);
            }
        }
        self.poll_end_and_time(input, now)
    }

    /// Goes on with the input that is kept; what has arrived since is appended to it.
    #[cold]
    fn poll_kept<'b>(&mut self, input: &mut Input<'b>, now: Instant) -> Option<Event<'b>> {
        self.keep(input);
        let mut kept = self.aside.take_kept();
        let mut all = kept.input();
        let event = self.read_frames(&mut all, now).map(Event::into_owned);
        let (left, eof) = (all.len(), all.is_eof());
        if !self.gate.is_open() {
            self.gate.reach_end_if(eof);
            return event;
        }
        kept = kept.keep_last(left);
        // The end has to wait for what is read into a message's buffer that is out, and for what is held.
        let waits = self.incoming.is_taken() || self.incoming.is_due();
        let ends = eof && left == 0 && event.is_none() && !waits;
        self.aside.put_kept(if ends { kept.without_end() } else { kept });
        match event {
            Some(event) => Some(event),
            None if ends => self.poll_end_and_time(&mut Input::eof(), now),
            None => self.poll_end_and_time(&mut Input::none(), now),
        }
    }

    /// Keeps what is left of the input, if anything is.
    fn keep(&mut self, input: &mut Input<'_>) {
        if !input.is_empty() || input.is_eof() {
            self.liveness.pause();
            self.aside.keep(input);
        }
    }

    /// What is left to do when no frame is to be read: the end of the stream, and time.
    fn poll_end_and_time<'b>(&mut self, input: &mut Input<'b>, now: Instant) -> Option<Event<'b>> {
        if !self.gate.is_open() {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
            //# An endpoint MUST NOT continue to attempt to process data
            //# (including a responding Close frame) from the remote endpoint after
            //# being instructed to _Fail the WebSocket Connection_.
            input.take(input.len());
            self.gate.reach_end_if(input.is_eof());
            return None;
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
        //# If at any point the underlying transport layer connection is unexpectedly
        //# lost, the client MUST _Fail the WebSocket Connection_.
        if input.is_eof() && input.is_empty() {
            self.gate.reach_end_if(true);
            return Some(self.fail(Failure::EndOfStream));
        }
        if !self.takes_input(self.gate.holds()) {
            self.liveness.pause();
            return None;
        }
        match self.liveness.alarm(now, &self.config)? {
            Alarm::Ping => Some(Event::Quiet),
            Alarm::Idle => Some(Event::Idle),
            Alarm::Dead => Some(self.fail(Failure::Unresponsive)),
        }
    }

    /// Fails, and makes the event that says so.
    fn fail<'b>(&mut self, failure: Failure) -> Event<'b> {
        self.stop_reading(ReceivingChange::Failed(failure));
        Event::Failed(failure)
    }

    /// Reads nothing: the connection has never been open.
    #[cfg(feature = "handshake")]
    pub(super) fn refuse(&mut self) {
        self.stop_reading(ReceivingChange::Failed(Failure::Refused));
    }

    /// Goes over to a state in which nothing more is read, and gives all memory back.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
    //# An endpoint MUST NOT continue to attempt to process data
    //# (including a responding Close frame) from the remote endpoint after
    //# being instructed to _Fail the WebSocket Connection_.
    fn stop_reading(&mut self, change: ReceivingChange) {
        self.gate.change(change);
        self.gate.reach_end_if(self.aside.has_kept_end());
        self.incoming.stop();
        self.aside.forget();
    }

    /// Says that the transport is gone, as after a read that failed: nothing more will arrive.
    pub fn lost(&mut self) {
        self.gate.reach_end_if(true);
        self.gate.tell_of_end();
        if self.gate.is_open() {
            self.fail(Failure::EndOfStream);
        }
    }

    /// What the sending half has to do about an event.
    pub(super) fn reply_to(&mut self, event: &Event<'_>, now: Duration) -> Option<Reply> {
        match event {
            Event::Ping(payload) if self.config.auto_pong => {
                ControlPayload::new(payload).map(Reply::Pong)
            }
            Event::Closing(closing) => {
                Some(Reply::Close { code: closing.code, hold: !self.config.auto_close })
            }
            Event::Quiet => {
                let now = Instant::new(now);
                let nanos = now.since_origin().as_nanos() as u64;
                let payload = ControlPayload::new(&nanos.to_be_bytes())?;
                self.aside.remember_ping(payload, now);
                Some(Reply::Ping(payload))
            }
            Event::Idle => Some(Reply::Leave),
            Event::Failed(failure) => Some(Reply::Fail(*failure)),
            _ => None,
        }
    }

    /// Says that the sending half has sent a ping, so that its pong's round-trip time can be measured.
    pub fn expect(&mut self, probe: Probe) {
        let (payload, at) = probe.into_parts();
        self.aside.remember_ping(payload, at);
    }

    /// When [`poll`](Self::poll) is to be called again, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline_with(self.gate.holds())
    }

    /// When `poll` is to be called again, with messages held or not. At once, if there is something to do that waits for nothing. `None` while
    /// messages are held, or what is kept or due waits for a message's buffer that is out: the peer's silence isn't timed then.
    pub(super) fn deadline_with(&self, hold: bool) -> Option<Duration> {
        match self.gate.state() {
            Receiving::Open if self.takes_input(hold) => self.liveness.deadline(&self.config),
            // What is kept or due can be gone on with, unless it waits for the end of holding or for the buffer.
            Receiving::Open => (!hold && !self.incoming.is_taken()).then_some(Duration::ZERO),
            Receiving::Failing(_) => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// Replaces the configuration: other limits after authentication, say. It holds from the next frame on, the way of delivery
    /// from the next message on; the SIMD level stays.
    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        self.config = config.into();
        self.gate.set_config(&self.config);
    }

    /// What has been received.
    pub fn traffic(&self) -> Traffic {
        self.tally.traffic()
    }

    /// The round-trip time of the last ping that was answered.
    pub fn round_trip(&self) -> Option<Duration> {
        self.liveness.round_trip()
    }

    /// Whether frames are read, for `Connection::want`. Then the stream has not ended either: with its end the state changes.
    pub(super) fn is_open(&self) -> bool {
        self.gate.is_open()
    }

    /// What has become of this half so far; with the other half's, an [`Outcome`](super::Outcome).
    pub fn end(&self) -> ReceiverEnd {
        let (received, failure) = match self.gate.state() {
            Receiving::Open | Receiving::Over => (CloseStatus::Absent, None),
            Receiving::Closed(status) => (status, None),
            Receiving::Failing(failure) | Receiving::Failed(failure) => {
                (CloseStatus::Absent, Some(failure))
            }
        };
        let announced = match failure {
            Some(Failure::Violation(violation)) => self.incoming.announced(violation),
            _ => None,
        };
        ReceiverEnd::new(received, failure, announced, self.gate.has_stream_ended())
    }
}
