//! Bodies of long-polling: packet by packet, and there and back.

use sockless_socketio::engine::{Packet, PacketError, decode_payload, encode_payload};

pub fn check(data: &[u8]) {
    let Ok(body) = std::str::from_utf8(data) else { return };
    let packets: Vec<_> = decode_payload(body).collect();
    let texts: Vec<_> = body.split('\x1e').collect();
    assert_eq!(packets.len(), texts.len());
    for (packet, text) in packets.iter().zip(&texts) {
        assert_eq!(*packet, Packet::decode_polled(text));
        match packet {
            // There is one way to write each packet.
            Ok(packet) => assert_eq!(encode_payload([&packet.encode()]), **text),
            Err(PacketError::Base64) => assert!(text.starts_with('b')),
            Err(PacketError::Text) => assert!(text.starts_with(['1', '5', '6']) && text.len() > 1),
            Err(_) => {
                assert!(!text.starts_with(['0', '1', '2', '3', '4', '5', '6', 'b']), "{text}")
            }
        }
    }
    if let Ok(packets) = packets.into_iter().collect::<Result<Vec<_>, _>>() {
        let frames: Vec<_> = packets.iter().map(Packet::encode).collect();
        assert_eq!(encode_payload(&frames), body);
    }
}
