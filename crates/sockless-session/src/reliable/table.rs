//! A server's sessions: found by their ids, kept for their grace time, bounded in number.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::config::Config;
use super::error::Denial;
use super::id::SessionId;
use super::message::Payload;
use super::session::{Link, Session, Stage};
use super::wire::{Opening, Refusal};
use crate::time::Instant;

/// How much a table may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Sessions, asleep or not: 100,000 by default. Those that sleep and have never been used make room for new ones.
    pub sessions: usize,
    /// Ended sessions of which it is still known what they had received: 10,000 by default.
    pub ended: usize,
}

impl Limits {
    /// Limits on sessions, and on ended sessions that are remembered.
    pub const fn new(sessions: usize, ended: usize) -> Self {
        Self { sessions, ended }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(100_000, 10_000)
    }
}

/// What has become of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// A new session, and the connection that carries it.
    Opened(Link),
    /// A session that is resumed.
    Resumed {
        /// The connection that carries it now.
        link: Link,
        /// The one that carried it until now: it is to be closed with 4409.
        superseded: Option<Link>,
    },
    /// It is refused: [`Refusal::text`] is to be sent. After [`Denial::Full`] the connection is to be closed with 1013; otherwise it
    /// can carry another opening, [`MOST_OPENINGS`](super::MOST_OPENINGS) in all.
    Refused(Refusal),
}

/// The sessions of a server.
///
/// What it can't see is left to the driver: to close a connection that brings no opening in time (4408), or more of them than
/// [`MOST_OPENINGS`](super::MOST_OPENINGS) (4400).
///
/// Whoever shares it among threads puts it into a lock, or makes several and chooses by the first octet of the id.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use sockless_session::reliable::{Admission, Config, Incoming, Message, Opening, Table, TableLimits};
///
/// let mut table = Table::<Message>::new(Arc::new(Config::default()), TableLimits::default());
/// let first = "\u{10}h000102030405060708090a0b0c0d0e0f 1 64 65536";
/// let opening = Opening::parse(Incoming::Text(first))?;
/// let Admission::Opened(link) = table.admit(&opening, Duration::ZERO) else { panic!() };
/// let welcome = table.with(opening.id, Duration::ZERO, |session| session.poll_output(link, Duration::ZERO));
/// assert!(welcome.flatten().is_some());
/// # Ok::<(), sockless_session::reliable::Violation>(())
/// ```
pub struct Table<M> {
    config: Arc<Config>,
    limits: Limits,
    sessions: BTreeMap<SessionId, Place<M>>,
    /// The sessions without a connection, and until when they are kept.
    asleep: BTreeSet<(Instant, SessionId)>,
    /// The same, of those that have never been used: they make room for others.
    unused: BTreeSet<(Instant, SessionId)>,
    /// Those that have ended and haven't been given out.
    over: BTreeSet<SessionId>,
    /// What ended sessions had accepted, and in which order they ended.
    ended: BTreeMap<SessionId, u64>,
    ended_order: VecDeque<SessionId>,
}

struct Place<M> {
    session: Session<M>,
    /// Until when it is kept, if it has no connection.
    expires: Option<Instant>,
}

impl<M: Payload> Table<M> {
    /// An empty table.
    pub fn new(config: Arc<Config>, limits: Limits) -> Self {
        Self {
            config,
            limits,
            sessions: BTreeMap::new(),
            asleep: BTreeSet::new(),
            unused: BTreeSet::new(),
            over: BTreeSet::new(),
            ended: BTreeMap::new(),
            ended_order: VecDeque::new(),
        }
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Looks for the session that the first message of a connection names, and opens one if it may.
    pub fn admit(&mut self, opening: &Opening, now: Duration) -> Admission {
        let id = opening.id;
        if let Some(place) = self.sessions.get_mut(&id) {
            let superseded = place.session.current_link();
            return match place.session.resume(opening, now) {
                Ok(link) => {
                    self.settle(id, now);
                    Admission::Resumed { link, superseded }
                }
                Err(refusal) => Admission::Refused(refusal),
            };
        }
        let refusal = match self.ended.get(&id).copied() {
            Some(accepted) => Refusal { denial: Denial::Ended, number: accepted },
            None if !opening.hello => Refusal { denial: Denial::Unknown, number: 0 },
            None if !self.make_room() => Refusal { denial: Denial::Full, number: 0 },
            None => {
                let (session, link) = Session::server(self.config.clone(), opening, now);
                self.sessions.insert(id, Place { session, expires: None });
                return Admission::Opened(link);
            }
        };
        Admission::Refused(refusal)
    }

    /// Puts a restored session into the table. Its grace time begins now.
    ///
    /// # Errors
    ///
    /// It comes back if there is no room, or a session with this id.
    pub fn insert(&mut self, session: Session<M>, now: Duration) -> Result<(), Session<M>> {
        let id = session.id();
        if self.sessions.contains_key(&id) || !self.make_room() {
            return Err(session);
        }
        self.sessions.insert(id, Place { session, expires: None });
        self.settle(id, now);
        Ok(())
    }

    /// Does something with a session: `None` if there is none with this id.
    #[inline]
    pub fn with<R>(
        &mut self,
        id: SessionId,
        now: Duration,
        work: impl FnOnce(&mut Session<M>) -> R,
    ) -> Option<R> {
        let result = work(&mut self.sessions.get_mut(&id)?.session);
        self.settle(id, now);
        Some(result)
    }

    /// Looks at a session without changing it.
    pub fn get(&self, id: SessionId) -> Option<&Session<M>> {
        self.sessions.get(&id).map(|place| &place.session)
    }

    /// All sessions, in the order of their ids: for snapshots.
    pub fn ids(&self) -> impl Iterator<Item = SessionId> {
        self.sessions.keys().copied()
    }

    /// The next session that has ended, or whose grace time has passed, with what it couldn't deliver. It isn't in the table any
    /// more. Where sessions are stored its end is to be stored, and then the table is to [remember](Self::remember) it;
    /// until then no opening with its id is to be [admitted](Self::admit), so that the records of two lives don't mix.
    pub fn poll(&mut self, now: Duration) -> Option<Session<M>> {
        let now = Instant::new(now);
        for set in [&mut self.asleep, &mut self.unused] {
            while let Some((_, id)) = pop_due(set, now) {
                if let Some(place) = self.sessions.get_mut(&id) {
                    place.expires = None;
                    place.session.expire();
                    self.over.insert(id);
                }
            }
        }
        let id = self.over.pop_first()?;
        let session = self.sessions.remove(&id)?.session;
        self.remember(&session);
        Some(session)
    }

    /// Sees to it that there is room for one more, if need be by ending the session that has waited longest without ever having
    /// been used.
    fn make_room(&mut self) -> bool {
        if self.sessions.len() - self.over.len() < self.limits.sessions {
            return true;
        }
        let Some((_, id)) = self.unused.pop_first() else { return false };
        let Some(place) = self.sessions.get_mut(&id) else { return false };
        place.expires = None;
        place.session.expire();
        self.over.insert(id);
        true
    }

    /// When the next session's grace time will have passed. Zero if one has ended already.
    pub fn deadline(&self) -> Option<Duration> {
        if !self.over.is_empty() {
            return Some(Duration::ZERO);
        }
        let first = [self.asleep.first(), self.unused.first()].into_iter().flatten().min();
        first.map(|(at, _)| at.since_origin())
    }

    /// Remembers what a session had accepted that has ended [for good](Session::is_final): whoever wants to resume it learns so. Where
    /// sessions aren't stored, [`poll`](Self::poll) does so by itself.
    pub fn remember(&mut self, session: &Session<M>) {
        // Of one that was never used there is nothing to know: the same hello may open it again.
        if self.limits.ended == 0 || is_unused(session) || !session.is_final() {
            return;
        }
        let (id, accepted) = (session.id(), session.accepted());
        while self.ended.len() >= self.limits.ended {
            let Some(oldest) = self.ended_order.pop_front() else { break };
            self.ended.remove(&oldest);
        }
        if self.ended.insert(id, accepted).is_none() {
            self.ended_order.push_back(id);
        }
    }

    /// Sees to it that the table knows what has become of a session.
    #[inline]
    fn settle(&mut self, id: SessionId, now: Duration) {
        let Some(place) = self.sessions.get_mut(&id) else { return };
        let session = &place.session;
        let connected = session.current_link().is_some();
        let ended = matches!(session.stage(), Stage::Ended(_));
        if connected && place.expires.is_none() {
            return;
        }
        let unused = is_unused(session);
        let at = place.expires.unwrap_or_else(|| Instant::new(now).after(self.config.grace));
        if place.expires.take().is_some() && !self.asleep.remove(&(at, id)) {
            self.unused.remove(&(at, id));
        }
        if ended {
            if !connected {
                self.over.insert(id);
            }
        } else if !connected {
            place.expires = Some(at);
            let set = if unused { &mut self.unused } else { &mut self.asleep };
            set.insert((at, id));
        }
    }
}

/// Takes the first session out whose time has come.
fn pop_due(set: &mut BTreeSet<(Instant, SessionId)>, now: Instant) -> Option<(Instant, SessionId)> {
    set.first().filter(|(at, _)| *at <= now)?;
    set.pop_first()
}

/// Whether no message has ever been exchanged, nor waits.
fn is_unused<M: Payload>(session: &Session<M>) -> bool {
    session.received() == 0 && session.assigned() == 0
}

impl<M> fmt::Debug for Table<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Table");
        shown.field("sessions", &self.sessions.len()).field("asleep", &self.asleep.len());
        shown.finish_non_exhaustive()
    }
}
