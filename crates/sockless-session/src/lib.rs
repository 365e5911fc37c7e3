//! What outlives a WebSocket connection: reconnecting, reliable delivery, groups, rate limits, as pure state machines.
//!
//! Nothing in this crate touches a socket, a clock, a thread, a file or a source of randomness, and nothing in it knows frames: time,
//! entropy and messages go in; decisions, messages and deadlines come out. So it works with any WebSocket implementation and any
//! runtime, and under a simulator as well.
//!
//! - [`reliable`]: messages that arrive once and in order over any number of connections, and, where their state is stored, over the
//!   death of either side. Its subprotocol is [specified](reliable::spec), so that others can implement it.
//! - [`journal`]: the form in which that state is stored: an append-only file that can be cut anywhere.
//!
//! # Time
//!
//! Wherever a time is asked for, it is a [`Duration`](core::time::Duration) since any origin of the caller's, the same for all calls
//! on a value, and never less than in the call before.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod entropy;
pub mod journal;
pub mod reconnect;
pub mod reliable;
mod time;

pub use entropy::Entropy;
pub use reconnect::Reconnect;
pub use reliable::Session;
