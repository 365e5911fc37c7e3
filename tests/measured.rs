//! The chapters that count, as one program: bytes held, allocations, work, and lengths beyond 32 bits. Its allocator counts for each
//! thread by itself, so that tests don't disturb each other.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

mod allocations;
mod heads;
#[cfg(feature = "deflate")]
mod inflation;
mod streams;
mod wire;

mod bounds;
mod deflate_memory;
mod lengths;
mod memory;
mod work;
