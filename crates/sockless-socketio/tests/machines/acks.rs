//! Acknowledgements in both directions.

use std::sync::Arc;

use sockless_socketio::engine::{self, Frame, Transmit};
use sockless_socketio::socket::{Config, EmitError, Event, Namespace, Payload, Target};

use crate::peer::{Served, millis};

#[test]
fn an_event_is_acknowledged_with_its_number() {
    let mut served = Served::new();
    served.connect("/");
    let mut events = served.text(r#"42456["a",1]"#);
    let Some(Event::Message { payload, reply: Some(reply), .. }) = events.pop() else { panic!() };
    served.server.reply(reply, payload).expect("sent");
    assert_eq!(served.sent(), ["43456[1]"]);
    // An acknowledgement of a socket that has gone.
    let mut events = served.text(r#"420["a"]"#);
    let Some(Event::Message { reply: Some(reply), .. }) = events.pop() else { panic!() };
    served.text("41");
    assert_eq!(served.server.reply(reply, Payload::new()), Err(EmitError::Disconnected));
}

#[test]
fn a_client_acknowledges_in_any_order() {
    let mut served = Served::new();
    let socket = served.connect("/");
    let mut ask = |name| {
        let now = served.now;
        served.server.emit_with_ack(socket, name, Payload::new(), millis(1_000), now).expect("sent")
    };
    let (first, second) = (ask("a"), ask("b"));
    assert_eq!(served.sent(), [r#"420["a"]"#, r#"421["b"]"#]);
    let payload = Payload::new().with("x").expect("JSON");
    let acked = |asked, payload| Event::Acked { asked, payload };
    assert_eq!(served.text(r#"431["x"]"#), [acked(second, Some(payload))]);
    assert_eq!(served.text("430[]"), [acked(first, Some(Payload::new()))]);
}

#[test]
fn an_acknowledgement_twice_or_of_nothing_or_too_late_says_nothing() {
    let mut served = Served::new();
    let socket = served.connect("/");
    assert!(served.text("437[]").is_empty());
    let now = served.now;
    let ask = served.server.emit_with_ack(socket, "a", Payload::new(), millis(1_000), now);
    assert!(ask.is_ok());
    assert_eq!(served.text("430[]").len(), 1);
    assert!(served.text("430[]").is_empty());

    let asked =
        served.server.emit_with_ack(socket, "a", Payload::new(), millis(1_000), now).expect("sent");
    assert!(served.wait(999).is_empty());
    assert_eq!(served.wait(1), [Event::Acked { asked, payload: None }]);
    assert!(served.text("431[]").is_empty());
    assert_eq!(served.sent().last().map(String::as_str), Some(r#"421["a"]"#), "it goes on");
}

#[test]
fn a_socket_that_goes_acknowledges_nothing_any_more() {
    let mut served = Served::new();
    let socket = served.connect("/");
    let now = served.now;
    let asked =
        served.server.emit_with_ack(socket, "a", Payload::new(), millis(1_000), now).expect("sent");
    let events = served.text("41");
    assert_eq!(events[0], Event::Acked { asked, payload: None });
    assert!(matches!(events[1], Event::Disconnect { .. }));
    assert!(served.wait(2_000).is_empty());
}

#[test]
fn how_many_are_waited_for_is_limited() {
    let config = Config::default().with_acks(2);
    let mut served = Served::with(config, engine::Config::default());
    let socket = served.connect("/");
    let now = served.now;
    for expected in [true, true, false] {
        let asked = served.server.emit_with_ack(socket, "a", Payload::new(), millis(1_000), now);
        assert_eq!(asked.is_ok(), expected);
    }
    assert_eq!(served.sent().len(), 2);
}

#[test]
fn acknowledgements_carry_bytes() {
    let mut served = Served::new();
    let socket = served.connect("/");
    let now = served.now;
    served.server.emit_with_ack(socket, "a", Payload::new(), millis(1_000), now).expect("sent");
    assert!(served.text(r#"461-0[{"_placeholder":true,"num":0}]"#).is_empty());
    let events = served.binary(&[5]);
    let [Event::Acked { payload: Some(payload), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(payload.attachments()[0][..], [5]);
}

#[test]
fn an_event_for_many_is_written_once_and_acknowledged_by_each() {
    let mut served = Served::with(Config::default().with_acks(2), engine::Config::default());
    let one = served.connect("/");
    // It waits for something already, so that numbers of sockets would differ.
    let now = served.now;
    let alone = served.server.emit_with_ack(one, "first", Payload::new(), millis(5_000), now);
    served.sent();
    let first = served.another();
    let two = served.connect("/");
    let second = served.another();
    let three = served.connect("/");
    for _ in 0..2 {
        // One more is beyond its limit.
        assert!(
            served.server.emit_with_ack(three, "b", Payload::new(), millis(5_000), now).is_ok()
        );
    }
    served.sent();
    let third = served.channel;

    let target = Target::all(Namespace::main());
    let payload = Payload::new().with("x").expect("JSON");
    let asked = served.server.broadcast_with_ack(&target, "a", &payload, millis(1_000), now);
    let (asked, missed) = asked.expect("a name");
    assert_eq!(asked.iter().map(|asked| asked.socket()).collect::<Vec<_>>(), [one, two]);
    assert_eq!(missed, [three]);
    let mut texts = Vec::new();
    for channel in [first, second, third] {
        while let Transmit::Frame(Frame::Text(text)) = served.server.engine_mut().transmit(channel)
        {
            texts.push(text);
        }
    }
    let [text, same] = &texts[..] else { panic!("{texts:?}") };
    assert!(Arc::ptr_eq(text, same));
    let number = text.strip_prefix("42").and_then(|text| text.strip_suffix(r#"["a","x"]"#));
    let number = number.expect("the event");

    // One answers, and the time of the other is up. What one waits for otherwise is another matter.
    served.channel = second;
    let events = served.text(&format!(r#"43{number}["here"]"#));
    let here = Payload::new().with("here").expect("JSON");
    assert_eq!(events, [Event::Acked { asked: asked[1], payload: Some(here) }]);
    assert!(served.text(&format!("43{number}[]")).is_empty());
    assert_eq!(served.wait(1_000), [Event::Acked { asked: asked[0], payload: None }]);
    served.channel = first;
    let alone = alone.expect("sent");
    assert_eq!(
        served.text("430[]"),
        [Event::Acked { asked: alone, payload: Some(Payload::new()) }]
    );
    assert_eq!(
        served.server.broadcast_with_ack(&target, "connect", &payload, millis(1), now),
        Err(EmitError::Reserved)
    );
}
