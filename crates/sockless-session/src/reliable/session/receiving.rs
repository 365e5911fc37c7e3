//! What a connection brings (sections 5 to 9 of the specification).

use core::time::Duration;

use super::super::error::{LinkError, Misuse, Violation};
use super::super::message::{Incoming, Payload};
use super::super::number;
use super::super::wire::{Bye, Parsed, is_ordinary, parse};
use super::link::{Asked, Link, Phase};
use super::{End, Session, Stage};
use crate::time::Instant;

/// What a message from the connection was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received<'a> {
    /// A message of the application. Where messages are accepted on delivery, this one is.
    Message {
        /// Its number.
        number: u64,
        /// The message.
        payload: Incoming<'a>,
    },
    /// A request. It is a message like others, and wants to be answered by [`Session::reply`] or [`Session::reject`] with its number.
    Request {
        /// Its number.
        number: u64,
        /// The message.
        payload: Incoming<'a>,
    },
    /// The reply to a request of ours. It is a message like others.
    Reply {
        /// Its own number.
        number: u64,
        /// The request's number.
        to: u64,
        /// Whether the peer has [rejected](Session::reject) the request.
        rejected: bool,
        /// The message.
        payload: Incoming<'a>,
    },
    /// The reply to a request that nobody waits for any more. It has been accepted.
    Late {
        /// Its own number.
        number: u64,
        /// The request's number.
        to: u64,
        /// Whether the peer has [rejected](Session::reject) the request.
        rejected: bool,
        /// The message.
        payload: Incoming<'a>,
    },
    /// The peer has left messages out here. It is a message like others.
    Gap {
        /// Its number.
        number: u64,
        /// How many were left out.
        count: u64,
    },
    /// A message that isn't numbered, and so isn't sent again.
    Unnumbered(Incoming<'a>),
    /// A client's connection is open: the session goes on, or has begun.
    Opened {
        /// Whether it was established before.
        resumed: bool,
        /// For how long the server keeps the session without a connection.
        grace: Duration,
    },
    /// The server knew of a later attempt, so the opening will be sent again. This is the connection's name from now on.
    Retried(Link),
    /// The server has no room for the session now. The connection is given up; another try, later, can succeed.
    NoRoom,
    /// The peer has accepted all messages up to this number.
    Delivered {
        /// The number.
        up_to: u64,
    },
    /// The session has ended. [`Session::take_failed`] gives back what wasn't delivered.
    Ended(End),
    /// Nothing that the application has to know.
    Nothing,
}

/// What a numbered message is.
enum Numbered<'a> {
    Message(Incoming<'a>),
    Request(Incoming<'a>),
    Reply(u64, bool, Incoming<'a>),
    Gap(u64),
}

/// How often the peer may ask for messages again without a greater ack.
const MOST_REWINDS: u8 = 16;

impl<M: Payload> Session<M> {
    /// Takes a message that the connection has received.
    ///
    /// # Errors
    ///
    /// The connection is to be closed, with [`LinkError::close_reason`]; it has been given up already. The session is unharmed.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        link: Link,
        message: Incoming<'a>,
        now: Duration,
    ) -> Result<Received<'a>, LinkError> {
        if !self.is_current(link) {
            return Err(LinkError::Superseded);
        }
        let (len, now) = (message.as_bytes().len() as u64, Instant::new(now));
        // Nearly all messages are ordinary ones, and nearly all of those arrive on an open connection.
        let ordinary = is_ordinary(message)
            && self.link().is_some_and(|link| link.is_open() && !link.bye.received);
        if ordinary {
            self.heard(now);
            return match self.count_in(len, now) {
                Ok(Some(number)) => Ok(Received::Message { number, payload: message }),
                Ok(None) => Ok(Received::Nothing),
                Err(error) => Err(self.give_up(error)),
            };
        }
        match parse(message) {
            Ok(parsed) => self.take(parsed, len, now).map_err(|error| self.give_up(error)),
            Err(violation) => Err(self.give_up(violation.into())),
        }
    }

    #[cold]
    fn give_up(&mut self, error: LinkError) -> LinkError {
        self.drop_link();
        error
    }

    /// The peer isn't silent.
    #[inline]
    fn heard(&mut self, now: Instant) {
        if let Some(link) = self.link_mut() {
            (link.since, link.probed) = (now, false);
        }
    }

    fn take<'a>(
        &mut self,
        parsed: Parsed<'a>,
        len: u64,
        now: Instant,
    ) -> Result<Received<'a>, LinkError> {
        let stage = self.stage;
        self.heard(now);
        let link = self.link_mut().ok_or(LinkError::Superseded)?;
        if link.bye.received {
            return Err(Violation::Unexpected.into());
        }
        match (link.phase, parsed) {
            (Phase::OpeningSent, Parsed::Welcome { received, seen, window, grace }) => {
                return self.welcomed(received, seen, window, grace);
            }
            (Phase::OpeningSent, Parsed::Refused(refusal)) => return self.refused(refusal),
            (Phase::OpeningDue | Phase::OpeningSent | Phase::WelcomeDue, _) => {
                return Err(Violation::Unexpected.into());
            }
            (Phase::Open, _) => {}
        }
        match parsed {
            Parsed::Message(payload) => self.numbered(Numbered::Message(payload), len, now),
            Parsed::Request(payload) => self.numbered(Numbered::Request(payload), len, now),
            Parsed::Reply(to, payload) => {
                self.numbered(Numbered::Reply(to, false, payload), len, now)
            }
            Parsed::Rejection(to, payload) => {
                self.numbered(Numbered::Reply(to, true, payload), len, now)
            }
            Parsed::Gap(count) => self.numbered(Numbered::Gap(count), len, now),
            Parsed::Unnumbered(_) if stage > Stage::Established => Ok(Received::Nothing),
            Parsed::Unnumbered(payload) => Ok(Received::Unnumbered(payload)),
            Parsed::Ack(count) => self.ack(count.get()),
            Parsed::Again(number) => self.send_again(number),
            Parsed::Position(number) => {
                let asked = link.asked.take_if(|asked| asked.sent && asked.from == number);
                asked.ok_or(Violation::BadPosition)?;
                link.next_in = number;
                Ok(Received::Nothing)
            }
            Parsed::Probe => {
                link.alive_due = true;
                Ok(Received::Nothing)
            }
            Parsed::Alive => Ok(Received::Nothing),
            Parsed::Bye(number, reason) => self.bye(number, reason),
            Parsed::Opening(_) | Parsed::Welcome { .. } | Parsed::Refused(_) => {
                Err(Violation::Unexpected.into())
            }
        }
    }

    fn numbered<'a>(
        &mut self,
        message: Numbered<'a>,
        len: u64,
        now: Instant,
    ) -> Result<Received<'a>, LinkError> {
        let Some(number) = self.count_in(len, now)? else { return Ok(Received::Nothing) };
        Ok(match message {
            Numbered::Message(payload) => Received::Message { number, payload },
            Numbered::Request(payload) => Received::Request { number, payload },
            Numbered::Gap(count) => Received::Gap { number, count },
            Numbered::Reply(to, rejected, payload) => match self.wake().requests.remove(&to) {
                Some(_) => Received::Reply { number, to, rejected, payload },
                None => Received::Late { number, to, rejected, payload },
            },
        })
    }

    /// Counts a numbered message of this length: its number, if the application hasn't had it.
    #[inline]
    fn count_in(&mut self, len: u64, now: Instant) -> Result<Option<u64>, LinkError> {
        let (window, delay) = (self.config.window, now.after(self.config.ack_delay));
        let (stage, received, accepted) = (self.stage, self.received, self.accepted);
        let on_delivery = self.accepts_on_delivery();
        let link = self.link_mut().ok_or(LinkError::Superseded)?;
        if stage > Stage::Established {
            return Ok(None);
        }
        if let Some(asked) = &mut link.asked {
            if asked.sent {
                asked.dropped += 1;
                if asked.dropped > window.messages {
                    return Err(Violation::WindowExceeded.into());
                }
            }
            return Ok(None);
        }
        let number = link.next_in;
        if number > number::LAST {
            return Err(Violation::NumbersExhausted.into());
        }
        if !link.inflow.allows(window, len) {
            return Err(Violation::WindowExceeded.into());
        }
        link.inflow.push(len);
        link.next_in = number + 1;
        let new = number > received;
        let accepted = if new && on_delivery { number } else { accepted };
        link.arm_ack(accepted, window, now, delay);
        if !new {
            return Ok(None);
        }
        (self.received, self.accepted) = (number, accepted);
        Ok(Some(number))
    }

    fn check_ack(&self, number: u64, most: u64) -> Result<(), Violation> {
        if number < self.acked {
            return Err(Violation::AckBack);
        }
        if number > most { Err(Violation::AckAhead) } else { Ok(()) }
    }

    fn ack(&mut self, count: u64) -> Result<Received<'static>, LinkError> {
        let sent = self.link().map_or(0, |link| link.next_out - 1);
        let number = self.acked + count;
        self.check_ack(number, sent)?;
        self.acknowledge(number);
        if let Some(link) = self.link_mut() {
            link.rewinds = 0;
        }
        Ok(Received::Delivered { up_to: number })
    }

    /// The peer has accepted everything up to this number.
    pub(super) fn acknowledge(&mut self, number: u64) {
        let Some(awake) = &mut self.awake else { return };
        let count = number.saturating_sub(self.acked).min(awake.outbox.len() as u64);
        let outstanding = match &awake.link {
            Some(link) => (link.next_out - 1).saturating_sub(self.acked),
            None => 0,
        };
        let octets = awake.outbox.release(count as usize, outstanding as usize);
        self.acked += count;
        if let Some(link) = &mut awake.link {
            link.out_bytes = link.out_bytes.saturating_sub(octets);
        }
    }

    /// The peer asks for messages again.
    fn send_again(&mut self, number: u64) -> Result<Received<'static>, LinkError> {
        let acked = self.acked;
        let Some(awake) = &mut self.awake else { return Err(LinkError::Superseded) };
        let link = awake.link.as_mut().ok_or(LinkError::Superseded)?;
        let in_range = number > acked && number <= link.next_out;
        if !in_range || link.position_due.is_some() || link.rewinds >= MOST_REWINDS {
            return Err(Violation::BadAgain.into());
        }
        link.rewinds += 1;
        link.next_out = number;
        link.position_due = Some(number);
        let outstanding = (number - acked - 1) as usize;
        link.out_bytes = awake.outbox.iter().take(outstanding).map(|entry| entry.wire_len()).sum();
        Ok(Received::Nothing)
    }

    /// The peer ends the session.
    fn bye(&mut self, number: u64, reason: Bye) -> Result<Received<'static>, LinkError> {
        // After a bye of ours that says that the states don't fit, the numbers don't either.
        if self.stage <= Stage::Ending {
            self.check_ack(number, self.sent)?;
        }
        let link = self.link_mut().ok_or(LinkError::Superseded)?;
        link.bye.received = true;
        if !link.bye.sent {
            link.bye.due.get_or_insert(Bye::Done);
        }
        let end = match (self.stage, reason) {
            (Stage::Ended(_), _) => return Ok(Received::Nothing),
            (Stage::Ending, _) => End::Local,
            (_, Bye::Done) => End::Remote,
            (_, Bye::Diverged) => End::Diverged,
        };
        self.finish(end, Some(number));
        Ok(Received::Ended(end))
    }

    /// The application accepts all messages up to this number, where it does so itself.
    ///
    /// # Errors
    ///
    /// It must not be: no message with this number has been received, or the session has ended, and the peer has learnt that the
    /// message was not accepted.
    pub fn accept(&mut self, number: u64, now: Duration) -> Result<(), Misuse> {
        if number > self.received {
            return Err(Misuse::OutOfRange);
        }
        if number <= self.accepted {
            return Ok(());
        }
        if self.stage > Stage::Established {
            return Err(Misuse::Ended);
        }
        self.wake();
        self.accepted = number;
        let now = Instant::new(now);
        let (window, delay) = (self.config.window, now.after(self.config.ack_delay));
        if let Some(link) = self.link_mut() {
            link.arm_ack(number, window, now, delay);
        }
        Ok(())
    }

    /// The application wants all messages from this number on once more: it has received and not accepted them.
    ///
    /// # Errors
    ///
    /// They can't be had again, or they have been asked for already.
    pub fn again(&mut self, from: u64) -> Result<(), Misuse> {
        if from <= self.accepted || from > self.received {
            return Err(Misuse::OutOfRange);
        }
        if let Some(link) = self.link_mut() {
            if link.asked.is_some() {
                return Err(Misuse::AlreadyAsked);
            }
            // What comes next anyway needn't be asked for.
            if from < link.next_in && link.is_open() {
                link.asked = Some(Asked { from, sent: false, dropped: 0 });
                link.inflow.forget_from(from);
            }
        }
        self.received = from - 1;
        Ok(())
    }
}
