//! WebSocket (RFC 6455) as a pure state machine: bytes and time in, events and bytes out.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod established;
pub mod extension;
#[cfg(feature = "handshake")]
pub mod handshake;
pub mod words;
