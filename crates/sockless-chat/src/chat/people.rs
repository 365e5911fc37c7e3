//! Users and their devices: hello, presence, and the end of a token.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sockless_session::limit::Bucket;

use super::action::{Key, Place};
use super::event::{Event, FileInfo, Message};
use super::machine::{Chat, Due, End, Output, PeerId};
use super::name::{Name, Refusal};
use super::reading::Read;
use super::saving::Fact;

/// A device.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) stage: Stage,
    /// Whether a connection carries its session now.
    pub(super) connected: bool,
    /// When its token ends.
    pub(super) expires: Option<Duration>,
    /// What it did before a hello.
    pub(super) strikes: u32,
    /// The last message that it has had when it came: perhaps from a server that was further than this one.
    pub(super) floor: u64,
    /// What it has said that is to be written when what it said before is.
    pub(super) waiting: VecDeque<Waits>,
}

/// Something that a device has said, and that waits.
#[derive(Debug)]
pub(super) struct Waits {
    pub(super) key: Key,
    pub(super) to: Place,
    pub(super) text: String,
    pub(super) file: Option<(FileInfo, Vec<u8>)>,
}

/// How far a device is.
///
/// ```text
/// Silent --hello--> Greeting --user stored--> Reading --all read--> Live
///                                             ^     | there is more
///                                             +more- Behind
/// ```
#[derive(Debug)]
pub(super) enum Stage {
    /// It has said nothing.
    Silent,
    /// Its user has to be stored first.
    Greeting { user: Name, after: u64 },
    /// It has to ask for more.
    Behind { user: Name },
    /// What it has missed is being read, up to what was stored then; what is said meanwhile is held.
    Reading { user: Name, held: Vec<Arc<Message>> },
    /// It has everything.
    Live { user: Name },
}

/// Somebody.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) peers: BTreeSet<PeerId>,
    /// The user's rooms, and the last message before the user came in.
    pub(super) rooms: BTreeMap<Name, u64>,
    /// The last keys, with the ids and times of their messages; only while somebody is here.
    pub(super) keys: VecDeque<(Key, u64, u64)>,
    /// Whether they have come from the store.
    pub(super) keys_known: bool,
    pub(super) actions: Bucket,
    /// When the user was said to be writing.
    pub(super) typing: BTreeMap<Place, Duration>,
    /// Whether on a device that is here, or was a moment ago.
    pub(super) here: bool,
    /// What others think.
    pub(super) online: bool,
    /// The number of the absence that counts.
    pub(super) absence: Option<u64>,
}

impl Chat {
    /// A new peer.
    pub fn connect(&mut self, peer: PeerId, _now: Duration) {
        let new = Peer {
            stage: Stage::Silent,
            connected: true,
            expires: None,
            strikes: 0,
            floor: 0,
            waiting: VecDeque::new(),
        };
        self.peers.insert(peer, new);
    }

    /// A peer says who it is, which the caller has seen proven, until when that holds, and the last message that it has.
    pub fn hello(&mut self, id: PeerId, user: Name, expires: Duration, after: u64, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !matches!(peer.stage, Stage::Silent) {
            self.refuse(id, None, None, Refusal::Hello);
            return;
        }
        if expires <= now {
            self.end(id, End::Expired, now);
            return;
        }
        peer.expires = Some(expires);
        peer.floor = after;
        peer.stage = Stage::Greeting { user: user.clone(), after };
        self.due.insert((expires, Due::Expires(id)));
        if self.users.contains_key(&user) {
            self.greet_if_ready(id, now);
            return;
        }
        let is_it = |fact: &Fact| matches!(fact, Fact::User(name) if *name == user);
        if let Some(waits) = self.pending.iter_mut().find(|it| it.facts.iter().any(is_it)) {
            waits.asked.push((id, None));
            return;
        }
        match self.new_user(&user) {
            Ok(facts) => self.write(facts, vec![(id, None)]),
            Err(refusal) => {
                self.refuse(id, None, None, refusal);
                self.end(id, End::NotGreeted, now);
            }
        }
    }

    /// Takes a name for somebody new: the number of the write that makes it so.
    ///
    /// # Errors
    ///
    /// It is taken, or there are too many users.
    pub fn claim(&mut self, user: &Name) -> Result<u64, Refusal> {
        let facts = self.new_user(user)?;
        self.write(facts, Vec::new());
        if let Some(pending) = self.pending.back_mut() {
            pending.claims = true;
        }
        Ok(self.writes)
    }

    /// Whether there is such a user.
    pub fn knows(&self, user: &Name) -> bool {
        self.users.contains_key(user)
    }

    fn new_user(&self, user: &Name) -> Result<Vec<Fact>, Refusal> {
        let folded = user.folded();
        let claimed = |fact: &Fact| matches!(fact, Fact::User(name) if name.folded() == folded);
        let waits = self.pending.iter().any(|pending| pending.facts.iter().any(claimed));
        if waits || self.names.contains(&folded) {
            return Err(Refusal::Taken);
        }
        let facts = self.pending.iter().flat_map(|pending| &pending.facts);
        let coming = facts.filter(|fact| matches!(fact, Fact::User(_))).count();
        if self.users.len() + coming >= self.limits.users {
            return Err(Refusal::Limit);
        }
        let mut facts = vec![Fact::User(user.clone())];
        if let Some(lobby) = self.limits.lobby.clone()
            && self.has_room_for_member(&lobby)
        {
            facts.push(Fact::Joined { room: lobby, user: user.clone(), since: self.last });
        }
        Ok(facts)
    }

    pub(super) fn add_user(&mut self, user: Name) {
        self.names.insert(user.folded());
        self.users.entry(user.clone()).or_default();
        self.look_online(&user);
    }

    /// Greets a peer whose user is stored.
    pub(super) fn greet_if_ready(&mut self, id: PeerId, now: Duration) {
        let Some(Peer { stage: Stage::Greeting { user, after }, .. }) = self.peers.get(&id) else {
            return;
        };
        let (name, after) = (user.clone(), *after);
        let most = self.limits.peers_of_user;
        let Some(user) = self.users.get_mut(&name) else { return };
        // The oldest makes room: it may be a device that will never come back.
        let oldest = if user.peers.len() >= most { user.peers.first().copied() } else { None };
        user.peers.insert(id);
        if let Some(oldest) = oldest {
            self.end(oldest, End::TooMany, now);
        }
        self.appear(&name);
        let event = self.welcome(&name);
        self.send([id], event);
        self.tell_what_is_uncertain(id, &name, after);
        self.out.push_back(Output::Read { peer: id, read: Read::Keys { user: name.clone() } });
        self.read_on(id, name, after);
    }

    /// Who one is, where, and who is there.
    pub(super) fn welcome(&self, name: &Name) -> Event {
        let rooms =
            self.users.get(name).map(|user| &user.rooms).into_iter().flat_map(BTreeMap::keys);
        Event::Welcome {
            you: name.clone(),
            online: self.online_in(rooms.clone()),
            rooms: rooms.filter_map(|room| self.room_info(room, true)).collect(),
            max_text: self.limits.text,
            max_file: self.limits.file,
        }
    }

    /// The last keys of the user of a peer, as they are stored, the oldest first.
    pub fn keys(&mut self, peer: PeerId, mut keys: Vec<(Key, u64, u64)>) {
        let Some(name) = self.user_of(peer) else { return };
        let Some(user) = self.users.get_mut(&name) else { return };
        // What was stored meanwhile may be in it, or not.
        keys.retain(|(key, ..)| !user.keys.iter().any(|(other, ..)| other == key));
        keys.into_iter().rev().for_each(|key| user.keys.push_front(key));
        user.keys_known = true;
    }

    /// A connection carries the session of this peer again.
    pub fn back(&mut self, peer: PeerId, _now: Duration) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.connected = true;
        }
        if let Some(name) = self.user_of(peer) {
            self.appear(&name);
        }
    }

    /// No connection carries the session of this peer any more.
    pub fn lost(&mut self, peer: PeerId, now: Duration) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.connected = false;
        }
        if let Some(name) = self.user_of(peer) {
            self.maybe_away(&name, now);
        }
    }

    /// The session of this peer has ended.
    pub fn gone(&mut self, id: PeerId, now: Duration) {
        let name = self.user_of(id);
        self.drop_uploads(id);
        let Some(peer) = self.peers.remove(&id) else { return };
        if let Some(expires) = peer.expires {
            self.due.remove(&(expires, Due::Expires(id)));
        }
        let Some(name) = name else { return };
        if let Some(user) = self.users.get_mut(&name) {
            user.peers.remove(&id);
            if user.peers.is_empty() {
                // They are in the store.
                user.keys = VecDeque::new();
                user.keys_known = false;
                user.typing.clear();
            }
        }
        self.maybe_away(&name, now);
    }

    /// Whether a peer still waits for its user.
    pub(super) fn is_greeting(&self, id: PeerId) -> bool {
        self.peers.get(&id).is_some_and(|peer| matches!(peer.stage, Stage::Greeting { .. }))
    }

    fn is_connected(&self, user: &User) -> bool {
        user.peers.iter().any(|id| self.peers.get(id).is_some_and(|peer| peer.connected))
    }

    fn appear(&mut self, name: &Name) {
        let Some(user) = self.users.get_mut(name) else { return };
        if let Some(number) = user.absence.take() {
            self.absent.remove(&number);
        }
        if !std::mem::replace(&mut user.here, true) {
            self.tell_servers(name, true);
            self.look_online(name);
        }
    }

    fn maybe_away(&mut self, name: &Name, now: Duration) {
        let Some(user) = self.users.get(name) else { return };
        if !user.here || user.absence.is_some() || self.is_connected(user) {
            return;
        }
        self.absences += 1;
        let number = self.absences;
        self.absent.insert(number, name.clone());
        self.due.insert((now + self.limits.patience, Due::Absent(number)));
        if let Some(user) = self.users.get_mut(name) {
            user.absence = Some(number);
        }
    }

    pub(super) fn absent_for_long(&mut self, number: u64) {
        // One that has come back has no such absence any more.
        let Some(name) = self.absent.remove(&number) else { return };
        let Some(user) = self.users.get_mut(&name) else { return };
        user.absence = None;
        user.here = false;
        self.tell_servers(&name, false);
        self.look_online(&name);
    }

    pub(super) fn tell_presence(&mut self, name: &Name, online: bool) {
        let Some(user) = self.users.get(name) else { return };
        let to = self.peers_in(user.rooms.keys());
        self.send(to, Event::Presence { user: name.clone(), online });
    }

    /// How many users are online.
    pub fn online(&self) -> usize {
        self.users.values().filter(|user| user.online).count()
    }
}
