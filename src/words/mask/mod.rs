//! Masking (RFC 6455, section 5.3): octet `i` XOR key octet `i mod 4`, from any phase.
//!
//! The kernels have the same algorithms for all instruction sets, in `vector`; the instructions of each set are in a separate file.
//! Frames are not known here.

mod kernel;
mod key;
mod masking;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
mod scalar;
mod vector;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86;

pub use masking::Mask;
