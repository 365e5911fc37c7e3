//! Acknowledgements in both directions.

use sockless_socketio::engine;
use sockless_socketio::socket::{Config, EmitError, Event, Payload};

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
