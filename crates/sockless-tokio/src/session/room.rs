//! A room of sessions: what is said in it is encoded once, and each member gets it once and in order, or learns how much it has missed.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use sockless::Prepared;
use sockless_session::group::{
    Counters, Event as Happened, Group, JoinError, Member, Outlet, Settings,
};
use sockless_session::reliable::SessionId;
use tokio::runtime::Handle;

use super::hub::lock;
use super::payload::Body;
use super::reliable::ReliableSender;

/// A room, whose members are sessions. Cloning gives another handle of the same room.
///
/// A message waits in the session of each member, across reconnects, as one that was sent to it alone. Its frame is made, and compressed, once
/// for all. The [settings](Settings) say what becomes of a member whose session's queue is full: with
/// [`Overflow::Gap`](sockless_session::group::Overflow::Gap) it gets an [`Event::Gap`](super::Event::Gap) at that place; with `Overflow::Close` its
/// connection is closed with 1013, and it is no member any more: whoever lets it in again has to bring it up to date.
///
/// ```
/// use sockless_tokio::Prepared;
/// use sockless_tokio::session::{Overflow, Room, RoomSettings};
///
/// let room = Room::new(RoomSettings::default().with_overflow(Overflow::Gap));
/// // For each session that `Sessions::accept` gives out: `room.join(session.sender())?;`
/// let told = room.send(Prepared::text("hello, all"), None);
/// assert_eq!(told.queued, 0);
/// ```
///
/// Readers that need not get everything are better served by a [`Broadcast`](crate::Broadcast).
#[derive(Clone)]
pub struct Room {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    group: Group<SessionId, Arc<Prepared>>,
    members: HashMap<SessionId, Place>,
}

struct Place {
    sender: ReliableSender,
    /// Whether a task waits for room in the session, to tell it of a gap.
    catching_up: bool,
    /// Where that task runs: the runtime in which the session has joined, if it was in one.
    runtime: Option<Handle>,
}

/// What has become of a message that was sent to a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// How many sessions have taken it.
    pub queued: usize,
    /// How many learn of a gap in its place.
    pub missed: usize,
    /// Those that are no members any more, because they were too slow.
    pub closed: Vec<SessionId>,
}

impl Room {
    /// A room without members.
    pub fn new(settings: Settings) -> Self {
        let inner = Inner { group: Group::new(settings), members: HashMap::new() };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// A session joins: it gets what is sent from now on. One that ends leaves by itself. One that joins outside of a runtime learns of a gap not
    /// before the next message.
    ///
    /// # Errors
    ///
    /// The room is full, or the session is a member already.
    pub fn join(&self, member: &ReliableSender) -> Result<(), JoinError> {
        let mut inner = lock(&self.inner);
        inner.forget_the_ended();
        inner.group.join(member.id(), Member::Reliable)?;
        while inner.group.poll().is_some() {}
        let runtime = Handle::try_current().ok();
        let place = Place { sender: member.clone(), runtime, catching_up: false };
        inner.members.insert(member.id(), place);
        Ok(())
    }

    /// A session leaves: whether it was a member. What it has taken is delivered all the same.
    pub fn leave(&self, member: SessionId) -> bool {
        lock(&self.inner).leave(member)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        let mut inner = lock(&self.inner);
        inner.forget_the_ended();
        inner.group.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the room has done so far.
    pub fn counters(&self) -> Counters {
        lock(&self.inner).group.counters()
    }

    /// Sends a message to all members but `except`. It waits for nobody, and can be called by any thread.
    pub fn send(&self, message: Prepared, except: Option<SessionId>) -> Told {
        let mut told = Told::default();
        let mut inner = lock(&self.inner);
        inner.forget_the_ended();
        let Inner { group, members } = &mut *inner;
        let mut sessions = Queues { members, missed: Vec::new() };
        let report = group.broadcast(Arc::new(message), None, except.as_ref(), &mut sessions);
        let missed = sessions.missed;
        (told.queued, told.missed) = (report.queued, report.dropped);
        while let Some(event) = group.poll() {
            if let Happened::TooSlow(id) = event {
                told.closed.push(id);
            }
        }
        for id in &told.closed {
            if let Some(place) = inner.members.get(id) {
                place.sender.hub.close_as_too_slow();
            }
            inner.leave(*id);
        }
        for id in missed {
            if let Some(place) = inner.members.get_mut(&id)
                && let Some(runtime) = &place.runtime
                && !std::mem::replace(&mut place.catching_up, true)
            {
                runtime.spawn(catch_up(self.clone(), place.sender.clone()));
            }
        }
        told
    }
}

impl Inner {
    fn leave(&mut self, member: SessionId) -> bool {
        self.members.remove(&member);
        let left = self.group.leave(&member);
        while self.group.poll().is_some() {}
        left
    }

    fn forget_the_ended(&mut self) {
        let Self { group, members } = self;
        members.retain(|id, place| {
            let goes_on = place.sender.hub.goes_on();
            if !goes_on {
                group.leave(id);
            }
            goes_on
        });
        while group.poll().is_some() {}
    }
}

/// Tells a session of a gap as soon as it has room, if nothing that is sent does so before.
async fn catch_up(room: Room, member: ReliableSender) {
    loop {
        member.room().await;
        let mut inner = lock(&room.inner);
        let Inner { group, members } = &mut *inner;
        let mut sessions = Queues { members, missed: Vec::new() };
        let done = group.catch_up(&member.id(), &mut sessions);
        let Some(place) = inner.members.get_mut(&member.id()) else { return };
        if done || !member.hub.goes_on() {
            place.catching_up = false;
            return;
        }
    }
}

/// The members' sessions.
struct Queues<'a> {
    members: &'a HashMap<SessionId, Place>,
    missed: Vec<SessionId>,
}

impl Outlet<SessionId, Arc<Prepared>> for Queues<'_> {
    fn send(&mut self, member: &SessionId, payload: Arc<Prepared>) -> bool {
        let Some(place) = self.members.get(member) else { return false };
        let sent = place.sender.hub.change(|session| session.send(Body::Prepared(payload)).is_ok());
        let sent = sent == Some(true);
        if !sent {
            self.missed.push(*member);
        }
        sent
    }

    fn skip(&mut self, member: &SessionId, count: u64) -> bool {
        let Some(place) = self.members.get(member) else { return false };
        let told = place.sender.hub.change(|session| session.skip(count).is_ok()) == Some(true);
        if !told {
            self.missed.push(*member);
        }
        told
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("members", &lock(&self.inner).group.len()).finish()
    }
}
