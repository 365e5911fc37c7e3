//! The state machines alone: no network, no clock.

mod acks;
mod client;
mod client_sockets;
mod closing;
mod heartbeat;
mod hostile;
mod hostile_server;
#[cfg(feature = "msgpack")]
mod msgpack;
mod pair;
mod peer;
mod places;
mod polling;
mod properties;
mod recovery;
mod sockets;
mod upgrade;
mod wire;
