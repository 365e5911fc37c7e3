//! Writing: facts, each commit synced, and what is older than is kept goes.

use redb::{ReadableTable, Table, WriteTransaction};

use super::error::StoreError;
use super::tables::{COUNTS, FILES, GAPS, KEYS, LOG, MEMBERS, META, USERS, places};
use super::{PART, Store};
use crate::chat::{Fact, Message};

/// How many keys of a user are kept at least, and after how many messages some are forgotten.
const KEPT: usize = 256;
const TRIMMED: u64 = 64;

impl Store {
    /// Stores facts: all of them, or none. When it returns they survive whatever happens to the machine.
    ///
    /// # Errors
    ///
    /// Nothing was stored.
    pub fn commit<'a>(&self, facts: impl IntoIterator<Item = &'a Fact>) -> Result<(), StoreError> {
        self.reopen_if_closed()?;
        let stored = self.with(|database| {
            let transaction = database.begin_write()?;
            for fact in facts {
                apply(&transaction, fact, self.keep)?;
            }
            transaction.commit()?;
            Ok(())
        });
        if stored.is_err() {
            self.close();
        }
        stored
    }
}

fn apply(transaction: &WriteTransaction, fact: &Fact, keep: u64) -> Result<(), StoreError> {
    match fact {
        Fact::User(name) => {
            transaction.open_table(USERS)?.insert(name.as_str(), ())?;
        }
        Fact::Joined { room, user, since } => {
            let mut members = transaction.open_table(MEMBERS)?;
            members.insert((room.as_str(), user.as_str()), since)?;
        }
        Fact::Left { room, user } => {
            transaction.open_table(MEMBERS)?.remove((room.as_str(), user.as_str()))?;
        }
        Fact::Said { message, key, forget, file } => {
            let bytes = serde_json::to_vec(&**message)?;
            for place in places(message) {
                let mut log = transaction.open_table(LOG)?;
                log.insert((place.as_str(), message.id), bytes.as_slice())?;
                trim(transaction, &mut log, &place, keep)?;
            }
            let user = message.from.as_str();
            let mut keys = transaction.open_table(KEYS)?;
            keys.insert((user, message.id), (key.as_str(), message.at))?;
            if let Some(forget) = forget {
                keys.retain_in((user, 0)..=(user, *forget), |_, _| false)?;
            } else if message.key.is_some() && message.id.is_multiple_of(TRIMMED) {
                // It comes from another server's chat, which can't say which key need not be known any more here.
                let old = keys.range((user, 0)..=(user, u64::MAX))?.rev().nth(KEPT);
                let old = old.transpose()?.map(|(place, _)| place.value().1);
                if let Some(old) = old {
                    keys.retain_in((user, 0)..=(user, old), |_, _| false)?;
                }
            }
            let mut files = transaction.open_table(FILES)?;
            for (number, part) in (0..).zip(file.chunks(PART)) {
                files.insert((message.id, number), part)?;
            }
            transaction.open_table(META)?.insert("last", message.id)?;
        }
        Fact::Gap { after, up_to } => {
            transaction.open_table(GAPS)?.insert(after, up_to)?;
        }
        Fact::At { epoch, offset } => {
            let mut meta = transaction.open_table(META)?;
            meta.insert("epoch", epoch)?;
            meta.insert("offset", offset)?;
        }
    }
    Ok(())
}

/// Counts one message more, and takes the oldest away: a tenth of what is kept at a time.
fn trim(
    transaction: &WriteTransaction,
    log: &mut Table<'_, (&'static str, u64), &'static [u8]>,
    place: &str,
    keep: u64,
) -> Result<(), StoreError> {
    let mut counts = transaction.open_table(COUNTS)?;
    let mut count = counts.get(place)?.map_or(0, |count| count.value()) + 1;
    if count > keep + keep / 10 {
        let range = (place, 0)..=(place, u64::MAX);
        let surplus = usize::try_from(count - keep).unwrap_or(usize::MAX);
        let mut old: Vec<Message> = Vec::new();
        for entry in log.range(range)?.take(surplus) {
            old.push(serde_json::from_slice(entry?.1.value())?);
        }
        let mut files = transaction.open_table(FILES)?;
        for message in &old {
            log.remove((place, message.id))?;
            count -= 1;
            // The other one of two users may have it still.
            let mut others = places(message).into_iter().filter(|other| other != place);
            let kept = others.next().is_some_and(|other| {
                log.get((other.as_str(), message.id)).is_ok_and(|found| found.is_some())
            });
            if message.file.is_some() && !kept {
                files.retain_in((message.id, 0)..=(message.id, u32::MAX), |_, _| false)?;
            }
        }
    }
    counts.insert(place, count)?;
    Ok(())
}
