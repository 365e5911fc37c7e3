//! How packets are written: as JSON with attachments beside it, or as MessagePack.

/// How packets are written. Both ends have to use the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parser {
    /// Text with JSON, and a binary message for each attachment: what every client speaks.
    #[default]
    Json,
    /// One binary message for each packet: what `socket.io-msgpack-parser` has.
    #[cfg(feature = "msgpack")]
    MessagePack,
}
