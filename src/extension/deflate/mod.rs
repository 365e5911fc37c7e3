//! `permessage-deflate` (RFC 7692): compression of each message (feature `deflate`).
//!
//! Nothing is compressed until it is asked for: negotiation yields it only where [`Supported`](super::Supported) says so.
//! [`Terms`] are what an endpoint wants of the negotiation and [`Parameters`] what came out of it; [`Compression`] says how an
//! endpoint compresses, and a [`Pool`] lets connections share what they need only from the beginning of a message to its end.
//!
//! ```
//! use sockless::extension::Supported;
//! use sockless::extension::deflate::{Compression, Effort, Terms};
//! use sockless::{Config, Connection};
//!
//! let supported = Supported::default().with_deflate(Terms::default());
//! let agreed = supported.accept([&b"permessage-deflate; client_max_window_bits"[..]])?;
//!
//! let config = Config::default().with_deflate(Compression::default().with_level(Effort::FASTEST));
//! let mut conn = Connection::server(config).with_extensions(agreed);
//! conn.send_text(&"Hello! ".repeat(100))?;
//! assert!(conn.output().len() < 40);
//!
//! conn.set_compression(false);
//! conn.send_text("a secret beside somebody else's words, which nobody should squeeze")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Before it is switched on
//!
//! If a message contains a secret together with text that somebody else may choose, the length of the compressed message reveals
//! the secret bit by bit, even on an encrypted connection (CRIME and BREACH; RFC 7692, section 8). With context takeover this
//! also applies across messages. Such messages have to be sent uncompressed, which is a choice for each message:
//! [`Connection::set_compression`](crate::Connection::set_compression).
//!
//! # Which messages are compressed
//!
//! Those sent as text, as binary data or as a [`Message`](crate::Message), whole or in fragments, unless compression is switched
//! off when the message begins, or the whole message is shorter than the [threshold](Compression::threshold). A whole message that
//! doesn't get shorter is sent uncompressed if no history is lost by that: without context takeover, or if it fills the window. A
//! [prepared](crate::Prepared) message has a compressed form if it was given one. Borrowed and streamed payloads are sent
//! uncompressed.
//!
//! # Memory
//!
//! In bytes on the heap of one connection, measured on a 64-bit target. Beyond 152 bytes, each direction has nothing before its
//! first compressed message.
//!
//! | receiving, by the sender's window | 15 bits | 14 | 13 | 12 | 11 | 10 | 9, 8 |
//! |---|---|---|---|---|---|---|---|
//! | with context takeover | 80,448 | 64,064 | 55,872 | 51,776 | 49,728 | 48,704 | 48,192 |
//! | the same, released | 32,768 | 16,384 | 8,192 | 4,096 | 2,048 | 1,024 | 512 |
//! | without | 47,680 | 47,680 | 47,680 | 47,680 | 47,680 | 47,680 | 47,680 |
//! | the same, released | 0 | 0 | 0 | 0 | 0 | 0 | 0 |
//!
//! Without context takeover, a message that arrives in several pieces takes up to a window more until it is complete.
//!
//! | sending, by our window | 15 bits | 14 | 13 | 12 | 11 | 10 | 9 |
//! |---|---|---|---|---|---|---|---|
//! | [memory](Memory) 9 | 494,848 | 429,312 | 396,544 | 380,160 | 371,968 | 367,872 | 365,824 |
//! | memory 8, the default | 380,160 | 314,624 | 281,856 | 265,472 | 257,280 | 253,184 | 251,136 |
//! | memory 5 | 279,808 | 214,272 | 181,504 | 165,120 | 156,928 | 152,832 | 150,784 |
//! | memory 1 | 266,368 | 200,832 | 168,064 | 151,680 | 143,488 | 139,392 | 137,344 |
//! | released | 0 | 0 | 0 | 0 | 0 | 0 | 0 |
//!
//! [`Connection::release`](crate::Connection::release) gives memory back between messages. In the receiving direction with
//! context takeover the history stays, since the peer may refer to it; the next message costs a copy of it. In the sending
//! direction nothing stays: a sender may begin with an empty window at any message, so the next one doesn't refer to earlier ones. Without context takeover, a [`Pool`] holds what connections need only during a message.
//!
//! What a peer can make a connection take beyond that is bounded by the limit on messages, which counts inflated bytes.
//!
//! # Without `std`
//!
//! The deflate library takes its memory from the C allocator then (`posix_memalign`, `calloc` and `free`, or `malloc` where there is
//! no Unix), and a pool keeps nothing.

mod compressor;
mod config;
mod decoder;
mod effort;
mod encoder;
mod history;
mod output;
mod parameters;
mod pool;
mod prepared;
mod terms;

#[cfg(test)]
#[cfg(feature = "std")]
mod tests;

pub(crate) use decoder::DeflateDecoder;
pub(crate) use encoder::DeflateEncoder;

pub use config::Compression;
pub use effort::{Effort, Memory};
pub(crate) use parameters::NAME;
pub use parameters::{Parameters, WindowBits};
pub use pool::Pool;
pub use terms::Terms;
