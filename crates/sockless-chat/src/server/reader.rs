//! Reading from the store for a peer, on a thread that may block.

use std::sync::Arc;

use super::hall::Hall;
use super::say;
use crate::chat::{Event, Key, Message, PeerId, Read, Refusal};
use crate::store::{FilePart, StoreError};

/// How many keys are read: as many as are kept.
const KEYS: usize = 256;

/// What was read.
pub(super) enum Answer {
    Keys(Vec<(Key, u64, u64)>),
    Missed(Vec<Message>, bool),
    Event(Event),
    Part(Vec<u8>),
    /// It could not be read, and the peer can't go on without it.
    Broken,
}

/// Reads.
pub(super) async fn read(hall: &Arc<Hall>, peer: PeerId, read: Read) -> Answer {
    let shared = Arc::clone(hall);
    let done = tokio::task::spawn_blocking(move || look(&shared, read)).await;
    match done {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            say(format_args!("reading for peer {}: {error}", peer.0));
            Answer::Broken
        }
        Err(_) => Answer::Broken,
    }
}

fn look(hall: &Hall, read: Read) -> Result<Answer, StoreError> {
    let store = &hall.store;
    Ok(match read {
        Read::Keys { user } => Answer::Keys(store.keys(&user, KEYS)?),
        Read::Missed { user, rooms, after, up_to, most } => {
            let (list, more) = store.missed(&user, &rooms, after, up_to, most)?;
            Answer::Missed(list, more)
        }
        Read::History { user, n, of, before, words, most } => {
            Answer::Event(match store.history(&user, &of, before, &words, most) {
                Ok(page) => Event::History { re: n, list: page.list, before: page.before },
                Err(error) => unreadable(n, &error),
            })
        }
        Read::File { user, n, of, id, from } => match store.file(&user, &of, id, from) {
            Ok(Some(FilePart(part))) => Answer::Part([&n.to_be_bytes(), part.as_slice()].concat()),
            Ok(None) => Answer::Event(refused(n.into(), Refusal::Unknown)),
            Err(error) => Answer::Event(unreadable(n.into(), &error)),
        },
    })
}

fn unreadable(n: u64, error: &StoreError) -> Event {
    say(format_args!("reading the history: {error}"));
    refused(n, Refusal::Storage)
}

fn refused(n: u64, error: Refusal) -> Event {
    Event::Refused { re: Some(n), key: None, error, text: error.to_string() }
}
