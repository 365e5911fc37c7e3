//! How a connection begins to carry a session, and how it ceases to (section 4 of the specification).

use alloc::sync::Arc;
use core::time::Duration;

use super::super::config::Config;
use super::super::error::{Denial, LinkError, Misuse, Violation};
use super::super::message::Payload;
use super::super::number;
use super::super::window::Window;
use super::super::wire::{Bye, Opening, Refusal};
use super::link::{Link, LinkState, Phase};
use super::{End, Received, Role, Session, Stage};
use crate::time::Instant;

/// How many openings one connection may carry (section 4 of the specification).
pub const MOST_OPENINGS: u8 = 4;

impl<M: Payload> Session<M> {
    /// A server's new session, for a hello whose id is unknown, and the connection that carries it.
    pub fn server(config: Arc<Config>, opening: &Opening, now: Duration) -> (Self, Link) {
        let Opening { id, attempt, .. } = *opening;
        let mut session = Self::fresh(config, Role::Server, Stage::Established, id, attempt);
        let link = session.carry(opening, now);
        (session, link)
    }

    /// A client has a new connection: the opening is the first output. A connection from before is given up.
    ///
    /// # Errors
    ///
    /// This is a server's session, or it has ended.
    pub fn connect(&mut self, now: Duration) -> Result<Link, Misuse> {
        if self.role != Role::Client {
            return Err(Misuse::NotAClient);
        }
        if self.stage > Stage::Established || self.attempt >= number::LAST {
            return Err(Misuse::Ended);
        }
        self.wake();
        self.attempt += 1;
        let (stated, next_out) = (self.stored_accepted(), self.acked + 1);
        let window = Window::new(1, 1);
        let state = LinkState::new(Phase::OpeningDue, stated, next_out, window, Instant::new(now));
        self.wake().link = Some(state);
        Ok(Link(self.attempt))
    }

    /// A client resumes this session of a server: the connection that carries it now. One that carried it before is superseded: all
    /// calls with it say so.
    ///
    /// # Errors
    ///
    /// It can't be resumed: [`Refusal::text`] is to be sent. Nothing has changed.
    pub fn resume(&mut self, opening: &Opening, now: Duration) -> Result<Link, Refusal> {
        let refuse = |denial, number| Err(Refusal { denial, number });
        if self.is_final() {
            return refuse(Denial::Ended, self.accepted);
        }
        if self.stage > Stage::Ending {
            // Until the end is stored nobody can say for good what was accepted.
            return refuse(Denial::Unknown, 0);
        }
        if opening.attempt <= self.attempt {
            return refuse(Denial::Stale, self.attempt);
        }
        if opening.received < self.acked || opening.seen > self.unambiguous(self.sent) {
            return refuse(Denial::Diverged, self.stored_accepted());
        }
        self.acknowledge(opening.received);
        let link = self.carry(opening, now);
        if self.stage == Stage::Ending
            && let Some(link) = self.link_mut()
        {
            // The bye is said on this connection.
            link.bye.due = Some(Bye::Done);
        }
        Ok(link)
    }

    /// A connection begins to carry a server's session.
    fn carry(&mut self, opening: &Opening, now: Duration) -> Link {
        self.attempt = opening.attempt;
        let (stated, next_out) = (self.stored_accepted(), self.acked + 1);
        let now = Instant::new(now);
        let state = LinkState::new(Phase::WelcomeDue, stated, next_out, opening.window, now);
        self.doubtful = false;
        let awake = self.wake();
        (awake.link, awake.floor) = (Some(state), None);
        Link(self.attempt)
    }

    /// The connection is lost, or has been closed. Its messages that weren't acknowledged will be sent again on the next one.
    pub fn lost(&mut self, link: Link) {
        if !self.is_current(link) {
            return;
        }
        self.drop_link();
    }

    /// Gives the connection up that carries the session.
    pub(super) fn drop_link(&mut self) {
        if let Some(awake) = &mut self.awake {
            awake.link = None;
        }
        if self.stage == Stage::Ending {
            self.finish(End::Local, None);
        }
        self.doze();
    }

    /// The opening that this client sends.
    pub(super) fn opening(&self, stated: u64) -> Opening {
        Opening {
            hello: self.stage == Stage::New,
            id: self.id,
            attempt: self.attempt,
            received: stated,
            seen: self.received,
            window: self.config.window,
        }
    }

    /// The server's welcome has arrived.
    pub(super) fn welcomed(
        &mut self,
        received: u64,
        seen: u64,
        window: Window,
        grace: u64,
    ) -> Result<Received<'static>, LinkError> {
        let resumed = self.stage == Stage::Established;
        if received < self.acked || seen > self.unambiguous(self.sent) {
            let link = self.link_mut().ok_or(LinkError::Superseded)?;
            link.phase = Phase::Open;
            link.bye.due = Some(Bye::Diverged);
            self.finish(End::Diverged, None);
            return Ok(Received::Ended(End::Diverged));
        }
        self.stage = Stage::Established;
        self.doubtful = false;
        self.wake().floor = None;
        self.acknowledge(received);
        let next_out = self.acked + 1;
        let link = self.link_mut().ok_or(LinkError::Superseded)?;
        link.phase = Phase::Open;
        link.window_out = window;
        link.next_out = next_out;
        link.out_bytes = 0;
        Ok(Received::Opened { resumed, grace: Duration::from_millis(grace) })
    }

    /// The server has refused.
    pub(super) fn refused(&mut self, refusal: Refusal) -> Result<Received<'static>, LinkError> {
        let Refusal { denial, number } = refusal;
        let (end, known) = match denial {
            Denial::Stale => {
                if number < self.attempt || number >= number::LAST {
                    return Err(Violation::Unexpected.into());
                }
                let link = self.link_mut().ok_or(LinkError::Superseded)?;
                link.openings += 1;
                if link.openings > MOST_OPENINGS {
                    return Err(Violation::TooManyOpenings.into());
                }
                link.phase = Phase::OpeningDue;
                self.attempt = number + 1;
                return Ok(Received::Retried(Link(self.attempt)));
            }
            Denial::Full => {
                self.drop_link();
                return Ok(Received::NoRoom);
            }
            Denial::Unknown => (End::Unknown, None),
            Denial::Ended => (End::Refused, Some(number)),
            Denial::Diverged => (End::Diverged, Some(number)),
        };
        self.finish(end, known);
        self.drop_link();
        Ok(Received::Ended(end))
    }
}
