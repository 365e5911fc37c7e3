//! Clients that come back, and what they get then.

use sockless_socketio::engine;
use sockless_socketio::socket::{
    Config, DisconnectReason, Event, Namespace, Payload, Recovery, Socket, Target,
};

use crate::peer::{Served, millis};

fn recovering() -> Served {
    with(Recovery::default().with_window(millis(1_000)))
}

fn with(recovery: Recovery) -> Served {
    Served::with(Config::default().with_recovery(recovery), engine::Config::default())
}

/// What a client knows: its id, and its private id.
#[derive(Clone, Debug, PartialEq)]
struct Ids {
    sid: String,
    pid: String,
}

fn ids(granted: &str) -> Ids {
    let json: serde_json::Value = serde_json::from_str(&granted[2..]).expect("JSON");
    let text = |name: &str| json[name].as_str().expect("text").to_owned();
    Ids { sid: text("sid"), pid: text("pid") }
}

/// Asks for the main namespace, and is accepted: what the client has got.
fn connect(served: &mut Served, auth: &str) -> (Socket, Vec<String>) {
    let events = served.text(&format!("40{auth}"));
    let connect = events.iter().find_map(|event| match event {
        Event::Connect { socket, .. } => Some(*socket),
        _ => None,
    });
    let socket = connect.expect("it asks");
    served.server.accept(socket, served.now).expect("accepted");
    (socket, served.sent())
}

fn first(served: &mut Served) -> (Socket, Ids) {
    let (socket, sent) = connect(served, "");
    (socket, ids(&sent[0]))
}

fn cut(served: &mut Served) {
    let channel = served.channel;
    served.server.engine_mut().channel_lost(channel);
    served.events();
}

/// The client comes back on a new session.
fn back(served: &mut Served, ids: &Ids, offset: Option<&str>) -> (Socket, Ids, Vec<String>) {
    served.another();
    let offset = offset.map(|offset| format!(",\"offset\":{offset:?}")).unwrap_or_default();
    let (socket, mut sent) = connect(served, &format!("{{\"pid\":{:?}{offset}}}", ids.pid));
    let granted = crate::recovery::ids(&sent.remove(0));
    (socket, granted, sent)
}

fn emit(served: &mut Served, target: &Target, name: &str) {
    served.server.broadcast(target, name, Payload::new(), served.now).expect("sent");
}

fn all() -> Target {
    Target::all(Namespace::main())
}

/// The names of the events, and the position that the last one has said.
fn read(sent: &[String]) -> (Vec<String>, Option<String>) {
    let events: Vec<Vec<serde_json::Value>> = sent
        .iter()
        .filter(|text| text.starts_with("42"))
        .map(|text| serde_json::from_str(&text[2..]).expect("JSON"))
        .collect();
    let names = events.iter().map(|event| event[0].as_str().expect("a name").to_owned()).collect();
    let last = events.last().and_then(|event| event.last()?.as_str());
    (names, last.map(str::to_owned))
}

#[test]
fn without_recovery_nothing_is_added() {
    let mut served = Served::new();
    let socket = served.connect("/");
    served.server.emit(socket, "a", Payload::new(), served.now).expect("sent");
    assert_eq!(served.sent(), [r#"42["a"]"#]);
}

#[test]
fn a_client_gets_what_it_has_missed_in_order_and_only_that() {
    let mut served = recovering();
    let (ann, was) = first(&mut served);
    assert!(served.server.join(ann, "news"));
    served.server.set_data(ann, &17).expect("JSON");
    emit(&mut served, &all(), "got");
    let (names, offset) = read(&served.sent());
    assert_eq!(names, ["got"]);
    cut(&mut served);
    for (target, name) in [
        (all(), "to all"),
        (all().to("sport"), "elsewhere"),
        (all().to("news").to("sport"), "news"),
        (all().except("news"), "not to news"),
        (all().to(&was.sid), "to its id"),
    ] {
        emit(&mut served, &target, name);
    }
    let (again, is, sent) = back(&mut served, &was, offset.as_deref());
    assert_eq!(is, was, "both ids");
    assert_eq!(read(&sent).0, ["to all", "news", "to its id"]);
    assert!(served.server.is_recovered(again));
    assert_eq!(served.server.data(again), Some("17"));
    assert_eq!(served.server.rooms(again).collect::<Vec<_>>().len(), 2);
    // It is there again.
    emit(&mut served, &all().to("news"), "live");
    assert_eq!(read(&served.sent()).0, ["live"]);
}

#[test]
fn a_quiet_client_comes_back() {
    // Nothing was ever sent to it, before the cut or after it.
    let mut served = recovering();
    let (_, was) = first(&mut served);
    cut(&mut served);
    let (_, is, sent) = back(&mut served, &was, None);
    assert_eq!((&is, sent.len()), (&was, 0));
    // And something was, but only then.
    cut(&mut served);
    emit(&mut served, &all(), "a");
    let (_, is, sent) = back(&mut served, &was, None);
    assert_eq!((is, read(&sent).0), (was, vec!["a".to_owned()]));
}

#[test]
fn a_quiet_client_comes_back_from_a_busy_namespace() {
    let mut served = with(Recovery::default().with_window(millis(1_000)).with_history(10, 1_000));
    let (ann, was) = first(&mut served);
    served.server.join(ann, "quiet");
    // Its history is gone by now, but what is kept begins after what it has.
    for _ in 0..100 {
        emit(&mut served, &all(), "seen");
    }
    let (_, offset) = read(&served.sent());
    cut(&mut served);
    let (_, is, _) = back(&mut served, &was, offset.as_deref());
    assert_eq!(is, was);
    // Without an offset it has got nothing, which is too long ago.
    cut(&mut served);
    let (socket, is, sent) = back(&mut served, &was, None);
    assert_ne!(is.pid, was.pid);
    assert!(sent.is_empty() && !served.server.is_recovered(socket));
}

#[test]
fn an_offset_from_before_the_private_id_means_its_beginning() {
    let mut served = recovering();
    let (_, was) = first(&mut served);
    emit(&mut served, &all(), "a");
    let (_, offset) = read(&served.sent());
    cut(&mut served);
    served.wait(2_000);
    // It is forgotten, and comes as new. The client keeps its offset.
    let (_, new, _) = back(&mut served, &was, offset.as_deref());
    assert_ne!(new.pid, was.pid);
    cut(&mut served);
    emit(&mut served, &all(), "b");
    let (_, is, sent) = back(&mut served, &new, offset.as_deref());
    assert_eq!((is, read(&sent).0), (new, vec!["b".to_owned()]));
}

#[test]
fn an_offset_of_another_server_means_the_beginning() {
    let mut served = recovering();
    let (_, was) = first(&mut served);
    cut(&mut served);
    emit(&mut served, &all(), "a");
    let (_, is, sent) = back(&mut served, &was, Some("00000000000000ff-7"));
    assert_eq!((is, read(&sent).0), (was, vec!["a".to_owned()]));
}

#[test]
fn what_is_no_offset_of_ours_is_not_recovered() {
    for offset in ["", "hello", "12", "é", "0000000000000001-", &"9".repeat(1_000)] {
        let mut served = recovering();
        let (_, was) = first(&mut served);
        cut(&mut served);
        emit(&mut served, &all(), "a");
        let (socket, is, sent) = back(&mut served, &was, Some(offset));
        assert_ne!(is.pid, was.pid, "{offset}");
        assert!(sent.is_empty() && !served.server.is_recovered(socket), "{offset}");
    }
    // One that is ahead of us was made up, or is another history's.
    let mut served = recovering();
    let (_, was) = first(&mut served);
    emit(&mut served, &all(), "a");
    let ahead = read(&served.sent()).1.expect("an offset").replace("-1", "-2");
    cut(&mut served);
    let (_, is, _) = back(&mut served, &was, Some(&ahead));
    assert_ne!(is.pid, was.pid);
}

#[test]
fn every_event_says_a_position_whatever_its_own_last_argument_is() {
    let mut served = recovering();
    let (ann, was) = first(&mut served);
    let text = || Payload::new().with("a string of the application").expect("JSON");
    emit(&mut served, &all(), "kept");
    let kept = read(&served.sent()).1.expect("a position");
    // Volatile ones aren't kept, but would be taken for an offset.
    served.server.emit_volatile(ann, "v", text()).expect("sent");
    assert_eq!(read(&served.sent()).1.as_ref(), Some(&kept));
    served.server.broadcast(&all().volatile(), "v", text(), served.now).expect("sent");
    let (_, last) = read(&served.sent());
    assert_eq!(last.as_ref(), Some(&kept));
    // The last argument of one that is to be acknowledged is a function in the client.
    served.server.emit_with_ack(ann, "q", text(), millis(100), served.now).expect("sent");
    assert_eq!(served.sent(), [r#"420["q","a string of the application"]"#]);
    cut(&mut served);
    emit(&mut served, &all(), "missed");
    served.server.broadcast(&all().volatile(), "v", text(), served.now).expect("nobody");
    let (_, is, sent) = back(&mut served, &was, last.as_deref());
    assert_eq!((is, read(&sent).0), (was, vec!["missed".to_owned()]));
}

#[test]
fn attachments_come_again() {
    let mut served = recovering();
    let (_, was) = first(&mut served);
    cut(&mut served);
    let mut payload = Payload::new().with(&1).expect("JSON");
    payload.push_binary(vec![7, 8]);
    served.server.broadcast(&all(), "file", payload, served.now).expect("sent");
    let (_, _, sent) = back(&mut served, &was, None);
    assert!(sent[0].starts_with(r#"451-["file",1,{"_placeholder":true,"num":0},""#), "{sent:?}");
    assert_eq!(sent[1], r#"bytes b"\x07\x08""#);
}

#[test]
fn what_was_on_its_way_comes_again_to_one_socket_and_to_no_other() {
    let mut served = recovering();
    let (ann, anns) = first(&mut served);
    let before = served.another();
    let (bob, bobs) = first(&mut served);
    served.server.emit(ann, "to ann", Payload::new(), served.now).expect("sent");
    served.server.emit(bob, "to bob", Payload::new(), served.now).expect("sent");
    let others = all().except_socket(bob);
    emit(&mut served, &others, "but bob");
    // Neither has read it when both are cut.
    cut(&mut served);
    served.channel = before;
    cut(&mut served);
    let (_, _, sent) = back(&mut served, &anns, None);
    assert_eq!(read(&sent).0, ["to ann", "but bob"]);
    let (_, _, sent) = back(&mut served, &bobs, None);
    assert_eq!(read(&sent).0, ["to bob"]);
}

#[test]
fn rooms_count_as_they_were_when_it_was_sent() {
    let mut served = recovering();
    let (ann, was) = first(&mut served);
    served.server.join(ann, "a");
    emit(&mut served, &all().to("a"), "in a");
    served.server.leave(ann, "a");
    emit(&mut served, &all().to("a"), "not in a");
    served.server.join(ann, "b");
    emit(&mut served, &all().to("b"), "in b");
    emit(&mut served, &all().except("b"), "not but b");
    // All of it is lost on the way.
    cut(&mut served);
    emit(&mut served, &all().to("a"), "not in a");
    let (again, _, sent) = back(&mut served, &was, None);
    assert_eq!(read(&sent).0, ["in a", "in b"]);
    assert!(served.server.rooms(again).any(|room| room == "b"));
    assert!(!served.server.rooms(again).any(|room| room == "a"));
}

#[test]
fn more_changes_of_rooms_than_are_remembered_are_not_guessed() {
    let mut served = with(Recovery::default().with_changes(2));
    let (ann, was) = first(&mut served);
    for room in ["a", "b", "c"] {
        served.server.join(ann, room);
        emit(&mut served, &all().to(room), room);
    }
    let sent = served.sent();
    // It has "a", after which "b" and "c" were joined: that is remembered.
    let (_, offset) = read(&sent[..1]);
    cut(&mut served);
    let (_, is, sent) = back(&mut served, &was, offset.as_deref());
    assert_eq!((&is, read(&sent).0), (&was, vec!["b".to_owned(), "c".to_owned()]));
    cut(&mut served);
    let (_, is, _) = back(&mut served, &was, None);
    assert_ne!(is.pid, was.pid);
}

#[test]
fn the_limits_of_count_bytes_and_time_make_it_not_recovered() {
    let default = Recovery::default().with_window(millis(1_000));
    let count = default.with_history(3, 1 << 20);
    let bytes = default.with_history(100, 120);
    for (recovery, fits) in [(count, 3), (bytes, 4)] {
        for (missed, recovers) in [(fits, true), (fits + 2, false)] {
            let mut served = with(recovery);
            let (_, was) = first(&mut served);
            cut(&mut served);
            (0..missed).for_each(|_| emit(&mut served, &all(), "a"));
            let (_, is, sent) = back(&mut served, &was, None);
            assert_eq!((is == was, sent.len()), (recovers, if recovers { missed } else { 0 }));
        }
    }
    for (away, recovers) in [(999, true), (1_000, false)] {
        let mut served = with(default);
        let (_, was) = first(&mut served);
        cut(&mut served);
        emit(&mut served, &all(), "a");
        served.wait(away);
        let (_, is, _) = back(&mut served, &was, None);
        assert_eq!(is == was, recovers, "away for {away} ms");
    }
}

#[test]
fn the_clients_that_are_remembered_are_bounded() {
    let mut served = with(Recovery::default().with_clients(2, 1 << 20));
    let mut were = Vec::new();
    for _ in 0..3 {
        were.push(first(&mut served).1);
        cut(&mut served);
        served.another();
    }
    assert_eq!(served.server.kept().1, 2);
    let recovers: Vec<_> = were.iter().map(|was| back(&mut served, was, None).1 == *was).collect();
    assert_eq!(recovers, [false, true, true], "the first is forgotten");
    // Their bytes count as well.
    let mut served = with(Recovery::default().with_clients(100, 100));
    let (ann, _) = first(&mut served);
    served.server.join(ann, &"r".repeat(101));
    cut(&mut served);
    assert_eq!(served.server.kept().1, 0);
}

#[test]
fn nothing_is_kept_for_nobody() {
    let mut served = recovering();
    let (_, _) = first(&mut served);
    emit(&mut served, &all(), "a");
    assert_eq!(served.server.kept(), (1, 0));
    cut(&mut served);
    assert_eq!(served.server.kept(), (1, 1));
    emit(&mut served, &all(), "b");
    assert_eq!(served.server.kept(), (2, 1));
    served.wait(1_000);
    assert_eq!(served.server.kept(), (0, 0));
    emit(&mut served, &all(), "to nobody");
    assert_eq!(served.server.kept(), (0, 0));
    assert_eq!(served.server.deadline(), None);
}

#[test]
fn who_has_left_or_was_sent_away_does_not_come_back() {
    for by_server in [false, true] {
        let mut served = recovering();
        let (ann, was) = first(&mut served);
        match by_server {
            true => served.server.disconnect(ann, served.now),
            false => drop(served.text("41")),
        }
        served.events();
        assert_eq!(served.server.kept(), (0, 0));
        let (_, is, _) = back(&mut served, &was, None);
        assert_ne!(is, was);
    }
}

#[test]
fn a_client_whose_end_was_not_noticed_is_taken_over() {
    let mut served = recovering();
    let (ann, was) = first(&mut served);
    served.server.join(ann, "a");
    emit(&mut served, &all(), "lost on its way");
    let old = served.another();
    let events = served.text(&format!("40{{\"pid\":{:?}}}", was.pid));
    let reason = DisconnectReason::ForcedServerClose;
    let [Event::Disconnect { socket, reason: why }, Event::Connect { socket: new, .. }] =
        events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((socket, why), (ann, reason));
    served.server.accept(new, served.now).expect("accepted");
    let sent = served.sent();
    assert_eq!((ids(&sent[0]), read(&sent).0), (was, vec!["lost on its way".to_owned()]));
    served.channel = old;
    assert_eq!(served.sent().last().map(String::as_str), Some("closed"));
}

#[test]
fn a_client_that_comes_back_again_before_it_was_accepted_is_recovered_by_its_last_session() {
    let mut served = recovering();
    let (ann, was) = first(&mut served);
    served.server.join(ann, "a");
    emit(&mut served, &all(), "lost on its way");
    cut(&mut served);
    served.another();
    let asks = format!("40{{\"pid\":{:?}}}", was.pid);
    let [Event::Connect { socket: slow, .. }] = served.text(&asks)[..] else { panic!() };
    // The application still thinks about the first time, whose end was not noticed.
    served.another();
    let events = served.text(&asks);
    let [Event::Disconnect { socket, .. }, Event::Connect { socket: new, .. }] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(socket, slow);
    assert!(served.server.accept(slow, served.now).is_err());
    served.server.accept(new, served.now).expect("accepted");
    let sent = served.sent();
    assert_eq!((ids(&sent[0]), read(&sent).0), (was, vec!["lost on its way".to_owned()]));
    assert!(served.server.rooms(new).any(|room| room == "a"));
}

#[test]
fn a_private_id_is_good_for_its_namespace_alone_and_only_once() {
    let mut served = recovering();
    let (_, was) = first(&mut served);
    cut(&mut served);
    served.another();
    let events = served.text(&format!("40/custom,{{\"pid\":{:?}}}", was.pid));
    let [Event::Connect { socket, .. }] = events[..] else { panic!("{events:?}") };
    served.server.accept(socket, served.now).expect("accepted");
    let granted = served.sent().remove(0);
    assert!(!granted.contains(&was.pid) && !granted.contains(&was.sid), "{granted}");
}

#[test]
fn who_is_refused_may_try_again_and_who_goes_before_it_was_answered() {
    for refused in [true, false] {
        let mut served = recovering();
        let (_, was) = first(&mut served);
        cut(&mut served);
        emit(&mut served, &all(), "a");
        served.another();
        let events = served.text(&format!("40{{\"pid\":{:?}}}", was.pid));
        let [Event::Connect { socket, .. }] = events[..] else { panic!("{events:?}") };
        match refused {
            true => served.server.refuse::<()>(socket, "no", None, served.now).expect("JSON"),
            false => cut(&mut served),
        }
        emit(&mut served, &all(), "b");
        let (_, is, sent) = back(&mut served, &was, None);
        assert_eq!((is, read(&sent).0), (was, vec!["a".to_owned(), "b".to_owned()]));
    }
}

#[test]
fn what_can_not_be_sent_to_a_slow_client_ends_its_session_and_comes_when_it_is_back() {
    let mut served = Served::with(
        Config::default().with_recovery(Recovery::default()),
        engine::Config::default().with_queue(2, 1 << 20),
    );
    let (ann, was) = first(&mut served);
    for name in ["a", "b"] {
        emit(&mut served, &all(), name);
    }
    // To it alone, the caller is told, and nothing is kept.
    let full = served.server.emit(ann, "no", Payload::new(), served.now);
    assert_eq!(full, Err(sockless_socketio::socket::EmitError::Full));
    let sent = served.server.broadcast(&all(), "c", Payload::new(), served.now);
    assert_eq!(sent, Ok((0, 1)));
    assert_eq!(served.events().len(), 1, "it is gone");
    let (names, offset) = read(&served.sent());
    assert_eq!(names, ["a", "b"]);
    cut(&mut served);
    let (_, is, sent) = back(&mut served, &was, offset.as_deref());
    assert_eq!((&is, read(&sent).0), (&was, vec!["c".to_owned()]));
    // More than may wait is not recovered: a part of it would be a gap.
    cut(&mut served);
    let (socket, is, sent) = back(&mut served, &was, None);
    assert!(is.pid != was.pid && sent.is_empty() && !served.server.is_recovered(socket));
}

#[test]
fn what_a_client_says_of_itself_may_be_anything() {
    for auth in [
        r#"{"pid":1}"#,
        r#"{"pid":"nobody"}"#,
        r#"{"pid":null,"offset":null}"#,
        r#"{"pid":"a","pid":"b"}"#,
        r#"{"offset":"0000000000000001-1"}"#,
        r#"{"pid":"","offset":{}}"#,
    ] {
        let mut served = recovering();
        let (socket, sent) = connect(&mut served, auth);
        assert_eq!(sent.len(), 1, "{auth}");
        assert!(!served.server.is_recovered(socket), "{auth}");
    }
}
