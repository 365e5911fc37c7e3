//! The receiving half: input in, events out (RFC 6455, sections 5.4 to 5.6, 6.2 and 7).
//!
//! It decides what frames mean. How their bytes are decoded is the decoder's business, how messages grow the assembler's; what has
//! to be sent goes to the sending half as a [`Reply`].

use alloc::sync::Arc;
use core::time::Duration;

use super::aside::Aside;
use super::config::{Config, Delivery};
use super::counters::{Tally, Traffic};
use super::event::{Closing, Event, Pong};
use super::failure::Failure;
use super::inflow::Inflow;
use super::outcome::{CloseStatus, ReceiverEnd, Want};
use super::reply::{ControlPayload, Notice, Probe, Reply};
use super::silence::{Alarm, Silence};
use super::state::{Ending, Receiving};
use crate::frame::{Decoder, Input, Quick, Violation, decoder};
use crate::message::assembler::Assembler;
use crate::message::{Content, Part, Payload, Text};
use crate::words::close_code::CloseCode;
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;
use crate::words::time::Instant;

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Receiver<R: Role> {
    pub(super) decoder: Decoder<R>,
    pub(super) assembler: Assembler,
    pub(super) aside: Aside,
    pub(super) inflow: Inflow,
    pub(super) config: Arc<Config>,
    pub(super) state: Receiving,
    ending: Ending,
    /// Whether messages are held.
    hold: bool,
    pub(super) manner: Manner,
    /// What may go the fast way. Whatever changes what it depends on makes it anew.
    quick: Quick,
    pub(super) silence: Silence,
    pub(super) tally: Tally,
}

/// How the message that is arriving is delivered, whatever the configuration has become since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Whole,
    /// Whole, and the caller has had its buffer.
    Taken,
    Parts,
}

impl From<Delivery> for Manner {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Whole => Self::Whole,
            Delivery::Parts => Self::Parts,
        }
    }
}

impl<R: Role> Receiver<R> {
    /// The receiving half of a connection that has just been opened.
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let decoder = Decoder::with_level(config.simd);
        Self {
            quick: quick(&decoder, &config),
            decoder,
            assembler: Assembler::default(),
            aside: Aside::default(),
            inflow: Inflow::default(),
            manner: Manner::from(config.delivery),
            config,
            state: Receiving::Open,
            ending: Ending::default(),
            hold: false,
            silence: Silence::default(),
            tally: Tally::default(),
        }
    }

    /// The next event out of `input`. `None` when all of it has been consumed or copied, and nothing is due at `now`, the time since any
    /// origin of the caller's; then the input's buffer is the caller's again.
    ///
    /// What the sending half has to do about an event waits until [`reply`](Self::reply) takes it.
    ///
    /// While messages are held, and while the buffer of a message is taken, input is copied; messages that come out of the copy own
    /// their payload. After [`Event::Closing`] and [`Event::Failed`], further input is thrown away.
    pub fn poll<'b>(&mut self, input: &mut Input<'b>, now: Duration) -> Option<Event<'b>> {
        let event = self.next(input, now);
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
        (self.has_lost_its_peer() && self.ending.tell()).then_some(Reply::Gone)
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
            self.silence.pause();
        }
        if hold != self.hold {
            self.hold = hold;
            self.quick = self.quick_now();
        }
    }

    /// Whether anything has arrived since time was last looked at, in as far as it is read.
    #[inline]
    pub(super) fn has_heard(&self) -> bool {
        self.state == Receiving::Open && self.silence.has_heard()
    }

    /// Whether messages are held.
    #[inline]
    pub(super) fn is_holding(&self) -> bool {
        self.hold
    }

    /// Takes what the sending half has found out.
    pub fn note(&mut self, notice: Notice, now: Duration) {
        match (notice, self.state) {
            (Notice::PingWritten, _) => self.silence.ping_written(Instant::new(now)),
            (Notice::Closing, _) => self.silence.stop_asking(),
            (Notice::Stalled, Receiving::Open) => {
                self.leave(Receiving::Failing(Failure::Stalled));
            }
            (Notice::TimedOut, Receiving::Open) => self.leave(Receiving::Over),
            (Notice::Stalled | Notice::TimedOut, _) => {}
        }
    }

    /// What a task that reads is to do next: to read or not, and when to poll again at the latest. `write` says that a reply waits to
    /// be taken. There is nothing left to do when [`is_over`](Self::is_over).
    pub fn want(&self) -> Want {
        let read = !self.ending.is_reached()
            && (self.state != Receiving::Open || self.takes_input(self.hold));
        Want::Io { read, write: self.aside.has_reply(), deadline: self.deadline() }
    }

    /// Whether a reply waits to be taken.
    pub(super) fn has_reply(&self) -> bool {
        self.aside.has_reply()
    }

    /// Whether nothing will arrive any more: the stream has ended.
    pub fn is_over(&self) -> bool {
        self.ending.is_reached()
    }

    /// Whether the stream has ended, though perhaps nobody has heard of it, because a message's buffer is out that may never come back.
    pub(super) fn has_lost_its_peer(&self) -> bool {
        self.ending.is_reached() || self.assembler.is_taken() && self.aside.has_kept_end()
    }

    /// Whether input is welcome, with messages held or not. No matter how the connection stands.
    #[inline]
    pub(super) fn takes_input(&self, hold: bool) -> bool {
        !hold && !self.aside.has_kept() && !self.is_due()
    }

    /// Whether there is something to tell that needs no further input, though it may be held.
    #[inline]
    fn is_due(&self) -> bool {
        self.decoder.is_due() || self.inflow.is_due()
    }

    /// The next event. Its reply is due before the next call.
    pub(crate) fn next<'b>(&mut self, input: &mut Input<'b>, now: Duration) -> Option<Event<'b>> {
        match self.whole(input) {
            Some(event) => Some(event),
            None => self.next_general(input, now),
        }
    }

    /// A message that lies whole in the input: the fast way of nearly all events. `None` for everything else.
    #[inline(always)]
    pub(crate) fn whole<'b>(&mut self, input: &mut Input<'b>) -> Option<Event<'b>> {
        let (arrived, limits) = (input.len(), || &self.config.limits);
        let Some((kind, payload)) = self.decoder.whole(input, self.quick, limits) else {
            // It may have failed.
            self.quick = Quick::NOTHING;
            return None;
        };
        self.tally.wire_bytes += (arrived - input.len()) as u64;
        self.silence.heard_data();
        Some(self.message(kind, Payload::borrowed(payload)))
    }

    /// The next event, whatever it is.
    #[inline]
    pub(crate) fn next_general<'b>(
        &mut self,
        input: &mut Input<'b>,
        now: Duration,
    ) -> Option<Event<'b>> {
        let event = self.general(input, Instant::new(now));
        self.quick = self.quick_now();
        event
    }

    fn general<'b>(&mut self, input: &mut Input<'b>, now: Instant) -> Option<Event<'b>> {
        if let Receiving::Failing(failure) = self.state {
            return Some(self.fail(failure));
        }
        if self.aside.has_kept() {
            return self.go_on(input, now);
        }
        if !input.is_empty() || self.decoder.has_more() {
            if let Some(event) = self.decode(input, now) {
                return Some(event);
            }
            let waits = self.assembler.is_taken() || self.is_due();
            if self.state == Receiving::Open && (waits || !input.is_empty()) {
                self.keep(input);
                return self.rest(&mut Input::none(), now);
            }
        }
        self.rest(input, now)
    }

    /// Goes on with the input that is kept; what has arrived since is appended to it.
    #[cold]
    fn go_on<'b>(&mut self, input: &mut Input<'b>, now: Instant) -> Option<Event<'b>> {
        self.keep(input);
        let mut kept = self.aside.take_kept();
        let mut all = kept.input();
        let event = self.decode(&mut all, now).map(Event::into_owned);
        let (left, eof) = (all.len(), all.is_eof());
        if self.state != Receiving::Open {
            self.ending.reach_if(eof);
            return event;
        }
        kept = kept.keep_last(left);
        // The end has to wait for what is read into a message's buffer that is out, and for what is held.
        let waits = self.assembler.is_taken() || self.is_due();
        let ends = eof && left == 0 && event.is_none() && !waits;
        self.aside.put_kept(if ends { kept.without_end() } else { kept });
        match event {
            Some(event) => Some(event),
            None if ends => self.rest(&mut Input::eof(), now),
            None => self.rest(&mut Input::none(), now),
        }
    }

    fn keep(&mut self, input: &mut Input<'_>) {
        if !input.is_empty() || input.is_eof() {
            self.silence.pause();
            self.aside.keep(input);
        }
    }

    /// The next event of frames, as far as they have arrived and may be taken now.
    fn decode<'b>(&mut self, input: &mut Input<'b>, now: Instant) -> Option<Event<'b>> {
        while self.state == Receiving::Open {
            let (arrived, in_payload) = (input.len(), self.decoder.in_payload());
            let step = self.step(input, now);
            let consumed = arrived - input.len();
            self.tally.wire_bytes += consumed as u64;
            if consumed > 0 {
                self.silence.heard_bytes();
            }
            match step {
                Ok(Some(event)) => return Some(event),
                Err(failure) => return Some(self.fail(failure)),
                Ok(None) if consumed > 0 && !input.is_empty() => {}
                // What was put back has ended a fragment.
                Ok(None) if in_payload && !self.decoder.in_payload() && !input.is_empty() => {}
                // What is wrong is told by the next step.
                Ok(None) if self.decoder.has_failed() && !self.assembler.is_taken() => {}
                Ok(None) => break,
            }
        }
        None
    }

    /// One frame header, or one piece of a payload.
    fn step<'b>(
        &mut self,
        input: &mut Input<'b>,
        now: Instant,
    ) -> Result<Option<Event<'b>>, Failure> {
        if self.assembler.is_taken() || self.hold && self.decoder.is_data_next(input) {
            return Ok(None);
        }
        if !self.decoder.in_payload() {
            let Some(header) = self.decoder.header(input, &self.config.limits)? else {
                return Ok(None);
            };
            if matches!(header.opcode, Opcode::Text | Opcode::Binary) {
                self.manner = Manner::from(self.config.delivery);
            }
            match header.opcode {
                Opcode::Ping => self.tally.ping(),
                Opcode::Close | Opcode::Pong => self.tally.other_frame(),
                _ if header.fin => self.silence.heard_data(),
                _ => {
                    self.silence.heard_data();
                    self.tally.other_frame();
                }
            }
        }
        match self.decoder.frame() {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# An endpoint MUST be capable of handling control frames in the middle of a
            //# fragmented message.
            Some((opcode, _)) if opcode.is_control() => self.control(opcode, input, now),
            Some((_, fin)) => {
                if !input.is_empty() {
                    self.silence.heard_data();
                }
                self.data(fin, input)
            }
            None => Ok(None),
        }
    }

    fn data<'b>(&mut self, fin: bool, input: &mut Input<'b>) -> Result<Option<Event<'b>>, Failure> {
        let (kind, transformed) = self.decoder.message();
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
        //# An endpoint MUST use the following algorithm to receive a message in
        //# the form of a compressed message.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
        //# An endpoint MUST use the following algorithm to receive a message in
        //# the form of an uncompressed message.
        match (transformed, self.manner) {
            (false, Manner::Whole | Manner::Taken) => {
                let message = if input.is_empty() && self.decoder.remaining() == 0 {
                    self.assembler.end_frame(&mut self.decoder, fin)?
                } else {
                    self.assembler.assemble(&mut self.decoder, input, fin)?
                };
                // Whoever has had the buffer may have changed what had been checked.
                let intact = |payload: &Payload<'_>| core::str::from_utf8(payload).is_ok();
                if self.manner == Manner::Taken && kind == Kind::Text && !message.iter().all(intact)
                {
                    return Err(Failure::Violation(Violation::InvalidText));
                }
                Ok(message.map(|payload| self.message(kind, payload)))
            }
            (false, Manner::Parts) => {
                let part = Part::take_next(&mut self.decoder, input, fin);
                Ok(part.map(|part| self.part(part)))
            }
            (true, Manner::Whole | Manner::Taken) => {
                let limit = self.config.limits.message;
                let decoder = &mut self.decoder;
                let message = self.inflow.whole(decoder, &mut self.assembler, input, fin, limit)?;
                Ok(message.map(|payload| self.message(kind, payload)))
            }
            (true, Manner::Parts) => {
                let limit = self.config.limits.message;
                let decoder = &mut self.decoder;
                let part = self.inflow.part(decoder, input, fin, limit)?;
                Ok(part.map(|part| self.part(part)))
            }
        }
    }

    #[inline(always)]
    fn message<'b>(&mut self, kind: Kind, payload: Payload<'b>) -> Event<'b> {
        self.tally.messages += 1;
        self.tally.payload_bytes += payload.len() as u64;
        match Content::new(kind, payload) {
            Content::Text(text) => Event::Text(text),
            Content::Binary(payload) => Event::Binary(payload),
        }
    }

    fn part<'b>(&mut self, part: Part<'b>) -> Event<'b> {
        self.tally.messages += u64::from(part.last);
        self.tally.payload_bytes += part.content.as_bytes().len() as u64;
        Event::Part(part)
    }

    fn control<'b>(
        &mut self,
        opcode: Opcode,
        input: &mut Input<'b>,
        now: Instant,
    ) -> Result<Option<Event<'b>>, Failure> {
        let remaining = decoder::clamp(self.decoder.remaining());
        let arrived = input.take(remaining);
        if self.decoder.unmask(arrived).is_err() {
            return Ok(None);
        }
        let complete = arrived.len() == remaining;
        let Some(payload) = self.aside.arrived(arrived, complete) else {
            return Ok(None);
        };
        self.decoder.finish()?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
        //# If a control frame (Section 5.5) is received, the frame MUST be handled as
        //# defined by Section 5.5.
        Ok(Some(match opcode {
            Opcode::Close => self.closing(payload),
            Opcode::Ping => Event::Ping(payload),
            _ => {
                let round_trip = self.aside.answered(&payload, now);
                if let Some(round_trip) = round_trip {
                    self.silence.timed(round_trip);
                }
                Event::Pong(Pong { payload, round_trip })
            }
        }))
    }

    fn closing<'b>(&mut self, body: Payload<'b>) -> Event<'b> {
        let code = match *body {
            [high, low, ..] => CloseCode::new(u16::from_be_bytes([high, low])),
            _ => None,
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
        //# If this Close control frame contains no status code, _The WebSocket
        //# Connection Close Code_ is considered to be 1005.
        self.leave(Receiving::Closed(CloseStatus::from(code)));
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.6
        //# If there is no such data in the Close control frame, _The WebSocket Connection
        //# Close Reason_ is the empty string.
        Event::Closing(Closing { code, reason: Text::checked(body.skip(2)) })
    }

    /// What is left to do when no frame is to be read: the end of the stream, and time.
    fn rest<'b>(&mut self, input: &mut Input<'b>, now: Instant) -> Option<Event<'b>> {
        if self.state != Receiving::Open {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
            //# An endpoint MUST NOT continue to attempt to process data
            //# (including a responding Close frame) from the remote endpoint after
            //# being instructed to _Fail the WebSocket Connection_.
            input.take(input.len());
            self.ending.reach_if(input.is_eof());
            return None;
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
        //# If at any point the underlying transport layer connection is unexpectedly
        //# lost, the client MUST _Fail the WebSocket Connection_.
        if input.is_eof() && input.is_empty() {
            self.ending.reach_if(true);
            return Some(self.fail(Failure::EndOfStream));
        }
        if !self.takes_input(self.hold) {
            self.silence.pause();
            return None;
        }
        match self.silence.alarm(now, &self.config)? {
            Alarm::Ping => Some(Event::Quiet),
            Alarm::Idle => Some(Event::Idle),
            Alarm::Dead => Some(self.fail(Failure::Unresponsive)),
        }
    }

    fn fail<'b>(&mut self, failure: Failure) -> Event<'b> {
        self.leave(Receiving::Failed(failure));
        Event::Failed(failure)
    }

    /// Goes over to a state in which nothing more is read, and gives all memory back.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
    //# An endpoint MUST NOT continue to attempt to process data
    //# (including a responding Close frame) from the remote endpoint after
    //# being instructed to _Fail the WebSocket Connection_.
    fn leave(&mut self, state: Receiving) {
        self.state = state;
        self.ending.reach_if(self.aside.has_kept_end());
        self.decoder.stop();
        self.assembler.clear();
        self.inflow = Inflow::default();
        self.aside.forget();
        self.quick = Quick::NOTHING;
    }

    /// Takes note that the transport is gone, as after a read that failed: nothing more will arrive.
    pub fn lost(&mut self) {
        self.ending.reach_if(true);
        self.ending.tell();
        if self.state == Receiving::Open {
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
                self.aside.pinged(payload, now);
                Some(Reply::Ping(payload))
            }
            Event::Idle => Some(Reply::Leave),
            Event::Failed(failure) => Some(Reply::Fail(*failure)),
            _ => None,
        }
    }

    /// Takes note of a ping that the sending half has sent, so that the pong's round-trip time can be told.
    pub fn expect(&mut self, probe: Probe) {
        let Probe(payload, at) = probe;
        self.aside.pinged(payload, at);
    }

    /// When [`poll`](Self::poll) is to be called again, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline_with(self.hold)
    }

    /// When `poll` is to be called again, with messages held or not. At once, if there is something to do that waits for nothing.
    pub(super) fn deadline_with(&self, hold: bool) -> Option<Duration> {
        match self.state {
            Receiving::Open if self.takes_input(hold) => self.silence.deadline(&self.config),
            // What is kept or due can be gone on with.
            Receiving::Open => (!hold && !self.assembler.is_taken()).then_some(Duration::ZERO),
            Receiving::Failing(_) => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// Replaces the configuration: other limits after authentication, say. It holds from the next frame on, the way of delivery
    /// from the next message on; the SIMD level stays.
    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        self.config = config.into();
        self.quick = self.quick_now();
    }

    /// What has been received.
    pub fn traffic(&self) -> Traffic {
        self.tally.traffic()
    }

    /// The round-trip time of the last ping that was answered.
    pub fn round_trip(&self) -> Option<Duration> {
        self.silence.round_trip()
    }

    /// Whether more may come.
    pub(super) fn is_open(&self) -> bool {
        self.state == Receiving::Open && !self.ending.is_reached()
    }

    /// How this half stands; with the other half's, an [`Outcome`](super::Outcome).
    pub fn end(&self) -> ReceiverEnd {
        let (received, failure) = match self.state {
            Receiving::Open | Receiving::Over => (CloseStatus::Absent, None),
            Receiving::Closed(status) => (status, None),
            Receiving::Failing(failure) | Receiving::Failed(failure) => {
                (CloseStatus::Absent, Some(failure))
            }
        };
        ReceiverEnd { received, failure, eof: self.ending.is_reached() }
    }

    /// What may go the fast way as everything stands.
    fn quick_now(&self) -> Quick {
        if self.hold || self.aside.has_kept() {
            return Quick::NOTHING;
        }
        quick(&self.decoder, &self.config)
    }
}

/// What may go the fast way with this decoder as it stands.
fn quick<R: Role>(decoder: &Decoder<R>, config: &Config) -> Quick {
    match config.delivery {
        Delivery::Whole => decoder.quick(&config.limits),
        Delivery::Parts => Quick::NOTHING,
    }
}
