//! How an endpoint compresses: effort, memory, and which messages are worth it. What both endpoints agreed on doesn't live
//! here.

use super::effort::{Level, Memory};
use super::pool::Pool;

/// How an endpoint compresses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How hard the compressor tries.
    pub level: Level,
    /// How much memory the compressor may use beside its window.
    pub memory: Memory,
    /// Messages with fewer bytes than this go out as they are. By default 32.
    pub threshold: usize,
    /// Where states that no message needs are kept for other connections.
    ///
    /// Without a pool a connection keeps its states until it is asked to release them.
    pub pool: Option<Pool>,
}

impl Config {
    /// The same configuration with another effort.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The same configuration with more or less memory beside the window.
    #[must_use]
    pub fn with_memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// The same configuration, messages with fewer bytes than `threshold` going out as they are.
    #[must_use]
    pub fn with_threshold(mut self, threshold: usize) -> Self {
        self.threshold = threshold;
        self
    }

    /// The same configuration with a pool for states that no message needs.
    #[must_use]
    pub fn with_pool(mut self, pool: Pool) -> Self {
        self.pool = Some(pool);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { level: Level::default(), memory: Memory::default(), threshold: 32, pool: None }
    }
}
