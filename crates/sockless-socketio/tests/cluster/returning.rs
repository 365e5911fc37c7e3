//! Clients that come back, to the same server or another.

use sockless_socketio::socket::{DisconnectReason, Event, Payload, Recovery};

use crate::net::{Client, Net, all, millis, names};

fn first(net: &mut Net, at: usize) -> Client {
    let mut client = Client::default();
    net.connect(at, &mut client);
    client
}

#[test]
fn a_client_whose_server_was_killed_gets_what_it_has_missed_from_another() {
    let mut net = Net::new(2);
    let mut ann = first(&mut net, 0);
    let socket = ann.socket.expect("a socket");
    net.server(0).join(socket, "news");
    net.server(0).set_data(socket, &17).expect("JSON");
    net.broadcast(1, &all(), "got");
    assert_eq!(net.names(&mut ann), ["got"]);
    net.kill(0);
    for (target, name) in [
        (all(), "to all"),
        (all().to("sport"), "elsewhere"),
        (all().to("news").to("sport"), "news"),
        (all().except("news"), "not to news"),
        (all().to(&ann.sid), "to its id"),
    ] {
        net.broadcast(1, &target, name);
    }
    let was = ann.clone();
    let got = net.connect(1, &mut ann);
    assert_eq!((&ann.sid, &ann.pid), (&was.sid, &was.pid));
    assert_eq!(names(&got), ["to all", "news", "to its id"]);
    assert!(net.is_recovered(&ann));
    let socket = ann.socket.expect("a socket");
    assert_eq!(net.server(1).data(socket), Some("17"));
    let rooms: Vec<_> = net.server(1).rooms(socket).map(str::to_owned).collect();
    assert_eq!(rooms.len(), 2, "{rooms:?}");
    net.broadcast(1, &all().to("news"), "live");
    assert_eq!(net.names(&mut ann), ["live"]);
}

#[test]
fn a_quiet_client_comes_back_to_another_server() {
    let mut net = Net::new(2);
    let mut ann = first(&mut net, 0);
    net.kill(0);
    net.broadcast(1, &all(), "missed");
    let got = net.connect(1, &mut ann);
    assert!(net.is_recovered(&ann));
    assert_eq!(names(&got), ["missed"]);
}

#[test]
fn a_server_that_was_started_anew_recovers_the_clients_of_its_former_life() {
    let mut net = Net::new(1);
    let mut ann = first(&mut net, 0);
    net.broadcast(0, &all(), "got");
    assert_eq!(net.names(&mut ann), ["got"]);
    let socket = ann.socket.expect("a socket");
    net.server(0).join(socket, "news");
    net.broadcast(0, &all().to("news"), "missed");
    net.kill(0);
    net.start(0);
    let got = net.connect(0, &mut ann);
    assert!(net.is_recovered(&ann));
    assert_eq!(names(&got), ["missed"]);
}

#[test]
fn a_client_that_moves_before_its_server_notices_is_at_one_server_only() {
    let mut net = Net::new(2);
    let mut ann = first(&mut net, 0);
    let (was, socket) = (ann.clone(), ann.socket.expect("a socket"));
    net.server(0).join(socket, "news");
    net.settle();
    net.cut(&mut ann, false);
    net.connect(1, &mut ann);
    assert!(net.is_recovered(&ann));
    assert_eq!(ann.sid, was.sid);
    let gone = net.events(0).into_iter().any(|event| {
        event == Event::Disconnect { socket, reason: DisconnectReason::ForcedServerClose }
    });
    assert!(gone, "the first server lets it go");
    assert_eq!(net.server(0).sockets(), 0);
    net.broadcast(0, &all().to("news"), "live");
    assert_eq!(net.names(&mut ann), ["live"]);
    // And back again.
    net.cut(&mut ann, false);
    net.broadcast(1, &all().to("news"), "missed");
    let got = net.connect(0, &mut ann);
    assert_eq!((names(&got), &ann.sid), (vec!["missed".to_owned()], &was.sid));
    assert_eq!(net.server(1).sockets(), 0);
}

#[test]
fn a_client_that_comes_back_again_before_it_was_accepted_is_recovered_by_its_last_session() {
    for killed in [false, true] {
        let mut net = Net::new(2);
        let mut ann = first(&mut net, 0);
        // Its record is at the server that it comes to, or is fetched.
        match killed {
            false => net.cut(&mut ann, true),
            true => net.kill(0),
        }
        let at = usize::from(killed);
        net.broadcast(1, &all(), "missed");
        let slow = net.ask(at, &mut ann, "/");
        let was = ann.clone();
        // The application still thinks about the first time, whose end was not noticed.
        let new = net.ask(at, &mut ann, "/");
        let now = net.now;
        assert!(net.server(at).accept(slow, now).is_err(), "killed: {killed}");
        net.server(at).accept(new, now).expect("accepted");
        net.settle();
        assert_eq!(names(&net.got(&mut ann)), ["missed"]);
        assert!(net.is_recovered(&ann));
        assert_eq!((&ann.sid, &ann.pid), (&was.sid, &was.pid));
    }
}

#[test]
fn a_client_that_goes_again_before_it_has_what_it_has_missed_is_recovered_when_it_comes_back() {
    let mut net = Net::new(2);
    let mut ann = first(&mut net, 0);
    net.cut(&mut ann, true);
    net.cut_off(0, true);
    net.broadcast(1, &all(), "missed");
    // Its server has its record, and can't read what it has missed.
    for noticed in [true, false] {
        assert!(net.connect(0, &mut ann).is_empty());
        net.cut(&mut ann, noticed);
    }
    let socket = net.ask(0, &mut ann, "/");
    let now = net.now;
    net.server(0).accept(socket, now).expect("accepted");
    net.cut_off(0, false);
    net.wait(200);
    assert_eq!(names(&net.got(&mut ann)), ["missed"]);
    assert!(net.is_recovered(&ann));
    net.broadcast(1, &all(), "live");
    assert_eq!(net.names(&mut ann), ["live"]);
}

#[test]
fn what_was_put_to_a_client_and_could_not_be_written_is_not_in_its_record() {
    let mut net = Net::new(2);
    let mut ann = first(&mut net, 0);
    let socket = ann.socket.expect("a socket");
    net.server(0).set_data(socket, &17).expect("JSON");
    net.settle();
    net.cut_off(0, true);
    net.server(0).set_data(socket, &18).expect("JSON");
    assert_eq!(
        net.server(0).data(socket),
        Some("18"),
        "the application sees what it has put there"
    );
    net.cut(&mut ann, true);
    net.wait(5_000);
    net.cut_off(0, false);
    net.wait(200);
    net.connect(0, &mut ann);
    assert!(net.is_recovered(&ann));
    let socket = ann.socket.expect("a socket");
    assert_eq!(net.server(0).data(socket), Some("17"));
}

#[test]
fn what_is_done_to_a_room_while_a_client_is_away_is_done_to_it() {
    let mut net = Net::new(3);
    let (mut ann, mut bob) = (first(&mut net, 0), first(&mut net, 1));
    for client in [&ann, &bob] {
        let (at, _) = client.at.expect("connected");
        net.server(at).join(client.socket.expect("a socket"), "a");
    }
    net.settle();
    // One whose server has died, and one whose server is there.
    net.kill(0);
    net.cut(&mut bob, true);
    net.server(2).join_all(&all().to("a"), "b").expect("written");
    net.broadcast(2, &all().to("b"), "in b");
    net.server(2).leave_all(&all().to("b"), "a").expect("written");
    net.broadcast(2, &all().to("a"), "in a");
    for client in [&mut ann, &mut bob] {
        let got = net.connect(1, client);
        assert_eq!(names(&got), ["in b"]);
        let rooms: Vec<_> =
            net.server(1).rooms(client.socket.expect("a socket")).map(str::to_owned).collect();
        assert!(rooms.contains(&"b".to_owned()) && !rooms.contains(&"a".to_owned()), "{rooms:?}");
    }
}

#[test]
fn who_was_disconnected_comes_back_to_no_server() {
    let mut net = Net::new(2);
    let (mut ann, mut bob, mut cat) = (first(&mut net, 0), first(&mut net, 0), first(&mut net, 0));
    let now = net.now;
    let socket = ann.socket.expect("a socket");
    net.server(0).disconnect(socket, now);
    net.say(&bob, "41");
    net.settle();
    net.kill(0);
    net.server(1).disconnect_all(&all().to(&cat.sid), false, now).expect("written");
    for client in [&mut ann, &mut bob, &mut cat] {
        let was = client.clone();
        net.connect(1, client);
        assert!(!net.is_recovered(client));
        assert_ne!(client.pid, was.pid);
    }
}

#[test]
fn a_record_is_written_again_before_the_stream_has_forgotten_what_follows_it() {
    let recovery = Recovery::default().with_window(millis(10_000)).with_history(8, 1 << 20);
    let mut net = Net::with(2, recovery);
    let mut ann = first(&mut net, 0);
    for _ in 0..50 {
        net.broadcast(1, &all(), "got");
    }
    assert_eq!(net.names(&mut ann).len(), 50);
    net.kill(0);
    for _ in 0..3 {
        net.broadcast(1, &all(), "missed");
    }
    let got = net.connect(1, &mut ann);
    assert!(net.is_recovered(&ann));
    assert_eq!(names(&got), ["missed"; 3]);
    // More than is kept.
    net.cut(&mut ann, true);
    for _ in 0..9 {
        net.broadcast(1, &all(), "too many");
    }
    let got = net.connect(1, &mut ann);
    assert!(!net.is_recovered(&ann) && got.is_empty());
}

#[test]
fn a_record_is_written_again_in_time() {
    let recovery = Recovery::default().with_window(millis(1_000)).with_history(100, 1 << 20);
    let mut net = Net::with(2, recovery);
    let mut ann = first(&mut net, 0);
    net.broadcast(1, &all(), "got");
    net.wait(5_000);
    assert_eq!(net.names(&mut ann), ["got"]);
    net.kill(0);
    net.broadcast(1, &all(), "missed");
    let got = net.connect(1, &mut ann);
    assert!(net.is_recovered(&ann));
    assert_eq!(names(&got), ["missed"]);
}

#[test]
fn a_client_is_remembered_for_its_time_and_not_much_longer() {
    let recovery = Recovery::default().with_window(millis(1_000));
    let mut net = Net::with(2, recovery);
    let mut ann = first(&mut net, 0);
    let mut bob = first(&mut net, 0);
    net.cut(&mut ann, true);
    net.cut(&mut bob, true);
    net.wait(900);
    net.connect(1, &mut ann);
    assert!(net.is_recovered(&ann), "in time");
    net.wait(200);
    net.connect(0, &mut bob);
    assert!(!net.is_recovered(&bob), "its own server has forgotten it");
    net.cut(&mut ann, true);
    net.kill(1);
    net.wait(3_100);
    net.connect(0, &mut ann);
    assert!(!net.is_recovered(&ann), "its record has expired");
    assert_eq!(net.broker.held().members, 3, "two records and the living server");
}

#[test]
fn what_clients_make_up_is_not_recovered() {
    let mut net = Net::new(2);
    let mut ann = first(&mut net, 0);
    net.broadcast(0, &all(), "got");
    net.names(&mut ann);
    net.cut(&mut ann, true);
    let honest = ann.clone();
    for pid in ["", "x", "/../../etc/passwd......", "AAAAAAAAAAAAAAAAAAAAAA", "servers"] {
        let mut forger = Client { pid: pid.into(), ..honest.clone() };
        net.connect(1, &mut forger);
        assert!(!net.is_recovered(&forger), "{pid}");
    }
    let offset = honest.offset.clone().expect("a position");
    let ahead = format!("{}-999", &offset[..16]);
    for offset in ["no position", &*ahead] {
        let mut ann = Client { offset: Some(offset.into()), ..honest.clone() };
        net.connect(1, &mut ann);
        assert!(!net.is_recovered(&ann), "{offset}");
    }
    // Another namespace's client.
    let mut other = honest;
    net.connect_to(1, &mut other, "/custom");
    assert!(!net.is_recovered(&other));
}

#[test]
fn many_who_come_back_at_once_have_their_turns() {
    let mut net = Net::new(2);
    let mut clients: Vec<_> = (0..200).map(|_| first(&mut net, 0)).collect();
    net.kill(0);
    for _ in 0..100 {
        net.broadcast(1, &all(), "missed");
    }
    let sockets: Vec<_> = clients.iter_mut().map(|client| net.ask(1, client, "/")).collect();
    let now = net.now;
    for socket in sockets {
        net.server(1).accept(socket, now).expect("it can be accepted");
    }
    for client in &mut clients {
        assert_eq!(net.names(client).len(), 100);
        assert!(net.is_recovered(client));
    }
}

#[test]
fn an_offset_that_was_made_up_harms_nobody_for_longer_than_its_life() {
    let mut net = Net::new(1);
    let mut ann = first(&mut net, 0);
    net.broadcast(0, &all(), "got");
    net.names(&mut ann);
    net.cut(&mut ann, true);
    let offset = ann.offset.clone().expect("a position");
    ann.offset = Some(format!("{}-999", &offset[..16]));
    net.connect(0, &mut ann);
    assert!(!net.is_recovered(&ann), "nobody has been there");
    net.broadcast(0, &all(), "before what it says it has");
    assert!(net.names(&mut ann).is_empty());
    // It comes again, as somebody new with the same id.
    net.cut(&mut ann, true);
    ann.offset = Some("no position".into());
    let was = ann.clone();
    net.connect(0, &mut ann);
    assert_eq!((&ann.sid, net.is_recovered(&ann)), (&was.sid, false));
    net.broadcast(0, &all(), "live");
    assert_eq!(net.names(&mut ann), ["live"]);
}

#[test]
fn a_volatile_event_does_not_take_a_client_back_to_where_a_slower_server_is() {
    let mut net = Net::new(1);
    let mut ann = first(&mut net, 0);
    net.broadcast(0, &all(), "got");
    net.names(&mut ann);
    net.cut(&mut ann, true);
    let offset = ann.offset.clone().expect("a position");
    // For its server, that is as far ahead as if it had come from one that has read more.
    ann.offset = Some(format!("{}-999", &offset[..16]));
    net.connect(0, &mut ann);
    net.wait(1_100);
    assert!(net.got(&mut ann).is_empty());
    let socket = ann.socket.expect("a socket");
    net.server(0).emit_volatile(socket, "now", Payload::new()).expect("sent");
    assert_eq!(net.names(&mut ann), ["now"]);
    assert_eq!(ann.offset, Some(format!("{}-999", &offset[..16])));
}

#[test]
fn a_client_of_which_nothing_is_known_is_after_what_it_says_it_has() {
    let mut net = Net::new(2);
    let mut ann = first(&mut net, 0);
    net.cut_off(1, true);
    net.broadcast(0, &all(), "got");
    net.names(&mut ann);
    net.kill(0);
    // It keeps its offset under its next private id: what lies before that, it would never ask for.
    ann.pid = "AAAAAAAAAAAAAAAAAAAAAA".into();
    net.connect(1, &mut ann);
    assert!(!net.is_recovered(&ann));
    net.cut_off(1, false);
    net.wait(3_000);
    assert!(net.names(&mut ann).is_empty(), "its life begins later");
    net.broadcast(1, &all(), "live");
    assert_eq!(net.names(&mut ann), ["live"]);
}

#[test]
fn a_private_id_that_is_shown_in_another_namespace_is_still_good_in_its_own() {
    let mut net = Net::new(1);
    let mut ann = first(&mut net, 0);
    net.broadcast(0, &all(), "got");
    net.names(&mut ann);
    net.cut(&mut ann, true);
    let mut other = ann.clone();
    net.connect_to(0, &mut other, "/custom");
    assert!(!net.is_recovered(&other));
    net.connect(0, &mut ann);
    assert!(net.is_recovered(&ann));
}

#[test]
fn a_client_that_waits_to_be_accepted_while_it_is_heard_of_elsewhere_is_recovered() {
    let mut net = Net::new(2);
    let mut ann = first(&mut net, 0);
    net.broadcast(0, &all(), "got");
    net.names(&mut ann);
    net.cut(&mut ann, true);
    let mut elsewhere = ann.clone();
    let socket = net.ask(0, &mut ann, "/");
    net.connect(1, &mut elsewhere);
    assert!(net.is_recovered(&elsewhere));
    net.cut(&mut elsewhere, true);
    net.broadcast(1, &all(), "missed");
    let now = net.now;
    net.server(0).accept(socket, now).expect("it can be accepted");
    assert_eq!(net.names(&mut ann), ["missed"]);
    assert!(net.is_recovered(&ann));
    net.broadcast(1, &all(), "live");
    assert_eq!(net.names(&mut ann), ["live"]);
}
