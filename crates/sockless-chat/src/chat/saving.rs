//! What has to be stored, and what comes back from the store when the program starts. What waits for the store.

use std::sync::Arc;
use std::time::Duration;

use super::action::Key;
use super::event::{Event, Message};
use super::machine::{Chat, End, Output, PeerId};
use super::name::{Name, Refusal};

/// Something that is stored before anybody hears of it. The facts of one write are stored together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// There is a user.
    User(Name),
    /// A user is in a room, from this message on.
    Joined {
        /// The room.
        room: Name,
        /// The user.
        user: Name,
        /// The last message before.
        since: u64,
    },
    /// A user is no longer in a room.
    Left {
        /// The room.
        room: Name,
        /// The user.
        user: Name,
    },
    /// Something was said.
    Said {
        /// What.
        message: Arc<Message>,
        /// Its key.
        key: Key,
        /// A message of the same user whose key need not be known any more.
        forget: Option<u64>,
        /// The file that it brings.
        file: Arc<Vec<u8>>,
    },
    /// What was said between these ids may be missing here.
    Gap {
        /// The last id before.
        after: u64,
        /// The last id that may be missing.
        up_to: u64,
    },
    /// How far the log that many servers share was followed.
    At {
        /// The epoch.
        epoch: u64,
        /// The offset in it.
        offset: u64,
    },
}

/// What comes back from the store.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// The last id that was given.
    pub last: u64,
    /// The users.
    pub users: Vec<Name>,
    /// Who is in which room since when: room, user, the last message before.
    pub members: Vec<(Name, Name, u64)>,
    /// Between which ids something may be missing.
    pub gaps: Vec<(u64, u64)>,
    /// How far the log was followed: epoch and offset.
    pub at: Option<(u64, u64)>,
}

/// A write that is on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) number: u64,
    pub(super) facts: Vec<Fact>,
    /// Who gets the result, and with which number.
    pub(super) asked: Vec<(PeerId, Option<u64>)>,
    /// Whether it is to take a name that nobody has.
    pub(super) claims: bool,
}

impl Pending {
    /// What is to be said, if it is that.
    pub(super) fn said(&self) -> Option<(&Arc<Message>, &Key)> {
        self.facts.iter().find_map(|fact| match fact {
            Fact::Said { message, key, .. } => Some((message, key)),
            _ => None,
        })
    }
}

impl Chat {
    /// Has facts stored. What follows from them happens when they are.
    pub(super) fn write(&mut self, facts: Vec<Fact>, asked: Vec<(PeerId, Option<u64>)>) {
        self.writes += 1;
        let number = self.writes;
        self.out.push_back(Output::Write { number, facts: facts.clone() });
        self.pending.push_back(Pending { number, facts, asked, claims: false });
    }

    /// All writes up to this one are stored.
    pub fn stored(&mut self, up_to: u64, now: Duration) {
        while self.pending.front().is_some_and(|pending| pending.number <= up_to) {
            let Some(Pending { facts, asked, .. }) = self.pending.pop_front() else { return };
            for fact in facts {
                self.apply(fact, &asked);
            }
            for (peer, n) in asked {
                if let Some(re) = n {
                    self.send([peer], Event::Done { re });
                }
                self.greet_if_ready(peer, now);
            }
        }
    }

    /// The writes up to this one could not be stored: they have not happened, and whoever asked for them hears of it.
    pub fn not_stored(&mut self, up_to: u64, now: Duration) {
        while self.pending.front().is_some_and(|pending| pending.number <= up_to) {
            let Some(Pending { facts, asked, .. }) = self.pending.pop_front() else { return };
            let key = facts.iter().find_map(|fact| match fact {
                Fact::Said { key, .. } => Some(key.clone()),
                _ => None,
            });
            for (peer, n) in asked {
                self.refuse(peer, n, key.clone(), Refusal::Storage);
                // What follows it must not be stored before it.
                if key.is_some() || !self.is_greeted(peer) {
                    self.end(peer, End::NotStored, now);
                }
            }
        }
    }

    pub(super) fn apply(&mut self, fact: Fact, asked: &[(PeerId, Option<u64>)]) {
        match fact {
            Fact::User(name) => self.add_user(name),
            Fact::Joined { room, user, since } => self.joined(&room, &user, since),
            Fact::Left { room, user } => self.left(&room, &user),
            Fact::Said { message, key, .. } => {
                let peers: Vec<PeerId> = asked.iter().map(|(peer, _)| *peer).collect();
                self.said(&message, key, &peers);
            }
            // These come by another way.
            Fact::Gap { .. } | Fact::At { .. } => {}
        }
    }
}
