//! `permessage-deflate` (RFC 7692): compression of each message, behind the feature `deflate`.
//!
//! Nothing is compressed until it is asked for: negotiation yields it only where [`Supported`](super::Supported) says so.
//! [`Terms`] are what an endpoint wants of the negotiation and [`Parameters`] what came out of it; [`Config`] says how an
//! endpoint compresses, and [`Pool`] lets connections share what they need only while a message is under way.
//!
//! # Before it is switched on
//!
//! Where one message holds a secret beside text that somebody else may choose, the length of the compressed message tells the
//! secret bit by bit, encryption or not (CRIME and BREACH; RFC 7692, section 8). With context takeover this holds across
//! messages. Such messages have to be sent uncompressed, which is a choice for each message.

mod compressor;
mod config;
mod decoder;
mod encoder;
mod history;
mod output;
mod parameters;
mod pool;
mod prepared;
mod terms;

#[cfg(all(test, feature = "std"))]
mod tests;

pub(crate) use decoder::Decoder;
pub(crate) use encoder::Encoder;

pub use config::{Config, Level, Memory};
pub use parameters::{NAME, Parameters, WindowBits};
pub use pool::Pool;
pub use terms::Terms;
