//! How much of a channel is kept, and for how long. Who keeps it is `history`, `keys` and `broker`.

use core::time::Duration;

/// What is kept of each channel. The defaults: 1,000 publications, 1 MiB of payload, five minutes; idempotency keys for two minutes,
/// at most 10,000 of them; 10,000 members; a channel in which nothing happens is forgotten after an hour.
///
/// Every limit holds at once: what exceeds any of them is dropped, the oldest first. The newest publication is always kept until
/// it is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    count: usize,
    bytes: usize,
    age: Duration,
    keys: usize,
    key_age: Duration,
    quiet: Duration,
    members: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            count: 1_000,
            bytes: 1 << 20,
            age: Duration::from_secs(300),
            keys: 10_000,
            key_age: Duration::from_secs(120),
            quiet: Duration::from_secs(3_600),
            members: 10_000,
        }
    }
}

impl Retention {
    /// At most this many publications, at least one.
    #[must_use]
    pub fn with_count(mut self, count: usize) -> Self {
        self.count = count.max(1);
        self
    }

    /// At most this many bytes of payload.
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// No publication older than this.
    #[must_use]
    pub fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self.quiet = self.quiet.max(age);
        self
    }

    /// At most this many idempotency keys, at least one. The oldest is forgotten first.
    #[must_use]
    pub fn with_keys(mut self, keys: usize) -> Self {
        self.keys = keys.max(1);
        self
    }

    /// How long an idempotency key is remembered: longer than anybody retries.
    #[must_use]
    pub fn with_key_age(mut self, age: Duration) -> Self {
        self.key_age = age;
        self
    }

    /// How long a channel is remembered in which nothing happens. Until then a subscriber that has everything recovers, even when
    /// the history has grown too old and is gone. Never shorter than the age of publications.
    #[must_use]
    pub fn with_quiet(mut self, quiet: Duration) -> Self {
        self.quiet = quiet.max(self.age);
        self
    }

    /// At most this many members are present in one channel.
    #[must_use]
    pub fn with_members(mut self, members: usize) -> Self {
        self.members = members;
        self
    }

    /// The most publications.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The most bytes of payload.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The greatest age of a publication.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// The most idempotency keys.
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// The greatest age of an idempotency key.
    pub fn key_age(&self) -> Duration {
        self.key_age
    }

    /// How long a channel is remembered in which nothing happens.
    pub fn quiet(&self) -> Duration {
        self.quiet
    }

    /// The most members.
    pub fn members(&self) -> usize {
        self.members
    }
}
