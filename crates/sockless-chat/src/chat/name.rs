//! What clients write: names, texts and names of files that may be shown to others; and why something is refused.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why an action is refused. On the wire it is its name in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is no action, or one of its fields can't be what it says.
    Malformed,
    /// A hello has to come first, and once.
    Hello,
    /// A name that is empty, too long, or has characters that can't be seen.
    Name,
    /// The name belongs to somebody.
    Taken,
    /// A text that is empty or too long, or has control characters.
    Text,
    /// Only members of the room may.
    NotAMember,
    /// There is no such user, room, file or upload.
    Unknown,
    /// A limit on rooms, members, uploads or files.
    Limit,
    /// A part of a file that doesn't fit what was offered.
    Upload,
    /// The store can't be written: nothing has happened.
    Storage,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is no action",
            Self::Hello => "a hello has to come first, and once",
            Self::Name => "a name has 1 to 32 visible characters",
            Self::Taken => "the name belongs to somebody",
            Self::Text => "a text is not empty, not too long, and has no control characters",
            Self::NotAMember => "only members of the room may do this",
            Self::Unknown => "there is no such user, room, file or upload",
            Self::Limit => "there is a limit, and this is beyond it",
            Self::Upload => "this part of a file doesn't fit what was offered",
            Self::Storage => "it could not be stored, so it has not happened; try again later",
        })
    }
}

impl std::error::Error for Refusal {}

/// The name of a user or of a room: 1 to 32 characters that can be seen. It may look like anything, a script included: who shows it has to
/// show it as text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// It is empty, too long, begins or ends with a space, or has characters that can't be seen.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let count = text.chars().count();
        let fine = (1..=32).contains(&count)
            && text.trim() == text
            && text.chars().all(|c| c == ' ' || is_visible(c));
        if fine { Ok(Self(text.into())) } else { Err(Refusal::Name) }
    }

    /// What is the same for names that differ in case alone: of those only one can be taken.
    pub(crate) fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character shows something, and changes nothing about how others are shown.
fn is_visible(c: char) -> bool {
    let hidden = matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{3164}' | '\u{feff}'
        | '\u{115f}'..='\u{1160}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    !c.is_control() && !c.is_whitespace() && !hidden
}

/// Whether a text may be said: not empty, at most `most` octets, no control characters but line feeds and tabs.
pub(crate) fn check_text(text: &str, most: usize) -> Result<(), Refusal> {
    let fine = !text.trim().is_empty()
        && text.len() <= most
        && text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control());
    if fine { Ok(()) } else { Err(Refusal::Text) }
}

/// Whether it is the name of a file and of nothing else: no path, nothing hidden, nothing that isn't seen.
pub(crate) fn check_file_name(name: &str) -> Result<(), Refusal> {
    let fine = (1..=120).contains(&name.len())
        && name.trim() == name
        && !name.starts_with('.')
        && name.chars().all(|c| (c == ' ' || is_visible(c)) && !matches!(c, '/' | '\\' | ':'));
    if fine { Ok(()) } else { Err(Refusal::Name) }
}

/// A media type in its plain form, or the one that says nothing.
pub(crate) fn media_type(kind: &str) -> String {
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-'))
    };
    match kind.split_once('/') {
        Some((left, right)) if kind.len() <= 80 && token(left) && token(right) => {
            kind.to_ascii_lowercase()
        }
        _ => "application/octet-stream".into(),
    }
}

impl TryFrom<String> for Name {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().into()
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
