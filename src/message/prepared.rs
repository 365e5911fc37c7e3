//! A message that is encoded once, for any number of server connections. It is compressed by `extension::deflate::prepared`.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::frame::Header;
use crate::words::opcode::Kind;

/// A message that has been encoded. Any number of server connections can queue it without encoding it again, and, if it has 4 KiB
/// or more, without copying it. Cloning it copies nothing.
///
#[cfg_attr(
    feature = "deflate",
    doc = "A message can have a [compressed](Self::compressed) form in addition to the plain one; there is a table of which one is sent when.\n"
)]
/// Clients can't send one: they mask each frame with a different key.
///
/// ```
/// use sockless::{Config, Connection, Prepared};
///
/// let news = Prepared::text("the same for everybody");
/// let mut subscribers: Vec<_> = (0..3).map(|_| Connection::server(Config::default())).collect();
/// for subscriber in &mut subscribers {
///     subscriber.send_prepared(&news)?;
/// }
/// assert!(subscribers.iter().all(|subscriber| subscriber.output() == &news.frame()[..]));
/// # Ok::<(), sockless::SendError>(())
/// ```
#[derive(Clone)]
pub struct Prepared {
    kind: Kind,
    frame: Bytes,
    payload_len: usize,
    transformed: Option<Transformed>,
}

/// The frame of a message that an extension has transformed.
#[derive(Clone)]
struct Transformed {
    frame: Bytes,
    /// The window that its receiver needs, as a power of two.
    window: u8,
}

impl Prepared {
    /// Prepares a text message.
    pub fn text(text: &str) -> Self {
        Self::new(Kind::Text, text.as_bytes())
    }

    /// Prepares a binary message.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::new(Kind::Binary, bytes)
    }

    fn new(kind: Kind, payload: &[u8]) -> Self {
        let frame = encode_frame(kind, 0, payload);
        Self { kind, frame, payload_len: payload.len(), transformed: None }
    }

    /// The message with a second form, which an extension has made: for connections that use the extension and whose peer has a
    /// window of at least this size.
    #[cfg(feature = "deflate")]
    pub(crate) fn with_transformed(mut self, payload: &[u8], window: u8) -> Self {
        let frame = encode_frame(self.kind, RSV1, payload);
        self.transformed = Some(Transformed { frame, window });
        self
    }

    /// The second form, if there is one and a peer with a window of this size can decode it.
    pub(crate) fn transformed(&self, window: u8) -> Option<&Bytes> {
        let transformed = self.transformed.as_ref()?;
        (transformed.window <= window).then_some(&transformed.frame)
    }

    /// The payload, as it was given.
    #[cfg(feature = "deflate")]
    pub(crate) fn payload(&self) -> &[u8] {
        &self.frame[self.frame.len() - self.payload_len..]
    }

    /// Whether the message is text or binary.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The frame as it is sent if no extension transforms it.
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// The length of the payload.
    pub fn payload_len(&self) -> usize {
        self.payload_len
    }
}

/// The RSV bits, of which the first is set.
#[cfg(feature = "deflate")]
const RSV1: u8 = 4;

/// The message as one unmasked frame.
fn encode_frame(kind: Kind, rsv: u8, payload: &[u8]) -> Bytes {
    let len = payload.len() as u64;
    let header = Header { fin: true, rsv, opcode: kind.opcode(), mask: None, len }.encode();
    let mut frame = Vec::with_capacity(header.len() + payload.len());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(payload);
    frame.into()
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Prepared");
        shown.field("kind", &self.kind).field("payload_len", &self.payload_len).finish()
    }
}
