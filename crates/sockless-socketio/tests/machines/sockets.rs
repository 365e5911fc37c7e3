//! Clients in namespaces: how they come, what they say, how they go.

use sockless_socketio::engine::{self, Reason};
use sockless_socketio::socket::{Config, DisconnectReason, EmitError, Event, Payload, Server};

use crate::peer::{Served, millis};

fn gone(events: &[Event]) -> Option<DisconnectReason> {
    events.iter().find_map(|event| match event {
        Event::Disconnect { reason, .. } => Some(*reason),
        _ => None,
    })
}

#[test]
fn a_client_is_accepted_with_an_id() {
    let mut served = Served::new();
    let events = served.text(r#"40/custom,{"token":"abc"}"#);
    let [Event::Connect { socket, namespace, auth }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(&**namespace, "/custom");
    assert_eq!(auth.as_deref(), Some(r#"{"token":"abc"}"#));
    assert_eq!(
        served.server.emit(*socket, "early", Payload::new(), served.now),
        Err(EmitError::Disconnected)
    );
    served.server.accept(*socket, served.now).expect("accepted");
    assert_eq!(served.server.accept(*socket, served.now), Err(EmitError::Disconnected));
    let id = served.server.id(*socket).expect("an id").to_owned();
    assert_eq!(served.sent(), [format!("40/custom,{{\"sid\":\"{id}\"}}")]);
    let sid =
        served.server.session(*socket).and_then(|session| served.server.engine().sid(session));
    assert_ne!(sid, Some(&*id), "the session's id is the client's secret");
}

#[test]
fn a_client_is_refused_with_a_reason_and_may_ask_again() {
    let mut served = Served::new();
    for data in [None, Some(7)] {
        let events = served.text("40");
        let [Event::Connect { socket, .. }] = events[..] else { panic!("{events:?}") };
        served.server.refuse(socket, "not \"you\"", data.as_ref(), served.now).expect("JSON");
        let data = if data.is_some() { r#","data":7"# } else { "" };
        assert_eq!(served.sent(), [format!(r#"44{{"message":"not \"you\""{data}}}"#)]);
        assert!(served.events().is_empty(), "nobody was there, so nobody goes");
    }
    served.connect("/");
}

#[test]
fn a_namespace_that_is_not_there_is_refused() {
    let mut served = Served::new();
    assert!(served.text("40/random").is_empty());
    assert_eq!(served.sent(), [r#"44/random,{"message":"Invalid namespace"}"#]);
    served.connect("/");
}

#[test]
fn with_dynamic_namespaces_the_application_decides() {
    let engine = engine::Engine::new(engine::Config::default(), crate::peer::Counting::default());
    let mut server = Server::new(Config::default(), engine, []).with_dynamic_namespaces();
    let now = millis(0);
    let head = engine::Head::new("GET", crate::peer::WEBSOCKET);
    let channel = server.engine_mut().begin_websocket(head, now).expect("a WebSocket");
    server.engine_mut().text(channel, "40/room-17", now);
    let Some(Event::Connect { namespace, .. }) = server.event(now) else { panic!() };
    assert_eq!(&*namespace, "/room-17");
}

#[test]
fn a_client_that_asks_for_no_namespace_is_closed() {
    let mut served = Served::with(
        Config::default().with_connect_timeout(millis(1_000)),
        engine::Config::default(),
    );
    served.wait(999);
    assert!(served.sent().is_empty());
    served.wait(1);
    assert_eq!(served.sent(), ["closed"]);
    // One that was refused, or that nobody has answered, is in no namespace.
    let mut served = Served::with(
        Config::default().with_connect_timeout(millis(1_000)),
        engine::Config::default(),
    );
    served.text("40");
    assert_eq!(gone(&served.wait(1_000)), Some(DisconnectReason::ForcedServerClose));
    // One that was accepted stays, even if it leaves.
    let mut served = Served::with(
        Config::default().with_connect_timeout(millis(1_000)),
        engine::Config::default(),
    );
    served.connect("/");
    served.text("41");
    served.wait(5_000);
    assert!(served.sent().is_empty());
}

#[test]
fn events_arrive_in_their_namespace() {
    let mut served = Served::new();
    let main = served.connect("/");
    let custom = served.connect("/custom");
    let events = served.text(r#"42/custom,["a",1,{"b":[true]}]"#);
    let [Event::Message { socket, name, payload, reply: None }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((*socket, &**name, payload.json()), (custom, "a", r#"[1,{"b":[true]}]"#));
    served.server.emit(main, "back", payload.clone(), served.now).expect("sent");
    assert_eq!(served.sent(), [r#"42["back",1,{"b":[true]}]"#]);
}

#[test]
fn attachments_follow_their_event() {
    let mut served = Served::new();
    let socket = served.connect("/");
    assert!(served.text(r#"451-["a",{"_placeholder":true,"num":0}]"#).is_empty());
    let events = served.binary(&[1, 2]);
    let [Event::Message { payload, .. }] = &events[..] else { panic!("{events:?}") };
    served.server.emit(socket, "b", payload.clone(), served.now).expect("sent");
    let text = r#"451-["b",{"_placeholder":true,"num":0}]"#;
    assert_eq!(served.sent(), [text, r#"bytes b"\x01\x02""#]);
}

#[test]
fn a_broken_rule_closes_the_session_and_all_its_sockets() {
    for wrong in ["4abc", "42{}", r#"42abc["a"]"#, r#"42["disconnect"]"#, "451-[]"] {
        let mut served = Served::new();
        served.connect("/");
        served.connect("/custom");
        let mut events = served.text(wrong);
        events.extend(served.binary(&[1]));
        assert_eq!(events.len(), 2, "{wrong}");
        assert_eq!(gone(&events), Some(DisconnectReason::ParseError), "{wrong}");
        assert_eq!(served.sent(), ["closed"], "{wrong}");
        assert_eq!(served.server.sockets(), 0);
    }
    for wrong in [r#"42["a"]"#, "41", "430[]", "44{}", r#"42/custom,["a"]"#] {
        let mut served = Served::new();
        assert!(served.text(wrong).is_empty());
        assert_eq!(served.sent(), ["closed"], "not connected: {wrong}");
    }
    for wrong in ["40", "44{}"] {
        let mut served = Served::new();
        served.connect("/");
        assert_eq!(gone(&served.text(wrong)), Some(DisconnectReason::ForcedServerClose));
        assert_eq!(served.sent(), ["closed"], "connected already: {wrong}");
    }
}

#[test]
fn an_event_before_the_client_was_accepted_closes_the_session() {
    let mut served = Served::new();
    served.text("40");
    let events = served.text(r#"42["early"]"#);
    assert_eq!(gone(&events), Some(DisconnectReason::ForcedServerClose));
    assert_eq!(served.sent(), ["closed"]);
}

#[test]
fn a_client_leaves_a_namespace_and_stays_in_another() {
    let mut served = Served::new();
    served.connect("/");
    let custom = served.connect("/custom");
    let events = served.text("41/custom");
    let reason = DisconnectReason::ClientNamespaceDisconnect;
    assert_eq!(events, [Event::Disconnect { socket: custom, reason }]);
    assert_eq!(served.text(r#"42["still"]"#).len(), 1);
    served.connect("/custom");
}

#[test]
fn a_client_may_leave_before_it_was_answered() {
    let mut served = Served::new();
    let events = served.text("40");
    let [Event::Connect { socket, .. }] = events[..] else { panic!("{events:?}") };
    assert_eq!(gone(&served.text("41")), Some(DisconnectReason::ClientNamespaceDisconnect));
    assert_eq!(served.server.accept(socket, served.now), Err(EmitError::Disconnected));
}

#[test]
fn what_was_on_its_way_when_the_server_disconnected_is_no_mistake() {
    let mut served = Served::new();
    let main = served.connect("/");
    let custom = served.connect("/custom");
    served.server.disconnect(custom, served.now);
    assert_eq!(gone(&served.events()), Some(DisconnectReason::ServerNamespaceDisconnect));
    assert_eq!(served.sent(), ["41/custom,"]);
    assert!(served.text(r#"42/custom,["late"]"#).is_empty());
    assert!(served.text("43/custom,0[]").is_empty());
    assert!(served.text("41/custom").is_empty());
    served.server.emit(main, "still", Payload::new(), served.now).expect("sent");
    assert_eq!(served.sent(), [r#"42["still"]"#]);
    // Once it has been there again, and left by itself, it is one.
    served.connect("/custom");
    served.text("41/custom");
    served.text(r#"42/custom,["late"]"#);
    assert_eq!(served.sent(), ["closed"]);
}

#[test]
fn the_server_closes_the_whole_session() {
    let mut served = Served::new();
    let main = served.connect("/");
    served.connect("/custom");
    served.server.emit(main, "last", Payload::new(), served.now).expect("sent");
    served.server.close(main, served.now);
    assert_eq!(served.events().len(), 2);
    assert_eq!(served.sent(), [r#"42["last"]"#, "closed"]);
}

#[test]
fn a_server_that_stops_says_so() {
    let mut served = Served::new();
    served.connect("/");
    served.server.stop(served.now);
    assert_eq!(gone(&served.events()), Some(DisconnectReason::ServerShuttingDown));
    assert_eq!(served.sent(), ["closed"]);
}

#[test]
fn the_end_of_a_session_is_told_with_its_reason() {
    let mut served = Served::new();
    served.connect("/");
    let channel = served.channel;
    served.server.engine_mut().channel_lost(channel);
    let reason = DisconnectReason::Engine(Reason::TransportClose);
    assert_eq!(gone(&served.events()), Some(reason));
    assert_eq!(reason.to_string(), "transport close");
    assert_eq!(served.server.engine().sessions(), 0);
}

#[test]
fn reserved_names_are_not_sent() {
    let mut served = Served::new();
    let socket = served.connect("/");
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener"] {
        let sent = served.server.emit(socket, name, Payload::new(), served.now);
        assert_eq!(sent, Err(EmitError::Reserved));
    }
    assert!(served.sent().is_empty());
}
