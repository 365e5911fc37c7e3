//! Questions to all servers.

use std::collections::BTreeSet;

use sockless_socketio::socket::{Event, Namespace, Payload};

use crate::net::{Client, Net, all, millis};

fn connect(net: &mut Net, at: usize) -> Client {
    let mut client = Client::default();
    net.connect(at, &mut client);
    client
}

#[test]
fn the_sockets_of_all_servers_are_found() {
    let mut net = Net::new(3);
    let clients: Vec<_> = (0..3).map(|at| connect(&mut net, at)).collect();
    for (at, client) in clients.iter().enumerate().skip(1) {
        let socket = client.socket.expect("a socket");
        net.server(at).join(socket, "room");
        net.server(at).set_data(socket, &at).expect("JSON");
    }
    net.settle();
    assert_eq!(net.server(0).servers(), 3);
    let now = net.now;
    let inquiry = net.server(0).fetch(&all().to("room"), millis(500), now).expect("asked");
    let events = net.events(0);
    let [Event::Found { inquiry: its, sockets, missing: 0 }] = &events[events.len() - 1..] else {
        panic!("{events:?}");
    };
    assert_eq!(*its, inquiry);
    let ids: BTreeSet<_> = sockets.iter().map(|found| found.id().to_owned()).collect();
    assert_eq!(ids, clients[1..].iter().map(|client| client.sid.clone()).collect());
    for found in sockets {
        assert!(found.rooms().any(|room| room == "room"));
        assert!(found.data().is_some());
    }
}

#[test]
fn a_server_that_does_not_answer_is_said_to_be_missing_until_it_counts_no_more() {
    let mut net = Net::new(2);
    let (ann, _) = (connect(&mut net, 0), connect(&mut net, 1));
    net.kill(1);
    let now = net.now;
    net.server(0).fetch(&all(), millis(500), now).expect("asked");
    net.wait(600);
    let found = net.events(0).into_iter().find_map(|event| match event {
        Event::Found { sockets, missing, .. } => Some((sockets, missing)),
        _ => None,
    });
    let (sockets, missing) = found.expect("an answer");
    assert_eq!((sockets[0].id(), sockets.len(), missing), (&*ann.sid, 1, 1));
    net.wait(5_000);
    assert_eq!(net.server(0).servers(), 1);
    let now = net.now;
    net.server(0).fetch(&all(), millis(500), now).expect("asked");
    let at_once = net.events(0).into_iter().any(
        |event| matches!(event, Event::Found { sockets, missing: 0, .. } if sockets.len() == 1),
    );
    assert!(at_once);
}

#[test]
fn acknowledgements_come_from_all_servers() {
    let mut net = Net::new(3);
    let mut clients: Vec<_> = (0..3).map(|at| connect(&mut net, at)).collect();
    let now = net.now;
    let payload = Payload::new().with("?").expect("JSON");
    let inquiry = net.server(0).ask_all(&all(), "ask", payload, millis(500), now).expect("asked");
    for (at, client) in clients.iter_mut().enumerate() {
        assert_eq!(net.names(client), [r#"420["ask","?"]"#]);
        // One says nothing.
        if at != 2 {
            net.say(client, &format!("430[{at}]"));
        }
    }
    assert!(!net.events(0).iter().any(|event| matches!(event, Event::Answered { .. })));
    net.wait(600);
    let answered = net.events(0).into_iter().find_map(|event| match event {
        Event::Answered { inquiry: its, answers, silent, missing } => {
            assert_eq!((its, silent, missing), (inquiry, 1, 0));
            Some(answers)
        }
        _ => None,
    });
    let answers: BTreeSet<_> = answered
        .expect("an answer")
        .into_iter()
        .map(|(id, payload)| (id.to_string(), payload.json().to_owned()))
        .collect();
    let expected = |at: usize| (clients[at].sid.clone(), format!("[{at}]"));
    assert_eq!(answers, [expected(0), expected(1)].into());
}

#[test]
fn many_join_leave_and_are_disconnected_on_all_servers() {
    let mut net = Net::new(2);
    let mut clients: Vec<_> = (0..2).map(|at| connect(&mut net, at)).collect();
    net.server(0).join_all(&all(), "room").expect("written");
    net.broadcast(1, &all().to("room"), "inside");
    let second = clients[1].sid.clone();
    net.server(0).leave_all(&all().to(&second), "room").expect("written");
    net.broadcast(1, &all().to("room"), "first only");
    let now = net.now;
    net.server(1).disconnect_all(&all(), false, now).expect("written");
    assert_eq!(net.names(&mut clients[0]), ["inside", "first only", "41"]);
    assert_eq!(net.names(&mut clients[1]), ["inside", "41"]);
}

#[test]
fn servers_say_things_to_each_other() {
    let mut net = Net::new(2);
    let now_said = Payload::new().with(&1).expect("JSON");
    net.server(0).emit_to_servers(&Namespace::main(), "hello", &now_said).expect("said");
    let heard =
        |event: &Event| matches!(event, Event::ServerMessage { name, .. } if name == "hello");
    assert!(net.events(1).iter().any(heard));
    assert!(!net.events(0).iter().any(heard), "not to itself");
}
