//! What survives the program: users, members, messages, files, in one file. It knows facts and reads of the chat, and nothing of who asks.
//!
//! A commit is on the disk when [`Store::commit`] returns, or nothing of it is. Where writing has failed, the next commit opens the file
//! anew: a disk that was full may have room again.

mod error;
mod opening;
mod reading;
mod tables;
mod writing;

pub use error::StoreError;
pub use opening::Opened;
pub use reading::{FilePart, Page};

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};

use redb::Database;

/// How a database is opened.
pub type Open = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send + Sync>;

/// How many octets of a file are stored, and read, together.
pub const PART: usize = 64 << 10;

/// The store.
pub struct Store {
    open: Open,
    /// How many messages are kept in a place.
    keep: u64,
    /// `None` after an error, until it is opened again.
    database: RwLock<Option<Database>>,
}

impl Store {
    /// Does something with the database.
    fn with<R>(
        &self,
        work: impl FnOnce(&Database) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or(StoreError::Closed)?;
        guarded(|| work(database))
    }

    /// Opens the database again if it had to be closed.
    fn reopen_if_closed(&self) -> Result<(), StoreError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            *database = Some(guarded(|| Ok((self.open)()?))?);
        }
        Ok(())
    }

    fn close(&self) {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        dispose(database.take());
    }
}

/// Closes a database. One that is damaged may object, and nobody can be helped by that.
fn dispose(database: Option<Database>) {
    let _ = guarded(|| {
        drop(database);
        Ok(())
    });
}

/// A file whose pages are damaged can make the database panic: that is an error as any other.
fn guarded<R>(work: impl FnOnce() -> Result<R, StoreError>) -> Result<R, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(StoreError::Damaged(text.unwrap_or("a page makes no sense").into()))
    })
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("keep", &self.keep).finish_non_exhaustive()
    }
}
