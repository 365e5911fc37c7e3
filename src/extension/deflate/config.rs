//! How an endpoint compresses: effort, memory, and which messages are worth it. What both endpoints agreed on doesn't live
//! here.

use super::pool::Pool;

/// How hard the compressor tries: from 1, the fastest, to 9, the smallest output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// 1: the fastest.
    pub const FASTEST: Self = Self(1);
    /// 9: the smallest output.
    pub const SMALLEST: Self = Self(9);

    /// The level, if it is one of 1 to 9.
    pub const fn new(level: u8) -> Option<Self> {
        if level >= 1 && level <= 9 { Some(Self(level)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Level {
    /// 6.
    fn default() -> Self {
        Self(6)
    }
}

/// How much memory a compressor may use beside its window: from 1, the least, to 9.
///
/// What that means in bytes stands in the [module's table](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(u8);

impl Memory {
    /// 1: the least.
    pub const LEAST: Self = Self(1);
    /// 9: the most.
    pub const MOST: Self = Self(9);

    /// The level, if it is one of 1 to 9.
    pub const fn new(level: u8) -> Option<Self> {
        if level >= 1 && level <= 9 { Some(Self(level)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Memory {
    /// 8.
    fn default() -> Self {
        Self(8)
    }
}

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
