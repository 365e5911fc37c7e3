//! Long-polling: requests, their answers, and what is wrong with them.

use sockless_socketio::engine::{Begun, Body, Config, Event, Frame, Head, Reason, Refusal};

use crate::peer::{Driven, POLLING, WEBSOCKET};

fn refused(driven: &mut Driven, method: &str, query: &str) -> String {
    let begun = driven.begin(method, query);
    let (status, body) = driven.answer(&begun).expect("an answer at once");
    assert_eq!(status, 400, "{body}");
    body
}

#[test]
fn the_first_answer_has_the_session_and_its_times() {
    let mut driven = Driven::new();
    let (status, hello) = driven.get(POLLING).expect("an answer");
    assert_eq!(status, 200);
    let hello: serde_json::Value = serde_json::from_str(&hello[1..]).expect("JSON");
    assert_eq!(hello["upgrades"], serde_json::json!(["websocket"]));
    assert_eq!(hello["pingInterval"], 300);
    assert_eq!(hello["pingTimeout"], 200);
    assert_eq!(hello["maxPayload"], 1_000_000);
    assert_eq!(hello.as_object().map(serde_json::Map::len), Some(5));
}

#[test]
fn bad_requests_get_the_numbered_errors() {
    let mut driven = Driven::new();
    let unknown = r#"{"code":0,"message":"Transport unknown"}"#;
    assert_eq!(refused(&mut driven, "GET", "EIO=4"), unknown);
    assert_eq!(refused(&mut driven, "GET", "EIO=4&transport=abc"), unknown);
    let session = r#"{"code":1,"message":"Session ID unknown"}"#;
    assert_eq!(refused(&mut driven, "GET", "EIO=4&transport=polling&sid=abc"), session);
    let method = r#"{"code":2,"message":"Bad handshake method"}"#;
    assert_eq!(refused(&mut driven, "POST", POLLING), method);
    assert_eq!(refused(&mut driven, "PUT", POLLING), method);
    let request = r#"{"code":3,"message":"Bad request"}"#;
    assert_eq!(refused(&mut driven, "GET", WEBSOCKET), request);
    let version = r#"{"code":5,"message":"Unsupported protocol version"}"#;
    assert_eq!(refused(&mut driven, "GET", "transport=polling"), version);
    assert_eq!(refused(&mut driven, "GET", "EIO=3&transport=polling"), version);
    assert_eq!(Refusal::Forbidden.answer().status(), 403);
    assert_eq!(driven.engine.sessions(), 0);

    let (sid, _) = driven.open();
    assert_eq!(refused(&mut driven, "PUT", &format!("{POLLING}&sid={sid}")), request);
    assert_eq!(refused(&mut driven, "GET", &format!("{WEBSOCKET}&sid={sid}")), request);
    assert_eq!(driven.engine.sessions(), 1, "a method that means nothing does no harm");
}

#[test]
fn a_poll_waits_for_a_message() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    let poll = driven.poll_begun(&sid);
    assert!(driven.answer(&poll).is_none());
    driven.send(session, "hello");
    assert_eq!(driven.answer(&poll), Some((200, "4hello".into())));
}

#[test]
fn what_waits_goes_with_one_poll() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    driven.send(session, "one");
    let frames = [Frame::Binary(vec![1, 2, 3, 4].into()), Frame::message("two")];
    driven.engine.send(session, &frames).expect("sent");
    assert_eq!(driven.poll(&sid), Some((200, "4one\x1ebAQIDBA==\x1e4two".into())));
    assert_eq!(driven.poll(&sid), None);
}

#[test]
fn a_body_is_answered_once_its_messages_were_taken() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    driven.takes = false;
    let request = driven.post_begun(&sid);
    let body = Body::Whole("4hello\x1ebAQIDBA==".into());
    let begun = driven.engine.body(request, body, driven.now);
    assert_eq!(begun, Begun::Wait(request));
    driven.settle();
    assert_eq!(driven.answer(&begun), None);
    driven.takes = true;
    driven.settle();
    assert_eq!(driven.answer(&begun), Some((200, "ok".into())));
    assert_eq!(driven.messages(), ["hello", "bytes b\"\\x01\\x02\\x03\\x04\""]);
}

#[test]
fn messages_before_a_wrong_packet_arrive() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    assert_eq!(
        driven.post(&sid, "4one\x1e4two\x1eabc\x1e4three").map(|(status, _)| status),
        Some(400)
    );
    assert_eq!(driven.ended(), Some(Reason::ParseError));
    assert_eq!(driven.messages(), ["one", "two"]);
    assert_eq!(driven.poll(&sid).map(|(status, _)| status), Some(400));
}

#[test]
fn two_polls_at_once_end_the_session() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let first = driven.poll_begun(&sid);
    assert_eq!(driven.poll(&sid).map(|(status, _)| status), Some(400));
    assert_eq!(driven.answer(&first), Some((200, "1".into())));
    assert_eq!(driven.ended(), Some(Reason::TransportError));
    assert_eq!(driven.engine.sessions(), 0);
}

#[test]
fn two_bodies_at_once_end_the_session() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let first = driven.post_begun(&sid);
    let second = driven.begin("POST", &format!("{POLLING}&sid={sid}"));
    assert_eq!(driven.answer(&second).map(|(status, _)| status), Some(400));
    assert_eq!(driven.body(first, "4late").map(|(status, _)| status), Some(400));
    assert_eq!(driven.ended(), Some(Reason::TransportError));
    assert!(driven.messages().is_empty());
}

#[test]
fn a_poll_or_a_body_that_is_given_up_ends_the_session() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let Begun::Wait(poll) = driven.poll_begun(&sid) else { panic!() };
    driven.engine.request_lost(poll);
    driven.settle();
    assert_eq!(driven.ended(), Some(Reason::TransportError));
    assert_eq!(driven.poll(&sid).map(|(status, _)| status), Some(400));

    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let post = driven.post_begun(&sid);
    driven.engine.request_lost(post);
    driven.settle();
    assert_eq!(driven.ended(), Some(Reason::TransportError));
}

#[test]
fn a_body_beyond_the_limit_is_413() {
    let config = Config::default().with_max_payload(10);
    for body in [Body::TooLarge, Body::Whole("4234567890a".into())] {
        let mut driven = Driven::with(config.clone());
        let (sid, _) = driven.open();
        let request = driven.post_begun(&sid);
        let begun = driven.engine.body(request, body, driven.now);
        driven.settle();
        assert_eq!(driven.answer(&begun).map(|(status, _)| status), Some(413));
        assert_eq!(driven.ended(), Some(Reason::TransportError));
    }
    let mut driven = Driven::with(config);
    let (sid, _) = driven.open();
    assert_eq!(driven.post(&sid, "4234567890"), Some((200, "ok".into())));
}

#[test]
fn octets_and_broken_text_are_refused() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let query = format!("{POLLING}&sid={sid}");
    let head = Head::new("POST", &query).with_content_type("application/octet-stream");
    let begun = driven.engine.begin(head, driven.now);
    driven.settle();
    assert_eq!(driven.answer(&begun).map(|(status, _)| status), Some(400));
    assert_eq!(driven.ended(), Some(Reason::TransportError));

    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let request = driven.post_begun(&sid);
    let begun = driven.engine.body(request, Body::Whole(vec![b'4', 0xff].into()), driven.now);
    driven.settle();
    assert_eq!(driven.answer(&begun).map(|(status, _)| status), Some(400));
    assert_eq!(driven.ended(), Some(Reason::ParseError));
}

#[test]
fn a_held_session_lets_its_client_wait() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    driven.engine.hold(session, true, driven.now);
    let request = driven.post_begun(&sid);
    let begun = driven.engine.body(request, Body::Whole("4one\x1e4two".into()), driven.now);
    driven.settle();
    assert_eq!(driven.answer(&begun), None);
    assert!(driven.messages().is_empty());
    // A client that waits for us can't answer pings: that is no silence of its own.
    driven.wait(10_000);
    driven.wait(10_000);
    assert_eq!(driven.ended(), None);
    driven.engine.hold(session, false, driven.now);
    driven.settle();
    assert_eq!(driven.answer(&begun), Some((200, "ok".into())));
    assert_eq!(driven.messages(), ["one", "two"]);
    driven.wait(10_000);
    driven.wait(10_000);
    assert_eq!(driven.ended(), Some(Reason::PingTimeout));
}

#[test]
fn a_request_that_something_on_the_way_has_sent_twice_ends_the_session() {
    // What the first one was answered with may be lost.
    for method in ["GET", "POST"] {
        let mut driven = Driven::new();
        let (sid, session) = driven.open();
        driven.send(session, "a");
        let request = |stamp: &str| format!("{POLLING}&t={stamp}&sid={sid}");
        let first = driven.begin(method, &request("x1"));
        if let Begun::Body(id, _) = first {
            driven.body(id, "4b");
        }
        assert_eq!(
            driven.get(&request("x1")).map(|(status, _)| status),
            match method {
                "GET" => Some(400),
                _ => Some(200),
            }
        );
        if method == "POST" {
            assert!(matches!(driven.begin("POST", &request("x1")), Begun::Answer(_)));
        }
        assert_eq!(driven.ended(), Some(Reason::TransportError), "{method}");
    }
}

#[test]
fn a_client_whose_stamp_is_always_the_same_or_not_there_is_served() {
    for stamp in ["&t=1", ""] {
        let mut driven = Driven::new();
        let (status, hello) = driven.get(&format!("{POLLING}{stamp}")).expect("an answer");
        assert_eq!(status, 200);
        let sid = crate::peer::sid_of(&hello);
        let Some(Event::Opened(session)) = driven.events.pop() else { panic!("no session") };
        for _ in 0..3 {
            driven.send(session, "a");
            let polled = driven.get(&format!("{POLLING}{stamp}&sid={sid}"));
            assert_eq!(polled, Some((200, "4a".to_owned())), "{stamp}");
        }
    }
}
