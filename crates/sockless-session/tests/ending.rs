//! How sessions end: byes, refusals, states that don't fit, and what is said of what wasn't delivered.

mod pair;

use std::sync::Arc;

use pair::{Pair, at, says};
use sockless_session::presence::Presence;
use sockless_session::reliable::{
    Acceptance, CloseReason, Config, Denial, End, Event, Fate, Incoming, Message, Misuse, Opening,
    Refusal, SendError, Session, Stage, Status, Window,
};

#[test]
fn byes_tell_exactly_what_was_delivered() {
    let mut pair =
        Pair::open(Config::default(), Config::default().with_window(Window::new(2, 100)));
    for text in ["one", "two", "three"] {
        pair.client.send(text.into()).expect("there is room");
    }
    // Two are on their way, and one of them arrives before the server ends the session.
    assert!(pair.one(true).is_some());
    pair.client.poll_output(pair.up, pair.now);
    pair.server.end().expect("it is open");
    assert_eq!(pair.server.stage(), Stage::Ending);
    assert_eq!(pair.server.end(), Err(Misuse::Ended));
    pair.talk();
    assert_eq!(pair.client.stage(), Stage::Ended(End::Remote));
    assert_eq!(pair.server.stage(), Stage::Ended(End::Local));
    assert_eq!(pair.client.status(1), Some(Status::Delivered));
    assert_eq!(pair.client.status(2), Some(Status::Failed(Fate::Undelivered)));
    assert_eq!(pair.client.count_failed(), (2, 0));
    for (number, text) in [(2, "two"), (3, "three")] {
        let failed = pair.client.take_failed().expect("it is given back");
        assert_eq!((failed.number, failed.message), (number, Some(text.into())));
        assert_eq!(failed.fate, Fate::Undelivered);
    }
    assert_eq!(pair.client.take_failed(), None);
    assert!(pair.client.is_over() && pair.server.is_over());
    assert_eq!(pair.trace.iter().filter(|line| line.contains("close 1000")).count(), 2);
    assert_eq!(pair.client.send("late".into()).expect_err("it is over").error, SendError::Ended);
    assert_eq!(pair.client.connect(pair.now), Err(Misuse::Ended));
    assert_eq!(Presence::of(&pair.client), Presence::Offline);
}

#[test]
fn without_the_other_bye_what_was_sent_is_unknown() {
    let mut pair =
        Pair::open(Config::default(), Config::default().with_window(Window::new(1, 100)));
    for text in ["one", "two"] {
        pair.client.send(text.into()).expect("there is room");
    }
    says(&mut pair.client, pair.up, pair.now);
    pair.client.end().expect("it is open");
    assert_eq!(says(&mut pair.client, pair.up, pair.now), ["␐b0 done"]);
    // The server says nothing more.
    assert_eq!(pair.client.deadline(), Some(at(10_000)));
    let dead = pair.client.poll(at(10_000));
    assert_eq!(dead, Some(Event::Dead(pair.up, CloseReason::Silent)));
    assert_eq!(pair.client.stage(), Stage::Ended(End::Local));
    assert_eq!(pair.client.count_failed(), (1, 1));
    assert_eq!(pair.client.status(1), Some(Status::Failed(Fate::Unknown)));
    assert_eq!(pair.client.status(2), Some(Status::Failed(Fate::Undelivered)));
}

#[test]
fn each_refusal_says_what_is_known() {
    let refused = |denial, number| {
        let mut pair =
            Pair::open(Config::default(), Config::default().with_window(Window::new(3, 99)));
        for text in ["one", "two", "three", "four"] {
            pair.client.send(text.into()).expect("there is room");
        }
        says(&mut pair.client, pair.up, pair.now);
        pair.client.lost(pair.up);
        let up = pair.client.connect(pair.now).expect("it hasn't ended");
        says(&mut pair.client, up, pair.now);
        let text = Refusal { denial, number }.text();
        let received = pair.client.receive(up, Incoming::Text(&text), pair.now);
        let received = received.map(|received| format!("{received:?}"));
        (pair.client.count_failed(), pair.client.acked(), received, pair.client)
    };
    // (undelivered, unknown), delivered
    let (counts, acked, ..) = refused(Denial::Unknown, 0);
    assert_eq!((counts, acked), ((1, 3), 0));
    let (counts, acked, ..) = refused(Denial::Ended, 2);
    assert_eq!((counts, acked), ((2, 0), 2));
    let (counts, acked, ..) = refused(Denial::Diverged, 2);
    assert_eq!((counts, acked), ((1, 1), 2));
    // What can't be is not believed.
    let (counts, acked, ..) = refused(Denial::Ended, 1000);
    assert_eq!((counts, acked), ((1, 0), 3));
    let (counts, acked, received, client) = refused(Denial::Full, 0);
    assert_eq!((counts, acked), ((0, 0), 0));
    assert_eq!(received, Ok("NoRoom".into()));
    assert_eq!((client.stage(), client.queued()), (Stage::Established, 4));
}

#[test]
fn an_opening_says_what_is_stored_and_what_was_seen() {
    let client = Config::default().with_acceptance(Acceptance::ByApplication);
    let mut pair = Pair::open(client, Config::default());
    for text in ["one", "two", "three"] {
        pair.server.send(text.into()).expect("there is room");
    }
    pair.talk();
    pair.client.accept(1, pair.now).expect("it was received");
    pair.reconnect();
    let opening = pair.trace.iter().rfind(|line| line.starts_with("> ␐r")).expect("a resume");
    assert!(opening.ends_with(" 1 3 1024 4194304"), "{opening}");
    // A server that has gone back to where it had sent one message finds out.
    let records = {
        let mut other = Pair::usual();
        other.server.send("one".into()).expect("there is room");
        other.talk();
        other.server.export()
    };
    let saved = sockless_session::reliable::Saved::apply(None, &records).expect("it was saved");
    pair.server = Session::restore(Arc::default(), saved);
    pair.client.lost(pair.up);
    pair.resume();
    assert_eq!(pair.client.stage(), Stage::Ended(End::Diverged));
}

#[test]
fn a_number_that_was_given_twice_is_found_out() {
    let mut pair = Pair::usual();
    pair.client.send("one".into()).expect("there is room");
    pair.talk();
    let old = pair.client.export();
    pair.client.send("two".into()).expect("there is room");
    pair.talk();
    pair.later();
    assert_eq!(pair.server.received(), 2);
    let restore = |records: &[u8]| {
        let saved = sockless_session::reliable::Saved::apply(None, records).expect("it was saved");
        Session::<Message>::restore(Arc::default(), saved)
    };
    // The client is restored from before the second message, and gives its number to another one.
    pair.client = restore(&old);
    let number = pair.client.send("other".into()).expect("there is room");
    assert_eq!(number, 2);
    // Even a further restart in between doesn't hide it.
    pair.client = restore(&pair.client.export());
    pair.resume();
    let welcome = pair.one(false).expect("a welcome").expect("it is fine");
    assert_eq!(welcome, "Ended(Diverged)");
    let failed = std::iter::from_fn(|| pair.client.take_failed()).last();
    let failed = failed.expect("it wasn't delivered");
    assert_eq!((failed.number, failed.message), (2, Some("other".into())));
    // The server learns of it, too.
    pair.talk();
    assert_eq!(pair.server.stage(), Stage::Ended(End::Diverged));
}

#[test]
fn an_ending_session_is_resumed_to_say_bye() {
    let mut pair = Pair::usual();
    pair.client.send("one".into()).expect("there is room");
    pair.server.end().expect("it is open");
    // The client hears nothing of it, and comes back before the server knows that the connection is lost.
    pair.client.lost(pair.up);
    pair.resume();
    pair.talk();
    assert_eq!(pair.client.stage(), Stage::Ended(End::Remote));
    assert_eq!(pair.client.count_failed(), (1, 0));
    assert!(pair.client.is_over() && pair.server.is_over());
}

#[test]
fn a_server_does_not_say_what_it_has_not_stored() {
    let mut pair = Pair::open(Config::default(), Config::default());
    pair.server = {
        let opening =
            Opening::parse(Incoming::Text("\u{10}h00112233445566778899aabbccddeeff 1 64 65536"));
        let config = Arc::new(Config::default().with_storage());
        let (mut server, link) = Session::server(config, &opening.expect("an opening"), at(0));
        let batch = server.take_batch().expect("a session");
        server.synced(batch.mark);
        says(&mut server, link, at(0));
        server.receive(link, Incoming::Text("one"), at(0)).expect("a message");
        server.lost(link);
        server.expire();
        server
    };
    let opening = "\u{10}r00112233445566778899aabbccddeeff 2 0 0 64 65536";
    let opening = Opening::parse(Incoming::Text(opening)).expect("an opening");
    let unknown = Refusal { denial: Denial::Unknown, number: 0 };
    assert_eq!(pair.server.resume(&opening, at(1)), Err(unknown));
    assert!(!pair.server.is_final());
    let batch = pair.server.take_batch().expect("its end");
    pair.server.synced(batch.mark);
    let ended = Refusal { denial: Denial::Ended, number: 1 };
    assert_eq!(pair.server.resume(&opening, at(1)), Err(ended));
}
