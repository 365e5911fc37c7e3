//! Pings by the document's clock.

use sockless_socketio::engine::{Body, Reason};

use crate::peer::{Driven, millis};

#[test]
fn the_first_ping_comes_after_the_interval() {
    let mut driven = Driven::new();
    let (channel, _) = driven.open_websocket();
    assert_eq!(driven.engine.deadline(), Some(millis(300)));
    driven.wait(299);
    assert!(driven.sent(channel).is_empty());
    driven.wait(1);
    assert_eq!(driven.sent(channel), ["2"]);
    assert_eq!(driven.engine.deadline(), Some(millis(500)));
    // The next comes an interval after the pong.
    driven.wait(100);
    driven.text(channel, "3");
    assert_eq!(driven.engine.deadline(), Some(millis(700)));
}

#[test]
fn silence_ends_the_session() {
    let mut driven = Driven::new();
    let (channel, _) = driven.open_websocket();
    driven.wait(300);
    driven.wait(199);
    assert_eq!(driven.ended(), None);
    driven.wait(1);
    assert_eq!(driven.ended(), Some(Reason::PingTimeout));
    assert_eq!(driven.sent(channel), ["closed"]);
    assert_eq!(driven.engine.deadline(), None);
}

#[test]
fn a_late_timer_does_not_shorten_the_clients_time_by_more_than_half() {
    for (late, deadline) in [(100, 500), (101, 601), (5_000, 5_500)] {
        let mut driven = Driven::new();
        driven.open_websocket();
        driven.wait(300 + late);
        assert_eq!(driven.engine.deadline(), Some(millis(deadline)), "{late}");
    }
}

#[test]
fn a_request_after_the_time_finds_no_session_even_if_the_timer_is_late() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    driven.wait(300);
    driven.now += millis(200);
    assert_eq!(driven.poll(&sid).map(|(status, _)| status), Some(400));
}

#[test]
fn pings_go_by_polling_as_well() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    for _ in 0..3 {
        let poll = driven.poll_begun(&sid);
        driven.wait(300);
        assert_eq!(driven.answer(&poll), Some((200, "2".into())));
        assert_eq!(driven.post(&sid, "3"), Some((200, "ok".into())));
    }
    assert_eq!(driven.ended(), None);
}

#[test]
fn a_pong_that_nobody_asked_for_changes_nothing() {
    let mut driven = Driven::new();
    let (channel, _) = driven.open_websocket();
    driven.wait(200);
    driven.text(channel, "3");
    driven.wait(100);
    assert_eq!(driven.sent(channel), ["2"]);
}

#[test]
fn a_client_must_not_ping() {
    let mut driven = Driven::new();
    let (channel, _) = driven.open_websocket();
    driven.text(channel, "2");
    assert_eq!(driven.ended(), Some(Reason::TransportError));

    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let post = driven.post_begun(&sid);
    let begun = driven.engine.body(post, Body::Whole("4first\x1e2".into()), driven.now);
    driven.settle();
    assert_eq!(driven.answer(&begun).map(|(status, _)| status), Some(400));
    assert_eq!(driven.ended(), Some(Reason::TransportError));
    assert_eq!(driven.messages(), ["first"]);
}

#[test]
fn pongs_are_seen_while_messages_wait() {
    let mut driven = Driven::new();
    let (channel, session) = driven.open_websocket();
    driven.engine.hold(session, true, driven.now);
    driven.text(channel, "4waits");
    assert!(!driven.engine.wants_input(channel));
    driven.wait(300);
    driven.text(channel, "3");
    driven.engine.hold(session, false, driven.now);
    driven.settle();
    assert_eq!(driven.messages(), ["waits"]);
    assert_eq!(driven.engine.deadline(), Some(millis(600)));
    assert!(driven.engine.wants_input(channel));
}
