//! How a program joins others through Redis.

use alloc::string::String;
use core::time::Duration;

use crate::config::Config;
use crate::retention::Retention;

/// Where Redis is, and what is kept there. Every program that shares channels has to have the same prefix and the same
/// retention, and to say the same of durability: what one of them believes, the others take over.
#[derive(Clone)]
pub struct Settings {
    pub(super) url: String,
    pub(super) prefix: String,
    pub(super) config: Config,
    pub(super) retention: Retention,
    pub(super) copied: Option<Retention>,
    pub(super) durable: bool,
    pub(super) pushes: usize,
    pub(super) connect: Duration,
}

impl Settings {
    /// The Redis at this address: `redis://[user:password@]host[:port][/database]`, or `unix://` and a path.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            prefix: "sockless:".into(),
            config: Config::default(),
            retention: Retention::default(),
            copied: None,
            durable: false,
            pushes: 10_000,
            connect: Duration::from_secs(4),
        }
    }

    /// What the names of all keys begin with. Default `sockless:`.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The limits and times of this node.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// What Redis keeps of each channel. The number of idempotency keys isn't limited there, only their age.
    #[must_use]
    pub fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// How much of each channel that is followed here this node keeps a copy of. Default: as much as Redis keeps.
    #[must_use]
    pub fn with_copied(mut self, retention: Retention) -> Self {
        self.copied = Some(retention);
        self
    }

    /// Says that a restart of this Redis loses nothing that it has acknowledged, so that epochs go on over restarts. Default false.
    ///
    /// It is believed only if the server confirms `appendonly yes` and `appendfsync always` at every connection. It must not be said of a
    /// Redis that fails over to replicas: replication is asynchronous, and a replica that has missed the last writes reports
    /// the same settings.
    #[must_use]
    pub fn with_durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// How many pushes may wait inside this process, each as long as a publication may be. A connection that brings more at once is given up,
    /// and the channels are read instead. Default 10,000.
    #[must_use]
    pub fn with_pushes(mut self, pushes: usize) -> Self {
        self.pushes = pushes.max(1);
        self
    }
}

impl core::fmt::Debug for Settings {
    /// Shows no address: it may contain a password.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Settings")
            .field("prefix", &self.prefix)
            .field("config", &self.config)
            .field("retention", &self.retention)
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}
