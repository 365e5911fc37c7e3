//! The group itself.

use alloc::collections::{BTreeMap, VecDeque};
use core::fmt;

use super::member::{Fate, Member, Place, Queue};
use super::settings::{Counters, JoinError, Overflow, Settings};

/// Where payloads go beside the queues of the group: to the sessions of reliable members, wherever the caller keeps them, and to the
/// connections of plain ones.
pub trait Outlet<I, P> {
    /// Queues the payload in the member's session: whether there was room.
    fn send(&mut self, member: &I, payload: P) -> bool;

    /// Tells the member's session how many were left out ([`Session::skip`](crate::Session::skip)): whether there was room.
    fn skip(&mut self, member: &I, count: u64) -> bool;

    /// Offers a payload to the connection of a plain member for whom nothing waits: whether it was taken. What isn't taken waits in
    /// the group, and [`Group::take`] gives it out later; by default nothing is taken. A broadcast to many members costs least where
    /// their connections take it here.
    fn offer(&mut self, member: &I, payload: &P) -> bool {
        let _ = (member, payload);
        false
    }
}

/// For a group without reliable members: there is room for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutlet;

impl<I, P> Outlet<I, P> for NoOutlet {
    fn send(&mut self, _: &I, _: P) -> bool {
        false
    }

    fn skip(&mut self, _: &I, _: u64) -> bool {
        false
    }
}

/// What a broadcast has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// For how many members it was queued, or taken by their connections, coalesced ones included.
    pub queued: usize,
    /// How many don't get it, or lost an older one for it.
    pub dropped: usize,
    /// How many are to be closed: [`Group::poll`] says which.
    pub closed: usize,
}

/// What has happened in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<I> {
    /// A member has joined.
    Joined(I),
    /// A member has left.
    Left(I),
    /// The member's connection is to be closed with 1013: it reads too slowly. It gets nothing any more, and stays a member until it
    /// leaves.
    TooSlow(I),
    /// Something waits for this plain member, for whom nothing did.
    Ready(I),
}

/// A group of members with ids `I`, who get payloads `P`. Payloads with the same key `K` coalesce.
pub struct Group<I, P, K = ()> {
    settings: Settings,
    members: BTreeMap<I, Place<P, K>>,
    events: VecDeque<Event<I>>,
    counters: Counters,
}

impl<I: Ord + Clone, P: Clone, K: Clone + PartialEq> Group<I, P, K> {
    /// A group without members.
    pub fn new(settings: Settings) -> Self {
        let (members, events) = (BTreeMap::new(), VecDeque::new());
        Self { settings, members, events, counters: Counters::default() }
    }

    /// Somebody joins.
    ///
    /// # Errors
    ///
    /// The group is full, or he is a member already.
    pub fn join(&mut self, id: I, member: Member) -> Result<(), JoinError> {
        if self.members.contains_key(&id) {
            return Err(JoinError::Already);
        }
        if self.members.len() >= self.settings.members {
            return Err(JoinError::Full);
        }
        let place = match member {
            Member::Plain => Place::Plain(Queue::new()),
            Member::Reliable => Place::Reliable { gap: 0 },
        };
        self.members.insert(id.clone(), place);
        self.counters.joined += 1;
        self.events.push_back(Event::Joined(id));
        Ok(())
    }

    /// Somebody leaves, with all that waits for him: whether he was a member.
    pub fn leave(&mut self, id: &I) -> bool {
        if self.members.remove(id).is_none() {
            return false;
        }
        // What was to be said about him has no meaning any more, but that he had come.
        self.events.retain(
            |event| !matches!(event, Event::TooSlow(other) | Event::Ready(other) if other == id),
        );
        self.counters.left += 1;
        self.events.push_back(Event::Left(id.clone()));
        true
    }

    /// Gives a payload to all members but `except`. Where a plain member still has one with the same key waiting, this one takes its
    /// place.
    pub fn broadcast(
        &mut self,
        payload: P,
        key: Option<K>,
        except: Option<&I>,
        outlet: &mut impl Outlet<I, P>,
    ) -> Report {
        let Settings { policy, overflow, queue: most, .. } = self.settings;
        let mut report = Report::default();
        self.counters.broadcasts += 1;
        for (id, place) in self.members.iter_mut().filter(|(id, _)| Some(*id) != except) {
            let too_slow = match place {
                Place::Closing => false,
                Place::Plain(queue) if queue.len() == 0 && outlet.offer(id, &payload) => {
                    report.queued += 1;
                    false
                }
                Place::Plain(queue) => {
                    let fate = queue.push(policy, most, key.clone(), payload.clone());
                    match fate {
                        Fate::Queued if queue.len() == 1 => {
                            self.events.push_back(Event::Ready(id.clone()));
                        }
                        Fate::Queued => {}
                        Fate::Coalesced => self.counters.coalesced += 1,
                        Fate::Dropped => report.dropped += 1,
                        Fate::Overflow => {}
                    }
                    report.queued += usize::from(matches!(fate, Fate::Queued | Fate::Coalesced));
                    fate == Fate::Overflow
                }
                Place::Reliable { gap } => {
                    // The gap comes first, at its place in the stream.
                    if *gap > 0 && outlet.skip(id, *gap) {
                        *gap = 0;
                    }
                    let sent = *gap == 0 && outlet.send(id, payload.clone());
                    report.queued += usize::from(sent);
                    if !sent && overflow == Overflow::Gap {
                        *gap += 1;
                        self.counters.gaps += 1;
                        report.dropped += 1;
                    }
                    !sent && overflow == Overflow::Close
                }
            };
            if too_slow {
                *place = Place::Closing;
                report.closed += 1;
                self.events.push_back(Event::TooSlow(id.clone()));
            }
        }
        self.counters.queued += report.queued as u64;
        self.counters.dropped += report.dropped as u64;
        self.counters.closed += report.closed as u64;
        report
    }

    /// A reliable member's session has room again: whether it knows of all gaps now.
    pub fn catch_up(&mut self, id: &I, outlet: &mut impl Outlet<I, P>) -> bool {
        match self.members.get_mut(id) {
            Some(Place::Reliable { gap }) if *gap > 0 => {
                let told = outlet.skip(id, *gap);
                if told {
                    *gap = 0;
                }
                told
            }
            _ => true,
        }
    }

    /// The next payload for a plain member, if there is one.
    pub fn take(&mut self, id: &I) -> Option<P> {
        match self.members.get_mut(id)? {
            Place::Plain(queue) => queue.pop(),
            _ => None,
        }
    }

    /// How many payloads wait for a plain member.
    pub fn waiting(&self, id: &I) -> usize {
        match self.members.get(id) {
            Some(Place::Plain(queue)) => queue.len(),
            _ => 0,
        }
    }

    /// What has happened, one thing after the other. To be emptied after each call that changes something: there are at most two
    /// events for each member in a broadcast.
    pub fn poll(&mut self) -> Option<Event<I>> {
        self.events.pop_front()
    }

    /// The members' ids, in order.
    pub fn members(&self) -> impl Iterator<Item = &I> {
        self.members.keys()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What the group has done so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

impl<I, P, K> fmt::Debug for Group<I, P, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Group");
        shown.field("members", &self.members.len()).field("counters", &self.counters);
        shown.finish_non_exhaustive()
    }
}
