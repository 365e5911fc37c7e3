//! Socket.IO 5: named events with acknowledgements, in namespaces, on sessions of Engine.IO.
//!
//! [`Server`] decides everything that its driver carries out, like [`Engine`](crate::engine::Engine), on which it stands. What a packet is
//! on the wire is in `packet`, `decoder` and `json`; what an event carries in `payload`; who is where in `sockets`; what those get that come
//! back in `recovery`. The client's role is in [`client`].
//!
//! Many servers are one in a [`cluster`].

mod acknowledging;
mod admitting;
pub mod client;
pub mod cluster;
mod config;
mod decoder;
mod fields;
mod json;
mod leaving;
#[cfg(feature = "msgpack")]
mod msgpack;
mod namespace;
mod output;
mod packet;
mod parser;
mod payload;
mod receiving;
mod recovery;
mod sending;
mod server;
mod sockets;

pub use config::Config;
pub use decoder::{Decoder, Violation};
pub use namespace::Namespace;
pub use output::{Asked, DisconnectReason, EmitError, Event, ReplyTo};
pub use packet::Packet;
pub use parser::Parser;
pub use payload::{Attachment, Payload, ReadError};
pub use recovery::Recovery;
pub use sending::Target;
pub use server::Server;
pub use sockets::Socket;
