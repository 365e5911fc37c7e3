//! How long, and for how many, what is missed is kept.

use core::time::Duration;

use sockless_channels::Retention;

/// How long a client may be away, and how much is kept for those who are.
///
/// Every limit holds at once. A client that can't be given all that it has missed is not recovered: it never gets a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    pub(in crate::socket) window: Duration,
    pub(in crate::socket) events: usize,
    pub(in crate::socket) bytes: usize,
    pub(in crate::socket) clients: usize,
    pub(in crate::socket) client_bytes: usize,
    pub(in crate::socket) changes: usize,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(120),
            events: 1_000,
            bytes: 1 << 20,
            clients: 10_000,
            client_bytes: 16 << 20,
            changes: 256,
        }
    }
}

impl Recovery {
    /// How long a client may be away, which is also how long an event is kept. Default two minutes.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How many events are kept for each namespace, and their bytes. Default 1,000, and 1 MiB. Less than may wait to be sent to one client,
    /// see [`engine::Config::with_queue`](crate::engine::Config::with_queue), or those who have missed more are not recovered.
    #[must_use]
    pub fn with_history(mut self, events: usize, bytes: usize) -> Self {
        (self.events, self.bytes) = (events.max(1), bytes);
        self
    }

    /// How many clients that have gone are remembered, and the bytes of their rooms' names and data. Default 10,000, and 16 MiB. Those that
    /// have gone first are forgotten first.
    #[must_use]
    pub fn with_clients(mut self, clients: usize, bytes: usize) -> Self {
        (self.clients, self.client_bytes) = (clients, bytes);
        self
    }

    /// How many joined and left rooms are remembered for each client. Default 256. One that has missed more of its own changes is not
    /// recovered: it couldn't be said which events were for it.
    #[must_use]
    pub fn with_changes(mut self, changes: usize) -> Self {
        self.changes = changes;
        self
    }

    /// What is kept of a namespace. A namespace is forgotten with its last client, and not before.
    pub(in crate::socket) fn retention(&self) -> Retention {
        Retention::default()
            .with_count(self.events)
            .with_bytes(self.bytes)
            .with_age(self.window)
            .with_keys(1)
            .with_quiet(Duration::MAX)
    }
}
