//! What is sent by one server reaches the sockets of all.

use sockless_socketio::socket::{EmitError, Event, Payload};

use crate::net::{Client, Net, all, millis};

/// A client at each server.
fn clients(net: &mut Net) -> Vec<Client> {
    (0..net.nodes.len())
        .map(|at| {
            let mut client = Client::default();
            net.connect(at, &mut client);
            client
        })
        .collect()
}

#[test]
fn a_broadcast_reaches_the_sockets_of_all_servers_in_one_order() {
    let mut net = Net::new(3);
    let mut clients = clients(&mut net);
    for (at, name) in [(0, "a"), (1, "b"), (2, "c"), (0, "d")] {
        net.broadcast(at, &all(), name);
    }
    let mut offsets = Vec::new();
    for client in &mut clients {
        assert_eq!(net.names(client), ["a", "b", "c", "d"]);
        offsets.push(client.offset.clone().expect("a position"));
    }
    assert!(offsets.iter().all(|offset| *offset == offsets[0]), "{offsets:?}");
}

#[test]
fn rooms_exceptions_and_ids_are_those_of_all_servers() {
    let mut net = Net::new(2);
    let mut clients = clients(&mut net);
    let sockets: Vec<_> = clients.iter().map(|client| client.socket.expect("a socket")).collect();
    assert!(net.server(0).join(sockets[0], "news"));
    assert!(net.server(1).join(sockets[1], "sport"));
    assert!(!net.server(1).join(sockets[1], "sport"), "it wants to be there already");
    let rooms: Vec<_> = net.server(1).rooms(sockets[1]).map(str::to_owned).collect();
    assert!(rooms.contains(&"sport".to_owned()), "{rooms:?}");
    let second = clients[1].sid.clone();
    net.broadcast(1, &all().to("news"), "news");
    net.broadcast(0, &all().to("sport"), "sport");
    net.broadcast(0, &all().to("sport").to("news"), "both");
    net.broadcast(1, &all().except("news"), "not news");
    net.broadcast(0, &all().to(&second), "to the second");
    net.broadcast(1, &all().except_socket(sockets[1]), "not the second");
    assert_eq!(net.names(&mut clients[0]), ["news", "both", "not the second"]);
    assert_eq!(net.names(&mut clients[1]), ["sport", "both", "not news", "to the second"]);
    assert!(net.server(1).leave(sockets[1], "sport"));
    net.settle();
    net.broadcast(0, &all().to("sport"), "sport");
    assert!(net.names(&mut clients[1]).is_empty());
}

#[test]
fn what_a_server_does_is_done_in_the_order_in_which_it_does_it() {
    let mut net = Net::new(2);
    let mut clients = clients(&mut net);
    let socket = clients[0].socket.expect("a socket");
    net.say(&clients[0], r#"427["ask me"]"#);
    let events = net.events(0);
    let reply = events.into_iter().find_map(|event| match event {
        Event::Message { reply, .. } => reply,
        _ => None,
    });
    let now = net.now;
    let server = net.server(0);
    // Nothing of this has been at the broker before all of it is done.
    server.broadcast(&all().to("room"), "before", Payload::new(), now).expect("sent");
    server.join(socket, "room");
    server.broadcast(&all().to("room"), "inside", Payload::new(), now).expect("sent");
    server.leave(socket, "room");
    server.broadcast(&all().to("room"), "after", Payload::new(), now).expect("sent");
    server.emit(socket, "one", Payload::new(), now).expect("sent");
    server.reply(reply.expect("it wants one"), Payload::new()).expect("sent");
    server.emit_with_ack(socket, "ask", Payload::new(), millis(100), now).expect("sent");
    server.emit(socket, "bye", Payload::new(), now).expect("sent");
    server.disconnect(socket, now);
    let got = net.names(&mut clients[0]);
    assert_eq!(got, ["inside", "one", "437[]", r#"420["ask"]"#, "bye", "41"]);
    assert_eq!(net.server(0).sockets(), 0);
}

#[test]
fn a_socket_that_is_closed_is_closed_in_all_namespaces_and_for_good() {
    let mut net = Net::new(2);
    let mut client = Client::default();
    net.connect_to(0, &mut client, "/custom");
    let custom = client.clone();
    net.say(&client, "40");
    let socket = net.events(0).into_iter().find_map(|event| match event {
        Event::Connect { socket, .. } => Some(socket),
        _ => None,
    });
    let (socket, now) = (socket.expect("it asks"), net.now);
    net.server(0).accept(socket, now).expect("accepted");
    net.got(&mut client);
    net.server(0).close(socket, now);
    assert_eq!(net.names(&mut client), ["closed"]);
    for (mut client, name) in [(client, "/"), (custom, "/custom")] {
        let before = client.pid.clone();
        net.connect_to(1, &mut client, name);
        assert_ne!(client.pid, before, "{name}");
    }
}

#[test]
fn volatile_events_reach_all_servers_and_are_not_kept() {
    let mut net = Net::new(2);
    let mut clients = clients(&mut net);
    net.broadcast(0, &all(), "kept");
    // Nobody has read that yet.
    net.broadcast(0, &all().volatile(), "too late");
    for client in &mut clients {
        assert_eq!(net.names(client), ["kept"]);
    }
    net.broadcast(0, &all().volatile(), "volatile");
    for client in &mut clients {
        assert_eq!(net.names(client), ["volatile"]);
    }
    net.cut(&mut clients[1], true);
    net.broadcast(0, &all().volatile(), "volatile");
    net.broadcast(0, &all(), "kept");
    let mut got = net.connect(0, &mut clients[1]);
    assert_eq!(crate::net::names(&got.split_off(0)), ["kept"]);
}

#[test]
fn a_reserved_name_is_refused_before_anything_is_written() {
    let mut net = Net::new(1);
    let mut client = Client::default();
    net.connect(0, &mut client);
    let (socket, now) = (client.socket.expect("a socket"), net.now);
    let server = net.server(0);
    let refused = server.broadcast(&all(), "disconnect", Payload::new(), now);
    assert_eq!(refused, Err(EmitError::Reserved));
    assert_eq!(server.emit(socket, "connect", Payload::new(), now), Err(EmitError::Reserved));
    assert!(net.names(&mut client).is_empty());
}
