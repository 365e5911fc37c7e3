//! Opening: what is in the file is checked, made small, and given to the chat.

use std::path::Path;
use std::sync::RwLock;

use redb::{Database, ReadableDatabase, ReadableTable};

use super::error::StoreError;
use super::tables::{COUNTS, FILES, GAPS, KEYS, LOG, MEMBERS, META, USERS, VERSION};
use super::{Open, Store, dispose, guarded};
use crate::chat::{Name, Saved};

/// Below this size nothing is compacted.
const SMALL: u64 = 32 << 20;

/// A store that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What it has for the chat.
    pub saved: Saved,
    /// Whether it was made smaller.
    pub compacted: bool,
}

impl Store {
    /// Opens the store in this file, or makes an empty one. At least the last `keep` messages of each place are kept.
    ///
    /// # Errors
    ///
    /// It can't be used: the error says why.
    pub fn open(path: &Path, keep: u64) -> Result<Opened, StoreError> {
        let file = path.to_owned();
        Self::open_and_check(Box::new(move || Database::create(&file)), keep, Some(path))
    }

    /// The same for a database that is opened in another way. It isn't made smaller.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(open: Open, keep: u64) -> Result<Opened, StoreError> {
        Self::open_and_check(open, keep, None)
    }

    fn open_and_check(open: Open, keep: u64, path: Option<&Path>) -> Result<Opened, StoreError> {
        let mut database = guarded(|| Ok(open()?))?;
        let checked = guarded(|| {
            // Whether something had to be repaired is said too often, so it isn't asked.
            database.check_integrity()?;
            make_tables(&database)?;
            let length = path.map(std::fs::metadata).transpose()?.map_or(0, |file| file.len());
            Ok((compact(&mut database, length)?, load(&database)?))
        });
        match checked {
            Ok((compacted, saved)) => {
                let store = Self { open, keep, database: RwLock::new(Some(database)) };
                Ok(Opened { store, saved, compacted })
            }
            Err(error) => {
                dispose(Some(database));
                Err(error)
            }
        }
    }
}

fn make_tables(database: &Database) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        let version = meta.get("version")?.map(|version| version.value());
        match version {
            None => drop(meta.insert("version", VERSION)?),
            Some(VERSION) => {}
            Some(other) => return Err(StoreError::Version(other)),
        }
        transaction.open_table(USERS)?;
        transaction.open_table(MEMBERS)?;
        transaction.open_table(LOG)?;
        transaction.open_table(COUNTS)?;
        transaction.open_table(KEYS)?;
        transaction.open_table(FILES)?;
        transaction.open_table(GAPS)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Gives back what was deleted, if that is most of the file.
fn compact(database: &mut Database, length: u64) -> Result<bool, StoreError> {
    if length < SMALL {
        return Ok(false);
    }
    let transaction = database.begin_write()?;
    let stats = transaction.stats()?;
    let live = stats.allocated_pages() * stats.page_size() as u64;
    transaction.abort()?;
    if live * 2 > length {
        return Ok(false);
    }
    Ok(database.compact()?)
}

fn load(database: &Database) -> Result<Saved, StoreError> {
    let transaction = database.begin_read()?;
    let name = |text: &str| {
        Name::parse(text).map_err(|_| StoreError::Damaged(format!("{text:?} is no name")))
    };
    let mut saved = Saved::default();
    let meta = transaction.open_table(META)?;
    saved.last = meta.get("last")?.map_or(0, |last| last.value());
    for user in transaction.open_table(USERS)?.iter()? {
        saved.users.push(name(user?.0.value())?);
    }
    for member in transaction.open_table(MEMBERS)?.iter()? {
        let (key, since) = member?;
        let (room, user) = key.value();
        saved.members.push((name(room)?, name(user)?, since.value()));
    }
    for gap in transaction.open_table(GAPS)?.iter()? {
        let (after, up_to) = gap?;
        saved.gaps.push((after.value(), up_to.value()));
    }
    let (epoch, offset) = (meta.get("epoch")?, meta.get("offset")?);
    saved.at = epoch.zip(offset).map(|(epoch, offset)| (epoch.value(), offset.value()));
    Ok(saved)
}
