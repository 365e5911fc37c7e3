//! Packets as MessagePack: what `socket.io-msgpack-parser` writes is read, what is written is read the same, and nothing is believed.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use sockless_socketio::engine::{self, Frame, Transmit};
use sockless_socketio::socket::{
    Attachment, Config, Decoder, Event, Namespace, Packet, Parser, Payload, Violation,
};

use crate::peer::Served;

fn config() -> Config {
    Config::default().with_parser(Parser::MessagePack)
}

fn read(bytes: &[u8]) -> Result<Packet, Violation> {
    read_with(bytes, &config())
}

fn read_with(bytes: &[u8], config: &Config) -> Result<Packet, Violation> {
    let packet = Decoder::default().binary(bytes.to_vec().into(), config);
    packet.map(|packet| packet.expect("a packet is one message"))
}

fn written(packet: &Packet) -> Vec<u8> {
    match &packet.encode_with(Parser::MessagePack)[..] {
        [Frame::Binary(bytes)] => bytes.to_vec(),
        frames => panic!("{frames:?}"),
    }
}

fn event(name: &str, payload: Payload) -> Packet {
    Packet::Event { namespace: Namespace::main(), id: None, name: name.into(), payload }
}

fn payload(arguments: &[Value]) -> Payload {
    arguments.iter().fold(Payload::new(), |payload, one| payload.with(one).expect("JSON"))
}

/// What Node's client writes for `socket.emit("a", 1)`.
const EMITTED: &[u8] =
    b"\x84\xa4type\x02\xa4data\x92\xa1a\x01\xa7options\x81\xa8compress\xc3\xa3nsp\xa1/";

#[test]
fn what_the_official_client_writes_is_read() {
    let nothing = b"\x84\xa4type\x00\xa4data\xd4\0\0\xa7options\x81\xa8compress\xc3\xa3nsp\xa1/";
    assert_eq!(read(nothing), Ok(Packet::Connect { namespace: Namespace::main(), data: None }));
    assert_eq!(read(EMITTED), Ok(event("a", payload(&[json!(1)]))));
}

#[test]
fn values_become_what_javascript_would_write() {
    for (bytes, expected) in [
        (&b"\xc0"[..], "null"),
        (b"\xc2", "false"),
        (b"\xc3", "true"),
        (b"\xff", "-1"),
        (b"\xcc\x80", "128"),
        (b"\xcd\x01\0", "256"),
        (b"\xce\0\x01\0\0", "65536"),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
        (b"\xd0\x80", "-128"),
        (b"\xd1\x80\0", "-32768"),
        (b"\xd2\x80\0\0\0", "-2147483648"),
        (b"\xd3\x80\0\0\0\0\0\0\0", "-9223372036854775808"),
        (b"\xd3\0\0\0\0\0\0\0\x07", "7"),
        (b"\xca\x3f\xc0\0\0", "1.5"),
        (b"\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18", "3.141592653589793"),
        (b"\xcb\x7f\xf0\0\0\0\0\0\0", "null"),
        (b"\xcb\x7f\xf8\0\0\0\0\0\0", "null"),
        (b"\xa4a\"\x01b", r#""a\"\u0001b""#),
        (b"\xd9\x01x", r#""x""#),
        (b"\xda\0\x01x", r#""x""#),
        (b"\xdb\0\0\0\x01x", r#""x""#),
        (b"\xdc\0\x01\x01", "[1]"),
        (b"\xdd\0\0\0\x01\x01", "[1]"),
        (b"\xde\0\x01\xa1a\x01", r#"{"a":1}"#),
        (b"\xdf\0\0\0\x01\xa1a\x01", r#"{"a":1}"#),
        // `undefined` in an array, and in an object.
        (b"\x92\xd4\0\0\x01", "[null,1]"),
        (b"\x82\xa1a\xd4\0\0\xa1b\x01", r#"{"b":1}"#),
        (b"\xd7\0\0\0\0\0\0\0\0\0", r#""1970-01-01T00:00:00.000Z""#),
        // A large integer, as text.
        (b"\xc7\x0212\x01", ""),
        (b"\xc7\x02\x0112", r#""12""#),
    ] {
        let packet = [b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a", bytes].concat();
        match expected {
            "" => assert_eq!(read(&packet), Err(Violation::Payload)),
            _ => {
                let Ok(Packet::Event { payload, .. }) = read(&packet) else { panic!("{bytes:?}") };
                assert_eq!(payload.json(), format!("[{expected}]"));
            }
        }
    }
}

#[test]
fn bytes_are_attachments_wherever_they_are() {
    // A buffer, and a typed array of a browser.
    let packet =
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa1a\x81\xa1x\xc4\x02\x01\x02\xc7\x01\x00\x09";
    let Ok(Packet::Event { payload, .. }) = read(packet) else { panic!() };
    #[derive(serde::Deserialize)]
    struct Inside {
        x: Attachment,
    }
    let (inside, second): (Inside, Attachment) = payload.read().expect("what was sent");
    assert_eq!(payload.attachment(inside.x).expect("it")[..], [1, 2]);
    assert_eq!(payload.attachment(second).expect("it")[..], [9]);
}

#[test]
fn what_is_written_has_bytes_where_they_belong() {
    let mut payload = payload(&[json!({ "a": [null, true, -1, 1.5, "x"] })]);
    payload.push_binary(vec![1, 2]);
    let expected: &[u8] =
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa1e\x81\xa1a\x95\xc0\xc3\xff\xcb\x3f\xf8\0\0\0\0\0\0\xa1x\xc4\x02\x01\x02";
    assert_eq!(written(&event("e", payload)), expected);
}

#[test]
fn every_length_of_a_container_is_written_as_it_has_to_be() {
    for len in [0, 1, 15, 16, 17, 65_535, 65_536] {
        let array = payload(&[json!(vec![7; len])]);
        let packet = event("a", array);
        assert_eq!(read(&written(&packet)), Ok(packet), "an array of {len}");
    }
    for len in [15_u32, 16, 70_000] {
        let members: serde_json::Map<_, _> = (0..len).map(|n| (n.to_string(), json!(n))).collect();
        let packet = event("a", payload(&[Value::Object(members)]));
        assert_eq!(read(&written(&packet)), Ok(packet), "an object of {len}");
    }
}

#[test]
fn json_of_other_peers_that_serde_would_refuse_is_written_as_javascript_reads_it() {
    let text = r#"2["a",1e400,"\ud800x", [ ] , { "k" : -0.5 } ]"#;
    let packet = Decoder::default().text(text, &Config::default()).expect("JSON").expect("whole");
    let Ok(Packet::Event { payload, .. }) = read(&written(&packet)) else { panic!() };
    assert_eq!(payload.json(), "[null,\"\u{fffd}x\",[],{\"k\":-0.5}]");
}

#[test]
fn what_is_not_a_packet_is_refused() {
    for (bytes, why) in [
        (&b""[..], Violation::Payload),
        (b"\xc1", Violation::Payload),
        (b"\x90", Violation::Payload),
        (b"\x80", Violation::Namespace),
        (b"\x82\xa4type\x05\xa3nsp\xa1/", Violation::Type),
        (b"\x82\xa4type\xff\xa3nsp\xa1/", Violation::Type),
        (b"\x82\xa4type\xa10\xa3nsp\xa1/", Violation::Type),
        (b"\x82\xa4type\x00\xa3nsp\x01", Violation::Namespace),
        (b"\x82\xa4type\x00\xa3nsp\xa1a", Violation::Namespace),
        (b"\x82\xa4type\x00\xa3nsp\xa3/,a", Violation::Namespace),
        (b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x90", Violation::Payload),
        (b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa1a\xc4\x00", Violation::Payload),
        (b"\x83\xa4type\x01\xa3nsp\xa1/\xa4data\x80", Violation::Payload),
        (b"\x82\xa4type\x02\xa3nsp\xa1/", Violation::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x90", Violation::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xc0", Violation::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa7connect", Violation::Name),
        (b"\x83\xa4type\x03\xa3nsp\xa1/\xa4data\x90", Violation::Id),
        (b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1a\xa2id\xff", Violation::Id),
        (b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1a\xa2id\xa11", Violation::Id),
        (
            b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1a\xa2id\xcf\0\x20\0\0\0\0\0\0",
            Violation::Id,
        ),
        (b"\x83\xa4type\x04\xa3nsp\xa1/\xa4data\x01", Violation::Payload),
        // What is no text, what no key is, lengths that lie, and types that nobody has said.
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xa1\xff", Violation::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\x81\x01\x01", Violation::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xdd\xff\xff\xff\xff", Violation::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xc6\xff\xff\xff\xff", Violation::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xd4\x05\x00", Violation::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xd6\xff\0\0\0\0", Violation::Payload),
        // It would be taken for an attachment.
        (
            b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\x81\xac_placeholder\xc3",
            Violation::Placeholder,
        ),
    ] {
        assert_eq!(read(bytes), Err(why), "{}", bytes.escape_ascii());
    }
    let longer = [EMITTED, b"\xc0"].concat();
    assert_eq!(read(&longer), Err(Violation::Payload));
    for end in 0..EMITTED.len() {
        assert!(read(&EMITTED[..end]).is_err(), "cut at {end}");
    }
    assert_eq!(Decoder::default().text(r#"2["a"]"#, &config()), Err(Violation::Type));
}

#[test]
fn limits_hold_as_they_do_for_json() {
    let deep = |depth: usize| {
        let mut nested = Value::Null;
        (1..depth).for_each(|_| nested = json!([nested]));
        written(&event("a", payload(&[nested])))
    };
    assert!(read(&deep(64)).is_ok());
    assert_eq!(read(&deep(65)), Err(Violation::Depth));
    // Nobody's stack is at risk, whatever is allowed.
    let mut packet = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data".to_vec();
    packet.resize(900_000, 0x91);
    assert_eq!(read_with(&packet, &config().with_depth(usize::MAX)), Err(Violation::Depth));

    let attached = |count: usize, len: usize| {
        let mut payload = Payload::new();
        (0..count).for_each(|_| payload.push_binary(vec![0; len]));
        written(&event("a", payload))
    };
    assert!(read(&attached(10, 1)).is_ok());
    assert_eq!(read(&attached(11, 1)), Err(Violation::Attachments));
    let config = config().with_attachments(10, 100);
    assert!(read_with(&attached(10, 10), &config).is_ok());
    assert_eq!(read_with(&attached(10, 11), &config), Err(Violation::TooLarge));

    let long = Namespace::new(&format!("/{}", "n".repeat(300))).expect("a name");
    let packet = written(&Packet::Disconnect { namespace: long });
    assert_eq!(read(&packet), Err(Violation::Namespace));
}

/// Any JSON, as deep as a few values inside others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has it", |it| it.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::from),
            vec((any::<String>(), inner), 0..20)
                .prop_map(|members| { Value::Object(members.into_iter().collect()) }),
        ]
    })
}

fn any_payload() -> impl Strategy<Value = Payload> {
    let argument = prop_oneof![
        4 => any_json().prop_map(Ok),
        1 => vec(any::<u8>(), 0..300).prop_map(Err),
    ];
    vec(argument, 0..6).prop_map(|arguments| {
        arguments.into_iter().fold(Payload::new(), |mut payload, argument| {
            match argument {
                Ok(json) => payload.push(&json).expect("JSON"),
                Err(bytes) => payload.push_binary(bytes),
            }
            payload
        })
    })
}

/// What is the same to whoever reads it: an integer may have become one of another size.
fn meaning(packet: &Packet) -> (Option<Vec<Value>>, String) {
    match packet {
        Packet::Event { payload, .. } | Packet::Ack { payload, .. } => {
            (Some(payload.read().expect("JSON")), format!("{:?}", payload.attachments()))
        }
        other => (None, format!("{other:?}")),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(
        payload in any_payload(),
        name in "[a-z😀\"]{1,40}",
        id in proptest::option::of(0_u64..1 << 53),
        namespace in prop_oneof![Just("/"), Just("/admin"), Just("/é")],
    ) {
        let namespace = Namespace::new(namespace).expect("a name");
        let config = config().with_attachments(100, 1 << 20);
        for packet in [
            Packet::Event { namespace: namespace.clone(), id, name, payload: payload.clone() },
            Packet::Ack { namespace, id: id.unwrap_or(0), payload },
        ] {
            let again = read_with(&written(&packet), &config);
            let again = again.expect("it is a packet");
            prop_assert_eq!(meaning(&again), meaning(&packet));
            prop_assert_eq!(again.namespace(), packet.namespace());
        }
    }

    #[test]
    fn no_bytes_make_it_panic_and_json_stays_in_proportion(
        mut bytes in prop_oneof![
            vec(any::<u8>(), 0..200),
            vec(prop_oneof![Just(0x81), Just(0x91), Just(0xc4), Just(0xa1), Just(0xc7)], 0..200),
        ],
        framed in any::<bool>(),
    ) {
        if framed {
            bytes.splice(0..0, *b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a");
        }
        if let Ok(Packet::Event { payload, .. } | Packet::Ack { payload, .. }) = read(&bytes) {
            let most = 6 * bytes.len() + 33 * payload.attachments().len();
            prop_assert!(payload.json().len() <= most);
            prop_assert!(serde_json::from_str::<Value>(payload.json()).is_ok());
        }
    }
}

#[test]
fn a_server_speaks_it_alone() {
    let mut served = Served::with(config(), engine::Config::default());
    let Served { server, channel, now } = &mut served;
    let connect = written(&Packet::Connect { namespace: Namespace::main(), data: None });
    server.engine_mut().binary(*channel, connect.into(), *now);
    let Some(Event::Connect { socket, .. }) = server.event(*now) else { panic!() };
    server.accept(socket, *now).expect("accepted");
    server.engine_mut().binary(*channel, EMITTED.to_vec().into(), *now);
    let Some(Event::Message { name, payload, .. }) = server.event(*now) else { panic!() };
    assert_eq!((&*name, payload.json()), ("a", "[1]"));
    server.emit(socket, "b", Payload::new(), *now).expect("sent");
    let mut packets = Vec::new();
    while let Transmit::Frame(frame) = server.engine_mut().transmit(*channel) {
        if let Frame::Binary(bytes) = frame {
            packets.push(read(&bytes).expect("a packet"));
        }
    }
    let [Packet::Connect { data: Some(data), .. }, sent] = &packets[..] else { panic!() };
    assert!(data.contains("\"sid\""), "{data}");
    assert_eq!(*sent, event("b", Payload::new()));
}
