//! What outlives a connection, brought to tokio: a client that reconnects by itself, and reliable sessions, whose messages arrive once and
//! in order over any number of connections. The decisions are those of [`sockless_session`]; here are the tasks, the timers and the files.
//!
//! | to | take |
//! |---|---|
//! | follow a feed, whatever happens to its connections | [`Reconnecting`] |
//! | send and receive reliably, as a client | [`Reliable::connect`] |
//! | the same for the clients of a server | [`Sessions`], which gives out a [`Reliable`] for each session |
//! | tell all sessions of a room the same, encoded once | [`Room`] |
//! | know what became of a message | [`Delivery`], which [`ReliableSender::send`] gives back |
//! | survive the death of the process | `Journal` (feature `journal`) |
//!
//! ```
//! use sockless_tokio::session::{Event, Options, Reliable, Sessions, SUBPROTOCOL};
//! use sockless_tokio::{Listener, ServerOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut sessions = Sessions::new(Options::new());
//! let server = sessions.clone_server();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//! tokio::spawn(async move {
//!     while let Ok((stream, _)) = listener.accept().await {
//!         let server = server.clone();
//!         tokio::spawn(async move {
//!             let options = ServerOptions::new().with_subprotocols([SUBPROTOCOL]);
//!             let Ok(socket) = sockless_tokio::accept(stream, options).await else { return };
//!             server.serve(socket).await;
//!         });
//!     }
//! });
//! tokio::spawn(async move {
//!     while let Some(mut session) = sessions.accept().await {
//!         tokio::spawn(async move {
//!             while let Some(event) = session.recv().await {
//!                 if let Event::Message { message, .. } = event {
//!                     session.send(message).await.expect("it goes on");
//!                 }
//!             }
//!         });
//!     }
//! });
//!
//! let mut client = Reliable::connect(&url, (), Options::new());
//! let delivery = client.send("hello").await?;
//! assert!(delivery.await.is_delivered());
//! let echo = loop {
//!     if let Some(Event::Message { message, .. }) = client.recv().await { break message }
//! };
//! assert_eq!(echo.as_text(), Some("hello"));
//! client.end().await;
//! # Ok(())
//! # }
//! ```
//!
//! # When a message is accepted
//!
//! When the next event is asked for: then the application has done what it does with it. Until then it fills the session's window, so that a
//! slow application slows its peer down, and if the process dies, it arrives again.

mod carry;
mod client;
mod delivery;
mod dial;
mod event;
mod hub;
mod inbox;
#[cfg(feature = "journal")]
mod journal;
mod options;
mod payload;
mod reconnecting;
mod reliable;
mod room;
mod server;

pub use delivery::{Delivered, Delivery};
pub use event::{Event, RequestError};
#[cfg(feature = "journal")]
pub use journal::{Effects, Journal, JournalError};
pub use options::Options;
pub use reconnecting::{FeedEvent, Reconnecting};
pub use reliable::{Reliable, ReliableSender};
pub use room::{Room, Told};
pub use server::{Sessions, SessionsServer};
pub use sockless_session::group::{Counters, JoinError, Overflow, Settings as RoomSettings};
pub use sockless_session::reconnect::{GaveUp, Outcome, Settings as ReconnectSettings};
pub use sockless_session::reliable::{
    Config as SessionConfig, End, Fate, SUBPROTOCOL, SendError, SessionId, Status, TableLimits,
    Window,
};
