//! How much time and memory a compressor spends, in the numbers from 1 to 9 that deflate libraries share.

/// How hard the compressor tries: from 1, the fastest, to 9, the smallest output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Effort(u8);

impl Effort {
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

impl Default for Effort {
    /// 6.
    fn default() -> Self {
        Self(6)
    }
}

/// How much memory a compressor may use in addition to its window: from 1, the least, to 9.
///
/// The [module's table](super) says what that means in bytes.
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
