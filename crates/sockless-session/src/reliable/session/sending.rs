//! What goes out: messages taken from the application, and what a connection is to carry next.

use core::time::Duration;

use super::super::error::{CloseReason, SendError, SendFailure};
use super::super::message::Payload;
use super::super::number;
use super::super::outbox::{Entry, Form, Outbox};
use super::super::output::{self, Head, Output};
use super::link::{Link, Phase};
use super::{Session, Stage};
use crate::time::{Instant, nanos};

impl<M: Payload> Session<M> {
    /// Takes a message for sending: its number, by which [`status`](Self::status) knows it.
    ///
    /// # Errors
    ///
    /// The message comes back.
    #[inline]
    pub fn send(&mut self, message: M) -> Result<u64, SendFailure<M>> {
        // What decides is called, what moves the message is inlined: it goes from the caller's hands into the queue.
        match self.reserve() {
            Ok((number, outbox)) => {
                outbox.push(Entry::message(message));
                Ok(number)
            }
            Err(error) => Err(SendFailure { message, error }),
        }
    }

    /// Takes a request for sending: its number, which its reply will say. At `deadline` the session says that it has not been
    /// answered; the message itself is delivered all the same.
    ///
    /// # Errors
    ///
    /// The message comes back.
    pub fn request(&mut self, message: M, deadline: Duration) -> Result<u64, SendFailure<M>> {
        let waiting = self.awake.as_ref().map_or(0, |awake| awake.requests.len());
        if waiting >= self.config.requests {
            return Err(SendFailure { message, error: SendError::TooManyRequests });
        }
        let number = self.enqueue(Form::Request, message)?;
        self.wake().requests.insert(number, Instant::new(deadline));
        Ok(number)
    }

    /// Replies to the peer's request with this number.
    ///
    /// # Errors
    ///
    /// The message comes back.
    pub fn reply(&mut self, to: u64, message: M) -> Result<u64, SendFailure<M>> {
        self.answer(to, Form::Reply(to), message)
    }

    /// Replies to the peer's request with this number that it can't be answered: the message says why.
    ///
    /// # Errors
    ///
    /// The message comes back.
    pub fn reject(&mut self, to: u64, message: M) -> Result<u64, SendFailure<M>> {
        self.answer(to, Form::Rejection(to), message)
    }

    fn answer(&mut self, to: u64, form: Form, message: M) -> Result<u64, SendFailure<M>> {
        if to == 0 || to > self.received {
            return Err(SendFailure { message, error: SendError::NoSuchRequest });
        }
        self.enqueue(form, message)
    }

    /// Leaves messages out: the peer learns at this point of the stream how many. Takes one place in the queue, for which one more
    /// is kept than for messages, and none where a gap that hasn't gone out is the last message already.
    ///
    /// # Errors
    ///
    /// Nothing was noted: the caller goes on counting. There is no place, or the session has ended, or has no number left.
    pub fn skip(&mut self, count: u64) -> Result<u64, SendError> {
        self.check_stage()?;
        let count = count.clamp(1, number::LAST);
        let fixed = self.sent.max(self.recorded_assigned());
        if self.assigned > fixed && self.wake().outbox.widen_gap(count) {
            return Ok(self.assigned);
        }
        if self.queued() > self.config.queue_messages {
            self.wake().room_wanted = true;
            return Err(SendError::QueueFull);
        }
        let (number, outbox) = self.count_out();
        outbox.push(Entry::new(Form::Gap(count), None));
        Ok(number)
    }

    /// What an unnumbered message looks like on the wire. It isn't sent again, and nothing is known about its delivery.
    ///
    /// # Errors
    ///
    /// No open connection carries the session, and the message comes back.
    pub fn unnumbered(&self, message: M) -> Result<Output<M>, M> {
        if !self.is_open() || self.stage > Stage::Established || !self.may_speak() {
            return Err(message);
        }
        Ok(Output::Data { head: Head::letter(b'u'), payload: message })
    }

    fn check_stage(&self) -> Result<(), SendError> {
        if self.stage > Stage::Established {
            return Err(SendError::Ended);
        }
        if self.assigned >= number::LAST {
            return Err(SendError::NumbersExhausted);
        }
        Ok(())
    }

    fn enqueue(&mut self, form: Form, message: M) -> Result<u64, SendFailure<M>> {
        match self.reserve() {
            Ok((number, outbox)) => {
                outbox.push(Entry::new(form, Some(message)));
                Ok(number)
            }
            Err(error) => Err(SendFailure { message, error }),
        }
    }

    /// A number for one more message, and the queue, which takes it now.
    fn reserve(&mut self) -> Result<(u64, &mut Outbox<M>), SendError> {
        self.check_stage()?;
        if !self.has_room() {
            self.wake().room_wanted = true;
            return Err(SendError::QueueFull);
        }
        Ok(self.count_out())
    }

    /// The next number, for what is put at the end of the queue.
    #[inline]
    fn count_out(&mut self) -> (u64, &mut Outbox<M>) {
        let (doubtful, assigned) = (self.doubtful, self.assigned);
        let awake = self.wake();
        if doubtful {
            // A life of this session that was forgotten may have given the next number to another message.
            awake.floor.get_or_insert(assigned);
        }
        // Not earlier: what a session has when it wakes counts as stored.
        self.assigned = assigned + 1;
        (self.assigned, &mut self.wake().outbox)
    }

    /// Whether the queue takes another message.
    pub fn has_room(&self) -> bool {
        self.queued() < self.config.queue_messages
            && self.queued_bytes() < self.config.queue_bytes as u64
    }

    /// What the connection is to carry next. What is returned counts as sent: a connection that can't take it is lost.
    #[inline]
    pub fn poll_output(&mut self, link: Link, now: Duration) -> Option<Output<M>> {
        if link.0 < self.attempt {
            return Some(Output::Close(CloseReason::Superseded));
        }
        if !self.is_current(link) {
            return None;
        }
        let now = Instant::new(now);
        match self.link()?.phase {
            Phase::OpeningDue => self.opening_output(now),
            Phase::OpeningSent => None,
            Phase::WelcomeDue => self.welcome_output(),
            Phase::Open if self.stage > Stage::Established => self.bye_output(now),
            Phase::Open if self.link()?.is_quiet(now) => self.next_message(),
            Phase::Open => self.control_output(now).or_else(|| self.next_message()),
        }
    }

    fn opening_output(&mut self, now: Instant) -> Option<Output<M>> {
        if !self.is_begun() {
            return None;
        }
        let stated = self.link()?.inflow.ack_sent;
        let opening = self.opening(stated);
        let link = self.link_mut()?;
        (link.phase, link.since) = (Phase::OpeningSent, now);
        Some(Output::Text(output::opening(&opening)))
    }

    fn welcome_output(&mut self) -> Option<Output<M>> {
        if !self.may_speak() {
            return None;
        }
        let (window, grace) = (self.config.window, nanos(self.config.grace) / 1_000_000);
        let seen = self.received;
        let link = self.link_mut()?;
        link.phase = Phase::Open;
        let stated = link.inflow.ack_sent;
        Some(Output::Text(output::welcome(stated, seen, window, grace.min(number::LAST))))
    }

    fn bye_output(&mut self, now: Instant) -> Option<Output<M>> {
        if !self.is_end_stored() {
            return None;
        }
        let (accepted, until) = (self.accepted, now.after(self.config.opening));
        let link = self.link_mut()?;
        if let Some(reason) = link.bye.due.take() {
            link.bye.sent = true;
            link.bye.until = Some(until);
            return Some(Output::Text(output::bye(accepted, reason.word())));
        }
        if link.bye.sent && link.bye.received {
            self.drop_link();
            return Some(Output::Close(CloseReason::Done));
        }
        None
    }

    fn control_output(&mut self, now: Instant) -> Option<Output<M>> {
        let stored = self.stored_accepted();
        let (accepted, delay) = (self.accepted, self.config.ack_delay);
        if !self.may_speak() {
            return None;
        }
        let link = self.link_mut()?;
        if link.ack_due.is_some_and(|due| due <= now) {
            let ack = stored.min(link.next_in - 1);
            if ack > link.inflow.ack_sent {
                let count = ack - link.inflow.ack_sent;
                link.inflow.acked(ack);
                let more = accepted.min(link.next_in - 1) > ack;
                link.ack_due = more.then(|| now.after(delay));
                return Some(Output::Short(Head::number(b'a', count)));
            }
        }
        if let Some(asked) = &mut link.asked
            && !asked.sent
        {
            asked.sent = true;
            return Some(Output::Short(Head::number(b'n', asked.from)));
        }
        if let Some(position) = link.position_due.take() {
            return Some(Output::Short(Head::number(b'p', position)));
        }
        if core::mem::take(&mut link.alive_due) {
            return Some(Output::Short(Head::letter(b'o')));
        }
        if core::mem::take(&mut link.probe_due) {
            return Some(Output::Short(Head::letter(b'i')));
        }
        None
    }

    /// The next numbered message, if it is stored and within the peer's window.
    #[inline]
    fn next_message(&mut self) -> Option<Output<M>> {
        let (acked, ready) = (self.acked, self.stored_assigned());
        let awake = self.awake.as_mut()?;
        let link = awake.link.as_mut()?;
        let number = link.next_out;
        if number > ready || !Self::speaks(&self.config, &awake.storage) {
            return None;
        }
        let entry = awake.outbox.get((number - acked - 1) as usize)?;
        let len = entry.wire_len();
        if !link.window_out.allows(number - acked, link.out_bytes + len) {
            return None;
        }
        link.out_bytes += len;
        link.next_out = number + 1;
        self.sent = self.sent.max(number);
        let head = entry.head();
        Some(match &entry.payload {
            Some(payload) => Output::Data { head, payload: payload.clone() },
            None => Output::Short(head),
        })
    }
}
