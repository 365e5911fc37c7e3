//! What becomes of messages: their status, their order, acks and their delay, requests, gaps. How sessions end is in `ending`.

mod pair;

use std::sync::Arc;

use pair::{Pair, at, hello, says};
use sockless_session::presence::Presence;
use sockless_session::reliable::{
    Acceptance, CloseReason, Config, Event, Incoming, Message, Misuse, Opening, Output, Received,
    SendError, Session, Stage, Status, Window,
};

#[test]
fn sessions_can_be_shared_among_threads() {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Session<Message>>();
    shareable::<sockless_session::reliable::Table<Message>>();
    shareable::<sockless_session::journal::Replay<Message>>();
    shareable::<sockless_session::group::Group<u32, Message>>();
    shareable::<sockless_session::limit::Limiter<u32>>();
}

#[test]
fn a_message_is_pending_then_sent_then_delivered() {
    let (mut client, up, first) = hello(&Arc::new(Config::default()));
    let number = client.send("hello".into()).expect("there is room");
    assert_eq!(client.status(number), Some(Status::Pending));
    assert_eq!((client.status(0), client.status(2)), (None, None));
    assert_eq!(Presence::of(&client), Presence::Away);
    let opening = Opening::parse(Incoming::Text(&first)).expect("an opening");
    let (mut server, down) = Session::<Message>::server(client.config().clone(), &opening, at(0));
    let Some(Output::Text(welcome)) = server.poll_output(down, at(0)) else { panic!() };
    client.receive(up, Incoming::Text(&welcome), at(0)).expect("a welcome");
    assert_eq!(Presence::of(&client), Presence::Online);
    assert_eq!(client.status(number), Some(Status::Pending));
    assert_eq!(says(&mut client, up, at(0)), ["hello"]);
    assert_eq!(client.status(number), Some(Status::Sent));
    client.lost(up);
    assert_eq!(client.status(number), Some(Status::Sent));
    // Even if the other side has it already.
    server.receive(down, Incoming::Text("hello"), at(0)).expect("a message");
    let up = client.connect(at(1)).expect("it goes on");
    let said = says(&mut client, up, at(1));
    let opening = Opening::parse(Incoming::Text(&said[0].replace('␐', "\u{10}")));
    let down = server.resume(&opening.expect("an opening"), at(1)).expect("it fits");
    let Some(Output::Text(welcome)) = server.poll_output(down, at(1)) else { panic!() };
    client.receive(up, Incoming::Text(&welcome), at(1)).expect("a welcome");
    assert_eq!(client.status(number), Some(Status::Delivered));
    assert!(says(&mut client, up, at(1)).is_empty());
}

#[test]
fn an_ack_waits_for_its_delay_and_not_longer() {
    let config = Config::default().with_ack_delay(at(50)).with_window(Window::new(100, 1 << 20));
    let mut pair = Pair::open(Config::default(), config);
    for text in ["one", "two"] {
        pair.server.receive(pair.down, Incoming::Text(text), at(10)).expect("a message");
        pair.now = at(10);
    }
    pair.server.receive(pair.down, Incoming::Text("three"), at(30)).expect("a message");
    assert_eq!(pair.server.deadline(), Some(at(60)));
    assert!(says(&mut pair.server, pair.down, at(59)).is_empty());
    assert_eq!(says(&mut pair.server, pair.down, at(60)), ["␐a3"]);
    assert_eq!(pair.server.deadline(), None);
}

#[test]
fn an_ack_does_not_wait_when_a_quarter_of_the_window_is_used() {
    for (window, len, count) in [(Window::new(8, 1 << 20), 1, 2), (Window::new(1000, 400), 50, 2)] {
        let mut pair = Pair::open(Config::default(), Config::default().with_window(window));
        let text = "x".repeat(len);
        for number in 1..=count {
            assert!(says(&mut pair.server, pair.down, at(0)).is_empty(), "{number}");
            pair.server.receive(pair.down, Incoming::Text(&text), at(0)).expect("a message");
        }
        assert_eq!(says(&mut pair.server, pair.down, at(0)), [format!("␐a{count}")]);
    }
}

#[test]
fn a_slow_application_slows_the_sender_down() {
    let server = Config::default()
        .with_window(Window::new(2, 1 << 20))
        .with_acceptance(Acceptance::ByApplication);
    let mut pair = Pair::open(Config::default(), server);
    for text in ["one", "two", "three", "four"] {
        pair.client.send(text.into()).expect("there is room");
    }
    pair.later();
    pair.later();
    assert_eq!((pair.server.received(), pair.client.acked()), (2, 0));
    assert_eq!(pair.server.accept(3, pair.now), Err(Misuse::OutOfRange));
    pair.server.accept(1, pair.now).expect("it is there");
    pair.later();
    assert_eq!((pair.server.received(), pair.client.acked()), (3, 1));
    pair.server.accept(3, pair.now).expect("it is there");
    pair.later();
    pair.server.accept(4, pair.now).expect("it is there");
    pair.later();
    assert!(pair.client.is_settled());
}

#[test]
fn what_was_not_accepted_comes_again_after_a_reconnect_without_being_doubled() {
    let server = Config::default().with_acceptance(Acceptance::ByApplication);
    let mut pair = Pair::open(Config::default(), server);
    for text in ["one", "two", "three"] {
        pair.client.send(text.into()).expect("there is room");
    }
    pair.talk();
    pair.server.accept(1, pair.now).expect("it is there");
    pair.reconnect();
    // Two and three are on the wire again, and the application has them already.
    assert_eq!(pair.one(false).expect("a welcome").map(|said| said.contains("Opened")), Ok(true));
    for _ in 0..2 {
        assert_eq!(pair.one(true), Some(Ok("Nothing".into())));
    }
    assert_eq!(pair.one(true), None);
    pair.server.accept(3, pair.now).expect("they were received");
    pair.later();
    assert!(pair.client.is_settled());
}

#[test]
fn requests_are_answered_rejected_late_or_time_out() {
    let config = Config::default().with_requests(2);
    let mut pair = Pair::open(config, Config::default());
    let first = pair.client.request("first".into(), at(100)).expect("there is room");
    let second = pair.client.request("second".into(), at(50)).expect("there is room");
    let third = pair.client.request("third".into(), at(70)).expect_err("two wait already");
    assert_eq!((third.error, third.message), (SendError::TooManyRequests, "third".into()));
    assert_eq!(pair.client.deadline(), Some(at(50)));
    let asked = pair.one(true).expect("a request").expect("it is fine");
    assert!(asked.starts_with("Request { number: 1"), "{asked}");
    pair.talk();
    assert_eq!(pair.client.poll(at(49)), None);
    assert_eq!(pair.client.poll(at(50)), Some(Event::TimedOut { request: second }));
    assert_eq!(pair.client.poll(at(50)), None);
    let failure = pair.server.reply(9, "?".into()).expect_err("there was no ninth");
    assert_eq!(failure.error, SendError::NoSuchRequest);
    pair.server.reply(second, "late".into()).expect("there is room");
    pair.server.reject(first, "no".into()).expect("there is room");
    let late = pair.one(false).expect("a reply").expect("it is fine");
    assert!(late.starts_with("Late { number: 1, to: 2, rejected: false"), "{late}");
    let rejected = pair.one(false).expect("a reply").expect("it is fine");
    assert!(rejected.starts_with("Reply { number: 2, to: 1, rejected: true"), "{rejected}");
    assert_eq!(pair.client.poll(at(1000)), None);
}

#[test]
fn a_request_survives_a_reconnect() {
    let mut pair = Pair::usual();
    let request = pair.client.request("first".into(), at(9000)).expect("there is room");
    says(&mut pair.client, pair.up, pair.now);
    pair.reconnect();
    pair.talk();
    pair.server.reply(request, "yes".into()).expect("there is room");
    says(&mut pair.server, pair.down, pair.now);
    pair.reconnect();
    assert!(pair.one(false).is_some(), "a welcome");
    let reply = pair.one(false).expect("a reply").expect("it is fine");
    assert!(reply.starts_with("Reply { number: 1, to: 1, rejected: false"), "{reply}");
}

#[test]
fn gaps_widen_until_they_go_out() {
    let mut pair = Pair::open(Config::default().with_queue(2, 1 << 20), Config::default());
    pair.client.send("one".into()).expect("there is room");
    assert_eq!(pair.client.skip(2), Ok(2));
    assert_eq!(pair.client.skip(3), Ok(2));
    assert!(pair.client.send("three".into()).is_err());
    assert_eq!(says(&mut pair.client, pair.up, at(0)), ["one", "␐g5"]);
    assert_eq!(pair.client.skip(1), Ok(3));
    assert_eq!(says(&mut pair.client, pair.up, at(0)), ["␐g1"]);
    // Gaps have one place beyond the limit, not one for each.
    assert_eq!(pair.client.skip(1), Err(SendError::QueueFull));
    assert_eq!(pair.client.queued(), 3);
}

#[test]
fn a_silent_peer_is_dead_after_interval_and_timeout_exactly() {
    let mut pair = Pair::open(Config::default().with_probe(at(700), at(300)), Config::default());
    assert_eq!(pair.client.deadline(), Some(at(700)));
    assert_eq!(pair.client.poll(at(699)), None);
    assert!(says(&mut pair.client, pair.up, at(699)).is_empty());
    assert_eq!(pair.client.poll(at(700)), None);
    assert_eq!(says(&mut pair.client, pair.up, at(700)), ["␐i"]);
    // Any message is an answer.
    pair.client.receive(pair.up, Incoming::Text("\u{10}uhello"), at(999)).expect("a message");
    assert_eq!(pair.client.deadline(), Some(at(1699)));
    assert_eq!(pair.client.poll(at(1699)), None);
    assert_eq!(says(&mut pair.client, pair.up, at(1699)), ["␐i"]);
    assert_eq!(pair.client.poll(at(1998)), None);
    assert_eq!(pair.client.poll(at(1999)), Some(Event::Dead(pair.up, CloseReason::Silent)));
    // The session outlives the connection.
    assert_eq!(pair.client.stage(), Stage::Established);
    pair.now = at(2000);
    pair.resume();
    pair.talk();
    assert!(pair.client.is_open());
}

#[test]
fn unnumbered_messages_are_not_counted() {
    let mut pair = Pair::usual();
    let output = pair.client.unnumbered("tick".into()).expect("it is open");
    let mut bytes = Vec::new();
    output.write_to(&mut bytes).expect("a message");
    let received = pair.server.receive(
        pair.down,
        pair::incoming(sockless_session::reliable::Kind::Text, &bytes),
        at(0),
    );
    assert_eq!(received, Ok(Received::Unnumbered(Incoming::Text("tick"))));
    assert_eq!((pair.client.assigned(), pair.server.received()), (0, 0));
    pair.client.lost(pair.up);
    assert_eq!(pair.client.unnumbered("tick".into()), Err("tick".into()));
}

#[test]
fn what_waits_for_storage_does_not_go_out() {
    let stored = || Config::default().with_storage();
    let mut client = Session::<Message>::client_with_id(Arc::new(stored()), pair::ID);
    let up = client.connect(at(0)).expect("it is new");
    assert_eq!(client.poll_output(up, at(0)), None, "an opening before its session is stored");
    let store = |session: &mut Session<Message>| {
        let batch = session.take_batch().expect("something is to be stored");
        session.synced(batch.mark);
    };
    store(&mut client);
    let Some(Output::Text(first)) = client.poll_output(up, at(0)) else { panic!() };
    let opening = Opening::parse(Incoming::Text(&first)).expect("an opening");
    let (mut server, down) = Session::<Message>::server(Arc::new(stored()), &opening, at(0));
    assert_eq!(server.poll_output(down, at(0)), None, "a welcome before its session is stored");
    let batch = server.take_batch().expect("a session");
    assert_eq!(server.poll_output(down, at(0)), None, "a batch that was taken isn't stored yet");
    server.synced(batch.mark);
    let Some(Output::Text(welcome)) = server.poll_output(down, at(0)) else { panic!() };
    client.receive(up, Incoming::Text(&welcome), at(0)).expect("a welcome");
    client.send("one".into()).expect("there is room");
    assert_eq!(client.unnumbered("tick".into()), Err("tick".into()));
    assert!(says(&mut client, up, at(0)).is_empty());
    store(&mut client);
    client.send("two".into()).expect("there is room");
    assert_eq!(says(&mut client, up, at(0)), ["one"]);
    store(&mut client);
    assert_eq!(says(&mut client, up, at(0)), ["two"]);
    for text in ["one", "two"] {
        server.receive(down, Incoming::Text(text), at(0)).expect("a message");
    }
    assert_eq!(server.deadline(), Some(at(50)));
    assert!(says(&mut server, down, at(50)).is_empty(), "an ack before what it covers is stored");
    let batch = server.take_batch().expect("an acceptance");
    server.receive(down, Incoming::Text("three"), at(60)).expect("a message");
    server.synced(batch.mark);
    assert_eq!(says(&mut server, down, at(60)), ["␐a2"]);
    // A further attempt is stored before its opening goes out.
    let up = client.connect(at(60)).expect("it goes on");
    assert_eq!(client.poll_output(up, at(60)), None);
    store(&mut client);
    assert!(says(&mut client, up, at(60))[0].ends_with(" 2 0 0 1024 4194304"));
    // A bye covers what was accepted, and waits for it.
    server.end().expect("it is open");
    assert!(says(&mut server, down, at(60)).is_empty());
    store(&mut server);
    assert_eq!(says(&mut server, down, at(60)), ["␐b3 done"]);
}

#[test]
fn an_ordinary_message_costs_nothing_on_the_wire_and_is_not_copied() {
    let shared = Message::from("what everybody in the room gets");
    let mut pairs = [Pair::usual(), Pair::usual()];
    for pair in &mut pairs {
        pair.server.send(shared.clone()).expect("there is room");
        let output = pair.server.poll_output(pair.down, pair.now).expect("a message");
        let Output::Data { head, payload: Message::Text(text) } = output else { panic!() };
        let Message::Text(before) = &shared else { panic!() };
        assert!(head.as_bytes().is_empty() && Arc::ptr_eq(&text, before));
    }
    // All that a thousand small messages cost, both ways: a few acks.
    let mut pair = Pair::usual();
    let before = pair.trace.len();
    for _ in 0..1000 {
        pair.client.send("16 octets of text".into()).expect("there is room");
        pair.talk();
    }
    pair.later();
    assert!(pair.client.is_settled());
    let said = &pair.trace[before..];
    let acks: usize =
        said.iter().filter(|line| line.starts_with("< ␐a")).map(|a| a.len() - 4).sum();
    assert_eq!(said.iter().filter(|line| *line == "> 16 octets of text").count(), 1000);
    assert!(acks < 50, "{acks} octets of acks for a thousand messages");
}

#[test]
fn what_is_sent_again_stays_within_the_window() {
    let server = Config::default()
        .with_window(Window::new(100, 25))
        .with_acceptance(Acceptance::ByApplication);
    let mut pair = Pair::open(Config::default(), server);
    for text in ["first text", "other text", "third text"] {
        pair.client.send(text.into()).expect("there is room");
    }
    pair.talk();
    assert_eq!(pair.server.received(), 2);
    // The first is still outstanding when the second is sent again: there is no place for the third.
    pair.server.again(2).expect("it was received");
    assert_eq!(pair.server.again(1), Err(Misuse::AlreadyAsked));
    pair.talk();
    assert_eq!(pair.server.received(), 2);
    pair.server.accept(2, pair.now).expect("it is there");
    pair.later();
    assert_eq!(pair.server.received(), 3);
}
