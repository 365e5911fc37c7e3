//! Engine.IO 4: one session of messages over HTTP long-polling, over a WebSocket, or over the one and then the other.
//!
//! [`Engine`] is the server: requests come in as values, answers go out as values, and so do the messages of WebSockets. It does nothing
//! by itself: its driver hands in what arrives with the time, and carries what comes out. What a packet is on the wire is in `packet` and
//! `payload`, what a request says in `request`; one session is in `session`, its heartbeat in `heartbeat`, the table of them in `table`.
//!
//! The client's role is in [`client`].
//!
//! JSONP and WebTransport are left out. Version 3 of the protocol is refused.

pub mod client;
mod config;
mod cors;
mod heartbeat;
mod output;
mod packet;
mod payload;
mod query;
mod refusal;
mod request;
mod session;
mod table;

pub use config::Config;
pub use cors::Cors;
pub use output::{Event, Message, Output, Reason, SendError, Transmit};
pub use packet::{Frame, Packet, PacketError};
pub use payload::{decode_payload, encode_payload};
pub use query::query_value;
pub use refusal::Refusal;
pub use request::{Answer, Begun, Body, Head};
pub use table::{Channel, Engine, RequestId, Session};
