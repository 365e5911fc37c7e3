//! The chapters about extensions, as one program: the header that offers and accepts them, and permessage-deflate.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

#[cfg(feature = "deflate")]
mod inflation;
mod wire;

mod deflate;
mod deflate_negotiation;
mod deflate_properties;
mod extension_header;
