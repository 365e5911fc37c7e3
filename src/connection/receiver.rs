//! The receiving half: input in, events out (RFC 6455, sections 5.4 to 5.6, 6.2 and 7).
//!
//! It decides what frames mean. How their bytes are decoded is the decoder's business, how messages grow the assembler's; what has
//! to be sent goes to the sending half as a [`Reply`].

use alloc::sync::Arc;
use core::time::Duration;

use super::config::{Config, Delivery};
use super::control::InFlight;
use super::counters::{Tally, Traffic};
use super::event::{Closing, Event, Pong};
use super::failure::Failure;
use super::inflow::Inflow;
use super::outcome::{CloseStatus, ReceiverEnd};
use super::reply::{ControlPayload, Probe, Reply};
use super::silence::{Alarm, Silence};
use super::state::Receiving;
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
    in_flight: InFlight,
    pub(super) inflow: Inflow,
    pub(super) config: Arc<Config>,
    pub(super) state: Receiving,
    eof: bool,
    /// How the message under way is delivered, whatever the configuration has become since it began.
    pub(super) delivery: Delivery,
    /// Whether the caller has had the buffer of the message under way.
    pub(super) was_taken: bool,
    /// What may go the fast way. Whatever changes what it depends on makes it anew.
    quick: Quick,
    pub(super) silence: Silence,
    pub(super) tally: Tally,
}

/// What the receiving half found: an event for the application, and the reply that it calls for.
#[derive(Debug)]
#[must_use = "the reply is to be carried to the sending half"]
pub struct Received<'b> {
    /// What happened.
    pub event: Event<'b>,
    /// What the sending half has to do about it.
    pub reply: Option<Reply>,
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
            in_flight: InFlight::default(),
            inflow: Inflow::default(),
            delivery: config.delivery,
            was_taken: false,
            config,
            state: Receiving::Open,
            eof: false,
            silence: Silence::default(),
            tally: Tally::default(),
        }
    }

    /// The next event out of `input`. `None` when all of it has been consumed and nothing is due at `now`, the time since any
    /// origin of the caller's.
    ///
    /// After [`Event::Closing`] and [`Event::Failed`], further input is thrown away.
    pub fn poll<'b>(&mut self, input: &mut Input<'b>, now: Duration) -> Option<Received<'b>> {
        let event = self.next(input, now)?;
        let reply = self.reply(&event, now);
        Some(Received { event, reply })
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
        let (kind, payload) = self.decoder.whole(input, self.quick, limits)?;
        self.tally.wire_bytes += (arrived - input.len()) as u64;
        self.silence.heard_data();
        Some(self.message(kind, Payload::borrowed(payload)))
    }

    /// The next event, whatever it is.
    pub(crate) fn next_general<'b>(
        &mut self,
        input: &mut Input<'b>,
        now: Duration,
    ) -> Option<Event<'b>> {
        let event = self.general(input, Instant::new(now));
        self.quick = quick(&self.decoder, &self.config);
        event
    }

    fn general<'b>(&mut self, input: &mut Input<'b>, now: Instant) -> Option<Event<'b>> {
        while self.state == Receiving::Open {
            let arrived = input.len();
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
                // What is wrong is told by the next step.
                Ok(None) if self.decoder.has_failed() && !self.assembler.is_taken() => {}
                Ok(None) => break,
            }
        }
        self.rest(input, now)
    }

    /// One frame header, or one piece of a payload.
    fn step<'b>(
        &mut self,
        input: &mut Input<'b>,
        now: Instant,
    ) -> Result<Option<Event<'b>>, Failure> {
        if self.assembler.is_taken() {
            return Ok(None);
        }
        if !self.decoder.in_payload() {
            let Some(header) = self.decoder.header(input, &self.config.limits)? else {
                return Ok(None);
            };
            if matches!(header.opcode, Opcode::Text | Opcode::Binary) {
                self.delivery = self.config.delivery;
                self.was_taken = false;
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
        match (transformed, self.delivery) {
            (false, Delivery::Whole) => {
                let message = if input.is_empty() && self.decoder.remaining() == 0 {
                    self.assembler.complete(&mut self.decoder, fin)?
                } else {
                    self.assembler.whole(&mut self.decoder, input, fin)?
                };
                // Whoever has had the buffer may have changed what had been checked.
                let intact = |payload: &Payload<'_>| core::str::from_utf8(payload).is_ok();
                if self.was_taken && kind == Kind::Text && !message.iter().all(intact) {
                    return Err(Failure::Violation(Violation::InvalidText));
                }
                Ok(message.map(|payload| self.message(kind, payload)))
            }
            (false, Delivery::Parts) => {
                let part = Part::next(&mut self.decoder, input, fin);
                Ok(part.map(|part| self.part(part)))
            }
            (true, Delivery::Whole) => {
                let limit = self.config.limits.message;
                let decoder = &mut self.decoder;
                let message = self.inflow.whole(decoder, &mut self.assembler, input, fin, limit)?;
                Ok(message.map(|payload| self.message(kind, payload)))
            }
            (true, Delivery::Parts) => {
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
        let Some(payload) = self.in_flight.arrived(arrived, complete) else {
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
                let round_trip = self.in_flight.answered(&payload, now);
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
        self.state = Receiving::Closed(CloseStatus::from(code));
        self.forget();
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
            self.eof |= input.is_eof();
            return None;
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
        //# If at any point the underlying transport layer connection is unexpectedly
        //# lost, the client MUST _Fail the WebSocket Connection_.
        if input.is_eof() && input.is_empty() {
            self.eof = true;
            return Some(self.fail(Failure::EndOfStream));
        }
        match self.silence.alarm(now, &self.config)? {
            Alarm::Ping => Some(Event::Quiet),
            Alarm::Idle => Some(Event::Idle),
            Alarm::Dead => Some(self.fail(Failure::Unresponsive)),
        }
    }

    fn fail<'b>(&mut self, failure: Failure) -> Event<'b> {
        self.state = Receiving::Failed(failure);
        self.forget();
        Event::Failed(failure)
    }

    /// Gives all memory back: nothing more will be read.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
    //# An endpoint MUST NOT continue to attempt to process data
    //# (including a responding Close frame) from the remote endpoint after
    //# being instructed to _Fail the WebSocket Connection_.
    fn forget(&mut self) {
        self.decoder.stop();
        self.assembler.clear();
        self.inflow = Inflow::default();
        self.in_flight = InFlight::default();
    }

    /// Takes note that the transport is gone: nothing more will arrive.
    pub(super) fn lost(&mut self) {
        self.eof = true;
        if self.state == Receiving::Open {
            self.fail(Failure::EndOfStream);
            self.quick = Quick::NOTHING;
        }
    }

    /// What the sending half has to do about an event.
    pub(crate) fn reply(&mut self, event: &Event<'_>, now: Duration) -> Option<Reply> {
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
                self.in_flight.pinged(payload, now);
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
        self.in_flight.pinged(payload, at);
    }

    /// Takes note that the sending half can't send the ping that was due.
    pub(super) fn not_pinged(&mut self) {
        self.silence.not_pinged();
    }

    /// When [`poll`](Self::poll) is to be called again, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            Receiving::Open => self.silence.deadline(&self.config),
            _ => None,
        }
    }

    /// Replaces the configuration: other limits after authentication, say. It holds from the next frame on, the way of delivery
    /// from the next message on; the SIMD level stays.
    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        self.config = config.into();
        self.quick = quick(&self.decoder, &self.config);
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
        self.state == Receiving::Open && !self.eof
    }

    /// Whether nothing will arrive any more.
    pub(super) fn is_at_end(&self) -> bool {
        self.eof
    }

    /// How this half stands; with the other half's, an [`Outcome`](super::Outcome).
    pub fn end(&self) -> ReceiverEnd {
        let (received, failure) = match self.state {
            Receiving::Open => (CloseStatus::Absent, None),
            Receiving::Closed(status) => (status, None),
            Receiving::Failed(failure) => (CloseStatus::Absent, Some(failure)),
        };
        ReceiverEnd { received, failure, eof: self.eof }
    }
}

/// What may go the fast way with this decoder as it stands.
fn quick<R: Role>(decoder: &Decoder<R>, config: &Config) -> Quick {
    match config.delivery {
        Delivery::Whole => decoder.quick(&config.limits),
        Delivery::Parts => Quick::NOTHING,
    }
}
