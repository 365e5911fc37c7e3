//! A client for tokio: long-polling and a WebSocket, reconnecting by itself.
//!
//! [`Client::connect`] connects to a namespace; [`Client::builder`] has what else may be said. What a client decides is decided by the state
//! machines of this crate; here is what carries it: requests, the WebSocket, one timer, and a lock that is never held while something is
//! waited for.
//!
//! ```no_run
//! use std::time::Duration;
//! use sockless_socketio::client::{Client, Event};
//! use sockless_socketio::socket::Payload;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let mut client = Client::connect("http://127.0.0.1:3000").await?;
//! client.emit("say", Payload::new().with("hello")?)?;
//! let answer = client.emit_with_ack("who", Payload::new(), Duration::from_secs(5)).await?;
//! let (ids,): (Vec<String>,) = answer.read()?;
//! while let Some(event) = client.recv().await {
//!     match event {
//!         Event::Message(mut message) => {
//!             println!("{}: {}", message.name(), message.payload().json());
//!             message.reply(Payload::new())?;
//!         }
//!         // It reconnects by itself. If what was missed comes now, that is said.
//!         Event::Connected { recovered } => println!("connected again, recovered: {recovered}"),
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod builder;
mod driver;
mod error;
mod event;
mod handle;
mod requests;
mod sender;
mod state;
mod waiting;
mod websocket;

pub use builder::Builder;
pub use error::{AckError, ConnectError};
pub use event::{Event, Received, Refused};
pub use handle::Client;
pub use sender::Sender;
