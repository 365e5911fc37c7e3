//! Packets of Socket.IO as they are written.

use sockless_socketio::engine::{Frame, Packet as EnginePacket, PacketError};
use sockless_socketio::socket::{
    Attachment, Config, Decoder, Namespace, Packet, Payload, Violation,
};

fn decode(text: &str) -> Result<Option<Packet>, Violation> {
    Decoder::default().text(text, &Config::default())
}

fn whole(text: &str) -> Packet {
    decode(text).expect("a packet").expect("no attachments")
}

fn texts(frames: &[Frame]) -> Vec<String> {
    frames
        .iter()
        .map(|frame| match frame {
            Frame::Text(text) => text.to_string(),
            Frame::Binary(bytes) => format!("{bytes:?}"),
        })
        .collect()
}

#[test]
fn the_documents_examples_are_read_and_written_the_same() {
    for text in [
        "0",
        r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
        r#"4{"message":"Not authorized"}"#,
        r#"2["foo"]"#,
        r#"2/admin,["bar"]"#,
        r#"212["foo"]"#,
        r#"3/admin,13["bar"]"#,
        "312[]",
        "1",
        "1/admin,",
    ] {
        assert_eq!(texts(&whole(text).encode()), [format!("4{text}")]);
    }
    let text = r#"52-/admin,7["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let (mut decoder, config) = (Decoder::default(), Config::default());
    assert_eq!(decoder.text(text, &config), Ok(None));
    assert_eq!(decoder.binary(vec![1, 2].into(), &config), Ok(None));
    let packet = decoder.binary(vec![3, 4].into(), &config).expect("right").expect("whole");
    assert_eq!(texts(&packet.encode()), [&format!("4{text}"), r#"b"\x01\x02""#, r#"b"\x03\x04""#]);
}

#[test]
fn a_namespace_may_end_with_the_packet() {
    let admin = Namespace::new("/admin").expect("a name");
    assert_eq!(whole("0/admin"), Packet::Connect { namespace: admin.clone(), data: None });
    assert_eq!(whole("1/admin"), Packet::Disconnect { namespace: admin });
    assert_eq!(Namespace::new("admin"), None);
    assert_eq!(Namespace::new("/a,b"), None);
}

#[test]
fn what_is_not_a_packet_is_refused() {
    for (text, violation) in [
        ("", Violation::Type),
        ("abc", Violation::Type),
        ("7[]", Violation::Type),
        ("é", Violation::Type),
        ("2", Violation::Payload),
        ("2[]", Violation::Payload),
        ("2{}", Violation::Payload),
        ("2[{}]", Violation::Payload),
        ("2[null]", Violation::Payload),
        (r#"2["a""#, Violation::Payload),
        (r#"2["a"]x"#, Violation::Payload),
        (r#"2["a"][]"#, Violation::Payload),
        (r#"2["a",]"#, Violation::Payload),
        (r#"2["\ud800"]"#, Violation::Payload),
        (r#"2abc["a"]"#, Violation::Payload),
        (r#"29007199254740992["a"]"#, Violation::Id),
        (r#"299999999999999999999999["a"]"#, Violation::Id),
        ("3[]", Violation::Id),
        ("31{}", Violation::Payload),
        ("31", Violation::Payload),
        ("0[]", Violation::Payload),
        ("0\"a\"", Violation::Payload),
        ("1{}", Violation::Payload),
        ("4[]", Violation::Payload),
        (r#"2["disconnect"]"#, Violation::Name),
        (r#"2["connect_error",1]"#, Violation::Name),
        (r#"5["a"]"#, Violation::Attachments),
        (r#"5-["a"]"#, Violation::Attachments),
        (r#"5x-["a"]"#, Violation::Attachments),
        (r#"5-1-["a"]"#, Violation::Attachments),
        (r#"511-["a"]"#, Violation::Attachments),
        (r#"599999999999999999999999-["a"]"#, Violation::Attachments),
    ] {
        assert_eq!(decode(text), Err(violation), "{text}");
    }
    let long = format!("0/{}", "x".repeat(256));
    assert_eq!(decode(&long), Err(Violation::Namespace));
}

#[test]
fn a_name_may_be_a_number() {
    let Packet::Event { name, payload, .. } = whole("2[ 1 , [2] ]") else { panic!() };
    assert_eq!((&*name, payload.json()), ("1", "[[2] ]"));
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!(r#"2["a",{}{}]"#, "[".repeat(depth), "]".repeat(depth));
    assert!(decode(&nested(63)).is_ok());
    assert_eq!(decode(&nested(64)), Err(Violation::Depth));
    assert_eq!(decode(&nested(400_000)), Err(Violation::Depth));
    // Brackets in strings are no nesting.
    assert!(decode(&format!(r#"2["a","\"{}"]"#, "[".repeat(100))).is_ok());
}

#[test]
fn attachments_have_to_be_those_that_were_announced() {
    let config = Config::default().with_attachments(2, 10);
    let begin = |text: &str| {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.text(text, &config), Ok(None));
        decoder
    };
    let one = r#"51-["a",{"_placeholder":true,"num":0}]"#;
    assert_eq!(begin(one).text("2[\"b\"]", &config), Err(Violation::Unfinished));
    assert_eq!(begin(one).binary(vec![0; 11].into(), &config), Err(Violation::TooLarge));
    let none = Decoder::default().binary(vec![1].into(), &config);
    assert_eq!(none, Err(Violation::Unannounced));
    for num in ["1", "-1", "0.5", "\"0\"", "null", "18446744073709551616"] {
        let text = format!(r#"51-["a",[{{"_placeholder":true,"num":{num}}}]]"#);
        let read = begin(&text).binary(vec![1].into(), &config);
        assert_eq!(read, Err(Violation::Placeholder), "{num}");
    }
    let mut two = begin(r#"52-["a"]"#);
    assert_eq!(two.binary(vec![0; 6].into(), &config), Ok(None));
    assert_eq!(two.binary(vec![0; 5].into(), &config), Err(Violation::TooLarge));
    // None announced, none awaited.
    let mut decoder = Decoder::default();
    // As in the reference, an event without attachments isn't written as one that has some.
    assert_eq!(decoder.text(r#"50-["a"]"#, &config), Err(Violation::Attachments));
    assert!(decoder.text(r#"2["b"]"#, &config).is_ok());
}

#[test]
fn arguments_are_read_and_written_by_serde() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Upload {
        name: String,
        file: Attachment,
    }
    let mut payload = Payload::new();
    assert!(payload.is_empty());
    let file = payload.attach(vec![7, 8]);
    payload.push(&Upload { name: "x".into(), file }).expect("JSON");
    payload.push_binary(vec![9]);
    assert_eq!(
        payload.json(),
        r#"[{"name":"x","file":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]"#
    );
    let (upload, second): (Upload, Attachment) = payload.read().expect("the same");
    assert_eq!(payload.attachment(upload.file).map(|bytes| &bytes[..]), Some(&[7, 8][..]));
    assert_eq!(payload.attachment(second).map(|bytes| &bytes[..]), Some(&[9][..]));
    assert!(payload.read::<(String,)>().is_err());
    // What only looks like an attachment is none.
    let foreign: (Attachment,) =
        Payload::new().with(&upload.file).expect("JSON").read().expect("the same");
    assert_eq!(Payload::new().attachment(foreign.0), None);
}

#[test]
fn engine_packets_are_checked() {
    assert_eq!(EnginePacket::decode(""), Err(PacketError::Type));
    assert_eq!(EnginePacket::decode("7"), Err(PacketError::Type));
    assert_eq!(EnginePacket::decode("é"), Err(PacketError::Type));
    assert_eq!(EnginePacket::decode("1x"), Err(PacketError::Text));
    assert_eq!(EnginePacket::decode("bAQ=="), Err(PacketError::Type));
    for wrong in ["bAQ", "b=", "b*", "bAQ== ", "bAR=="] {
        assert_eq!(EnginePacket::decode_polled(wrong), Err(PacketError::Base64), "{wrong}");
    }
    assert_eq!(EnginePacket::decode_polled("b"), Ok(EnginePacket::Binary(vec![].into())));
}
