//! From long-polling to a WebSocket.

use sockless_socketio::engine::{Begun, Config, Head, Reason, Refusal};

use crate::peer::{Driven, WEBSOCKET, millis};

fn probing(driven: &mut Driven, sid: &str) -> sockless_socketio::engine::Channel {
    driven.websocket(&format!("{WEBSOCKET}&sid={sid}"))
}

#[test]
fn the_probe_ends_the_poll_and_the_upgrade_changes_the_transport() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    let poll = driven.poll_begun(&sid);
    let channel = probing(&mut driven, &sid);
    assert!(driven.sent(channel).is_empty());
    driven.text(channel, "2probe");
    assert_eq!(driven.answer(&poll), Some((200, "6".into())));
    assert_eq!(driven.sent(channel), ["3probe"]);
    // A client that polls on gets no rest.
    assert_eq!(driven.poll(&sid), Some((200, "6".into())));
    driven.send(session, "before");
    driven.text(channel, "5");
    assert!(driven.engine.is_websocket(session));
    driven.send(session, "after");
    assert_eq!(driven.sent(channel), ["4before", "4after"]);
    driven.text(channel, "4hello");
    assert_eq!(driven.messages(), ["hello"]);
    // Its requests are over.
    assert_eq!(driven.poll(&sid).map(|(status, _)| status), Some(400));
    assert_eq!(driven.ended(), None);
}

#[test]
fn what_waits_during_the_probe_goes_by_the_poll_that_comes() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    let channel = probing(&mut driven, &sid);
    driven.text(channel, "2probe");
    driven.send(session, "polled");
    assert_eq!(driven.poll(&sid), Some((200, "4polled".into())));
    driven.text(channel, "5");
    assert_eq!(driven.sent(channel), ["3probe"]);
}

#[test]
fn the_answer_to_the_probe_goes_first() {
    let mut driven = Driven::new();
    let (sid, session) = driven.open();
    let channel = probing(&mut driven, &sid);
    driven.text(channel, "2probe");
    driven.send(session, "hello");
    driven.text(channel, "5");
    assert_eq!(driven.sent(channel), ["3probe", "4hello"]);
}

#[test]
fn a_second_websocket_is_closed_and_the_session_goes_on() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let channel = probing(&mut driven, &sid);
    let second = probing(&mut driven, &sid);
    assert_eq!(driven.sent(second), ["closed"]);
    driven.engine.channel_lost(second);
    driven.text(channel, "2probe");
    driven.text(channel, "5");
    let third = probing(&mut driven, &sid);
    assert_eq!(driven.sent(third), ["closed"]);
    driven.text(third, "4intruder");
    driven.engine.channel_lost(third);
    driven.text(channel, "4hello");
    assert_eq!(driven.messages(), ["hello"]);
}

#[test]
fn anything_but_a_probe_closes_the_websocket_alone() {
    for wrong in ["5", "4hello", "2", "2prob", "3probe", "abc", ""] {
        let mut driven = Driven::new();
        let (sid, session) = driven.open();
        let channel = probing(&mut driven, &sid);
        driven.text(channel, wrong);
        assert_eq!(driven.sent(channel), ["closed"], "{wrong}");
        driven.send(session, "still here");
        assert_eq!(driven.poll(&sid), Some((200, "4still here".into())));
    }
}

#[test]
fn a_probe_that_is_lost_or_late_leaves_the_session_on_polling() {
    let config = Config::default().with_upgrade_timeout(millis(1_000));
    let mut driven = Driven::with(config);
    let (sid, session) = driven.open();
    let channel = probing(&mut driven, &sid);
    driven.text(channel, "2probe");
    driven.engine.channel_lost(channel);
    let channel = probing(&mut driven, &sid);
    driven.text(channel, "2probe");
    driven.wait(1_000);
    driven.text(channel, "5");
    assert_eq!(driven.sent(channel), ["closed"]);
    assert!(!driven.engine.is_websocket(session));
    driven.send(session, "still here");
    assert_eq!(driven.poll(&sid), Some((200, "4still here".into())));
}

#[test]
fn a_body_that_is_being_read_while_the_transport_changes_is_not_lost() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let post = driven.post_begun(&sid);
    let channel = probing(&mut driven, &sid);
    driven.text(channel, "2probe");
    driven.text(channel, "5");
    assert_eq!(driven.body(post, "4late"), Some((200, "ok".into())));
    assert_eq!(driven.messages(), ["late"]);
}

#[test]
fn requests_for_websockets_are_checked() {
    let mut driven = Driven::new();
    let mut begin =
        |method, query: &str| driven.engine.begin_websocket(Head::new(method, query), driven.now);
    assert_eq!(begin("GET", "EIO=4&transport=polling"), Err(Refusal::Request));
    assert_eq!(begin("GET", "transport=websocket"), Err(Refusal::Version));
    assert_eq!(begin("GET", "EIO=4"), Err(Refusal::Transport));
    assert_eq!(begin("POST", WEBSOCKET), Err(Refusal::Method));
    assert_eq!(begin("GET", "EIO=4&transport=websocket&sid=x"), Err(Refusal::Session));

    let mut driven = Driven::with(Config::default().with_transports(true, false));
    let (_, hello) = driven.get(crate::peer::POLLING).expect("an answer");
    assert!(hello.contains("\"upgrades\":[]"), "{hello}");
    let head = Head::new("GET", WEBSOCKET);
    assert_eq!(driven.engine.begin_websocket(head, driven.now), Err(Refusal::Transport));
}

#[test]
fn a_websocket_of_a_session_that_ends_is_closed() {
    let mut driven = Driven::new();
    let (sid, _) = driven.open();
    let channel = probing(&mut driven, &sid);
    let Begun::Wait(poll) = driven.poll_begun(&sid) else { panic!() };
    driven.engine.request_lost(poll);
    driven.settle();
    assert_eq!(driven.ended(), Some(Reason::TransportError));
    assert!(driven.engine.is_over(channel));
    assert_eq!(driven.sent(channel), ["closed"]);
}
