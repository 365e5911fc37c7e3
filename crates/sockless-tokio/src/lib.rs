//! WebSocket (RFC 6455) for tokio, on the engine [`sockless`].
//!
//! | to | take |
//! |---|---|
//! | open a connection as a client | [`connect`], [`connect_with`]; [`connect_over`] any stream |
//! | open one as a server | [`accept`], [`accept_with`], [`receive`]; [`Listener`] without a framework; the modules `axum` and `hyper` with one |
//! | receive and send | [`WebSocket`], which is a `Stream` and a `Sink`, too |
//! | do so in two tasks, or send in many | [`WebSocket::split`]: a [`Sender`] and a [`Reader`] |
//! | receive and send what is too long for memory | [`WebSocket::recv_reader`], [`WebSocket::send_writer`] |
//! | send to many | [`Broadcast`] |
//! | end well | [`WebSocket::close`], [`Shutdown`] for all connections of a server |
//!
//! What waits for what, what happens to futures that are dropped, and when a message is on the wire: [`WebSocket`] says it.
//!
//! # Dependencies
//!
//! `tokio` is the runtime; `bytes` is what long payloads are shared in; `futures-core` and `futures-sink` have the traits that other crates
//! expect; `base64` writes a proxy's credentials. The others come with features, which the README lists with what each brings.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod broadcast;
mod buffer;
mod clock;
mod data;
mod error;
mod halves;
#[cfg(feature = "json")]
mod json;
mod message;
mod net;
mod observe;
mod opening;
mod output;
#[cfg(feature = "session")]
pub mod session;
mod shutdown;
mod socket;
mod sync;
#[cfg(feature = "hyper")]
mod upgrade;
mod wakers;

#[cfg(feature = "axum")]
#[path = "extractor.rs"]
pub mod axum;

/// WebSockets on the streams of hyper.
#[cfg(feature = "hyper")]
pub mod hyper {
    pub use crate::upgrade::{UpgradeError, UpgradedSocket, Upgrading, upgrade};
}

pub use broadcast::{Broadcast, Sent, Slow};
pub use data::{Data, INLINE, Text};
pub use error::{Error, Limit};
pub use halves::{IntoHalves, Reader, Role, Sender, Writer};
#[cfg(feature = "json")]
pub use json::JsonError;
pub use message::{CloseFrame, Message, TrySendError};
#[cfg(feature = "rustls")]
pub use net::Tls;
pub use net::{
    Listener, NetReadHalf, NetStream, NetWriteHalf, Proxy, ProxyError, connect, connect_stream,
    connect_with,
};
pub use opening::{
    AcceptError, ClientOptions, ConnectError, Decision, Opening, Refused, ServerOptions, Stage,
    accept, accept_with, connect_over, receive,
};
pub use shutdown::Shutdown;
pub use socket::{Incoming, MessageReader, MessageWriter, WebSocket};
pub use sockless;
pub use sockless::handshake;
pub use sockless::{Client, CloseCode, Config, Kind, Limits, Outcome, Prepared, Server};

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The code of the migration page, compiled.
#[cfg(doctest)]
#[doc = include_str!("../MIGRATION.md")]
struct Migration;
