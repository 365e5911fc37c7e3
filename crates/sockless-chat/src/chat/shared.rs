//! Many servers as one: facts that come from a log, with their ids; who is online elsewhere; what can't be proven; and what happens while the
//! other servers can't be reached.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::action::{Key, Place};
use super::event::{Event, Message};
use super::machine::{Chat, End, Output, PeerId};
use super::name::{Name, Refusal};
use super::people::Waits;
use super::saving::{Fact, Pending};

/// How many gaps are remembered. With more, the oldest become one.
const GAPS: usize = 200;
/// How much a device may have said that waits for what it has said before.
const WAITING: usize = 32;
/// How many changes of rooms are remembered for a state that comes late.
const CHANGES: usize = 1000;

/// What a chat knows that is one of many.
#[derive(Debug, Default)]
pub(super) struct Shared {
    alone: bool,
    /// Between which ids something may be missing.
    gaps: Vec<(u64, u64)>,
    /// Who is online on which other servers.
    elsewhere: BTreeMap<Name, BTreeSet<u64>>,
    /// Claims of names that somebody else was faster with.
    lost: BTreeSet<u64>,
    /// The last changes of rooms.
    changes: VecDeque<(u64, Fact)>,
}

impl Chat {
    /// From now on facts come from a log that others write to as well: writes aren't [stored](Self::stored), they
    /// [arrive](Self::arrived).
    pub fn share(&mut self, gaps: Vec<(u64, u64)>) {
        self.shared = Some(Shared { gaps, ..Shared::default() });
    }

    /// Facts that are true from this place in the log on, perhaps a write of this chat.
    pub fn arrived(&mut self, id: u64, facts: Vec<Fact>, own: Option<u64>, now: Duration) {
        let key = facts.iter().find_map(|fact| match fact {
            Fact::Said { message, key, .. } => Some((message.from.clone(), key.clone())),
            _ => None,
        });
        // What was said on another server, and on this one again, is the same.
        let is_it = |pending: &Pending| {
            let said = pending.said().map(|(message, key)| (message.from.clone(), key.clone()));
            own == Some(pending.number) || (key.is_some() && said == key)
        };
        let at = self.pending.iter().position(is_it);
        let pending = at.and_then(|at| self.pending.remove(at));
        if pending.as_ref().is_some_and(|pending| pending.claims) && !self.is_new_to(&facts) {
            self.note_lost_claim(own.unwrap_or_default());
        }
        let asked = pending.as_ref().map(|it| it.asked.clone()).unwrap_or_default();
        for fact in facts {
            self.note_change(id, &fact);
            match &fact {
                // Only the first who has it does.
                Fact::User(name) if self.names.contains(&name.folded()) => {}
                _ => self.apply(fact, &asked),
            }
        }
        self.last = self.last.max(id);
        self.delivered = self.delivered.max(id);
        if let Some(pending) = pending {
            // It may be there already, under another id.
            match pending.said().filter(|_| key.is_none()) {
                Some((_, said)) => self.tell_said(said.clone(), id, &asked),
                None => self.answer_all(&asked, now),
            }
            self.go_on(&asked, now);
        }
    }

    /// A write is in the log, but what lies there doesn't come here.
    pub fn known(&mut self, number: u64, id: u64, now: Duration) {
        let Some(pending) = self.take_pending(number) else { return };
        match pending.said() {
            Some((_, key)) => self.tell_said(key.clone(), id, &pending.asked),
            None => self.refuse_all(&pending, now),
        }
        self.go_on(&pending.asked, now);
    }

    /// A write was given up: it has not happened, or nobody knows.
    pub fn failed(&mut self, number: u64, now: Duration) {
        if let Some(pending) = self.take_pending(number) {
            self.refuse_all(&pending, now);
        }
    }

    fn take_pending(&mut self, number: u64) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| pending.number == number)?;
        self.pending.remove(at)
    }

    fn answer_all(&mut self, asked: &[(PeerId, Option<u64>)], now: Duration) {
        for (peer, n) in asked {
            if let Some(re) = n {
                self.send([*peer], Event::Done { re: *re });
            }
            self.greet_if_ready(*peer, now);
            if self.is_greeting(*peer) {
                self.refuse(*peer, None, None, Refusal::Taken);
                self.end(*peer, End::NotGreeted, now);
            }
        }
    }

    fn tell_said(&mut self, key: Key, id: u64, asked: &[(PeerId, Option<u64>)]) {
        for (peer, _) in asked {
            let known = self.user_of(*peer).and_then(|user| self.users.get(&user));
            let found = known.and_then(|user| user.keys.iter().find(|(other, ..)| *other == key));
            let (id, at) = found.map_or((id, 0), |(_, id, at)| (*id, *at));
            self.send([*peer], Event::Said { key: key.clone(), id, at, up_to_date: false });
        }
    }

    fn refuse_all(&mut self, pending: &Pending, now: Duration) {
        let key = pending.said().map(|(_, key)| key.clone());
        for (peer, n) in &pending.asked {
            self.refuse(*peer, *n, key.clone(), Refusal::Storage);
            // What follows it must not be stored before it.
            if key.is_some() || !self.is_greeted(*peer) {
                self.end(*peer, End::NotStored, now);
            }
        }
    }

    /// What lies between these ids may be missing.
    pub fn gap(&mut self, after: u64, up_to: u64) {
        self.last = self.last.max(up_to);
        self.delivered = self.delivered.max(up_to);
        let Some(shared) = &mut self.shared else { return };
        shared.gaps.push((after, up_to));
        if shared.gaps.len() > GAPS {
            let (first, _) = shared.gaps.remove(0);
            shared.gaps[0].0 = first;
        }
        let told = |id: &PeerId| self.peers.get(id).is_some_and(|peer| peer.floor < up_to);
        let to: Vec<PeerId> =
            self.peers.keys().copied().filter(|id| self.is_greeted(*id)).filter(told).collect();
        self.send(to, Event::Incomplete { after, up_to });
    }

    /// Between which ids something may be missing.
    pub fn gaps(&self) -> &[(u64, u64)] {
        self.shared.as_ref().map_or(&[], |shared| &shared.gaps)
    }

    /// The other servers can't be reached, or can again.
    pub fn alone(&mut self, alone: bool) {
        let Some(shared) = &mut self.shared else { return };
        if std::mem::replace(&mut shared.alone, alone) == alone {
            return;
        }
        let to: Vec<PeerId> =
            self.peers.keys().copied().filter(|id| self.is_greeted(*id)).collect();
        self.send(to, Event::Alone { alone });
        let waits: Vec<_> = self
            .pending
            .iter()
            .filter_map(|it| Some((Arc::clone(it.said()?.0), it.asked.first()?.0)))
            .collect();
        waits.iter().for_each(|(message, peer)| self.preview(message, *peer));
    }

    /// Whether the other servers can't be reached.
    pub fn is_alone(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.alone)
    }

    /// Has something stored that a device says, or lets it wait until what the device has said before is stored: alone, a device isn't kept
    /// from saying more.
    pub(super) fn say_in_turn(
        &mut self,
        id: PeerId,
        user: &Name,
        says: Waits,
        now: Duration,
    ) -> Result<(), Refusal> {
        let asks = |pending: &Pending| pending.asked.iter().any(|(peer, _)| *peer == id);
        let is_busy =
            self.shared.is_some() && self.pending.iter().any(|it| it.said().is_some() && asks(it));
        let Some(peer) = self.peers.get_mut(&id) else { return Ok(()) };
        if peer.waiting.is_empty() && !is_busy {
            self.store_message(id, user, says, now);
            return Ok(());
        }
        if peer.waiting.iter().any(|other| other.key == says.key) {
            return Ok(());
        }
        // Files are large: one may wait.
        let files = says.file.is_some() && peer.waiting.iter().any(|other| other.file.is_some());
        if peer.waiting.len() >= WAITING || files {
            return Err(Refusal::Storage);
        }
        let at = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let (from, to, text, key) =
            (user.clone(), says.to.clone(), says.text.clone(), Some(says.key.clone()));
        let file = says.file.as_ref().map(|(info, _)| info.clone());
        peer.waiting.push_back(says);
        self.preview(&Arc::new(Message { id: 0, at, from, to, text, file, key }), id);
        Ok(())
    }

    /// Writes what these devices have said next.
    fn go_on(&mut self, asked: &[(PeerId, Option<u64>)], now: Duration) {
        for (id, _) in asked {
            let Some(user) = self.user_of(*id) else { continue };
            while let Some(says) = self.peers.get_mut(id).and_then(|it| it.waiting.pop_front()) {
                // It may have left the room meanwhile.
                let done = match self.check_place(&user, &says.to) {
                    Ok(()) => self.is_said(*id, &user, &says.key),
                    Err(refusal) => Err(refusal),
                };
                match done {
                    Ok(true) => {}
                    Ok(false) => {
                        self.store_message(*id, &user, says, now);
                        break;
                    }
                    Err(refusal) => self.refuse(*id, None, Some(says.key), refusal),
                }
            }
        }
    }

    /// Alone, those who are here hear what isn't stored yet.
    pub(super) fn preview(&mut self, message: &Arc<Message>, speaker: PeerId) {
        if !self.is_alone() {
            return;
        }
        let mut to = match &message.to {
            Place::Room(room) => self.peers_in([room]),
            Place::User(other) => self.peers_of([other, &message.from]),
        };
        to.retain(|id| *id != speaker);
        self.send(to, Event::Local { message: Arc::clone(message) });
    }

    /// What a device that comes has to know: what may be missing after what it has, and whether this server is alone.
    pub(super) fn tell_what_is_uncertain(&mut self, id: PeerId, user: &Name, after: u64) {
        let Some(shared) = &self.shared else { return };
        // What was said before somebody came isn't missed.
        let since = self.users.get(user).and_then(|user| user.rooms.values().min().copied());
        let from = after.max(since.unwrap_or(u64::MAX).min(self.delivered));
        let gaps: Vec<_> = shared.gaps.iter().filter(|(_, up_to)| *up_to > from).copied().collect();
        if shared.alone {
            self.send([id], Event::Alone { alone: true });
        }
        for (after, up_to) in gaps {
            self.send([id], Event::Incomplete { after: after.max(from), up_to });
        }
    }

    /// Somebody has come online on another server, or gone from there.
    pub fn elsewhere(&mut self, server: u64, user: &Name, online: bool) {
        let Some(shared) = &mut self.shared else { return };
        let servers = shared.elsewhere.entry(user.clone()).or_default();
        if online {
            servers.insert(server);
        } else {
            servers.remove(&server);
        }
        if servers.is_empty() {
            shared.elsewhere.remove(user);
        }
        self.look_online(user);
    }

    /// Whether somebody is online, on whichever server: those who should know hear of a change.
    pub(super) fn look_online(&mut self, name: &Name) {
        let elsewhere =
            self.shared.as_ref().is_some_and(|shared| shared.elsewhere.contains_key(name));
        let Some(user) = self.users.get_mut(name) else { return };
        let online = user.here || elsewhere;
        if std::mem::replace(&mut user.online, online) != online {
            self.tell_presence(name, online);
        }
    }

    pub(super) fn tell_servers(&mut self, name: &Name, online: bool) {
        if self.shared.is_some() {
            self.out.push_back(Output::Online { user: name.clone(), online });
        }
    }

    /// Somebody is writing on another server.
    pub fn typing_elsewhere(&mut self, user: &Name, place: &Place) {
        if self.check_place(user, place).is_ok() {
            self.tell_typing(user, place);
        }
    }

    /// Whether a claim was too late: somebody on another server was faster.
    pub fn take_lost_claim(&mut self, number: u64) -> bool {
        self.shared.as_mut().is_some_and(|shared| shared.lost.remove(&number))
    }

    fn note_lost_claim(&mut self, number: u64) {
        let Some(shared) = &mut self.shared else { return };
        shared.lost.insert(number);
        if shared.lost.len() > CHANGES {
            shared.lost.pop_first();
        }
    }

    /// Whether these facts bring a user that wasn't there.
    fn is_new_to(&self, facts: &[Fact]) -> bool {
        let is_new =
            |fact: &Fact| matches!(fact, Fact::User(name) if !self.names.contains(&name.folded()));
        facts.iter().any(is_new)
    }

    /// Facts without those that others were faster with: to be asked before they are stored.
    pub fn admitted(&self, facts: Vec<Fact>) -> Vec<Fact> {
        let taken =
            |name: &Name| !self.users.contains_key(name) && self.names.contains(&name.folded());
        let keep = |fact: &Fact| !matches!(fact, Fact::User(name) | Fact::Joined { user: name, .. } if taken(name));
        facts.into_iter().filter(keep).collect()
    }

    fn note_change(&mut self, id: u64, fact: &Fact) {
        let Some(shared) = &mut self.shared else { return };
        if matches!(fact, Fact::Joined { .. } | Fact::Left { .. }) {
            shared.changes.push_back((id, fact.clone()));
            if shared.changes.len() > CHANGES {
                shared.changes.pop_front();
            }
        }
    }

    /// Who is in which rooms since when.
    pub fn state(&self) -> Vec<(Name, Vec<(Name, u64)>)> {
        let rooms = |user: &super::people::User| {
            user.rooms.iter().map(|(room, since)| (room.clone(), *since)).collect()
        };
        self.users.iter().map(|(name, user)| (name.clone(), rooms(user))).collect()
    }

    /// What has to become true so that what is here is that state, with what has changed since it was so at an id; or so that what is here
    /// has at least what that state has.
    pub fn differences(
        &self,
        of: u64,
        state: &[(Name, Vec<(Name, u64)>)],
        replace: bool,
    ) -> Vec<Fact> {
        let mut wanted: BTreeMap<&Name, BTreeMap<&Name, u64>> = BTreeMap::new();
        for (user, rooms) in state {
            wanted.insert(user, rooms.iter().map(|(room, since)| (room, *since)).collect());
        }
        let changes = self.shared.iter().flat_map(|shared| &shared.changes);
        for (_, fact) in changes.filter(|(id, _)| *id > of) {
            match fact {
                Fact::Joined { room, user, since } => {
                    wanted.entry(user).or_default().entry(room).or_insert(*since);
                }
                Fact::Left { room, user } => {
                    wanted.entry(user).or_default().remove(room);
                }
                _ => {}
            }
        }
        let mut facts = Vec::new();
        for (user, rooms) in wanted {
            let known = self.users.get(user);
            if known.is_none() {
                facts.push(Fact::User(user.clone()));
            }
            let is_in = |room: &Name| known.is_some_and(|known| known.rooms.contains_key(room));
            for (room, since) in &rooms {
                if !is_in(room) {
                    let (room, user) = ((*room).clone(), user.clone());
                    facts.push(Fact::Joined { room, user, since: *since });
                }
            }
            let extra = known.into_iter().flat_map(|known| known.rooms.keys());
            for room in extra.filter(|room| replace && !rooms.contains_key(room)) {
                facts.push(Fact::Left { room: room.clone(), user: user.clone() });
            }
        }
        facts
    }

    /// Makes differences true that are stored.
    pub fn adopt(&mut self, facts: Vec<Fact>) {
        facts.into_iter().for_each(|fact| self.apply(fact, &[]));
    }
}
