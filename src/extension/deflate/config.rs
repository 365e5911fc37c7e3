//! How an endpoint compresses: effort, memory, and which messages. What both endpoints agreed on is in `parameters`.

use super::effort::{Effort, Memory};
use super::pool::Pool;

/// How an endpoint compresses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Compression {
    /// How hard the compressor tries.
    pub level: Effort,
    /// How much memory the compressor may use in addition to its window.
    pub memory: Memory,
    /// Messages with fewer bytes than this are sent uncompressed. By default 32.
    pub threshold: usize,
    /// Where compressors and inflaters that no message needs are kept for other connections.
    ///
    /// Without a pool a connection keeps its own until it is asked to release them.
    pub pool: Option<Pool>,
}

impl Compression {
    /// The same configuration with another effort.
    #[must_use]
    pub fn with_level(mut self, level: Effort) -> Self {
        self.level = level;
        self
    }

    /// The same configuration with more or less memory in addition to the window.
    #[must_use]
    pub fn with_memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// The same configuration, messages with fewer bytes than `threshold` being sent uncompressed.
    #[must_use]
    pub fn with_threshold(mut self, threshold: usize) -> Self {
        self.threshold = threshold;
        self
    }

    /// The same configuration with a pool for compressors and inflaters that no message needs.
    #[must_use]
    pub fn with_pool(mut self, pool: Pool) -> Self {
        self.pool = Some(pool);
        self
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self { level: Effort::default(), memory: Memory::default(), threshold: 32, pool: None }
    }
}
