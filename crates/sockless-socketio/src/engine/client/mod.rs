//! The client's role in Engine.IO 4: one session with a server, over long-polling, over a WebSocket, or over the one and then the other.
//!
//! [`Client`] is one session from its first request to its end. It does nothing by itself: requests that are to be made go out as values,
//! their answers come in as values, and so do the messages of the WebSocket. Reconnecting means a new one.
//!
//! What happens in it is in `session`, the server's first packet in `hello`.

mod config;
mod hello;
mod output;
mod session;

pub use config::Config;
pub use output::{Event, Output, Reason, Request};
pub use session::Client;
