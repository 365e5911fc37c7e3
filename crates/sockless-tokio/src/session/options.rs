//! What sessions are made with.

use std::sync::Arc;

use sockless_session::Entropy;
use sockless_session::reconnect::Settings;
use sockless_session::reliable::{Acceptance, Config, TableLimits};

/// What sessions are made with, on either side.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub(super) config: Config,
    pub(super) reconnect: Settings,
    pub(super) limits: TableLimits,
    #[cfg(feature = "journal")]
    pub(super) journal: Option<super::Journal>,
}

impl Options {
    /// The defaults of [`Config`], [`Settings`] and [`TableLimits`]; nothing is stored.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another configuration of the sessions. Whatever it says, messages are accepted when the application has taken them,
    /// and the state is stored where there is a journal.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The same with other delays between tries, for a client.
    #[must_use]
    pub fn with_reconnect(mut self, settings: Settings) -> Self {
        self.reconnect = settings;
        self
    }

    /// The same with other limits on sessions, for a server.
    #[must_use]
    pub fn with_limits(mut self, limits: TableLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, stored in a journal.
    #[cfg(feature = "journal")]
    #[must_use]
    pub fn with_journal(mut self, journal: super::Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The sessions' configuration.
    pub(super) fn shared(&self) -> Arc<Config> {
        let mut config = self.config.clone().with_acceptance(Acceptance::ByApplication);
        config.stored = self.is_stored();
        Arc::new(config)
    }

    #[cfg(feature = "journal")]
    fn is_stored(&self) -> bool {
        self.journal.is_some()
    }

    #[cfg(not(feature = "journal"))]
    fn is_stored(&self) -> bool {
        false
    }
}

/// The operating system's entropy.
pub(super) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has entropy");
    }
}
