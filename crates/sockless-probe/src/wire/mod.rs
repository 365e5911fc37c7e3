//! What goes over the wire: streams, frames, handshake heads, compression; and the log of it. Nothing here judges.

#[cfg(feature = "http2")]
pub(crate) mod connect;
pub(crate) mod deflate;
pub(crate) mod frame;
pub(crate) mod head;
#[cfg(feature = "http2")]
pub(crate) mod http2;
pub(crate) mod link;
pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod tls;
