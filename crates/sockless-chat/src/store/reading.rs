//! Reading. Whether the one who asks may read it was decided by the chat, but for files, which belong to a message.

use redb::{Database, ReadTransaction, ReadableDatabase};

use super::error::StoreError;
use super::tables::{FILES, KEYS, LOG, inbox, room, seen_by};
use super::{PART, Store};
use crate::chat::{Key, Message, Name, Place};

/// How many messages are looked at for one answer.
const SCANNED: usize = 20_000;

/// A part of the history.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of their ids.
    pub list: Vec<Message>,
    /// Before which message to look for more; `None` if that was all.
    pub before: Option<u64>,
}

/// A part of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct FilePart(pub Vec<u8>);

impl Store {
    /// The last keys of a user, the oldest first, with the ids and times of their messages.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn keys(&self, user: &Name, most: usize) -> Result<Vec<(Key, u64, u64)>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(KEYS)?;
            let user = user.as_str();
            let mut keys = Vec::new();
            for entry in table.range((user, 0)..=(user, u64::MAX))?.rev().take(most) {
                let (place, value) = entry?;
                let (key, at) = value.value();
                let key = Key::parse(key).map_err(|_| StoreError::Damaged("a key".into()))?;
                keys.push((key, place.value().1, at));
            }
            keys.reverse();
            Ok(keys)
        })
    }

    /// What a user has missed up to a message, at most `most` of it, and whether there is more: in each room after another message.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn missed(
        &self,
        user: &Name,
        rooms: &[(Name, u64)],
        after: u64,
        up_to: u64,
        most: usize,
    ) -> Result<(Vec<Message>, bool), StoreError> {
        self.read(|transaction| {
            let log = transaction.open_table(LOG)?;
            let mut places: Vec<(String, u64)> =
                rooms.iter().map(|(name, after)| (room(name), *after)).collect();
            places.push((inbox(user), after));
            let mut found = Vec::new();
            for (at, (place, after)) in places.iter().enumerate() {
                let Some(first) = after.checked_add(1).filter(|first| *first <= up_to) else {
                    continue;
                };
                for entry in
                    log.range((place.as_str(), first)..=(place.as_str(), up_to))?.take(most + 1)
                {
                    found.push((entry?.0.value().1, at));
                }
            }
            found.sort_unstable();
            let more = found.len() > most;
            found.truncate(most);
            let mut list = Vec::new();
            for (id, at) in found {
                if let Some(bytes) = log.get((places[at].0.as_str(), id))? {
                    list.push(serde_json::from_slice(bytes.value())?);
                }
            }
            Ok((list, more))
        })
    }

    /// What was said in a place before a message, with all of these words in it, which are in lower case.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn history(
        &self,
        user: &Name,
        of: &Place,
        before: u64,
        words: &[String],
        most: usize,
    ) -> Result<Page, StoreError> {
        self.read(|transaction| {
            let log = transaction.open_table(LOG)?;
            let place = seen_by(user, of);
            let mut page = Page::default();
            let range = (place.as_str(), 0)..(place.as_str(), before);
            for (looked, entry) in log.range(range)?.rev().enumerate() {
                let (key, bytes) = entry?;
                if looked == SCANNED || page.list.len() == most {
                    page.before = Some(key.value().1 + 1);
                    break;
                }
                let message: Message = serde_json::from_slice(bytes.value())?;
                if belongs(&message, user, of) && has(&message, words) {
                    page.list.push(message);
                }
            }
            page.list.reverse();
            Ok(page)
        })
    }

    /// The part of a message's file that begins there; `None` if the user has no such message there, or its file ends before.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn file(
        &self,
        user: &Name,
        of: &Place,
        id: u64,
        from: u64,
    ) -> Result<Option<FilePart>, StoreError> {
        if !from.is_multiple_of(PART as u64) {
            return Ok(None);
        }
        let Ok(number) = u32::try_from(from / PART as u64) else { return Ok(None) };
        self.read(|transaction| {
            let log = transaction.open_table(LOG)?;
            if log.get((seen_by(user, of).as_str(), id))?.is_none() {
                return Ok(None);
            }
            let part = transaction.open_table(FILES)?.get((id, number))?;
            Ok(part.map(|part| FilePart(part.value().to_vec())))
        })
    }

    fn read<R>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        self.with(|database: &Database| work(&database.begin_read()?))
    }
}

/// Whether it is between these two, where all that was said to a user is in one place.
fn belongs(message: &Message, user: &Name, of: &Place) -> bool {
    match (of, &message.to) {
        (Place::Room(_), _) => true,
        (Place::User(other), Place::User(to)) => {
            (message.from == *user && to == other) || (message.from == *other && to == user)
        }
        (Place::User(_), Place::Room(_)) => false,
    }
}

fn has(message: &Message, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let file = message.file.as_ref().map_or("", |file| &file.name);
    let text = format!("{} {} {file}", message.text, message.from).to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}
