//! The end of a session, in every order.

use sockless_socketio::engine::{Config, Frame, Head, Reason, Refusal, SendError};

use crate::peer::{Driven, POLLING, WEBSOCKET, millis};

#[test]
fn a_client_closes_by_polling() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    let poll = driven.poll_begun(&sid);
    assert_eq!(driven.post(&sid, "4last\x1e1\x1e4never"), Some((200, "ok".into())));
    assert_eq!(driven.answer(&poll), Some((200, "6".into())));
    assert_eq!(driven.ended(), Some(Reason::TransportClose));
    assert_eq!(driven.messages(), ["last"]);
    assert_eq!(driven.poll(&sid).map(|(status, _)| status), Some(400));
    assert_eq!(driven.engine.send(session, &[Frame::message("x")]), Err(SendError::Closed));
}

#[test]
fn a_client_closes_by_websocket() {
    let mut driven = Driven::new();
    let (channel, _) = driven.open_websocket();
    driven.text(channel, "4last");
    driven.text(channel, "1");
    driven.text(channel, "4never");
    assert_eq!(driven.ended(), Some(Reason::TransportClose));
    assert_eq!(driven.messages(), ["last"]);
    assert_eq!(driven.sent(channel), ["closed"]);
}

#[test]
fn what_arrived_before_the_connection_was_lost_is_delivered() {
    let mut driven = Driven::new();
    let (channel, session) = driven.open_websocket();
    driven.engine.hold(session, true, driven.now);
    driven.text(channel, "4last");
    driven.engine.channel_lost(channel);
    driven.settle();
    assert_eq!(driven.ended(), None);
    driven.engine.hold(session, false, driven.now);
    driven.settle();
    assert_eq!(driven.ended(), Some(Reason::TransportClose));
    assert_eq!(driven.messages(), ["last"]);
}

#[test]
fn the_end_is_told_though_the_session_is_held() {
    let mut driven = Driven::new();
    let (channel, session) = driven.open_websocket();
    driven.engine.hold(session, true, driven.now);
    driven.engine.channel_lost(channel);
    driven.settle();
    assert_eq!(driven.ended(), Some(Reason::TransportClose));
}

#[test]
fn the_driver_hears_of_what_a_websocket_has_to_do() {
    let mut driven = Driven::new();
    let (channel, session) = driven.open_websocket();
    assert!(driven.told.is_empty());
    driven.send(session, "a");
    assert!(driven.told.contains(&channel));
    driven.sent(channel);
    driven.wait(300);
    assert!(driven.told.contains(&channel), "a ping");
    driven.sent(channel);
    driven.wait(200);
    assert!(driven.told.contains(&channel), "the end");
    assert_eq!(driven.sent(channel), ["closed"]);

    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    let channel = driven.websocket(&format!("{WEBSOCKET}&sid={sid}"));
    driven.text(channel, "2probe");
    assert!(driven.told.contains(&channel), "the answer to the probe");
    driven.sent(channel);
    driven.text(channel, "5");
    driven.engine.close(session, driven.now);
    driven.settle();
    assert!(driven.told.contains(&channel), "the server's close");
}

#[test]
fn the_server_closes_after_what_waits() {
    let mut driven = Driven::new();
    let (channel, session) = driven.open_websocket();
    driven.send(session, "last");
    driven.engine.close(session, driven.now);
    driven.text(channel, "4too late");
    assert_eq!(driven.engine.send(session, &[Frame::message("x")]), Err(SendError::Closed));
    assert_eq!(driven.sent(channel), ["4last", "closed"]);
    assert_eq!(driven.ended(), Some(Reason::ForcedClose));
    assert!(driven.messages().is_empty());

    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    driven.send(session, "last");
    driven.engine.close(session, driven.now);
    assert_eq!(driven.poll(&sid), Some((200, "4last\x1e1".into())));
    assert_eq!(driven.ended(), Some(Reason::ForcedClose));
}

#[test]
fn the_server_closes_while_a_poll_waits() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    let poll = driven.poll_begun(&sid);
    driven.engine.close(session, driven.now);
    driven.settle();
    assert_eq!(driven.answer(&poll), Some((200, "1".into())));
    assert_eq!(driven.ended(), Some(Reason::ForcedClose));
}

#[test]
fn a_client_that_never_polls_again_is_waited_for_until_the_time_is_up() {
    let mut driven = Driven::with(Config::default().with_close_timeout(millis(1_000)));
    let (_, session) = driven.open();
    driven.engine.close(session, driven.now);
    driven.wait(999);
    assert_eq!(driven.ended(), None);
    driven.wait(1);
    assert_eq!(driven.ended(), Some(Reason::ForcedClose));
    assert_eq!(driven.engine.deadline(), None);
}

#[test]
fn both_sides_close_at_once() {
    let mut driven = Driven::new();
    let (channel, session) = driven.open_websocket();
    driven.engine.close(session, driven.now);
    driven.text(channel, "1");
    assert_eq!(driven.ended(), Some(Reason::TransportClose));
    assert_eq!(driven.sent(channel), ["closed"]);

    let mut driven = Driven::new();
    let (channel, session) = driven.open_websocket();
    driven.engine.close(session, driven.now);
    driven.engine.channel_lost(channel);
    driven.settle();
    assert_eq!(driven.ended(), Some(Reason::TransportClose));
}

#[test]
fn a_session_that_closes_during_the_upgrade_says_so_on_either_transport() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    let channel = driven.websocket(&format!("{WEBSOCKET}&sid={sid}"));
    driven.text(channel, "2probe");
    driven.send(session, "last");
    driven.engine.close(session, driven.now);
    driven.text(channel, "5");
    assert_eq!(driven.sent(channel), ["3probe", "4last", "closed"]);
    assert_eq!(driven.ended(), Some(Reason::ForcedClose));
}

#[test]
fn a_server_that_stops_refuses_new_sessions() {
    let mut driven = Driven::new();
    let (channel, _) = driven.open_websocket();
    driven.engine.stop(driven.now);
    assert_eq!(driven.sent(channel), ["closed"]);
    assert_eq!(driven.get(POLLING).map(|(status, _)| status), Some(503));
    let head = Head::new("GET", WEBSOCKET);
    assert_eq!(driven.engine.begin_websocket(head, driven.now), Err(Refusal::Unavailable));
}

#[test]
fn the_poll_that_was_on_its_way_when_the_client_closed_is_answered_once() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    assert_eq!(driven.post(&sid, "1"), Some((200, "ok".into())));
    assert_eq!(driven.poll(&sid), Some((200, "6".into())));
    assert_eq!(driven.poll(&sid).map(|(status, _)| status), Some(400));
    // Not where the session has ended for another reason, nor for anything but a poll.
    let (sid, session) = driven.open();
    let cut = driven.poll_begun(&sid);
    driven.poll(&sid);
    drop((cut, session));
    assert_eq!(driven.poll(&sid).map(|(status, _)| status), Some(400));
    let (sid, _) = driven.open();
    driven.post(&sid, "1");
    assert_eq!(driven.begin("POST", &format!("{POLLING}&sid={sid}")), {
        sockless_socketio::engine::Begun::Answer(Refusal::Session.answer())
    });
}
