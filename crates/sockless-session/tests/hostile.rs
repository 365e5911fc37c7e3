//! Peers that break the protocol: each gets its own error, and nobody loses anything.

mod pair;

use std::sync::Arc;

use pair::{ID, Pair, at, hello, incoming, says};
use proptest::prelude::*;
use sockless_session::reliable::{
    Acceptance, Config, Denial, Event, Incoming, Kind, LAST_NUMBER, LinkError, Opening, Received,
    Refusal, Saved, Session, Status, Violation, Window,
};

fn violates(pair: &mut Pair, text: &str) -> Violation {
    let received = pair.server.receive(pair.down, Incoming::Text(text), pair.now);
    match received {
        Err(LinkError::Violation(violation)) => violation,
        other => panic!("{text:?} gives {other:?}"),
    }
}

/// A pair in which the server has sent three messages, of which the first is acked.
fn talking() -> Pair {
    let mut pair = Pair::usual();
    pair.server.send("one".into()).expect("there is room");
    pair.talk();
    pair.later();
    pair.server.send("two".into()).expect("there is room");
    pair.server.send("three".into()).expect("there is room");
    pair.talk();
    assert_eq!((pair.server.acked(), pair.server.assigned()), (1, 3));
    pair
}

#[test]
fn each_violation_has_its_error_and_the_session_goes_on() {
    let cases = [
        ("\u{10}a3", Violation::AckAhead),
        ("\u{10}a9007199254740991", Violation::AckAhead),
        ("\u{10}n1", Violation::BadAgain),
        ("\u{10}n5", Violation::BadAgain),
        ("\u{10}p1", Violation::BadPosition),
        ("\u{10}b4 done", Violation::AckAhead),
        ("\u{10}b0 done", Violation::AckBack),
        ("\u{10}w0 0 1 1 1", Violation::Unexpected),
        ("\u{10}xunknown 0", Violation::Unexpected),
        ("\u{10}h00112233445566778899aabbccddeeff 2 1 1", Violation::Unexpected),
        ("\u{10}r00112233445566778899aabbccddeeff 2 0 0 1 1", Violation::Unexpected),
        ("\u{10}", Violation::Malformed),
        ("\u{10}z", Violation::Malformed),
        ("\u{10}a", Violation::Malformed),
        ("\u{10}a0", Violation::Malformed),
        ("\u{10}a01", Violation::Malformed),
        ("\u{10}a1 ", Violation::Malformed),
        ("\u{10}a 1", Violation::Malformed),
        ("\u{10}a9007199254740992", Violation::Malformed),
        ("\u{10}a-1", Violation::Malformed),
        ("\u{10}i1", Violation::Malformed),
        ("\u{10}y1", Violation::Malformed),
        ("\u{10}yx hello", Violation::Malformed),
        ("\u{10}b1 because", Violation::Malformed),
        ("\u{10}xnever 0", Violation::Malformed),
    ];
    for (text, violation) in cases {
        let mut pair = talking();
        assert_eq!(violates(&mut pair, text), violation, "{text:?}");
        assert_eq!(LinkError::from(violation).close_reason().code(), 4400);
        // The connection is given up, and calls with it do no harm.
        let after = pair.server.receive(pair.down, Incoming::Text("hello"), pair.now);
        assert_eq!(after, Err(LinkError::Superseded));
        assert_eq!(pair.server.status(2), Some(Status::Sent));
        pair.client.lost(pair.up);
        pair.resume();
        pair.later();
        assert_eq!(pair.client.received(), 3, "{text:?}");
        assert!(pair.server.is_settled());
    }
}

#[test]
fn an_ack_of_what_only_waits_is_ahead() {
    let client = Config::default().with_window(Window::new(1, 100));
    for text in ["\u{10}a2", "\u{10}b2 done", "\u{10}n3"] {
        let mut pair = Pair::open(client.clone(), Config::default());
        for text in ["one", "two"] {
            pair.server.send(text.into()).expect("there is room");
        }
        assert_eq!(says(&mut pair.server, pair.down, pair.now), ["one"]);
        let expected = if text.contains('n') && !text.contains("done") {
            Violation::BadAgain
        } else {
            Violation::AckAhead
        };
        assert_eq!(violates(&mut pair, text), expected);
        assert_eq!(pair.server.queued(), 2);
    }
}

#[test]
fn control_messages_in_binary_are_malformed() {
    let mut pair = talking();
    let received = pair.server.receive(pair.down, Incoming::Binary(b"\x10a2"), pair.now);
    assert_eq!(received, Err(LinkError::Violation(Violation::Malformed)));
}

#[test]
fn more_than_the_window_is_a_violation_and_the_window_itself_is_not() {
    for (messages, bytes, len) in [(3, 1_000_000, 10), (1000, 30, 10), (1, 1, 500)] {
        let server = Config::default()
            .with_window(Window::new(messages, bytes))
            .with_acceptance(Acceptance::ByApplication);
        let mut pair = Pair::open(Config::default(), server);
        let text = "x".repeat(len);
        let fits = messages.min((bytes / len as u64).max(1));
        for _ in 0..fits {
            let received = pair.server.receive(pair.down, Incoming::Text(&text), pair.now);
            assert!(matches!(received, Ok(Received::Message { .. })), "{messages} {bytes}");
        }
        assert_eq!(violates(&mut pair, &text), Violation::WindowExceeded);
        assert_eq!(pair.server.received(), fits);
    }
}

#[test]
fn an_honest_sender_fills_the_window_and_no_more() {
    for (messages, bytes, fits) in [(3, 1_000_000, 3), (1000, 35, 3), (1000, 5, 1), (1, 1, 1)] {
        let server = Config::default()
            .with_window(Window::new(messages, bytes))
            .with_acceptance(Acceptance::ByApplication);
        let mut pair = Pair::open(Config::default(), server);
        for _ in 0..10 {
            pair.client.send("ten octets".into()).expect("there is room");
        }
        assert_eq!(says(&mut pair.client, pair.up, pair.now).len(), fits);
        // Prefixes count: this one has eleven.
        let mut other =
            Pair::open(Config::default(), Config::default().with_window(Window::new(9, 32)));
        for _ in 0..10 {
            other.client.send("\u{10}en octets".into()).expect("there is room");
        }
        assert_eq!(says(&mut other.client, other.up, other.now).len(), 2);
    }
}

#[test]
fn a_peer_that_never_acks_stops_at_the_queue() {
    let config = Config::default().with_queue(10, 1 << 20);
    let mut pair = Pair::open(config, Config::default());
    let mut taken = 0;
    while pair.client.send("message".into()).is_ok() {
        taken += 1;
        says(&mut pair.client, pair.up, pair.now);
    }
    assert_eq!((taken, pair.client.queued()), (10, 10));
    assert_eq!(pair.client.poll(pair.now), None);
    // Half of it free again is what was waited for, and it is said once.
    pair.client.receive(pair.up, Incoming::Text("\u{10}a4"), pair.now).expect("an ack");
    assert_eq!(pair.client.poll(pair.now), None);
    pair.client.receive(pair.up, Incoming::Text("\u{10}a1"), pair.now).expect("an ack");
    assert_eq!(pair.client.poll(pair.now), Some(Event::Room));
    assert_eq!(pair.client.poll(pair.now), None);
}

#[test]
fn asking_for_ever_again_is_a_violation() {
    let mut pair = talking();
    for turn in 0..16 {
        let asked = pair.server.receive(pair.down, Incoming::Text("\u{10}n2"), pair.now);
        assert_eq!(asked, Ok(Received::Nothing), "{turn}");
        assert_eq!(says(&mut pair.server, pair.down, pair.now), ["\u{2410}p2", "two", "three"]);
    }
    assert_eq!(violates(&mut pair, "\u{10}n2"), Violation::BadAgain);
}

#[test]
fn asking_twice_at_once_is_a_violation() {
    let mut pair = talking();
    pair.server.receive(pair.down, Incoming::Text("\u{10}n2"), pair.now).expect("the first");
    assert_eq!(violates(&mut pair, "\u{10}n2"), Violation::BadAgain);
}

#[test]
fn a_peer_that_goes_on_without_a_position_is_stopped() {
    let server = Config::default()
        .with_window(Window::new(4, 1 << 20))
        .with_acceptance(Acceptance::ByApplication);
    let mut pair = Pair::open(Config::default(), server);
    pair.server.receive(pair.down, Incoming::Text("one"), pair.now).expect("the first");
    pair.server.again(1).expect("it was received");
    assert_eq!(says(&mut pair.server, pair.down, pair.now), ["\u{2410}n1"]);
    for _ in 0..4 {
        let dropped = pair.server.receive(pair.down, Incoming::Text("more"), pair.now);
        assert_eq!(dropped, Ok(Received::Nothing));
    }
    assert_eq!(violates(&mut pair, "more"), Violation::WindowExceeded);
}

#[test]
fn a_position_with_another_number_is_a_violation() {
    let server = Config::default().with_acceptance(Acceptance::ByApplication);
    let mut pair = Pair::open(Config::default(), server);
    for text in ["one", "two"] {
        pair.server.receive(pair.down, Incoming::Text(text), pair.now).expect("a message");
    }
    pair.server.again(1).expect("it was received");
    says(&mut pair.server, pair.down, pair.now);
    assert_eq!(violates(&mut pair, "\u{10}p2"), Violation::BadPosition);
}

#[test]
fn a_replayed_or_late_opening_is_stale_and_takes_nothing_over() {
    let mut pair = talking();
    let server = &mut pair.server;
    for attempt in [0, 1] {
        let text = format!("\u{10}r00112233445566778899aabbccddeeff {attempt} 1 1 64 64");
        let opening = Opening::parse(Incoming::Text(&text)).expect("an opening");
        let refusal = Refusal { denial: Denial::Stale, number: 1 };
        assert_eq!(server.resume(&opening, pair.now), Err(refusal));
    }
    // The connection that carries the session still does.
    assert_eq!(server.current_link(), Some(pair.down));
    pair.later();
    assert!(pair.server.is_settled());
}

#[test]
fn numbers_that_cannot_be_are_diverged_and_nothing_changes() {
    for (received, seen) in [(0, 0), (0, 3), (4, 4), (1, 4), (1, LAST_NUMBER)] {
        let mut pair = talking();
        let text = format!("\u{10}r00112233445566778899aabbccddeeff 2 {received} {seen} 64 64");
        let opening = Opening::parse(Incoming::Text(&text)).expect("an opening");
        let refusal = Refusal { denial: Denial::Diverged, number: 0 };
        assert_eq!(pair.server.resume(&opening, pair.now), Err(refusal));
        assert_eq!(pair.server.current_link(), Some(pair.down));
        assert_eq!(pair.server.acked(), 1);
    }
    let less = "\u{10}r00112233445566778899aabbccddeeff 2 2 1 64 64";
    assert_eq!(Opening::parse(Incoming::Text(less)), Err(Violation::Malformed));
}

#[test]
fn the_newer_connection_wins_and_the_older_is_closed_with_4409() {
    let mut pair = talking();
    let older = (pair.up, pair.down);
    pair.resume();
    assert_eq!(says(&mut pair.server, older.1, pair.now), ["close 4409"]);
    assert_eq!(says(&mut pair.client, older.0, pair.now), ["close 4409"]);
    let late = pair.server.receive(older.1, Incoming::Text("late"), pair.now);
    assert_eq!(late, Err(LinkError::Superseded));
    // That an older connection is lost is no news.
    pair.server.lost(older.1);
    pair.client.lost(older.0);
    pair.later();
    assert_eq!((pair.client.received(), pair.server.received()), (3, 0));
}

#[test]
fn a_server_that_is_silent_or_says_stale_for_ever_is_left() {
    let config = Arc::new(Config::default());
    let (mut client, link, _) = hello(&config);
    assert_eq!(client.deadline(), Some(at(10_000)));
    assert_eq!(client.poll(at(9_999)), None);
    let dead = client.poll(at(10_000));
    assert!(
        matches!(dead, Some(Event::Dead(given_up, reason)) if given_up == link && reason.code() == 4408)
    );

    let (mut client, mut link, _) = hello(&config);
    for number in [7, 20, 30] {
        let stale = format!("\u{10}xstale {number}");
        let received = client.receive(link, Incoming::Text(&stale), at(0));
        let Ok(Received::Retried(next)) = received else { panic!("{received:?}") };
        link = next;
        let said = says(&mut client, link, at(0));
        let expected = format!("\u{2410}h00112233445566778899aabbccddeeff {} ", number + 1);
        assert!(said[0].starts_with(&expected), "{said:?}");
    }
    let last = client.receive(link, Incoming::Text("\u{10}xstale 99"), at(0));
    assert_eq!(last, Err(LinkError::Violation(Violation::TooManyOpenings)));
    // A server can't send the client back, or to the end of the numbers.
    for number in [0, LAST_NUMBER] {
        let (mut client, link, _) = hello(&config);
        let stale = format!("\u{10}xstale {number}");
        let received = client.receive(link, Incoming::Text(&stale), at(0));
        assert_eq!(received, Err(LinkError::Violation(Violation::Unexpected)));
    }
}

#[test]
fn nothing_but_an_answer_follows_an_opening() {
    for text in ["hello", "\u{10}a1", "\u{10}i", "\u{10}b0 done", "\u{10}uhello", "\u{10}g1"] {
        let (mut client, link, _) = hello(&Arc::new(Config::default()));
        let received = client.receive(link, Incoming::Text(text), at(0));
        assert_eq!(received, Err(LinkError::Violation(Violation::Unexpected)), "{text:?}");
    }
}

#[test]
fn nothing_follows_a_bye() {
    let mut pair = talking();
    let bye = pair.server.receive(pair.down, Incoming::Text("\u{10}b3 done"), pair.now);
    assert!(matches!(bye, Ok(Received::Ended(_))));
    assert_eq!(violates(&mut pair, "more"), Violation::Unexpected);
    assert!(pair.server.is_settled());
}

#[test]
fn many_probes_get_one_answer() {
    let mut pair = talking();
    for _ in 0..1000 {
        pair.server.receive(pair.down, Incoming::Text("\u{10}i"), pair.now).expect("a probe");
    }
    assert_eq!(says(&mut pair.server, pair.down, pair.now), ["\u{2410}o"]);
}

/// A session that has come so far: as the records say that a journal keeps it.
fn far(role: u8, accepted: u64, assigned: u64) -> Session<sockless_session::reliable::Message> {
    let mut records = vec![1, 1, role];
    records.extend(ID.to_bytes());
    records.push(1);
    for mut number in [1, accepted, assigned, assigned, assigned, 0] {
        while number >= 0x80 {
            records.push(number as u8 | 0x80);
            number >>= 7;
        }
        records.push(number as u8);
    }
    let saved = Saved::apply(None, &records).expect("records");
    Session::restore(Arc::new(Config::default()), saved)
}

#[test]
fn the_greatest_number_is_used_and_no_other_follows() {
    let mut pair = Pair::usual();
    pair.client = far(0, 0, LAST_NUMBER - 2);
    pair.server = far(1, LAST_NUMBER - 2, 0);
    pair.resume();
    for _ in 0..2 {
        pair.client.send("nearly".into()).expect("there are two");
    }
    pair.talk();
    let failure = pair.client.send("too many".into()).expect_err("there is none left");
    assert_eq!(failure.error, sockless_session::reliable::SendError::NumbersExhausted);
    pair.later();
    assert_eq!(pair.server.received(), LAST_NUMBER);
    assert!(pair.client.is_settled());
    assert_eq!(pair.client.acked(), LAST_NUMBER);
    assert!(pair.trace.contains(&"< ␐a2".to_owned()), "{:#?}", pair.trace);
    assert_eq!(violates(&mut pair, "one too many"), Violation::NumbersExhausted);
    // It can be resumed, and ended.
    pair.client.lost(pair.up);
    pair.resume();
    pair.talk();
    pair.client.end().expect("it is open");
    pair.talk();
    assert!(pair.client.is_over() && pair.server.is_over());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever arrives, nobody panics, nothing is acked that wasn't sent, and what waits is still there for the next connection.
    #[test]
    fn garbage_harms_nobody(
        messages in prop::collection::vec(
            prop_oneof![
                "\u{10}[hrwxanpgbiouqye\u{10}]?[0-9a-f ]{0,24}( done)?",
                "\u{10}[an][0-6]",
                "\u{10}[bw][0-4]( [0-9]{1,3}){0,4}( done)?",
                ".{0,20}",
            ],
            0..40,
        ),
        binary in any::<bool>(),
        open in any::<bool>(),
    ) {
        let mut pair = talking();
        if !open {
            // In the middle of an opening, at the client.
            pair.client.lost(pair.up);
            pair.up = pair.client.connect(pair.now).expect("it hasn't ended");
            says(&mut pair.client, pair.up, pair.now);
        }
        for text in &messages {
            let kind = if binary { Kind::Binary } else { Kind::Text };
            let message = incoming(kind, text.as_bytes());
            let (session, link) = if open {
                (&mut pair.server, pair.down)
            } else {
                (&mut pair.client, pair.up)
            };
            let result = session.receive(link, message, pair.now);
            prop_assert!(session.acked() <= session.assigned());
            prop_assert!(session.accepted() <= session.received());
            prop_assert_eq!(session.queued() as u64, session.assigned() - session.acked());
            says(session, link, pair.now);
            if result.is_err() {
                prop_assert!(session.current_link().is_none());
                break;
            }
        }
    }
}
