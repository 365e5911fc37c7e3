//! The entries of the log, as octets: the length of a head, the head in JSON, then the octets of a file.

use std::sync::Arc;

use bytes::Bytes;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::chat::{Fact, FileInfo, Key, Message, Name, Place};

/// Who is in which rooms since when, for servers that can't know it from the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Users, their rooms, and the last message before they came in.
    pub users: Vec<(Name, Vec<(Name, u64)>)>,
}

/// An entry.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// Which server has written it.
    pub(super) by: u64,
    /// Its number there.
    pub(super) number: u64,
    /// The epoch in which it was written. In another one it is void: whoever has said it has perhaps said other things meanwhile, and
    /// says it again if it isn't known to be stored.
    pub(super) epoch: u64,
    pub(super) what: What,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// Something that has happened in the chat. Its id is known from where it is in the log.
    Facts(Vec<Told>),
    /// A server asks for the state: it can't know it from the log.
    Ask,
    /// The state as it was at an id, and whether whoever says it is sure of it.
    State { of: u64, sure: bool, state: State },
}

/// A fact without what its place in the log says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    User(Name),
    Joined { room: Name, user: Name },
    Left { room: Name, user: Name },
    Said { at: u64, from: Name, to: Place, text: String, file: Option<FileInfo>, key: Key },
}

/// What is said in the channel of things that nobody keeps.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Passing {
    pub(super) by: u64,
    pub(super) place: Place,
    pub(super) user: Name,
}

/// An entry that makes no sense to this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl Head {
    /// The octets, with those of a file.
    pub(super) fn encode(&self, file: &[u8]) -> Bytes {
        // None of these types can fail to be written.
        let head = serde_json::to_vec(self).unwrap_or_default();
        let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
        [&length.to_be_bytes(), head.as_slice(), file].concat().into()
    }

    /// Reads an entry: its head, and the octets of a file.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Unreadable> {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Unreadable)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (head, file) = rest.split_at_checked(length).ok_or(Unreadable)?;
        Ok((serde_json::from_slice(head).map_err(|_| Unreadable)?, file))
    }
}

/// What is written of facts, and the file that comes with them.
pub(super) fn told(facts: &[Fact]) -> (Vec<Told>, Arc<Vec<u8>>) {
    let mut bytes = Arc::default();
    let told = facts.iter().filter_map(|fact| match fact {
        Fact::User(name) => Some(Told::User(name.clone())),
        Fact::Joined { room, user, .. } => {
            Some(Told::Joined { room: room.clone(), user: user.clone() })
        }
        Fact::Left { room, user } => Some(Told::Left { room: room.clone(), user: user.clone() }),
        Fact::Said { message, key, file, .. } => {
            bytes = Arc::clone(file);
            let Message { at, from, to, text, file, .. } = Message::clone(message);
            Some(Told::Said { at, from, to, text, file, key: key.clone() })
        }
        Fact::Gap { .. } | Fact::At { .. } => None,
    });
    (told.collect(), bytes)
}

/// The facts that were told, with the id of their place.
pub(super) fn facts(told: Vec<Told>, bytes: &[u8], id: u64) -> Vec<Fact> {
    let facts = told.into_iter().map(|told| match told {
        Told::User(name) => Fact::User(name),
        Told::Joined { room, user } => Fact::Joined { room, user, since: id },
        Told::Left { room, user } => Fact::Left { room, user },
        Told::Said { at, from, to, text, file, key } => {
            let known = Some(key.clone());
            let message = Arc::new(Message { id, at, from, to, text, file, key: known });
            Fact::Said { message, key, forget: None, file: Arc::new(bytes.to_vec()) }
        }
    });
    facts.collect()
}

/// What is the same for a message that is said again in an epoch: its sender with the key.
pub(super) fn message_key(from: &Name, key: &Key, epoch: u64) -> [u8; 32] {
    let text = format!("{from}\n{}\n{epoch}", key.as_str());
    let mut octets = [0; 32];
    octets.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    octets
}
