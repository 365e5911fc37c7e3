//! Rooms and who is in them.

use std::collections::BTreeSet;

use super::action::Place;
use super::event::{Event, RoomInfo};
use super::machine::{Chat, PeerId};
use super::name::{Name, Refusal};
use super::people::{Peer, Stage};
use super::saving::Fact;

/// How many members, and rooms, a list shows.
const SHOWN: usize = 500;

/// A room. It is there as long as it has members.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) members: BTreeSet<Name>,
}

impl Chat {
    pub(super) fn join(
        &mut self,
        peer: PeerId,
        user: &Name,
        n: u64,
        room: Name,
    ) -> Result<(), Refusal> {
        let known = self.users.get(user).ok_or(Refusal::Unknown)?;
        if known.rooms.contains_key(&room) {
            self.send([peer], Event::Done { re: n });
            return Ok(());
        }
        // What is on its way to the store counts already, but for whom it concerns alone.
        let coming = self.coming().filter(|(other, who)| (*who, *other) != (user, &room));
        let own = coming.clone().filter(|(_, who)| *who == user).count();
        let is_new = |other: &&Name| !self.rooms.contains_key(*other);
        let new_rooms: BTreeSet<_> =
            coming.map(|(other, _)| other).chain([&room]).filter(is_new).collect();
        if known.rooms.len() + own >= self.limits.rooms_of_user
            || (is_new(&&room) && self.rooms.len() + new_rooms.len() > self.limits.rooms)
            || !self.has_room_for_member(&room)
        {
            return Err(Refusal::Limit);
        }
        let joined = Fact::Joined { room, user: user.clone(), since: self.last };
        self.write(vec![joined], vec![(peer, Some(n))]);
        Ok(())
    }

    pub(super) fn leave(
        &mut self,
        peer: PeerId,
        user: &Name,
        n: u64,
        room: Name,
    ) -> Result<(), Refusal> {
        self.check_member(user, &room)?;
        self.write(vec![Fact::Left { room, user: user.clone() }], vec![(peer, Some(n))]);
        Ok(())
    }

    pub(super) fn list(&mut self, peer: PeerId, n: u64) -> Result<(), Refusal> {
        let mut names: Vec<&Name> = self.rooms.keys().collect();
        names.sort_by_key(|name| std::cmp::Reverse(self.rooms[*name].members.len()));
        let names = names.into_iter().take(SHOWN);
        let list = names.filter_map(|name| self.room_info(name, false)).collect();
        self.send([peer], Event::Rooms { re: n, list });
        Ok(())
    }

    /// Somebody is in a room now.
    pub(super) fn joined(&mut self, room: &Name, name: &Name, since: u64) {
        let Some(user) = self.users.get_mut(name) else { return };
        if user.rooms.contains_key(room) {
            return;
        }
        user.rooms.insert(room.clone(), since);
        let (online, own) = (user.online, user.peers.clone());
        let others = self.peers_in([room]);
        self.rooms.entry(room.clone()).or_default().members.insert(name.clone());
        let event = Event::Joined { room: room.clone(), user: name.clone(), online };
        self.send(others, event);
        if let Some(info) = self.room_info(room, true) {
            let own: Vec<PeerId> = own.into_iter().filter(|id| self.is_greeted(*id)).collect();
            self.send(own.iter().copied(), Event::Entered { room: info });
            for user in self.online_in([room]) {
                self.send(own.iter().copied(), Event::Presence { user, online: true });
            }
        }
    }

    /// Somebody is no longer in a room.
    pub(super) fn left(&mut self, room: &Name, name: &Name) {
        let to = self.peers_in([room]);
        if let Some(user) = self.users.get_mut(name) {
            user.rooms.remove(room);
        }
        if let Some(found) = self.rooms.get_mut(room) {
            found.members.remove(name);
            if found.members.is_empty() {
                self.rooms.remove(room);
            }
        }
        self.send(to, Event::Left { room: room.clone(), user: name.clone() });
    }

    pub(super) fn has_room_for_member(&self, room: &Name) -> bool {
        let members = self.rooms.get(room).map_or(0, |room| room.members.len());
        let coming = self.coming().filter(|(other, _)| *other == room).count();
        members + coming < self.limits.members
    }

    /// The rooms that users are about to be in, once that is stored.
    fn coming(&self) -> impl Iterator<Item = (&Name, &Name)> + Clone {
        let facts = self.pending.iter().flat_map(|pending| &pending.facts);
        facts.filter_map(|fact| match fact {
            Fact::Joined { room, user, .. } => Some((room, user)),
            _ => None,
        })
    }

    pub(super) fn check_member(&self, user: &Name, room: &Name) -> Result<(), Refusal> {
        let member = self.rooms.get(room).is_some_and(|room| room.members.contains(user));
        if member { Ok(()) } else { Err(Refusal::NotAMember) }
    }

    /// Whether this user may say something there, and read what was said.
    pub(super) fn check_place(&self, user: &Name, place: &Place) -> Result<(), Refusal> {
        match place {
            Place::Room(room) => self.check_member(user, room),
            // What one says to oneself can be read by oneself.
            Place::User(other) if self.users.contains_key(other) => Ok(()),
            Place::User(_) => Err(Refusal::Unknown),
        }
    }

    pub(super) fn room_info(&self, room: &Name, members: bool) -> Option<RoomInfo> {
        let found = self.rooms.get(room)?;
        let shown = if members { SHOWN } else { 0 };
        let members = found.members.iter().take(shown).cloned().collect();
        Some(RoomInfo { name: room.clone(), count: found.members.len(), members })
    }

    /// Whether a peer hears of what happens.
    pub(super) fn is_greeted(&self, id: PeerId) -> bool {
        let told = |peer: &Peer| !matches!(peer.stage, Stage::Silent | Stage::Greeting { .. });
        self.peers.get(&id).is_some_and(told)
    }

    /// The greeted devices of all members of these rooms.
    pub(super) fn peers_in<'a>(&self, rooms: impl IntoIterator<Item = &'a Name>) -> Vec<PeerId> {
        let mut peers = BTreeSet::new();
        for room in rooms.into_iter().filter_map(|room| self.rooms.get(room)) {
            for user in room.members.iter().filter_map(|name| self.users.get(name)) {
                peers.extend(user.peers.iter().copied().filter(|id| self.is_greeted(*id)));
            }
        }
        peers.into_iter().collect()
    }

    /// Who is online in these rooms.
    pub(super) fn online_in<'a>(&self, rooms: impl IntoIterator<Item = &'a Name>) -> Vec<Name> {
        let mut names = BTreeSet::new();
        for room in rooms.into_iter().filter_map(|room| self.rooms.get(room)) {
            let online = |name: &&Name| self.users.get(*name).is_some_and(|user| user.online);
            names.extend(room.members.iter().filter(online).take(SHOWN).cloned());
        }
        names.into_iter().collect()
    }
}
