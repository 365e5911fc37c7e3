//! The meaning of single values of the protocol, such as opcodes, close codes, masks and tokens.
//!
//! The lowest layer: a file here uses nothing of the layers above. Only `utf8` remembers anything between two calls.

pub mod close_code;
#[doc(hidden)]
pub mod mask;
pub mod opcode;
pub mod role;
#[doc(hidden)]
pub mod simd;
#[doc(hidden)]
pub mod text;
#[cfg(any(feature = "alloc", feature = "handshake"))]
pub(crate) mod time;
#[doc(hidden)]
pub mod token;
#[doc(hidden)]
pub mod utf8;
