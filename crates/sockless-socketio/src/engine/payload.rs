//! Several packets in the body of a request or an answer of long-polling. One packet is in `packet`.

use alloc::string::String;

use super::packet::{Frame, Packet, PacketError, append_polled};

/// What is between two packets: the record separator of ASCII.
pub(super) const SEPARATOR: char = '\x1e';

/// Writes packets as one body.
///
/// ```
/// use sockless_socketio::engine::{Frame, encode_payload};
///
/// let frames = [Frame::message("hello"), Frame::Binary(vec![1, 2, 3, 4].into())];
/// assert_eq!(encode_payload(&frames), "4hello\x1ebAQIDBA==");
/// ```
pub fn encode_payload<'f>(frames: impl IntoIterator<Item = &'f Frame>) -> String {
    let mut body = String::new();
    for (index, frame) in frames.into_iter().enumerate() {
        if index > 0 {
            body.push(SEPARATOR);
        }
        append_polled(frame, &mut body);
    }
    body
}

/// Reads the packets of a body, one after the other.
///
/// ```
/// use sockless_socketio::engine::{Packet, decode_payload};
///
/// let packets: Result<Vec<_>, _> = decode_payload("4hello\x1e2\x1e4world").collect();
/// assert_eq!(packets?, [Packet::Message("hello"), Packet::Ping(""), Packet::Message("world")]);
/// # Ok::<(), sockless_socketio::engine::PacketError>(())
/// ```
pub fn decode_payload(body: &str) -> impl Iterator<Item = Result<Packet<'_>, PacketError>> {
    body.split(SEPARATOR).map(Packet::decode_polled)
}
