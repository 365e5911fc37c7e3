//! The chapters about permessage-deflate, as one program.

#[cfg(feature = "deflate")]
mod inflation;
mod wire;

mod deflate;
mod deflate_negotiation;
mod deflate_properties;
