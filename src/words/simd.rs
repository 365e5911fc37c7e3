//! The SIMD level that the kernels run at.
//!
//! Kernels take the level as an argument. It is detected once with the feature `std`, and a configuration may fix it. The
//! kernels are in `mask` and `utf8`.

use core::fmt;

/// Whether the CPU has a feature. The standard library caches the answer.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
macro_rules! detected {
    ($feature:tt) => {{
        #[cfg(feature = "std")]
        {
            std::arch::is_x86_feature_detected!($feature)
        }
        #[cfg(not(feature = "std"))]
        {
            cfg!(target_feature = $feature)
        }
    }};
}

/// An instruction set that kernels are written for.
///
/// This is only a name: a [`Level`] proves that the CPU has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Instructions {
    /// Portable code over machine words.
    Scalar,
    /// SSE2: 16 octets at a time. Available on x86-64, unless the target has no floating point.
    Sse2,
    /// AVX2: 32 octets at a time.
    Avx2,
    /// AVX-512 F: 64 octets at a time.
    Avx512,
    /// NEON: 16 octets at a time. Available on AArch64, unless the target has no floating point.
    Neon,
}

impl Instructions {
    /// All of them, including those of other architectures; if a CPU has several, the later one is better.
    pub const ALL: [Self; 5] = [Self::Scalar, Self::Sse2, Self::Avx2, Self::Avx512, Self::Neon];

    /// The best that [`Level::detect`] may choose. A build with `--cfg sockless_simd="scalar"`, `"sse2"` or `"avx2"` limits it, to
    /// test that level, or for a CPU that slows down with wide vectors.
    const MOST: Self = if cfg!(sockless_simd = "scalar") {
        Self::Scalar
    } else if cfg!(sockless_simd = "sse2") {
        Self::Sse2
    } else if cfg!(sockless_simd = "avx2") {
        Self::Avx2
    } else {
        Self::Neon
    };

    /// Whether this CPU is known to have them: from the CPU itself with the feature `std`, from the compiler's target features
    /// without it.
    fn available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Self::Sse2 => true,
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Self::Avx2 => detected!("avx2"),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Self::Avx512 => detected!("avx512f"),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Self::Neon => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }
}

/// Instructions that this CPU has.
///
/// A value exists only for instructions that the CPU has, so kernels can rely on it:
///
/// ```
/// use sockless::words::simd::{Instructions, Level};
///
/// let best = Level::detect();
/// assert!(Level::available().any(|level| level == best));
/// // Fixing a level, for a test say:
/// let plain = Level::new(Instructions::Scalar).expect("portable code runs anywhere");
/// assert_eq!(plain, Level::SCALAR);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level(Instructions);

impl Level {
    /// Portable code, which every CPU runs.
    pub const SCALAR: Self = Self(Instructions::Scalar);

    /// The level of these instructions, or `None` if this CPU does not have them.
    #[inline]
    pub fn new(instructions: Instructions) -> Option<Self> {
        instructions.available().then_some(Self(instructions))
    }

    /// The best level of this CPU: found at run time with the feature `std`, at compile time without it.
    ///
    /// Cheap enough for every connection: the answers are cached.
    #[inline]
    pub fn detect() -> Self {
        let allowed = |level: &Self| level.0 <= Instructions::MOST;
        Self::available().filter(allowed).last().unwrap_or(Self::SCALAR)
    }

    /// The levels that this CPU can run, the slowest first.
    pub fn available() -> impl Iterator<Item = Self> + Clone {
        Instructions::ALL.into_iter().filter_map(Self::new)
    }

    /// The level for masking beside compression. Many a CPU slows its clock down for a while after 512-bit vectors: the masking of a few
    /// hundred bytes would cost the compression of them a tenth of its time.
    #[cfg(feature = "deflate")]
    pub(crate) fn beside_compression(self) -> Self {
        match self.0 {
            Instructions::Avx512 => Self::new(Instructions::Avx2).unwrap_or(self),
            _ => self,
        }
    }

    /// The instructions.
    #[inline]
    pub const fn instructions(self) -> Instructions {
        self.0
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Level({:?})", self.0)
    }
}

impl Default for Level {
    /// The level that [`Level::detect`] finds.
    fn default() -> Self {
        Self::detect()
    }
}
