//! The tables, and how places are named in them.

use redb::TableDefinition;

use crate::chat::{Message, Name, Place};

/// Numbers of the store itself.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Users.
pub(super) const USERS: TableDefinition<'_, &str, ()> = TableDefinition::new("users");
/// Room and user: the last message before.
pub(super) const MEMBERS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("members");
/// Place and id: the message. What is said to a user is in two places, which each has one reader.
pub(super) const LOG: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("log");
/// Place: how many messages it has.
pub(super) const COUNTS: TableDefinition<'_, &str, u64> = TableDefinition::new("counts");
/// User and id of a message: its key, and when it was said.
pub(super) const KEYS: TableDefinition<'_, (&str, u64), (&str, u64)> = TableDefinition::new("keys");
/// Id of a message, and number of the part: octets of its file.
pub(super) const FILES: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("files");

/// Last id before a gap: the last id that may be missing.
pub(super) const GAPS: TableDefinition<'_, u64, u64> = TableDefinition::new("gaps");

/// The format of this store.
pub(super) const VERSION: u64 = 1;

pub(super) fn room(name: &Name) -> String {
    format!("room/{name}")
}

pub(super) fn inbox(name: &Name) -> String {
    format!("user/{name}")
}

/// Where a user finds what was said in a place.
pub(super) fn seen_by(user: &Name, place: &Place) -> String {
    match place {
        Place::Room(name) => room(name),
        Place::User(_) => inbox(user),
    }
}

/// Where a message is.
pub(super) fn places(message: &Message) -> Vec<String> {
    match &message.to {
        Place::Room(name) => vec![room(name)],
        Place::User(name) if *name == message.from => vec![inbox(name)],
        Place::User(name) => vec![inbox(&message.from), inbox(name)],
    }
}
