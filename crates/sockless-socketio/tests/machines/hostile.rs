//! Clients that mean harm: what they can make the server hold.

use sockless_socketio::engine::{self, Reason};
use sockless_socketio::socket::{Config, DisconnectReason, Event};

use crate::peer::{Driven, POLLING, Served, millis};

#[test]
fn a_flood_of_namespaces_ends_the_session() {
    let mut served = Served::with(
        Config::default().with_namespaces(2, 256),
        engine::Config::default().with_queue(100, 100_000),
    );
    served.connect("/");
    served.connect("/custom");
    let events = served.text("40/third");
    assert_eq!(events.len(), 2);
    assert_eq!(served.sent(), ["closed"]);

    // Unknown ones are answered as long as the client reads the answers.
    let mut served =
        Served::with(Config::default(), engine::Config::default().with_queue(100, 100_000));
    for number in 0..1_000 {
        served.text(&format!("40/{number}"));
    }
    let sent = served.sent();
    assert_eq!(sent.len(), 101);
    assert_eq!(sent.last().map(String::as_str), Some("closed"));
}

#[test]
fn disconnecting_again_and_again_is_remembered_for_a_few_namespaces_only() {
    let mut served =
        Served::with(Config::default().with_namespaces(1, 256), engine::Config::default());
    for name in ["/", "/custom"] {
        let socket = served.connect(name);
        served.server.disconnect(socket, served.now);
        assert_eq!(served.events().len(), 1);
        served.sent();
    }
    assert!(served.text(r#"42/custom,["late"]"#).is_empty());
    assert!(served.sent().is_empty());
    served.text(r#"42["too late"]"#);
    assert_eq!(served.sent(), ["closed"]);
}

#[test]
fn sessions_are_limited() {
    let mut driven = Driven::with(engine::Config::default().with_sessions(2));
    driven.open();
    let (sid, _) = driven.open();
    assert_eq!(driven.get(POLLING).map(|(status, _)| status), Some(503));
    driven.post(&sid, "1");
    driven.open();
}

#[test]
fn a_session_that_nobody_uses_is_gone_after_the_heartbeat() {
    let mut driven = Driven::new();
    for _ in 0..100 {
        driven.open();
    }
    driven.wait(300);
    driven.wait(200);
    assert_eq!(driven.engine.sessions(), 0);
    assert_eq!(driven.engine.deadline(), None);
}

#[test]
fn a_body_of_nothing_but_separators_is_refused() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    assert_eq!(driven.post(&sid, &"\x1e".repeat(1_000)).map(|(status, _)| status), Some(400));
    assert_eq!(driven.ended(), Some(Reason::ParseError));
}

#[test]
fn a_long_body_of_short_packets_is_taken_one_by_one() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    driven.takes = false;
    let request = driven.post_begun(&sid);
    let body = vec!["4"; 400_000].join("\x1e");
    driven.engine.body(request, engine::Body::Whole(body.into()), driven.now);
    // The layer above stops after a few, and nothing was made for the others.
    for _ in 0..3 {
        assert!(matches!(driven.engine.event(), Some(engine::Event::Message(..))));
    }
    driven.engine.hold(session, true, driven.now);
    assert_eq!(driven.engine.event(), None);
    driven.engine.close(session, driven.now);
    driven.settle();
    assert_eq!(driven.answers.remove(&request).map(|answer| answer.status()), Some(400));
    assert_eq!(driven.engine.event(), None);
}

#[test]
fn messages_longer_than_the_limit_end_the_session() {
    let mut driven = Driven::with(engine::Config::default().with_max_payload(10));
    let (channel, _) = driven.open_websocket();
    driven.text(channel, "42345678901");
    assert_eq!(driven.ended(), Some(Reason::TransportError));

    let mut driven = Driven::with(engine::Config::default().with_max_payload(10));
    let (channel, _) = driven.open_websocket();
    driven.engine.binary(channel, vec![0; 11].into(), driven.now);
    driven.settle();
    assert_eq!(driven.ended(), Some(Reason::TransportError));
}

#[test]
fn attachments_that_never_come_hold_nothing_but_themselves() {
    let mut served = Served::new();
    served.connect("/");
    served.text(r#"4510-["a"]"#);
    for _ in 0..9 {
        assert!(served.binary(&[0; 10]).is_empty());
    }
    // The heartbeat goes on.
    served.wait(25_000);
    assert_eq!(served.sent(), ["2"]);
    let events = served.wait(20_000);
    let reason = DisconnectReason::Engine(Reason::PingTimeout);
    assert!(matches!(&events[..], [Event::Disconnect { reason: its, .. }] if *its == reason));
    assert_eq!(served.server.deadline(), None);
}

#[test]
fn ids_that_are_guessed_or_used_again_find_nothing() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    driven.post(&sid, "1");
    for guess in [&*sid, "", "0", "../", "%00", &sid.to_lowercase()] {
        let query = format!("EIO=4&transport=polling&sid={guess}");
        let begun = driven.begin("POST", &query);
        assert_eq!(driven.answer(&begun).map(|(status, _)| status), Some(400), "{guess}");
    }
    driven.wait(millis(0).as_millis() as u64);
    assert_eq!(driven.engine.sessions(), 0);
}
