//! The machine: who is connected, which action goes where, and what comes out. What each action does is in the files beside this one.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::action::{Action, Key, Place};
use super::event::Event;
use super::files::Upload;
use super::limits::Limits;
use super::name::{Name, Refusal};
use super::people::{Peer, Stage, User};
use super::reading::Read;
use super::rooms::Room;
use super::saving::{Fact, Pending, Saved};
use super::shared::Shared;

/// How many refusals in a row before a hello end a connection.
const PATIENCE: u32 = 3;

/// One device's end: a session, which may live through many connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// Why a peer is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has said no hello, or none that was right.
    NotGreeted,
    /// Its token has ended.
    Expired,
    /// Its user has too many.
    TooMany,
    /// What it has said could not be stored: it has to begin anew, so that nothing changes its order.
    NotStored,
}

/// What comes out.
#[derive(Clone, Debug)]
pub enum Output {
    /// An event for these peers, in this order with all others.
    Send {
        /// Who gets it.
        to: Vec<PeerId>,
        /// The event.
        event: Event,
    },
    /// To be stored, in this order: then [`Chat::stored`], or [`Chat::not_stored`].
    Write {
        /// Its number: they ascend.
        number: u64,
        /// What.
        facts: Vec<Fact>,
    },
    /// To be read: [`Read`] says for whom, and who answers.
    Read {
        /// For whom.
        peer: PeerId,
        /// What.
        read: Read,
    },
    /// Nothing is to be taken from this peer until then.
    Pause {
        /// Which.
        peer: PeerId,
        /// For how long.
        wait: Duration,
    },
    /// Somebody has come online here, or gone: the other servers are to know.
    Online {
        /// Who.
        user: Name,
        /// Whether online.
        online: bool,
    },
    /// Somebody is writing here: the other servers may know.
    Typing {
        /// Where.
        place: Place,
        /// Who.
        user: Name,
    },
    /// The peer is to be ended. The machine has forgotten it already.
    End {
        /// Which.
        peer: PeerId,
        /// Why.
        end: End,
    },
}

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A token ends.
    Expires(PeerId),
    /// A user without a connection has been away for long enough.
    Absent(u64),
}

/// The chat.
#[derive(Debug)]
pub struct Chat {
    pub(super) limits: Limits,
    pub(super) peers: BTreeMap<PeerId, Peer>,
    pub(super) users: HashMap<Name, User>,
    /// Folded names.
    pub(super) names: BTreeSet<String>,
    pub(super) rooms: BTreeMap<Name, Room>,
    pub(super) uploads: BTreeMap<(PeerId, u32), Upload>,
    pub(super) uploading: u64,
    /// The last id that a message was given, and the last that was stored.
    pub(super) last: u64,
    pub(super) delivered: u64,
    pub(super) writes: u64,
    pub(super) pending: VecDeque<Pending>,
    pub(super) out: VecDeque<Output>,
    pub(super) due: BTreeSet<(Duration, Due)>,
    /// Numbers for absences, and whose they are.
    pub(super) absences: u64,
    pub(super) absent: BTreeMap<u64, Name>,
    /// What it knows of other servers, if there may be some.
    pub(super) shared: Option<Shared>,
}

impl Chat {
    /// A chat with what the store has.
    pub fn restore(limits: Limits, saved: Saved) -> Self {
        let mut chat = Self {
            limits,
            peers: BTreeMap::new(),
            users: HashMap::new(),
            names: BTreeSet::new(),
            rooms: BTreeMap::new(),
            uploads: BTreeMap::new(),
            uploading: 0,
            last: saved.last,
            delivered: saved.last,
            writes: 0,
            pending: VecDeque::new(),
            out: VecDeque::new(),
            due: BTreeSet::new(),
            absences: 0,
            absent: BTreeMap::new(),
            shared: None,
        };
        saved.users.into_iter().for_each(|name| chat.add_user(name));
        for (room, user, since) in saved.members {
            chat.joined(&room, &user, since);
        }
        chat.out.clear();
        chat
    }

    /// What comes out next.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`wake`](Self::wake) is to be called.
    pub fn deadline(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Duration) {
        while let Some((at, due)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            match due {
                Due::Expires(peer) => self.end(peer, End::Expired, now),
                Due::Absent(number) => self.absent_for_long(number),
            }
        }
    }

    /// Takes an action of a peer that is known, but for a hello, whose token is for others to read.
    pub fn act(&mut self, peer: PeerId, action: Action, now: Duration) {
        let Some(user) = self.user_of(peer) else {
            self.refuse(peer, number(&action), key(&action), Refusal::Hello);
            self.strike(peer, now);
            return;
        };
        self.charge(peer, &user, now);
        let (n, key) = (number(&action), key(&action));
        let done = match action {
            Action::Hello { .. } => Err(Refusal::Hello),
            Action::Look => {
                let event = self.welcome(&user);
                self.send([peer], event);
                Ok(())
            }
            Action::More { after } => self.more(peer, after),
            Action::Say { key, to, text } => self.say(peer, &user, key, to, text, now),
            Action::Join { n, room } => self.join(peer, &user, n, room),
            Action::Leave { n, room } => self.leave(peer, &user, n, room),
            Action::Rooms { n } => self.list(peer, n),
            Action::Typing { to } => self.typing(&user, to, now),
            Action::History { n, of, before } => self.history(peer, &user, n, of, before),
            Action::Search { n, of, words, before } => {
                self.search(peer, &user, n, of, &words, before)
            }
            Action::Offer { key, to, name, kind, size, upload } => {
                self.offer(peer, &user, upload, Upload::new(key, to, name, &kind, size), now)
            }
            Action::Cancel { upload } => self.cancel(peer, upload),
            Action::Fetch { n, of, id, from } => self.fetch(peer, &user, n, of, id, from),
        };
        if let Err(refusal) = done {
            self.refuse(peer, n, key, refusal);
        }
    }

    /// A message of a peer that is no action.
    pub fn malformed(&mut self, peer: PeerId, now: Duration) {
        self.refuse(peer, None, None, Refusal::Malformed);
        match self.user_of(peer) {
            Some(user) => self.charge(peer, &user, now),
            None => self.strike(peer, now),
        }
    }

    /// Who a peer is, once it has been greeted.
    pub(super) fn user_of(&self, peer: PeerId) -> Option<Name> {
        let peer = self.peers.get(&peer)?;
        match &peer.stage {
            Stage::Silent | Stage::Greeting { .. } => None,
            Stage::Behind { user } | Stage::Reading { user, .. } | Stage::Live { user } => {
                Some(user.clone())
            }
        }
    }

    pub(super) fn send(&mut self, to: impl IntoIterator<Item = PeerId>, event: Event) {
        let to: Vec<PeerId> = to.into_iter().collect();
        if !to.is_empty() {
            self.out.push_back(Output::Send { to, event });
        }
    }

    pub(super) fn refuse(
        &mut self,
        peer: PeerId,
        re: Option<u64>,
        key: Option<Key>,
        error: Refusal,
    ) {
        self.send([peer], Event::Refused { re, key, error, text: error.to_string() });
    }

    /// Ends a peer, and forgets it.
    pub(super) fn end(&mut self, peer: PeerId, end: End, now: Duration) {
        if self.peers.contains_key(&peer) {
            self.out.push_back(Output::End { peer, end });
            self.gone(peer, now);
        }
    }

    /// A peer that hasn't been greeted has done something else.
    fn strike(&mut self, id: PeerId, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.strikes += 1;
        if peer.strikes >= PATIENCE {
            self.end(id, End::NotGreeted, now);
        }
    }

    /// An action has its price: who is out of them waits.
    fn charge(&mut self, peer: PeerId, user: &Name, now: Duration) {
        let rate = self.limits.actions;
        let Some(user) = self.users.get_mut(user) else { return };
        let wait = user.actions.wait(&rate, now);
        user.actions.charge(&rate, 1, now);
        if !wait.is_zero() {
            self.out.push_back(Output::Pause { peer, wait });
        }
    }
}

fn number(action: &Action) -> Option<u64> {
    match action {
        Action::Join { n, .. }
        | Action::Leave { n, .. }
        | Action::Rooms { n }
        | Action::History { n, .. }
        | Action::Search { n, .. } => Some(*n),
        Action::Fetch { n, .. } => Some(u64::from(*n)),
        _ => None,
    }
}

fn key(action: &Action) -> Option<Key> {
    match action {
        Action::Say { key, .. } | Action::Offer { key, .. } => Some(key.clone()),
        _ => None,
    }
}
