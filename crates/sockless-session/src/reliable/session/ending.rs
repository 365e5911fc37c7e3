//! How a session ends, and what becomes of what it had to deliver (sections 9 and 11 of the specification).

use super::super::error::Misuse;
use super::super::message::Payload;
use super::super::outbox::Form;
use super::super::wire::Bye;
use super::link::LinkState;
use super::{Session, Stage};

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// Our application has ended it.
    Local,
    /// The peer has ended it.
    Remote,
    /// It was without a connection for longer than its grace time.
    Expired,
    /// The server doesn't know it.
    Unknown,
    /// The server says that it has ended, and what it had received.
    Refused,
    /// The states of the two sides don't fit each other: one of them has gone back.
    Diverged,
}

/// What is known about a message that the session has ended without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The peer has not accepted it, and never will.
    Undelivered,
    /// The peer may have accepted it.
    Unknown,
}

/// A message that the session has ended without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed<M> {
    /// Its number.
    pub number: u64,
    /// What is known about it.
    pub fate: Fate,
    /// The message; for a gap there is none.
    pub message: Option<M>,
}

impl<M: Payload> Session<M> {
    /// Ends the session. If a connection is open, the peer learns of it, and the end is there when it has answered, or when the connection
    /// is lost. Otherwise the session has ended with this call.
    ///
    /// What isn't delivered yet won't be: wait until it [is settled](Self::is_settled) where that matters.
    ///
    /// # Errors
    ///
    /// It has ended already, or is about to.
    pub fn end(&mut self) -> Result<(), Misuse> {
        if self.stage > Stage::Established {
            return Err(Misuse::Ended);
        }
        if self.stage == Stage::Established && self.is_open() {
            self.wake();
            self.stage = Stage::Ending;
            if let Some(link) = self.link_mut() {
                link.bye.due = Some(Bye::Done);
            }
        } else {
            self.finish(End::Local, None);
            self.drop_link();
        }
        Ok(())
    }

    /// The grace time has passed: the session ends.
    pub fn expire(&mut self) {
        if self.stage <= Stage::Ending {
            self.finish(End::Expired, None);
            self.drop_link();
        }
    }

    /// The session ends. `known` is what the peer says that it has accepted, if it does.
    pub(super) fn finish(&mut self, end: End, known: Option<u64>) {
        self.wake();
        if let Some(number) = known {
            let certain = self.unambiguous(self.sent);
            self.acknowledge(number.min(certain));
            // What has been sent beyond is known not to have been accepted, unless a state has gone back: then it may have been
            // accepted and forgotten.
            if number <= certain && end != End::Diverged {
                self.sent = self.acked;
            }
        }
        self.stage = Stage::Ended(end);
        if let Some(awake) = &mut self.awake {
            awake.requests.clear();
            awake.room_wanted = false;
        }
    }

    /// What is known about a message that the session has ended without.
    pub(super) fn fate(&self, number: u64) -> Fate {
        if number <= self.sent { Fate::Unknown } else { Fate::Undelivered }
    }

    /// After the end: the oldest message that was not delivered. Each is given out once, in order; `None` if there is no further one,
    /// or as long as the session has not ended [for good](Self::is_final).
    pub fn take_failed(&mut self) -> Option<Failed<M>> {
        if !self.is_final() {
            return None;
        }
        let awake = self.awake.as_mut()?;
        let number = self.assigned + 1 - awake.outbox.len() as u64;
        let entry = awake.outbox.pop()?;
        let fate = self.fate(number);
        self.doze();
        Some(Failed { number, fate, message: entry.payload })
    }

    /// After the end for good: how many messages are known not to be delivered, and of how many nobody can say. Gaps aren't counted.
    pub fn count_failed(&self) -> (u64, u64) {
        let (mut undelivered, mut unknown) = (0, 0);
        let Some(awake) = self.awake.as_ref().filter(|_| self.is_final()) else { return (0, 0) };
        let first = self.assigned + 1 - awake.outbox.len() as u64;
        for (number, entry) in (first..).zip(awake.outbox.iter()) {
            match (entry.form, self.fate(number)) {
                (Form::Gap(_), _) => {}
                (_, Fate::Undelivered) => undelivered += 1,
                (_, Fate::Unknown) => unknown += 1,
            }
        }
        (undelivered, unknown)
    }

    /// Whether the byes have been exchanged, or there is no connection to exchange them on.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ended(_)) && self.link().is_none_or(LinkState::is_over)
    }
}
