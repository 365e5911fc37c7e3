//! The network: from a URL to a stream, and from a listener to sockets.

mod connect;
mod listener;
mod proxy;
mod race;
mod stream;
mod stream_halves;
#[cfg(feature = "rustls")]
mod tls;

pub use connect::{connect, connect_stream, connect_with};
pub use listener::Listener;
pub use proxy::{Proxy, ProxyError};
pub use stream::NetStream;
pub use stream_halves::{NetReadHalf, NetWriteHalf};
#[cfg(feature = "rustls")]
pub use tls::Tls;
#[cfg(feature = "rustls")]
pub(crate) use tls::explain;
