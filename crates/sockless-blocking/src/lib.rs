//! WebSocket (RFC 6455) for blocking threads, on the engine [`sockless`]: ten lines to use, a deadline for everything, no runtime.
//!
//! | to | take |
//! |---|---|
//! | open a connection as a client | [`connect`], [`connect_with`]; [`connect_over`] any stream |
//! | open one as a server | [`accept`], [`accept_with`] |
//! | receive and send, in one thread | [`WebSocket`] |
//! | do so in two threads, or send in many | [`WebSocket::split`]: a [`Sender`] and a [`Reader`] |
//! | receive and send what is too long for memory | [`WebSocket::recv_reader`], [`WebSocket::send_writer`] |
//! | limit the time of calls | `set_timeout`, `set_deadline`, `recv_timeout`, `send_timeout` |
//! | end well | [`WebSocket::close`] |
//! | use another stream | [`Stream`], or [`Piped`] for any reader and writer |
//!
//! What is done while no call runs, what a call waits for and what a call that took too long leaves: [`WebSocket`] says it.
//!
//! # Dependencies
//!
//! `bytes` is what payloads are shared in, and the engine has it anyway. With the feature `rustls`, `rustls` speaks TLS, and `rustls-platform-verifier` asks the system
//! which certificates it trusts. Waiting is done by the standard library alone.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod buffer;
mod clock;
mod error;
mod events;
mod halves;
mod message;
mod net;
mod opening;
mod piped;
mod socket;
mod stream;
mod timed;

pub use error::{Error, Limit};
pub use halves::{Reader, Sender};
pub use message::{CloseFrame, Data, Message, Text};
pub use net::{NetStream, connect, connect_with};
#[cfg(feature = "rustls")]
pub use net::{Tls, TlsStream};
pub use opening::{
    AcceptError, ClientOptions, ConnectError, Decision, Refused, ServerOptions, Stage, accept,
    accept_with, connect_over,
};
pub use piped::Piped;
pub use socket::{MessageReader, MessageWriter, WebSocket};
#[doc(no_inline)]
pub use sockless;
#[doc(no_inline)]
pub use sockless::handshake;
#[doc(no_inline)]
pub use sockless::{Client, CloseCode, Config, Kind, Limits, Outcome, Server};
pub use stream::Stream;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
