//! The chapters that hold for any input, as one program: random streams, random splits, and every kernel at every length.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

#[path = "reference/mod.rs"]
mod naive;
mod streams;
mod wire;

mod mask;
#[path = "reference.rs"]
mod reference;
mod roundtrip;
mod splits;
mod utf8;
