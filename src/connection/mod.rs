//! Connections: what happens between the opening handshake and the end (RFC 6455, sections 5 to 7). Level 2, needs `alloc`.
//!
//! [`Connection`] is what nearly everyone uses. It is a [`Receiver`] and a [`Sender`] together, which share nothing and can live in
//! two tasks; what the one finds out that the other has to act on is a [`Reply`], a small owned value.

mod ahead;
mod closing;
mod config;
mod control;
mod counters;
mod drain;
mod event;
mod extended;
mod failure;
mod inflow;
mod keys;
mod outcome;
mod outflow;
mod output;
mod receiver;
mod reply;
mod send_error;
mod sender;
mod silence;
mod state;
mod streaming;
mod whole;

pub use config::{Config, Delivery, Keepalive};
pub use counters::{Counters, Traffic};
pub use drain::Drain;
pub use event::{Closing, Event, Pong};
pub use failure::Failure;
#[cfg(feature = "getrandom")]
pub use keys::Generator;
pub use keys::{Entropy, Side};
pub use outcome::{Cause, CloseStatus, Initiator, Outcome, ReceiverEnd, SenderEnd, Want};
pub use receiver::{Received, Receiver};
pub use reply::{ControlPayload, Probe, Reply};
pub use send_error::{Refused, SendError};
pub use sender::Sender;
pub use streaming::Borrowed;
pub use whole::Connection;
