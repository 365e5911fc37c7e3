//! Servers that mean harm: what they can make the client hold.

use std::time::Duration;

use sockless_socketio::engine::client::{Client, Config, Event, Output, Reason, Request};
use sockless_socketio::engine::{Frame, Message, Transmit};
use sockless_socketio::socket;
use sockless_socketio::socket::client as sockets;

const HELLO: &str =
    r#"0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}"#;
const NOW: Duration = Duration::ZERO;

/// A client whose session is open.
fn open(config: Config, polling: bool) -> Client {
    let mut client = Client::new(config.with_transports(polling, !polling), "", NOW);
    match polling {
        true => client.answered(Request::Poll, 200, HELLO.into(), NOW),
        false => {
            client.opened(NOW);
            client.text(HELLO, NOW);
        }
    }
    assert_eq!(client.event(NOW), Some(Event::Opened));
    client
}

fn posts(client: &mut Client) -> Vec<String> {
    let outputs = std::iter::from_fn(|| client.output());
    let bodies = outputs.filter_map(|output| match output {
        Output::Post { body, .. } => Some(String::from_utf8(body.into()).expect("text")),
        _ => None,
    });
    bodies.collect()
}

#[test]
fn any_number_of_pings_has_one_answer_while_nothing_is_sent() {
    let mut client = open(Config::default(), false);
    client.send(&[Frame::message("hello")]).expect("sent");
    for number in 0..100_000 {
        client.text(&format!("2{number}"), NOW);
    }
    let sent: Vec<Frame> = std::iter::from_fn(|| match client.transmit() {
        Transmit::Frame(frame) => Some(frame),
        _ => None,
    })
    .collect();
    assert_eq!(sent, [Frame::Text("399999".into()), Frame::message("hello")]);

    let mut client = open(Config::default(), true);
    client.answered(Request::Poll, 200, ["2a"; 10_000].join("\x1e").into(), NOW);
    assert_eq!(posts(&mut client), ["3a"]);
    client.send(&[Frame::message("hello")]).expect("sent");
    client.answered(Request::Poll, 200, ["2b"; 10_000].join("\x1e").into(), NOW);
    assert!(posts(&mut client).is_empty());
    client.answered(Request::Post, 200, "ok".into(), NOW);
    assert_eq!(posts(&mut client), ["3b\x1e4hello"]);
}

#[test]
fn what_there_is_no_room_for_is_not_looked_at_before_there_is() {
    let mut client = open(Config::default().with_backlog(2, 1_000), true);
    client.answered(Request::Poll, 200, "4one\x1e4two\x1e2\x1e4three\x1ex\x1e4four".into(), NOW);
    let message = |text: &str| Some(Event::Message(Message::Text(text.into())));
    assert!(posts(&mut client).is_empty() && client.is_open());
    assert_eq!(client.event(NOW), message("one"));
    // There is room for one more, and the ping before it has its answer.
    assert_eq!(posts(&mut client), ["3"]);
    assert!(client.is_open());
    assert_eq!(client.event(NOW), message("two"));
    assert!(client.is_closed());
    assert_eq!(client.event(NOW), message("three"));
    assert_eq!(client.event(NOW), Some(Event::Closed(Reason::ParseError)));
    assert_eq!(client.event(NOW), None);
}

#[test]
fn what_is_left_of_a_body_comes_before_what_the_websocket_brings() {
    let config = Config::default().with_backlog(1, 1_000);
    let mut client = Client::new(config, "", NOW);
    let hello = HELLO.replace("[]", r#"["websocket"]"#);
    client.answered(Request::Poll, 200, hello.into(), NOW);
    assert_eq!(client.event(NOW), Some(Event::Opened));
    client.opened(NOW);
    assert_eq!(client.transmit(), Transmit::Frame(Frame::Text("2probe".into())));
    client.text("3probe", NOW);
    client.answered(Request::Poll, 200, "4one\x1e2\x1e4two".into(), NOW);
    assert!(!client.is_websocket(), "something is left");
    let message = |text: &str| Some(Event::Message(Message::Text(text.into())));
    assert_eq!(client.event(NOW), message("one"));
    assert!(client.is_websocket());
    client.text("4three", NOW);
    let mut sent = || match client.transmit() {
        Transmit::Frame(Frame::Text(text)) => text.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!([sent(), sent()], ["5", "3"]);
    assert_eq!(client.event(NOW), message("two"));
    assert_eq!(client.event(NOW), Some(Event::Upgraded));
    assert_eq!(client.event(NOW), message("three"));
}

#[test]
fn events_before_the_namespace_is_connected_are_kept_up_to_a_limit() {
    let main = socket::Namespace::main();
    let session = || {
        let config = Config::default().with_transports(false, true).with_max_input(100_000);
        let mut engine = Client::new(config, "", NOW);
        engine.opened(NOW);
        engine.text(HELLO, NOW);
        engine
    };
    let events = |client: &mut sockets::Client| -> Vec<sockets::Event> {
        std::iter::from_fn(|| client.event(NOW)).collect()
    };
    let mut client = sockets::Client::new(socket::Config::default(), session(), [main.clone()]);
    events(&mut client);
    client.connect(&main, None, NOW).expect("asked");
    client.engine_mut().text(r#"40{"sid":"c1","pid":"p1"}"#, NOW);
    client.engine_mut().text(r#"42["a","offset"]"#, NOW);
    assert_eq!(events(&mut client).len(), 2);
    client.engine_mut().websocket_lost(None, NOW);
    events(&mut client);
    client.reconnect(session());
    events(&mut client);
    client.connect(&main, None, NOW).expect("asked");
    let kept = (0..10_000).find(|_| {
        client.engine_mut().text("42[7]", NOW);
        let reason = sockets::DisconnectReason::ParseError;
        // What is still to be sent doesn't matter here: it is being closed.
        events(&mut client).contains(&sockets::Event::Closed { reason })
            || !client.engine().is_open()
    });
    // Each takes more than 50 bytes, however short it is.
    assert!(kept.is_some_and(|kept| kept < 2_000), "{kept:?}");
}
