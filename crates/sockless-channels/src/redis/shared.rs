//! The node with those who wait for it: what the handles and the carrier share. What either does with it is in their files.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::task::Waker;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::entropy::Seeded;
use crate::delivery::{Event, PublicationId, Subscriber};
use crate::node::Node;

/// What handles and the carrier share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Wakes the carrier: there is something to do.
    pub(super) work: Notify,
    origin: Instant,
}

/// The node, and who waits for what.
#[derive(Debug)]
pub(super) struct State {
    pub(super) node: Node<Seeded>,
    /// Subscribers that wait for a delivery.
    pub(super) followers: BTreeMap<Subscriber, Waker>,
    /// Those that wait for a change of who is present, by channel.
    pub(super) watchers: BTreeMap<Arc<str>, Waker>,
    /// Publishers that wait for what becomes of a publication.
    pub(super) publishers: BTreeMap<PublicationId, oneshot::Sender<Event>>,
    /// How often a connection was given up or lost.
    pub(super) losses: u64,
    /// Why the last attempt to connect failed, if it did.
    pub(super) trouble: Option<Arc<str>>,
}

impl Shared {
    pub(super) fn new(node: Node<Seeded>, origin: Instant) -> Self {
        let state = State {
            node,
            followers: BTreeMap::new(),
            watchers: BTreeMap::new(),
            publishers: BTreeMap::new(),
            losses: 0,
            trouble: None,
        };
        Self { state: Mutex::new(state), work: Notify::new(), origin }
    }

    /// The state. Nothing that is done with it takes long, and nothing of it is broken where a panic interrupts it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node's time.
    pub(super) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// The moment of a time of the node. One that can't be reached is a day away.
    pub(super) fn moment(&self, at: Duration) -> Instant {
        let far = self.now() + Duration::from_secs(86_400);
        self.origin + at.min(far)
    }
}

impl State {
    /// Wakes everybody for whom the node has something.
    pub(super) fn wake(&mut self) {
        while let Some(subscriber) = self.node.ready() {
            if let Some(waker) = self.followers.remove(&subscriber) {
                waker.wake();
            }
        }
        while let Some(channel) = self.node.changed() {
            if let Some(waker) = self.watchers.remove(&channel) {
                waker.wake();
            }
        }
        while let Some(event) = self.node.event() {
            let (Event::Published { publication, .. } | Event::Unpublished { publication, .. }) =
                &event;
            if let Some(publisher) = self.publishers.remove(publication) {
                // Whoever doesn't wait any more needs no answer.
                let _ = publisher.send(event);
            }
        }
    }
}
