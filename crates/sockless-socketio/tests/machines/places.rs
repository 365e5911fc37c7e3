//! Rooms, and sending to many.

use sockless_socketio::engine;
use sockless_socketio::socket::{Config, EmitError, Namespace, Payload, Target};

use crate::peer::Served;

/// Three clients in the main namespace: their channels and sockets.
fn three() -> (Served, [(engine::Channel, sockless_socketio::socket::Socket); 3]) {
    let mut served = Served::new();
    let ann = served.connect("/");
    let anns = served.another();
    let bob = served.connect("/");
    let bobs = served.another();
    let eve = served.connect("/");
    let eves = served.channel;
    (served, [(anns, ann), (bobs, bob), (eves, eve)])
}

/// Which of the clients has got something.
fn got(
    served: &mut Served,
    clients: &[(engine::Channel, sockless_socketio::socket::Socket)],
) -> Vec<usize> {
    let got = clients.iter().enumerate().filter(|(_, (channel, _))| {
        served.channel = *channel;
        !served.sent().is_empty()
    });
    got.map(|(index, _)| index).collect()
}

#[test]
fn all_get_it_but_the_sender() {
    let (mut served, clients) = three();
    let all = Target::all(Namespace::main());
    assert_eq!(served.server.broadcast(&all, "a", Payload::new(), served.now), Ok((3, 0)));
    assert_eq!(got(&mut served, &clients), [0, 1, 2]);
    let others = all.except_socket(clients[1].1);
    assert_eq!(served.server.broadcast(&others, "a", Payload::new(), served.now), Ok((2, 0)));
    assert_eq!(got(&mut served, &clients), [0, 2]);
}

#[test]
fn rooms_are_joined_and_left() {
    let (mut served, clients) = three();
    let [(_, ann), (_, bob), (_, eve)] = clients;
    let server = &mut served.server;
    assert!(server.join(ann, "news") && server.join(bob, "news") && server.join(bob, "sport"));
    assert!(!server.join(bob, "news"));
    let main = || Target::all(Namespace::main());
    assert_eq!(server.find(&main().to("news")), [ann, bob]);
    assert_eq!(server.find(&main().to("news").to("sport")), [ann, bob], "each once");
    assert_eq!(server.find(&main().to("news").except("sport")), [ann]);
    assert_eq!(server.find(&main().except("news")), [eve]);
    assert!(server.leave(bob, "news") && !server.leave(bob, "news"));
    assert_eq!(server.find(&main().to("news")), [ann]);
    // A room of one is named by its id.
    let id = server.id(eve).expect("an id").to_owned();
    assert_eq!(server.find(&main().to(&id)), [eve]);
    assert_eq!(server.rooms(eve).collect::<Vec<_>>(), [&*id]);
    // Who goes is in no room.
    served.channel = clients[0].0;
    served.text("41");
    assert!(served.server.find(&main().to("news")).is_empty());
    assert!(!served.server.join(ann, "news"));
}

#[test]
fn rooms_of_namespaces_are_apart() {
    let mut served = Served::new();
    let main = served.connect("/");
    let custom = served.connect("/custom");
    served.server.join(main, "news");
    let there = Target::all(Namespace::new("/custom").expect("a name"));
    assert_eq!(served.server.find(&there), [custom]);
    assert!(served.server.find(&there.clone().to("news")).is_empty());
    assert_eq!(served.server.broadcast(&there, "a", Payload::new(), served.now), Ok((1, 0)));
    assert_eq!(served.sent(), [r#"42/custom,["a"]"#]);
}

#[test]
fn volatile_events_reach_those_who_are_ready() {
    let (mut served, clients) = three();
    served.server.emit(clients[0].1, "waits", Payload::new(), served.now).expect("sent");
    let all = Target::all(Namespace::main()).volatile();
    assert_eq!(served.server.broadcast(&all, "now", Payload::new(), served.now), Ok((2, 1)));
    let again = served.server.emit_volatile(clients[1].1, "now", Payload::new());
    assert_eq!(again, Err(EmitError::NotReady));
    served.channel = clients[0].0;
    assert_eq!(served.sent(), [r#"42["waits"]"#]);
    assert_eq!(served.server.emit_volatile(clients[0].1, "now", Payload::new()), Ok(()));
}

#[test]
fn a_client_that_reads_too_slowly_misses_it_and_the_caller_knows() {
    let config = engine::Config::default().with_queue(3, 1_000);
    let mut served = Served::with(Config::default(), config);
    let socket = served.connect("/");
    for _ in 0..3 {
        served.server.emit(socket, "a", Payload::new(), served.now).expect("sent");
    }
    assert_eq!(served.server.emit(socket, "a", Payload::new(), served.now), Err(EmitError::Full));
    let all = Target::all(Namespace::main());
    assert_eq!(served.server.broadcast(&all, "a", Payload::new(), served.now), Ok((0, 1)));
    assert_eq!(served.sent().len(), 3);
    let mut large = Payload::new();
    large.push_binary(vec![0; 1_000]);
    assert_eq!(
        served.server.emit(socket, "a", large, served.now),
        Err(EmitError::Full),
        "all or nothing"
    );
    assert!(served.sent().is_empty());
    assert_eq!(served.server.emit(socket, "a", Payload::new(), served.now), Ok(()));
}
