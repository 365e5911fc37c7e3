//! What a node keeps and how long it waits. What the broker keeps is in `retention`.

use core::time::Duration;

/// The limits and times of a [`Node`](crate::Node).
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub(crate) channels: usize,
    pub(crate) subscribers: usize,
    pub(crate) window: usize,
    pub(crate) publications: usize,
    pub(crate) publication_bytes: usize,
    pub(crate) payload: usize,
    pub(crate) page_count: usize,
    pub(crate) page_bytes: usize,
    pub(crate) members: usize,
    pub(crate) patience: Duration,
    pub(crate) persistence: Duration,
    pub(crate) audit: Duration,
    pub(crate) grace: Duration,
    pub(crate) lifetime: Duration,
    pub(crate) backoff: (Duration, Duration),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            channels: 100_000,
            subscribers: 1_000_000,
            window: 256,
            publications: 4_096,
            publication_bytes: 16 << 20,
            payload: 64 << 10,
            page_count: 64,
            page_bytes: 256 << 10,
            members: 100_000,
            patience: Duration::from_secs(5),
            persistence: Duration::from_secs(30),
            audit: Duration::from_secs(30),
            grace: Duration::from_millis(200),
            lifetime: Duration::from_secs(60),
            backoff: (Duration::from_millis(100), Duration::from_secs(10)),
        }
    }
}

impl Config {
    /// At most this many channels are followed or watched. Default 100,000.
    #[must_use]
    pub fn with_channels(mut self, channels: usize) -> Self {
        self.channels = channels;
        self
    }

    /// At most this many subscribers. Default 1,000,000.
    #[must_use]
    pub fn with_subscribers(mut self, subscribers: usize) -> Self {
        self.subscribers = subscribers;
        self
    }

    /// At most this many requests are on their way to the broker, at least one. Default 256.
    #[must_use]
    pub fn with_window(mut self, requests: usize) -> Self {
        self.window = requests.max(1);
        self
    }

    /// At most this many publications, of this many bytes in all, wait for what becomes of them. Default 4,096 and 16 MiB.
    #[must_use]
    pub fn with_publications(mut self, count: usize, bytes: usize) -> Self {
        (self.publications, self.publication_bytes) = (count, bytes);
        self
    }

    /// The most bytes of one publication, and of what a member shows. Default 64 KiB.
    #[must_use]
    pub fn with_payload(mut self, bytes: usize) -> Self {
        self.payload = bytes;
        self
    }

    /// How much is read from a history at a time, at least one publication. Default 64 publications and 256 KiB.
    #[must_use]
    pub fn with_page(mut self, count: usize, bytes: usize) -> Self {
        (self.page_count, self.page_bytes) = (count.max(1), bytes);
        self
    }

    /// At most this many members are held present by this node. Default 100,000.
    #[must_use]
    pub fn with_members(mut self, members: usize) -> Self {
        self.members = members;
        self
    }

    /// How long an answer of the broker, or a connection to it, is waited for before the connection is given up. Default 5 s.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long a publication is tried before it is given up. Default 30 s. It has to be shorter than the age of idempotency keys,
    /// [`Retention::with_key_age`](crate::Retention::with_key_age).
    #[must_use]
    pub fn with_persistence(mut self, persistence: Duration) -> Self {
        self.persistence = persistence;
        self
    }

    /// After how much silence a channel is read, in case the broker has published something that didn't arrive. Default 30 s: this is
    /// the longest time for which a lost subscription can stay unnoticed.
    #[must_use]
    pub fn with_audit(mut self, audit: Duration) -> Self {
        self.audit = audit;
        self
    }

    /// How long a publication that must have been pushed is waited for before it is read. Default 200 ms.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long a member stays present after its node has died. Default 60 s. It is refreshed three times in that time.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long to wait before connecting again: the first time, and at most. Each time is about twice the one before. Default 100 ms and 10 s.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, most: Duration) -> Self {
        self.backoff = (first, most.max(first));
        self
    }
}
