//! WebSocket (RFC 6455) as a pure state machine: bytes and time in, events and bytes out.
//!
//! Nothing in this library touches a socket, a clock or a thread, nor, but for two constructors that say so, a source of randomness: what it does is a function of the bytes,
//! the times and the entropy that the caller hands in. So one engine runs under any runtime, and under a fuzzer or a simulator as
//! well.
//!
//! There are two levels:
//!
//! - [`Connection`] is what nearly everyone uses: messages, control frames, the closing handshake, timers, limits, output. It can be
//!   taken apart into a [`Receiver`] and a [`Sender`] for two tasks. Its documentation has the loop that every driver is.
//! - [`frame`] is for microcontrollers, proxies and relays: a decoder and an encoder of a fixed size that keep every rule of framing
//!   and need no allocator.
//!
//! A connection begins with its opening [`handshake`]; [`endpoint`] joins the two.
//!
//! # A first program
//!
//! ```
//! use std::time::Duration;
//!
//! use sockless::{Config, Connection, Event, Input};
//!
//! let now = Duration::ZERO;
//! let mut client = Connection::client(Config::default());
//! let mut server = Connection::server(Config::default());
//!
//! client.send_text("hello")?;
//!
//! // Whatever carries bytes would carry these.
//! let mut wire = client.output().to_vec();
//! client.wrote(wire.len());
//!
//! let mut input = Input::new(&mut wire);
//! while let Some(event) = server.poll(&mut input, now) {
//!     if let Event::Text(text) = event {
//!         server.send_text(&text.to_uppercase())?;
//!     }
//! }
//!
//! let mut wire = server.output().to_vec();
//! match client.poll(&mut Input::new(&mut wire), now) {
//!     Some(Event::Text(text)) => assert_eq!(&*text, "HELLO"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), sockless::SendError>(())
//! ```
//!
//! The loop around it that reads and writes, on a stream of the standard library, is in the README, and in the guide for other ones.
//!
//! # Time
//!
//! Wherever a time is asked for, it is a [`Duration`](core::time::Duration) since any origin of the caller's, the same for all calls
//! on a connection, and never less than in the call before.
//!
//! # The guide
//!
//! The chapters of the `guide` go deeper: [writing a driver](guide::driver), [large messages](guide::large),
//! [an asynchronous driver](guide::asynchronous), [backpressure](guide::backpressure), [timers](guide::timers), [closing](guide::closing), [testing by
//! simulation](guide::testing), [compression](guide::compression), [frames alone](guide::frames), [coming from tungstenite](guide::migration), and
//! [design](guide::design) with the dependencies.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "alloc")]
pub mod connection;
#[cfg(all(feature = "alloc", feature = "handshake"))]
pub mod endpoint;
pub mod established;
pub mod extension;
pub mod frame;
#[cfg(all(
    any(doc, doctest),
    feature = "std",
    feature = "alloc",
    feature = "handshake",
    feature = "getrandom"
))]
pub mod guide;
#[cfg(feature = "handshake")]
pub mod handshake;
#[cfg(feature = "alloc")]
pub mod message;
pub mod words;

#[cfg(feature = "alloc")]
pub use connection::{
    Config, Connection, Delivery, Event, Failure, Holding, Outcome, Receiver, SendError, Sender,
    Want,
};
pub use frame::{Input, Limits};
#[cfg(feature = "alloc")]
pub use message::{Message, Prepared};
pub use words::close_code::CloseCode;
pub use words::opcode::Kind;
pub use words::role::{Client, Server};

/// The README's code, compiled.
#[cfg(all(doctest, feature = "alloc", feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
