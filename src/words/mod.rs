//! Words: the meaning of one value each, without memory of anything before it.
//!
//! The lowest layer. A file here names nothing above it.

pub mod close_code;
pub mod mask;
pub mod opcode;
pub mod role;
pub mod simd;
pub mod text;
#[cfg(any(feature = "alloc", feature = "handshake"))]
pub(crate) mod time;
pub mod token;
pub mod utf8;
