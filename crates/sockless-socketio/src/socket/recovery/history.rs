//! What was sent in each namespace, by position. What it means is in `publication`.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use sockless_channels::{Answer, Broker, Epoch, Position, ReadFrom, Request};

use super::settings::Recovery;
use crate::socket::namespace::Namespace;

/// The histories of all namespaces that somebody uses: a client that is there, or that may come back.
#[derive(Debug)]
pub(in crate::socket) struct History {
    broker: Broker,
    users: BTreeMap<Namespace, usize>,
}

impl History {
    pub(in crate::socket) fn new(recovery: &Recovery) -> Self {
        // As many as are used: the users are counted.
        Self { broker: Broker::new(recovery.retention(), usize::MAX), users: BTreeMap::new() }
    }

    /// Somebody begins to use a namespace. Returns its position; one that nobody has used begins with this epoch.
    pub(in crate::socket) fn enter(
        &mut self,
        namespace: &Namespace,
        fresh: Epoch,
        now: Duration,
    ) -> Position {
        *self.users.entry(namespace.clone()).or_default() += 1;
        let request = read(namespace, ReadFrom::Newest, 0, fresh);
        match self.broker.execute(&request, now).0 {
            Answer::Page(page) => Position::new(page.epoch, page.top),
            _ => Position::new(fresh, 0),
        }
    }

    /// Somebody uses a namespace no more. With the last one, it is forgotten.
    pub(in crate::socket) fn leave(&mut self, namespace: &Namespace) {
        let Some(users) = self.users.get_mut(namespace) else { return };
        *users -= 1;
        if *users == 0 {
            self.users.remove(namespace);
            self.broker.forget(namespace);
        }
    }

    /// The newest position of a namespace, if anybody uses it.
    pub(in crate::socket) fn newest(&self, namespace: &Namespace) -> Option<Position> {
        Some(self.broker.kept(namespace)?.0)
    }

    /// The position that the next publication gets.
    pub(in crate::socket) fn next(&self, namespace: &Namespace) -> Option<Position> {
        let newest = self.newest(namespace)?;
        Some(Position::new(newest.epoch(), newest.offset() + 1))
    }

    /// Adds a publication to a namespace that somebody uses: it gets the [`next`](Self::next) position.
    pub(in crate::socket) fn publish(
        &mut self,
        namespace: &Namespace,
        payload: Bytes,
        now: Duration,
    ) {
        let Some(next) = self.next(namespace) else { return };
        let channel: Arc<str> = namespace.as_str().into();
        // Nothing is ever published twice here.
        let key = Bytes::copy_from_slice(&next.offset().to_be_bytes());
        let request = Request::Publish { channel, key, payload, seen: None, fresh: next.epoch() };
        let (answer, _) = self.broker.execute(&request, now);
        debug_assert_eq!(answer, Answer::Published { position: next, repeated: false });
    }

    /// All that was published after a position. `None` if that can't be proven to be all.
    pub(in crate::socket) fn after(
        &mut self,
        namespace: &Namespace,
        position: Position,
        now: Duration,
    ) -> Option<Vec<(Position, Bytes)>> {
        let newest = self.newest(namespace)?;
        if newest.epoch() != position.epoch() || position.offset() > newest.offset() {
            return None;
        }
        let from = ReadFrom::After(position);
        let request = read(namespace, from, usize::MAX, position.epoch());
        let Answer::Page(page) = self.broker.execute(&request, now).0 else { return None };
        // What is kept has no holes, so it is all if it is as much.
        if page.entries.len() as u64 != newest.offset() - position.offset() {
            return None;
        }
        let entries = page.entries.into_iter();
        Some(entries.map(|(at, payload)| (Position::new(page.epoch, at), payload)).collect())
    }

    /// When something has grown too old.
    pub(in crate::socket) fn deadline(&self) -> Option<Duration> {
        self.broker.deadline()
    }

    /// Drops what has grown too old.
    pub(in crate::socket) fn timeout(&mut self, now: Duration) {
        self.broker.timeout(now);
    }

    /// How many events are kept, and their bytes.
    pub(in crate::socket) fn held(&self) -> (usize, usize) {
        let held = self.broker.held();
        (held.publications, held.bytes)
    }
}

fn read(namespace: &Namespace, from: ReadFrom, count: usize, fresh: Epoch) -> Request {
    let channel = namespace.as_str().into();
    Request::Read { channel, from, count, bytes: usize::MAX, seen: None, fresh }
}
