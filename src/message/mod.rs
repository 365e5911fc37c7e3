//! Messages: the memory of one message, in each direction (RFC 6455, sections 5.4 and 5.6). Needs `alloc`.
//!
//! What arrives is a [`Payload`] or a [`Text`]: borrowed from the caller's buffer where it lies whole in it, owned where it had
//! to be assembled. What is queued for later is a [`Message`]; what is encoded once and sent to many is [`Prepared`].

pub(crate) mod assembler;
mod owned;
mod payload;
mod prepared;
mod text;

pub use assembler::{Content, Part, TakenBuffer};
pub use owned::Message;
pub use payload::Payload;
pub use prepared::Prepared;
pub use text::{Text, Utf8Bytes};
