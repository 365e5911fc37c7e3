//! The chapters about permessage-deflate, as one program.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

#[cfg(feature = "deflate")]
mod inflation;
mod wire;

mod deflate;
mod deflate_negotiation;
mod deflate_properties;
