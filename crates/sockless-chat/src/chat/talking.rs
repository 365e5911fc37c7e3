//! Saying something, and writing at it.

use std::sync::Arc;
use std::time::Duration;

use super::action::{Key, Place};
use super::event::{Event, Message};
use super::machine::{Chat, Output, PeerId};
use super::name::{Name, Refusal, check_text};
use super::people::{Stage, Waits};
use super::saving::Fact;

/// How many places are remembered in which somebody is writing.
const PLACES: usize = 64;

impl Chat {
    pub(super) fn say(
        &mut self,
        peer: PeerId,
        user: &Name,
        key: Key,
        to: Place,
        text: String,
        now: Duration,
    ) -> Result<(), Refusal> {
        check_text(&text, self.limits.text)?;
        self.check_place(user, &to)?;
        if !self.is_said(peer, user, &key)? {
            self.say_in_turn(peer, user, Waits { key, to, text, file: None }, now)?;
        }
        Ok(())
    }

    /// Whether this was said already: then the device that says it again gets the same answer, at once or when it is stored.
    pub(super) fn is_said(
        &mut self,
        peer: PeerId,
        user: &Name,
        key: &Key,
    ) -> Result<bool, Refusal> {
        let is_it = |fact: &Fact| matches!(fact, Fact::Said { message, key: other, .. } if other == key && message.from == *user);
        if let Some(waits) = self.pending.iter_mut().find(|it| it.facts.iter().any(is_it)) {
            if !waits.asked.contains(&(peer, None)) {
                waits.asked.push((peer, None));
            }
            return Ok(true);
        }
        let known = self.users.get(user).filter(|user| user.keys_known).ok_or(Refusal::Storage)?;
        let found = known.keys.iter().find(|(other, ..)| other == key).cloned();
        let Some((key, id, at)) = found else { return Ok(false) };
        self.send([peer], Event::Said { key, id, at, up_to_date: false });
        Ok(true)
    }

    pub(super) fn store_message(
        &mut self,
        peer: PeerId,
        user: &Name,
        Waits { key, to, text, file }: Waits,
        now: Duration,
    ) {
        // Where many servers are one, the id comes with the place in the log.
        let shared = self.shared.is_some();
        self.last += u64::from(!shared);
        let id = if shared { 0 } else { self.last };
        let (file, bytes) = file.unzip();
        let at = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let message = Arc::new(Message {
            id,
            at,
            from: user.clone(),
            to: to.clone(),
            text,
            file,
            key: shared.then(|| key.clone()),
        });
        let keys = self.limits.keys;
        let forget = self.users.get_mut(user).and_then(|user| {
            user.typing.remove(&to);
            if shared {
                return None;
            }
            user.keys.iter().rev().nth(keys.saturating_sub(1)).map(|(_, id, _)| *id)
        });
        let file = Arc::new(bytes.unwrap_or_default());
        self.preview(&message, peer);
        self.write(vec![Fact::Said { message, key, forget, file }], vec![(peer, None)]);
    }

    /// It is stored: all who may hear it do, but for those who have said it, who are told so.
    pub(super) fn said(&mut self, message: &Arc<Message>, key: Key, speakers: &[PeerId]) {
        self.delivered = self.delivered.max(message.id);
        let (id, at) = (message.id, message.at);
        for peer in
            speakers.iter().copied().filter(|peer| self.is_greeted(*peer)).collect::<Vec<_>>()
        {
            let up_to_date = matches!(self.peers[&peer].stage, Stage::Live { .. });
            self.send([peer], Event::Said { key: key.clone(), id, at, up_to_date });
        }
        if let Some(user) = self.users.get_mut(&message.from)
            && !user.peers.is_empty()
        {
            user.keys.push_back((key, id, at));
            while user.keys.len() > self.limits.keys {
                user.keys.pop_front();
            }
        }
        let mut to = match &message.to {
            Place::Room(room) => self.peers_in([room]),
            Place::User(other) => self.peers_of([other, &message.from]),
        };
        // Who is still being told what was missed gets it after that.
        to.retain(|id| {
            let Some(peer) = self.peers.get_mut(id) else { return false };
            // Another server may have told it already.
            match &mut peer.stage {
                _ if message.id <= peer.floor => false,
                Stage::Live { .. } => !speakers.contains(id),
                Stage::Reading { held, .. } => {
                    held.push(Arc::clone(message));
                    false
                }
                _ => false,
            }
        });
        self.send(to, Event::Message { message: Arc::clone(message) });
    }

    pub(super) fn typing(&mut self, name: &Name, to: Place, now: Duration) -> Result<(), Refusal> {
        self.check_place(name, &to)?;
        let every = self.limits.typing;
        let Some(user) = self.users.get_mut(name) else { return Ok(()) };
        user.typing.retain(|_, at| *at + every > now);
        if user.typing.contains_key(&to) || user.typing.len() >= PLACES {
            return Ok(());
        }
        user.typing.insert(to.clone(), now);
        self.tell_typing(name, &to);
        if self.shared.is_some() {
            self.out.push_back(Output::Typing { place: to, user: name.clone() });
        }
        Ok(())
    }

    /// Tells those who are here that somebody is writing.
    pub(super) fn tell_typing(&mut self, name: &Name, to: &Place) {
        let (mut peers, place) = match to {
            Place::Room(room) => (self.peers_in([room]), to.clone()),
            Place::User(other) => (self.peers_of([other]), Place::User(name.clone())),
        };
        let own = self.peers_of([name]);
        peers.retain(|id| !own.contains(id));
        self.send(peers, Event::Typing { place, user: name.clone() });
    }

    /// The greeted devices of users.
    pub(super) fn peers_of<'a>(&self, users: impl IntoIterator<Item = &'a Name>) -> Vec<PeerId> {
        let mut peers: Vec<PeerId> = users
            .into_iter()
            .filter_map(|name| self.users.get(name))
            .flat_map(|user| user.peers.iter().copied())
            .filter(|id| self.is_greeted(*id))
            .collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }
}
