//! What clients see when the broker or the way to it fails.

use std::sync::Arc;

use sockless_channels::{Epoch, Fate, Request};
use sockless_socketio::socket::{EmitError, Event, Payload, Recovery};

use crate::net::{Client, Net, all, millis, names};

fn connect(net: &mut Net, at: usize) -> Client {
    let mut client = Client::default();
    net.connect(at, &mut client);
    client
}

#[test]
fn a_server_that_was_cut_off_delivers_everything_afterwards() {
    let mut net = Net::new(2);
    let (mut ann, mut bob) = (connect(&mut net, 0), connect(&mut net, 1));
    net.cut_off(0, true);
    net.broadcast(0, &all(), "from the one that is cut off");
    net.broadcast(1, &all(), "from the other");
    assert!(net.names(&mut ann).is_empty());
    assert_eq!(net.names(&mut bob), ["from the other"]);
    net.cut_off(0, false);
    net.wait(500);
    let expected = ["from the other", "from the one that is cut off"];
    assert_eq!(net.names(&mut ann), expected);
    assert_eq!(net.names(&mut bob), expected[1..]);
}

#[test]
fn what_was_trimmed_while_a_server_was_cut_off_makes_its_clients_new() {
    let recovery = Recovery::default().with_window(millis(10_000)).with_history(5, 1 << 20);
    let mut net = Net::with(2, recovery);
    let (mut ann, mut bob) = (connect(&mut net, 0), connect(&mut net, 1));
    net.cut_off(0, true);
    for _ in 0..6 {
        net.broadcast(1, &all(), "event");
    }
    net.cut_off(0, false);
    net.wait(500);
    assert_eq!(net.names(&mut ann), ["closed"], "not one of them comes without the others");
    assert_eq!(net.names(&mut bob).len(), 6);
    let was = ann.clone();
    for at in [0, 1] {
        let mut again = was.clone();
        net.connect(at, &mut again);
        assert!(!net.is_recovered(&again) && again.pid != was.pid);
    }
}

#[test]
fn a_broker_that_forgets_makes_all_clients_new() {
    let mut net = Net::new(2);
    let (mut ann, mut bob) = (connect(&mut net, 0), connect(&mut net, 1));
    let mut away = connect(&mut net, 1);
    net.broadcast(0, &all(), "got");
    for client in [&mut ann, &mut bob, &mut away] {
        assert_eq!(net.names(client), ["got"]);
    }
    net.cut(&mut away, true);
    net.broker.forget("e:/");
    net.broadcast(0, &all(), "later");
    for client in [&mut ann, &mut bob] {
        let got = net.names(client);
        assert_eq!(got, ["closed"]);
    }
    for client in [&mut ann, &mut bob, &mut away] {
        let got = net.connect(0, client);
        assert!(!net.is_recovered(client) && got.is_empty());
    }
    net.broadcast(1, &all(), "new");
    for client in [&mut ann, &mut bob, &mut away] {
        assert_eq!(net.names(client), ["new"]);
    }
}

#[test]
fn other_namespaces_of_those_clients_are_recovered() {
    let mut net = Net::new(1);
    let mut client = connect(&mut net, 0);
    let main = client.clone();
    net.say(&client, "40/custom,");
    let socket = net.events(0).into_iter().find_map(|event| match event {
        Event::Connect { socket, .. } => Some(socket),
        _ => None,
    });
    let (socket, now) = (socket.expect("it asks"), net.now);
    net.server(0).accept(socket, now).expect("accepted");
    net.got(&mut client);
    net.broker.forget("e:/");
    net.broadcast(0, &all(), "later");
    net.got(&mut client);
    for (mut client, name, recovered) in [(client, "/custom", true), (main, "/", false)] {
        client.offset = None;
        net.connect_to(0, &mut client, name);
        assert_eq!(net.is_recovered(&client), recovered, "{name}");
    }
}

#[test]
fn what_cannot_be_written_is_said_and_changes_nothing_silently() {
    let mut net = Net::new(2);
    let (mut ann, mut bob) = (connect(&mut net, 0), connect(&mut net, 0));
    net.cut_off(0, true);
    net.broadcast(0, &all(), "never");
    let socket = bob.socket.expect("a socket");
    net.server(0).join(socket, "room");
    net.wait(4_500);
    let unsent = net.events(0).into_iter().any(
        |event| matches!(event, Event::Unsent { name, fate: Fate::Unsent, .. } if name == "never"),
    );
    assert!(unsent);
    assert!(net.names(&mut ann).is_empty(), "it goes on");
    assert_eq!(net.names(&mut bob), ["closed"], "it isn't where the application has put it");
    net.cut_off(0, false);
    net.wait(500);
    net.connect(1, &mut bob);
    assert!(!net.is_recovered(&bob));
    net.broadcast(1, &all(), "event");
    assert_eq!(net.names(&mut ann), ["event"]);
}

#[test]
fn a_disconnection_that_cannot_be_written_is_done_all_the_same() {
    let mut net = Net::new(1);
    let mut ann = connect(&mut net, 0);
    net.cut_off(0, true);
    let (socket, now) = (ann.socket.expect("a socket"), net.now);
    net.server(0).disconnect(socket, now);
    net.wait(100);
    assert!(net.names(&mut ann).is_empty());
    net.wait(4_500);
    assert_eq!(net.names(&mut ann), ["41"]);
}

#[test]
fn too_much_is_refused_with_nothing_changed() {
    let mut net = Net::new(1);
    let ann = connect(&mut net, 0);
    net.cut_off(0, true);
    let (socket, now) = (ann.socket.expect("a socket"), net.now);
    let refused = (0..10_000)
        .find_map(|_| net.server(0).broadcast(&all(), "event", Payload::new(), now).err());
    assert_eq!(refused, Some(EmitError::Full));
    let long = Payload::new().with(&"x".repeat(1 << 20)).expect("JSON");
    assert_eq!(net.server(0).emit(socket, "long", long, now), Err(EmitError::TooLarge));
}

#[test]
fn clients_are_accepted_while_the_broker_is_away_and_recovered_by_their_server() {
    let mut net = Net::new(2);
    net.cut_off(0, true);
    let mut ann = connect(&mut net, 0);
    net.cut(&mut ann, true);
    net.connect(0, &mut ann);
    assert!(net.is_recovered(&ann));
    net.broadcast(1, &all(), "event");
    net.cut_off(0, false);
    net.wait(500);
    assert_eq!(net.names(&mut ann), ["event"]);
}

#[test]
fn a_client_whose_record_cannot_be_had_is_somebody_new_in_time() {
    let mut net = Net::new(2);
    let mut ann = connect(&mut net, 0);
    net.kill(0);
    net.cut_off(1, true);
    let before = net.now;
    net.connect(1, &mut ann);
    assert!(!net.is_recovered(&ann));
    assert!(net.now - before < millis(1_500));
}

#[test]
fn an_entry_that_nobody_can_read_is_a_gap() {
    let mut net = Net::new(1);
    let mut ann = connect(&mut net, 0);
    net.broadcast(0, &all(), "got");
    let request = Request::Publish {
        channel: Arc::from("e:/"),
        key: "foreign".into(),
        payload: "what is this?".into(),
        seen: None,
        fresh: Epoch::new(1),
    };
    let now = net.now;
    net.broker.execute(&request, now);
    net.broadcast(0, &all(), "later");
    net.wait(2_500);
    let got = net.names(&mut ann);
    assert_eq!(got[..1], ["got"]);
    assert!(got.ends_with(&["closed".to_owned()]) && !got.contains(&"later".to_owned()), "{got:?}");
    let got = net.connect(0, &mut ann);
    assert!(!net.is_recovered(&ann) && names(&got).is_empty());
}

#[test]
fn a_server_without_a_broker_accepts_once_it_has_one() {
    let mut net = Net::new(2);
    net.kill(1);
    net.start(1);
    net.cut_off(1, true);
    net.kill(1);
    // This one has never reached it.
    net.start(1);
    let mut ann = Client::default();
    net.connect(1, &mut ann);
    assert!(!ann.pid.is_empty());
}
