//! What outlives a WebSocket connection: reconnecting, reliable delivery, groups, rate limits, as pure state machines.
//!
//! Nothing in this crate touches a socket, a clock, a thread, a file or a source of randomness, and nothing in it knows frames: time,
//! entropy and messages go in; decisions, messages and deadlines come out. So it works with any WebSocket implementation and any
//! runtime, and under a simulator as well.
//!
//! - [`reliable`]: messages that arrive once and in order over any number of connections, and, where their state is stored, over the
//!   death of either side. Its subprotocol is [specified](reliable::spec), so that others can implement it.
//! - [`journal`]: the form in which that state is stored: an append-only file that can be cut anywhere.
//! - [`reconnect`]: when another try is due, and whether it is worth while.
//! - [`presence`]: who probes whom, and what a silent peer is.
//! - [`group`]: rooms, and what happens to slow readers.
//! - [`limit`]: rate limits in bounded memory.
//!
//! They don't need each other: each can be used alone.
//!
//! # Time
//!
//! Wherever a time is asked for, it is a [`Duration`](core::time::Duration) since any origin of the caller's, the same for all calls
//! on a value, and never less than in the call before.
//!
//! # Dependencies
//!
//! `crc32fast`, for the checksums of journals: it is widely used, tested on many machines, and an order of magnitude faster than the
//! table that could be written here.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod entropy;
pub mod group;
pub mod journal;
pub mod limit;
pub mod presence;
pub mod reconnect;
pub mod reliable;
mod time;

pub use entropy::Entropy;
pub use reconnect::Reconnect;
pub use reliable::Session;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
