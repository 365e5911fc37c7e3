//! Packets of Socket.IO: what is read is written, and read again as the same.

use sockless_socketio::engine::Frame;
use sockless_socketio::socket::{Config, Decoder, Packet, Violation};

const MOST: usize = 4;
const DEPTH: usize = 16;

fn config() -> Config {
    Config::default().with_attachments(MOST, 64).with_depth(DEPTH).with_namespaces(2, 16)
}

/// Reads a text, and as many attachments as it wants.
fn read(text: &str) -> Result<Packet, Violation> {
    let (mut decoder, config) = (Decoder::default(), config());
    let mut packet = decoder.text(text, &config)?;
    let mut count = 0;
    while packet.is_none() {
        count += 1;
        assert!(count <= MOST, "more attachments than may be announced: {text}");
        // Until they have all come, there is nothing but them.
        assert_eq!(decoder.clone().text(text, &config), Err(Violation::Unfinished));
        packet = decoder.binary(vec![count as u8; count].into(), &config)?;
    }
    assert_eq!(decoder.binary(vec![0].into(), &config), Err(Violation::Unannounced));
    Ok(packet.expect("it is whole"))
}

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(packet) = read(text) else { return };
    let frames = packet.encode();
    let Some((Frame::Text(written), attachments)) = frames.split_first() else {
        panic!("a packet begins with text")
    };
    let written = written.strip_prefix('4').expect("it is a message");
    let mut decoder = Decoder::default();
    let mut again = decoder.text(written, &config()).expect("what is written can be read");
    for attachment in attachments {
        assert_eq!(again, None);
        let Frame::Binary(bytes) = attachment else { panic!("an attachment is bytes") };
        again = decoder.binary(bytes.clone(), &config()).expect("and its attachments");
    }
    assert_eq!(again, Some(packet));
    let depth = written.bytes().fold((0_usize, 0), |(now, most), byte| match byte {
        b'[' | b'{' => (now + 1, most.max(now + 1)),
        b']' | b'}' => (now.saturating_sub(1), most),
        _ => (now, most),
    });
    // Brackets in strings count here, not there.
    assert!(depth.1 <= DEPTH || written.contains('"'), "nested deeper than allowed: {written}");
}
