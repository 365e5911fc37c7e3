//! Packets that a connected client has to expect from nobody.

use std::net::SocketAddr;

use sockless_socketio::client::{Client, Event};
use sockless_socketio::engine::client::Reason;
use sockless_socketio::socket::Payload;
use sockless_socketio::socket::client::DisconnectReason;
use tokio::time::timeout;

use super::{PATIENCE, connect, named, next, patient, server, ways};

/// Stands for no further packet.
const SILENCE: &str = "silence";

/// Clients of servers that have connected them and then say this.
async fn told(packets: &[&str]) -> Vec<(&'static str, Client)> {
    let mut clients = Vec::new();
    for way in 0..2 {
        let at = telling(packets).await;
        let (name, builder) = ways(at, &patient()).into_iter().nth(way).expect("a way");
        clients.push((name, connect(builder).await.expect(name)));
    }
    clients
}

async fn telling(packets: &[&str]) -> SocketAddr {
    let packets: Vec<String> = packets.iter().map(|packet| (*packet).to_owned()).collect();
    server::start(move |mut talk| {
        let packets = packets.clone();
        async move {
            talk.accept().await;
            for packet in packets {
                match packet.strip_prefix("bytes:") {
                    _ if packet == SILENCE => return talk.stay().await,
                    Some(bytes) => talk.say_binary(bytes.as_bytes()).await,
                    None => talk.say(packet).await,
                }
            }
            talk.say(r#"42["still here"]"#).await;
            talk.stay().await;
        }
    })
    .await
}

#[tokio::test]
async fn what_is_for_a_namespace_that_nobody_asked_for_says_nothing() {
    let packets = [
        r#"40/x,{"sid":"c2"}"#,
        r#"42/x,["event"]"#,
        r#"42/x,7["event"]"#,
        r#"43/x,0["answer"]"#,
        r#"44/x,{"message":"no"}"#,
        "41/x,",
        "40/y",
        // Once more for the one that is connected, and an answer to nothing.
        r#"40{"sid":"c3","pid":"p3"}"#,
        r#"44{"message":"no"}"#,
        r#"430["answer"]"#,
        r#"439007199254740991["answer"]"#,
        // A poll that says nothing, and a pong.
        "6",
        "3",
        "3probe",
    ];
    for (name, mut client) in told(&packets).await {
        assert_eq!(named(&mut client).await, "still here", "{name}");
        assert_eq!(client.id().as_deref(), Some("c1"), "{name}");
    }
}

#[tokio::test]
async fn bytes_for_a_namespace_that_nobody_asked_for_say_nothing() {
    let packets = [r#"451-/x,["file",{"_placeholder":true,"num":0}]"#, "bytes:abc"];
    for (name, mut client) in told(&packets).await {
        assert_eq!(named(&mut client).await, "still here", "{name}");
    }
}

#[tokio::test]
async fn an_event_is_acknowledged_once_whatever_the_server_says() {
    let at = server::start(|mut talk| async move {
        talk.accept().await;
        talk.hear().await;
        for packet in
            [r#"431["to nothing"]"#, r#"430["first"]"#, r#"430["second"]"#, r#"42["still here"]"#]
        {
            talk.say(packet).await;
        }
        talk.stay().await;
    })
    .await;
    for (name, builder) in ways(at, &patient()) {
        let mut client = connect(builder).await.expect(name);
        let answer = client.emit_with_ack("ask", Payload::new(), PATIENCE);
        let answer = timeout(PATIENCE, answer).await.expect("in time").expect(name);
        assert_eq!(answer.json(), r#"["first"]"#, "{name}");
        assert_eq!(named(&mut client).await, "still here", "{name}");
    }
}

#[tokio::test]
async fn a_packet_that_breaks_the_rules_ends_the_session_and_that_is_said() {
    let deep = |levels: usize| format!(r#"42["a",{}{}]"#, "[".repeat(levels), "]".repeat(levels));
    let (too_deep, far_too_deep) = (deep(64), deep(100_000));
    let file = r#"451-["file",{"_placeholder":true,"num":0}]"#;
    let long_name = format!(r#"42/{},["a"]"#, "n".repeat(257));
    // Of Socket.IO.
    let bads: &[&[&str]] = &[
        &["4"],
        &["47"],
        // What comes after it in the same body comes to nothing.
        &["47\x1e42[\"late\"]"],
        &["4x"],
        &["42"],
        &["42{}"],
        &["42[]"],
        &["42[null]"],
        &[r#"42["a""#],
        &[r#"42["a"]["b"]"#],
        &[r#"42["disconnect"]"#],
        &[&too_deep],
        &[&far_too_deep],
        &[&long_name],
        // Numbers that can be none.
        &[r#"42-1["a"]"#],
        &[r#"429007199254740992["a"]"#],
        &[r#"43["a"]"#],
        &[r#"430{"a":1}"#],
        // Attachments: none, too many, more than a number can say, no number. They aren't waited for.
        &[r#"450-["a"]"#],
        &[r#"4511-["a"]"#, SILENCE],
        &[r#"4599999999999999999999-["a"]"#, SILENCE],
        &[r#"45-["a"]"#, SILENCE],
        &[r#"451["a"]"#, SILENCE],
        // One that isn't there, text, bytes of nothing.
        &[r#"451-["file",{"_placeholder":true,"num":1}]"#, "bytes:abc"],
        &[r#"451-["file",{"_placeholder":true,"num":-1}]"#, "bytes:abc"],
        &[file, r#"42["b"]"#],
        &[file, "bytes:abc", "bytes:def"],
        &["bytes:abc"],
    ];
    for bad in bads {
        for (name, mut client) in told(bad).await {
            // Only the whole event comes before the bytes that nobody announced.
            if bad.len() == 3 {
                assert_eq!(named(&mut client).await, "file", "{name}");
            }
            ended(name, bad, &mut client, DisconnectReason::ParseError).await;
        }
    }
    // Of Engine.IO.
    for bad in [server::HELLO, "", "9", "x", "1x", "6x", "é"] {
        for (name, mut client) in told(&[bad]).await {
            let reason = DisconnectReason::Engine(Reason::ParseError);
            ended(name, &[bad], &mut client, reason).await;
        }
    }
}

/// The client is disconnected, for this reason, and that is the end.
async fn ended(name: &str, bad: &[&str], client: &mut Client, reason: DisconnectReason) {
    match next(client).await {
        Some(Event::Disconnected(its)) => assert_eq!(its, reason, "{name}: {:.80}", bad[0]),
        other => panic!("{name}: {:.80}: {other:?}", bad[0]),
    }
    assert!(next(client).await.is_none(), "{name}: {:.80}", bad[0]);
}

#[tokio::test]
async fn base64_that_is_none_ends_the_session() {
    let at = server::start(|mut talk| async move {
        talk.accept().await;
        talk.say("b?").await;
        talk.stay().await;
    })
    .await;
    let [(name, polling), (_, websocket)] = ways(at, &patient());
    let mut client = connect(polling).await.expect(name);
    let reason = DisconnectReason::Engine(Reason::ParseError);
    ended(name, &["b?"], &mut client, reason).await;
    // On a WebSocket there is no such type.
    let mut client = connect(websocket).await.expect("connected");
    ended("websocket", &["b?"], &mut client, reason).await;
}

#[tokio::test]
async fn a_message_beyond_the_limit_ends_the_session() {
    let config = patient().with_max_input(100_000);
    let at = server::start(|mut talk| async move {
        talk.accept().await;
        talk.say(format!("42[\"fits\",\"{}\"]", "x".repeat(90_000))).await;
        talk.say(format!("42[\"doesn't\",\"{}\"]", "x".repeat(100_000))).await;
        talk.stay().await;
    })
    .await;
    for (name, builder) in ways(at, &config) {
        let mut client = connect(builder).await.expect(name);
        assert_eq!(named(&mut client).await, "fits", "{name}");
        let event = next(&mut client).await;
        let Some(Event::Disconnected(DisconnectReason::Engine(reason))) = event else {
            panic!("{name}: {event:?}")
        };
        let expected =
            if name == "polling" { Reason::TransportError } else { Reason::TransportClose };
        assert_eq!(reason, expected, "{name}");
        assert!(next(&mut client).await.is_none(), "{name}");
    }
}
