//! The thread that writes: whatever waits is stored with one sync.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Weak, atomic::Ordering};
use std::time::Duration;

use super::hall::{Hall, Write};
use super::say;

/// How many writes are stored together.
const MOST: usize = 1000;

/// Stores what comes, until nothing can come any more.
pub(super) fn write_all(hall: &Weak<Hall>, writes: &Receiver<Write>) {
    let mut failing = false;
    loop {
        let first = match writes.recv_timeout(Duration::from_secs(1)) {
            Ok(first) => Some(first),
            Err(RecvTimeoutError::Timeout) if failing => None,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(hall) = hall.upgrade() else { return };
        let batch: Vec<Write> = first.into_iter().chain(writes.try_iter().take(MOST)).collect();
        // An empty one shows whether a disk that was full has room again.
        let stored = hall.store.commit(batch.iter().flat_map(|write| &write.facts));
        let trouble = stored.err().map(|error| error.to_string());
        match (&trouble, failing) {
            (Some(trouble), false) => {
                say(format_args!("{trouble}: nothing is stored until that is over"))
            }
            (None, true) => say(format_args!("the store works again")),
            _ => {}
        }
        failing = trouble.is_some();
        let count = batch.len() as u64;
        hall.counts.writes.fetch_add(count, Ordering::Relaxed);
        if failing {
            hall.counts.failed_writes.fetch_add(count, Ordering::Relaxed);
        }
        match batch.last() {
            Some(last) => hall.settle(last.number, trouble),
            None => hall.set_trouble(trouble),
        }
    }
}
