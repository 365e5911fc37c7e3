//! A server for tokio, as a tower service: for axum, for hyper, for anything that serves `http` requests.
//!
//! [`SocketIo`] is the server of Socket.IO, [`EngineIo`] one of Engine.IO alone. Both are cheap to clone. What they decide is decided by
//! the state machines of this crate; here is what carries it: requests and answers, WebSockets, one timer, a task for each socket.
//!
//! One lock guards a server: it is held for one call, or for what has arrived on a connection together, never while something is waited for.

mod answers;
mod channel;
#[cfg(feature = "redis")]
mod cluster;
mod driver;
mod engine_io;
mod events;
mod few;
mod ids;
mod layer;
mod live;
mod mailbox;
#[cfg(feature = "redis")]
mod many;
mod opening;
mod outgoing;
mod received;
mod refuse;
mod requests;
mod route;
mod sender;
mod signal;
mod socket;
mod socket_io;

pub use answers::Answers;
#[cfg(feature = "redis")]
pub use cluster::{Acknowledged, Fetched, Health};
pub use driver::OsEntropy;
pub use engine_io::EngineIo;
pub use events::{Auth, Call, Data, Events, Extension, Extract, Handle, Reply, Unfit};
pub use layer::{SocketIoLayer, WithSocketIo};
pub use received::Received;
pub use refuse::Refuse;
pub use requests::AnswerBody;
pub use route::Connecting;
pub use sender::{AckError, Sender};
pub use socket::Socket;
pub use socket_io::{Builder, SocketIo};

/// Where Redis is, and why there is none.
#[cfg(feature = "redis")]
pub use sockless_channels::redis::{OpenError, Settings as RedisSettings};
