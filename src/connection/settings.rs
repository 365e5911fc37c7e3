//! A receiving half's configuration, with what follows from it and is needed for every message.

use alloc::sync::Arc;
use core::ops::Deref;

use super::config::{Config, Delivery};
use crate::frame::FastLimit;

/// The configuration.
#[derive(Debug)]
pub(super) struct Settings {
    config: Arc<Config>,
    fast_limit: FastLimit,
}

impl Settings {
    pub(super) fn new(config: Arc<Config>) -> Self {
        let fast_limit = match config.delivery {
            Delivery::Whole => FastLimit::new(&config.limits),
            Delivery::Parts => FastLimit::NONE,
        };
        Self { config, fast_limit }
    }

    /// Which messages may be decoded in one step.
    #[inline(always)]
    pub(super) const fn fast_limit(&self) -> FastLimit {
        self.fast_limit
    }
}

impl Deref for Settings {
    type Target = Config;

    #[inline(always)]
    fn deref(&self) -> &Config {
        &self.config
    }
}
