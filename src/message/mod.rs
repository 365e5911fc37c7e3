//! Messages: the memory of one message, in each direction (RFC 6455, sections 5.4 and 5.6). Needs `alloc`.
//!
//! What arrives is a [`Payload`] or a [`Text`]: borrowed if it is in one piece in the caller's buffer, owned if it had to be
//! assembled. A [`Message`] is owned, to be kept; a [`Prepared`] message is encoded once and sent to many.

pub(crate) mod assembler;
mod owned;
mod part;
mod payload;
mod prepared;
mod shown;
mod text;

pub use owned::Message;
pub use part::{Content, Part};
pub use payload::Payload;
pub use prepared::Prepared;
pub use text::{Text, Utf8Bytes};
