//! WebSocket (RFC 6455) as a pure state machine: bytes and time in, events and bytes out.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "alloc")]
pub mod connection;
pub mod established;
pub mod extension;
pub mod frame;
#[cfg(feature = "handshake")]
pub mod handshake;
#[cfg(feature = "alloc")]
pub mod message;
pub mod words;

#[cfg(feature = "alloc")]
pub use connection::{Config, Connection, Delivery, Event, Outcome, Receiver, Sender, Want};
pub use frame::{Input, Limits};
#[cfg(feature = "alloc")]
pub use message::{Message, Prepared};
pub use words::close_code::CloseCode;
pub use words::opcode::Kind;
pub use words::role::{Client, Server};
