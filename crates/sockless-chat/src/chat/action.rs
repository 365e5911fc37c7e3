//! What a client asks for.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::name::{Name, Refusal};

/// Where something is said: in a room, or to one user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A room: all its members.
    Room(Name),
    /// A user alone, with the one who speaks.
    User(Name),
}

/// By which a client knows what it has said, also when it says it again: then it counts once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(Arc<str>);

impl Key {
    /// Checks a key: 1 to 40 letters, digits, `-` and `_`.
    ///
    /// # Errors
    ///
    /// It has something else.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let fine = (1..=40).contains(&text.len()) && text.bytes().all(plain);
        if fine { Ok(Self(text.into())) } else { Err(Refusal::Malformed) }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Key {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0.as_ref().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// What a client asks for. `n` is a number of the client's own, which the answer repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The first one: who it is, and the last message that it has.
    Hello {
        /// Who it is, unless the connection has said so already.
        #[serde(default)]
        token: Option<String>,
        /// The id of the last message that it has.
        after: u64,
    },
    /// What a welcome says, once more: a page that was loaded anew goes on with its session.
    Look,
    /// The next part of what was missed.
    More {
        /// The id of the last message that it has.
        after: u64,
    },
    /// Says something.
    Say {
        /// By which it is known when it is said again.
        key: Key,
        /// Where.
        to: Place,
        /// What.
        text: String,
    },
    /// Enters a room, which is made if there is none.
    Join {
        /// The client's number.
        n: u64,
        /// The room.
        room: Name,
    },
    /// Leaves a room.
    Leave {
        /// The client's number.
        n: u64,
        /// The room.
        room: Name,
    },
    /// Which rooms there are.
    Rooms {
        /// The client's number.
        n: u64,
    },
    /// The user is writing.
    Typing {
        /// Where.
        to: Place,
    },
    /// What was said before.
    History {
        /// The client's number.
        n: u64,
        /// Where.
        of: Place,
        /// Before which message.
        before: u64,
    },
    /// What was said with these words in it.
    Search {
        /// The client's number.
        n: u64,
        /// Where.
        of: Place,
        /// The words, each of which has to be there.
        words: String,
        /// Before which message.
        before: u64,
    },
    /// Begins a file: its parts follow as binary messages.
    Offer {
        /// By which the message that it becomes is known.
        key: Key,
        /// Where.
        to: Place,
        /// The file's name.
        name: String,
        /// Its media type.
        kind: String,
        /// Its length.
        size: u64,
        /// With which number its parts begin.
        upload: u32,
    },
    /// Gives a file up.
    Cancel {
        /// Its number.
        upload: u32,
    },
    /// Asks for a part of a file, which comes as a binary message that begins with this number.
    Fetch {
        /// The client's number.
        n: u32,
        /// Where the file is.
        of: Place,
        /// The message that it belongs to.
        id: u64,
        /// From where.
        from: u64,
    },
}
