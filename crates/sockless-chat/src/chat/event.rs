//! What clients are told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::{Key, Place};
use super::name::{Name, Refusal};

/// Something that was said. Ids ascend in the order in which things are stored, and so delivered, everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// By whom.
    pub from: Name,
    /// Where.
    pub to: Place,
    /// What.
    pub text: String,
    /// The file that it brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileInfo>,
    /// The key under which it was said, where many servers are one: it may come with another id after a loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name.
    pub name: String,
    /// Its media type, as its sender says.
    pub kind: String,
    /// Its length.
    pub size: u64,
}

/// A room with its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomInfo {
    /// Its name.
    pub name: Name,
    /// How many members it has.
    pub count: usize,
    /// Who they are, if whoever asks is one of them; not more than a list can show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Name>,
}

/// What the server says to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "ev", rename_all = "snake_case")]
pub enum Event {
    /// The answer to a hello: who the client is, its rooms, and who is online in them. What was missed follows.
    Welcome {
        /// The user.
        you: Name,
        /// The user's rooms.
        rooms: Vec<RoomInfo>,
        /// Who is online in them.
        online: Vec<Name>,
        /// The longest text.
        max_text: usize,
        /// The longest file.
        max_file: u64,
    },
    /// What was missed, or a part of it.
    Messages {
        /// In the order of their ids.
        list: Vec<Message>,
        /// Whether to ask for more.
        more: bool,
    },
    /// Somebody has said something.
    Message {
        /// What.
        message: Arc<Message>,
    },
    /// Somebody has said something here that isn't stored: the other servers can't be reached. It has no id, and comes again with one, or
    /// never.
    Local {
        /// What.
        message: Arc<Message>,
    },
    /// The history is incomplete: what was said between these ids may be missing, and it can't be known.
    Incomplete {
        /// The last id before.
        after: u64,
        /// The last id that may be missing.
        up_to: u64,
    },
    /// Whether the other servers can't be reached: what is said meanwhile is heard by those on this one, and by all later.
    Alone {
        /// Whether it is so.
        alone: bool,
    },
    /// What this client has said is stored.
    Said {
        /// Its key.
        key: Key,
        /// The id that it has got.
        id: u64,
        /// When it was said.
        at: u64,
        /// Whether the client has everything up to this id.
        up_to_date: bool,
    },
    /// The user is in a room, on all devices.
    Entered {
        /// The room.
        room: RoomInfo,
    },
    /// Somebody has come into a room of the user's.
    Joined {
        /// The room.
        room: Name,
        /// Who.
        user: Name,
        /// Whether on a device now.
        online: bool,
    },
    /// Somebody has left a room of the user's, perhaps the user.
    Left {
        /// The room.
        room: Name,
        /// Who.
        user: Name,
    },
    /// Somebody has come online or gone offline.
    Presence {
        /// Who.
        user: Name,
        /// Whether on a device now.
        online: bool,
    },
    /// Somebody is writing.
    Typing {
        /// Where, as the one who reads it sees it.
        place: Place,
        /// Who.
        user: Name,
    },
    /// It is done.
    Done {
        /// The number of the action.
        re: u64,
    },
    /// The rooms that there are.
    Rooms {
        /// The number of the action.
        re: u64,
        /// The largest first.
        list: Vec<RoomInfo>,
    },
    /// What was said before, or found.
    History {
        /// The number of the action.
        re: u64,
        /// In the order of their ids.
        list: Vec<Message>,
        /// Before which message to ask for more; `None` if that was all.
        before: Option<u64>,
    },
    /// An action is refused.
    Refused {
        /// The number of the action.
        #[serde(skip_serializing_if = "Option::is_none")]
        re: Option<u64>,
        /// The key of what was to be said.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<Key>,
        /// Why.
        error: Refusal,
        /// The same in words.
        text: String,
    },
}
