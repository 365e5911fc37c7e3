//! The broker in memory: what it does with a request. It is the truth that nodes read, and the pattern for a broker elsewhere.
//!
//! Which requests come when is decided in `node`; how long things are kept in `retention`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::history::History;
use crate::keys::Keys;
use crate::position::{Epoch, Position};
use crate::request::{Answer, Page, Push, ReadFrom, Request};
use crate::retention::Retention;
use crate::roster::Roster;

/// Channels in memory, for any number of nodes.
///
/// A clone is a snapshot. Whoever goes on with one calls [`restarted`](Self::restarted), as a broker does that comes back from what
/// it had saved: then no position that was handed out after the snapshot is taken for one of the channel as it is now.
#[derive(Clone, Debug)]
pub struct Broker {
    retention: Retention,
    most: usize,
    run: u64,
    channels: BTreeMap<Arc<str>, Stored>,
    due: BTreeSet<(Duration, Arc<str>)>,
}

#[derive(Clone, Debug)]
struct Stored {
    history: History,
    keys: Keys,
    roster: Roster,
    /// In which run of the broker this was last used.
    run: u64,
    /// When something last happened here.
    touched: Duration,
    /// The entry of this channel in `due`.
    due: Duration,
}

impl Broker {
    /// A broker that keeps at most `channels` channels, and of each what `retention` says.
    ///
    /// ```
    /// use sockless_channels::{Broker, Retention};
    ///
    /// let broker = Broker::new(Retention::default(), 10_000);
    /// assert_eq!(broker.channels(), 0);
    /// ```
    pub fn new(retention: Retention, channels: usize) -> Self {
        Self { retention, most: channels, run: 0, channels: BTreeMap::new(), due: BTreeSet::new() }
    }

    /// Says that this is another run than the one in which the contents were written, and that some of what was written may be
    /// missing: each channel begins a new epoch when it is used next.
    pub fn restarted(&mut self, run: u64) {
        self.run = run;
    }

    /// Does what a request asks. What is to be pushed to the subscribers of the request's channel comes second.
    ///
    /// Who has subscribed is the caller's knowledge: both requests for it are answered by [`Answer::Done`].
    pub fn execute(&mut self, request: &Request, now: Duration) -> (Answer, Vec<Push>) {
        let channel = request.channel();
        let mut pushes = Vec::new();
        if self.expire(now, channel) {
            pushes.push(Push::Presence { channel: channel.clone() });
        }
        let answer = self.answer(request, now, &mut pushes);
        self.schedule(channel);
        (answer, pushes)
    }

    fn answer(&mut self, request: &Request, now: Duration, pushes: &mut Vec<Push>) -> Answer {
        let retention = self.retention;
        let channel = request.channel();
        match request {
            Request::Subscribe { .. } | Request::Unsubscribe { .. } => Answer::Done,
            Request::Publish { key, payload, seen, fresh, .. } => {
                let Some(stored) = self.open(channel, *seen, *fresh, now, pushes) else {
                    return Answer::Refused;
                };
                if let Some(position) = stored.keys.position(key) {
                    return Answer::Published { position, repeated: true };
                }
                let offset = stored.history.append(payload.clone(), &retention, now);
                let position = Position::new(stored.history.epoch(), offset);
                stored.keys.remember(key.clone(), position, &retention, now);
                pushes.push(Push::Publication {
                    channel: channel.clone(),
                    position,
                    payload: payload.clone(),
                });
                Answer::Published { position, repeated: false }
            }
            Request::Read { from, count, bytes, seen, fresh, .. } => {
                match self.open(channel, *seen, *fresh, now, pushes) {
                    Some(stored) => Answer::Page(page(&stored.history, *from, *count, *bytes)),
                    None => Answer::Refused,
                }
            }
            Request::Enter { member, info, lifetime, fresh, .. } => {
                let Some(stored) = self.open(channel, None, *fresh, now, pushes) else {
                    return Answer::Refused;
                };
                let until = now.saturating_add(*lifetime);
                let Some(news) = stored.roster.enter(member, info, until, retention.members())
                else {
                    return Answer::Refused;
                };
                if news {
                    pushes.push(Push::Presence { channel: channel.clone() });
                }
                Answer::Done
            }
            Request::Leave { member, .. } => {
                if self.channels.get_mut(channel).is_some_and(|s| s.roster.leave(member)) {
                    pushes.push(Push::Presence { channel: channel.clone() });
                }
                Answer::Done
            }
            Request::Members { .. } => {
                let roster = self.channels.get(channel).map(|stored| &stored.roster);
                let members = roster.into_iter().flat_map(Roster::members);
                Answer::Members(members.map(|(n, i)| (n.clone(), i.clone())).collect())
            }
        }
    }

    /// The channel, ready to be used in this run: in a new epoch if its contents may not be what was seen of it.
    fn open(
        &mut self,
        channel: &Arc<str>,
        seen: Option<Position>,
        fresh: Epoch,
        now: Duration,
        pushes: &mut Vec<Push>,
    ) -> Option<&mut Stored> {
        let run = self.run;
        if !self.channels.contains_key(channel) {
            if self.channels.len() >= self.most {
                return None;
            }
            let stored = Stored {
                history: History::new(fresh, 0),
                keys: Keys::default(),
                roster: Roster::default(),
                run,
                touched: now,
                due: Duration::MAX,
            };
            self.due.insert((Duration::MAX, channel.clone()));
            self.channels.insert(channel.clone(), stored);
        }
        let stored = self.channels.get_mut(channel)?;
        stored.touched = now;
        let went_back = seen.is_some_and(|seen| {
            seen.epoch() == stored.history.epoch() && seen.offset() > stored.history.top()
        });
        if stored.run != run || went_back {
            stored.history.renew(fresh);
            stored.run = run;
            pushes.push(Push::Epoch { channel: channel.clone(), epoch: fresh });
        }
        Some(stored)
    }

    /// When something becomes too old next; then [`timeout`](Self::timeout) is to be called. Nothing breaks if it isn't: it is about
    /// memory, and about how soon it shows that a member has gone silent.
    pub fn deadline(&self) -> Option<Duration> {
        self.due.first().map(|due| due.0).filter(|at| *at != Duration::MAX)
    }

    /// Drops what is too old, of every channel that has something. What is to be pushed comes out.
    pub fn timeout(&mut self, now: Duration) -> Vec<Push> {
        let mut pushes = Vec::new();
        while let Some((at, channel)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            if self.expire(now, &channel) {
                pushes.push(Push::Presence { channel: channel.clone() });
            }
            self.schedule(&channel);
        }
        pushes
    }

    /// Drops what is too old in one channel. Returns whether members were among it.
    fn expire(&mut self, now: Duration, channel: &Arc<str>) -> bool {
        let Some(stored) = self.channels.get_mut(channel) else { return false };
        stored.history.expire(&self.retention, now);
        stored.keys.expire(&self.retention, now);
        let left = stored.roster.expire(now);
        if stored.roster.is_empty() && now >= stored.touched.saturating_add(self.retention.quiet())
        {
            self.forget(channel);
        }
        left
    }

    /// Writes down when the channel has something to drop next.
    fn schedule(&mut self, channel: &Arc<str>) {
        let Some(stored) = self.channels.get_mut(channel) else { return };
        self.due.remove(&(stored.due, channel.clone()));
        let quiet = stored.touched.saturating_add(self.retention.quiet());
        stored.due = [
            stored.history.expires_at(&self.retention),
            stored.keys.expires_at(&self.retention),
            stored.roster.expires_at(),
            stored.roster.is_empty().then_some(quiet),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(Duration::MAX);
        self.due.insert((stored.due, channel.clone()));
    }

    /// Forgets a channel altogether: its history, its keys, its members and its epoch.
    pub fn forget(&mut self, channel: &str) {
        if let Some((channel, stored)) = self.channels.remove_entry(channel) {
            self.due.remove(&(stored.due, channel));
        }
    }

    /// Drops the publications of a channel up to an offset, whatever the retention says.
    pub fn trim(&mut self, channel: &str, through: u64) {
        if let Some(stored) = self.channels.get_mut(channel) {
            stored.history.drop_through(through);
        }
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// The newest position of a channel and the offset of the oldest publication that is kept (or of the next one to come).
    pub fn kept(&self, channel: &str) -> Option<(Position, u64)> {
        let history = &self.channels.get(channel)?.history;
        Some((history.position(), history.first()))
    }

    /// How much is held in all: publications, bytes of payload, idempotency keys, members.
    pub fn held(&self) -> Held {
        let mut held = Held::default();
        for stored in self.channels.values() {
            held.publications += stored.history.len();
            held.bytes += stored.history.bytes();
            held.keys += stored.keys.len();
            held.members += stored.roster.len();
        }
        held
    }
}

/// How much a [`Broker`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Publications.
    pub publications: usize,
    /// Bytes of payload in them.
    pub bytes: usize,
    /// Idempotency keys.
    pub keys: usize,
    /// Members.
    pub members: usize,
}

fn page(history: &History, from: ReadFrom, count: usize, most: usize) -> Page {
    let after = match from {
        ReadFrom::Newest => history.top(),
        ReadFrom::Oldest => 0,
        ReadFrom::After(position) if position.epoch() == history.epoch() => position.offset(),
        ReadFrom::After(_) => history.base(),
    };
    let mut entries = Vec::new();
    let mut bytes = 0;
    for (offset, payload) in history.after(after).take(count) {
        bytes += payload.len();
        if bytes > most && !entries.is_empty() {
            break;
        }
        entries.push((offset, payload.clone()));
    }
    Page { epoch: history.epoch(), base: history.base(), top: history.top(), entries }
}
