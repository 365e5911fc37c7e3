//! The SIMD level that the kernels run at.
//!
//! Kernels take the level as an argument; it is detected once under the feature `std`, and a configuration may fix it.

/// A set of CPU instructions that a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Portable code over machine words.
    Scalar,
}

impl Level {
    /// The best level of this CPU: found at run time with the feature `std`, at compile time without it.
    #[inline]
    pub fn detect() -> Self {
        Self::Scalar
    }
}
