//! Sockless on tokio: [`connect`], [`accept`], and a [`WebSocket`] that is a `Stream` and a `Sink` of messages.
//!
//! ```
//! # use futures_util::{SinkExt as _, StreamExt as _};
//! # use sockless_examples::tokio_adapter::{self as adapter, Error, Url, Offer};
//! use sockless::{Config, Message};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let (near, far) = tokio::io::duplex(1024);
//! let server = tokio::spawn(async move {
//!     let mut socket = adapter::accept(far, Config::default()).await?;
//!     while let Some(message) = socket.next().await {
//!         socket.send(message?).await?;
//!     }
//!     Ok::<_, Error>(socket.outcome())
//! });
//!
//! // `connect("ws://…", config)` opens a TCP stream of its own; `connect_over` takes any stream.
//! let offer = Offer::new(Url::parse("ws://localhost/")?);
//! let mut socket = adapter::connect_over(near, offer, Config::default()).await?;
//! socket.send(Message::from("hello")).await?;
//! assert_eq!(socket.next().await.transpose()?, Some(Message::from("hello")));
//! socket.close().await?;
//!
//! assert!(server.await.expect("the server's task")?.clean());
//! # Ok(())
//! # }
//! ```
//!
//! # What runs when
//!
//! Nothing runs by itself: reading, writing, pongs, timers and the closing handshake go on while the stream or the sink is polled.
//! A `WebSocket` that is polled is woken for its deadlines too. Every future may be dropped at any time: what has been read or
//! queued stays in the `WebSocket`, and the next call goes on from there.
//!
//! # By events
//!
//! [`WebSocket::serve`] hands every event to a function that may answer at once, on the connection itself. Messages are not made
//! owned for it: with small ones, many at a time, it takes three quarters of the processor time. Messages of 32 KiB and more cost less
//! as a stream, which hands over the memory they were read into, to be sent without a copy.
//!
//! # Memory
//!
//! What is read goes to a buffer that each thread has one of, and so does output before it is written. A connection holds neither
//! while it is idle.
//!
//! # Two tasks
//!
//! [`WebSocket::into_halves`] makes two halves that share nothing but a channel: [`Incoming`] yields messages in the one task,
//! [`Outgoing`] writes in the other, and anyone with a [`Handle`] sends.

mod buffer;
mod clock;
mod error;
mod halves;
mod linger;
mod opening;
mod websocket;

pub use error::Error;
pub use halves::{Handle, Incoming, Outgoing};
pub use opening::{Decision, accept, accept_with, connect, connect_over};
pub use sockless::handshake::{Offer, Url};
pub use websocket::WebSocket;
