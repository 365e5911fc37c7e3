//! Messages delivered in parts, as they arrive.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use sockless::frame::Violation;
use sockless::{Config, Connection, Delivery, Input};

use crate::wire::*;

in_both_roles!(
    input_that_is_copied_comes_in_parts_too,
    whole_message_in_one_read_is_one_part,
    empty_message_is_one_part,
    parts_come_as_they_arrive,
    fragments_are_parts,
    parts_are_never_cut_inside_a_code_point,
    any_split_adds_up_to_the_same,
    control_frames_come_between_parts,
    first_and_last_are_said_once,
    violation_comes_after_the_good_part,
    close_ends_an_unfinished_message,
    nothing_is_kept_of_a_large_message,
);

fn input_that_is_copied_comes_in_parts_too<R: Tested>() {
    let bytes = [peer::<R>(FIN | TEXT, b"whole"), peer::<R>(BINARY, b"be")].concat();
    let mut place = vec![0; bytes.len()];
    let mut conn = R::open(Config::default().with_delivery(Delivery::Parts));
    assert_eq!(
        poll(&mut conn, Input::copied(&bytes, &mut place), START),
        [
            Seen::Part(true, b"whole".to_vec(), true, true),
            Seen::Part(false, b"be".to_vec(), true, false)
        ]
    );
    let mut conn = open::<R>();
    let seen = poll(&mut conn, Input::copied(&bytes, &mut place), START);
    assert_eq!(seen, [text("whole")]);
}

fn open_parts<R: Tested>() -> Connection<R> {
    R::open(Config::default().with_delivery(Delivery::Parts))
}

fn part(is_text: bool, bytes: &[u8], first: bool, last: bool) -> Seen {
    Seen::Part(is_text, bytes.to_vec(), first, last)
}

/// What parts add up to: each message's kind and bytes. The order of first and last parts is checked.
fn joined(events: &[Seen]) -> Vec<(bool, Vec<u8>)> {
    let mut messages = Vec::new();
    let mut open: Option<(bool, Vec<u8>)> = None;
    for event in events {
        let Seen::Part(is_text, bytes, first, last) = event else { continue };
        assert_eq!(open.is_none(), *first, "{events:?}");
        let message = open.get_or_insert((*is_text, Vec::new()));
        assert_eq!(message.0, *is_text);
        message.1.extend(bytes);
        assert!(!bytes.is_empty() || *last, "an empty part says nothing");
        if *last {
            messages.extend(open.take());
        }
    }
    messages
}

fn whole_message_in_one_read_is_one_part<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes = [peer::<R>(FIN | TEXT, b"text"), peer::<R>(FIN | BINARY, b"\xFF")].concat();
    assert_eq!(
        feed(&mut conn, &bytes),
        [part(true, b"text", true, true), part(false, b"\xFF", true, true)]
    );
}

fn empty_message_is_one_part<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes = peer::<R>(FIN | TEXT, b"");
    assert_eq!(feed(&mut conn, &bytes), [part(true, b"", true, true)]);
    assert_eq!(drip(&mut conn, &bytes), [(bytes.len(), part(true, b"", true, true))]);
    let bytes = [peer::<R>(BINARY, b""), peer::<R>(0, b""), peer::<R>(FIN, b"")].concat();
    assert_eq!(feed(&mut conn, &bytes), [part(false, b"", true, true)]);
}

fn parts_come_as_they_arrive<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes = peer::<R>(FIN | BINARY, b"abcdef");
    let header = bytes.len() - 6;
    assert_eq!(feed(&mut conn, &bytes[..header]), []);
    assert_eq!(feed(&mut conn, &bytes[header..header + 2]), [part(false, b"ab", true, false)]);
    assert_eq!(
        feed(&mut conn, &bytes[header + 2..header + 5]),
        [part(false, b"cde", false, false)]
    );
    assert_eq!(feed(&mut conn, &bytes[header + 5..]), [part(false, b"f", false, true)]);
}

fn fragments_are_parts<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes = [
        peer::<R>(TEXT, b"one"),
        peer::<R>(CONTINUATION, b""),
        peer::<R>(CONTINUATION, b"two"),
        peer::<R>(FIN, b""),
    ]
    .concat();
    assert_eq!(
        feed(&mut conn, &bytes),
        [
            part(true, b"one", true, false),
            part(true, b"two", false, false),
            part(true, b"", false, true)
        ]
    );
}

fn parts_are_never_cut_inside_a_code_point<R: Tested>() {
    let mut conn = open_parts::<R>();
    assert_eq!(feed(&mut conn, &peer::<R>(TEXT, b"a\xF0\x9F")), [part(true, b"a", true, false)]);
    assert_eq!(feed(&mut conn, &peer::<R>(CONTINUATION, b"\x98")), []);
    assert_eq!(
        feed(&mut conn, &peer::<R>(CONTINUATION, b"\x80b\xC3")),
        [part(true, "😀".as_bytes(), false, false), part(true, b"b", false, false)]
    );
    assert_eq!(
        feed(&mut conn, &peer::<R>(FIN, b"\xA9")),
        [part(true, "é".as_bytes(), false, true)]
    );
    // The first part may be a code point that was cut.
    assert_eq!(feed(&mut conn, &peer::<R>(TEXT, b"\xC3")), []);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN, b"\xA9")), [part(true, "é".as_bytes(), true, true)]);
}

fn any_split_adds_up_to_the_same<R: Tested>() {
    let message = "Ein Käse, 😀 drei €".as_bytes();
    let mut bytes = Vec::new();
    for cut in [0, 6, 12, 14, message.len()] {
        bytes.extend(peer::<R>(TEXT, &message[..cut]));
        bytes.extend(peer::<R>(FIN | PING, b"between"));
        bytes.extend(peer::<R>(FIN, &message[cut..]));
    }
    bytes.extend(peer::<R>(FIN | BINARY, message));
    let mut expected = vec![(true, message.to_vec()); 5];
    expected.push((false, message.to_vec()));
    for size in 1..bytes.len() {
        let mut conn = open_parts::<R>();
        let events: Vec<Seen> =
            bytes.chunks(size).flat_map(|chunk| feed(&mut conn, chunk)).collect();
        assert_eq!(joined(&events), expected, "in pieces of {size}");
        assert_eq!(events.iter().filter(|e| matches!(e, Seen::Ping(_))).count(), 5);
    }
}

fn control_frames_come_between_parts<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes =
        [peer::<R>(BINARY, b"a"), peer::<R>(FIN | PING, b"p"), peer::<R>(FIN, b"b")].concat();
    assert_eq!(
        feed(&mut conn, &bytes),
        [part(false, b"a", true, false), Seen::Ping(b"p".to_vec()), part(false, b"b", false, true)]
    );
}

fn first_and_last_are_said_once<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes = [
        peer::<R>(BINARY, b""),
        peer::<R>(CONTINUATION, b"x"),
        peer::<R>(FIN, b"y"),
        peer::<R>(FIN | BINARY, b"z"),
    ]
    .concat();
    let events: Vec<Seen> = drip(&mut conn, &bytes).into_iter().map(|e| e.1).collect();
    assert_eq!(joined(&events), [(false, b"xy".to_vec()), (false, b"z".to_vec())]);
}

fn violation_comes_after_the_good_part<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes = [peer::<R>(TEXT, b"good"), peer::<R>(FIN | TEXT, b"inside")].concat();
    assert_eq!(
        feed(&mut conn, &bytes),
        [part(true, b"good", true, false), violation(Violation::InterruptedMessage)]
    );
    let mut conn = open_parts::<R>();
    let bytes = peer::<R>(FIN | TEXT, b"good\xC3");
    assert_eq!(
        feed(&mut conn, &bytes),
        [part(true, b"good", true, false), violation(Violation::InvalidText)]
    );
    let mut conn = open_parts::<R>();
    let bytes = [peer::<R>(TEXT, b"\xC3"), peer::<R>(FIN, b"")].concat();
    assert_eq!(feed(&mut conn, &bytes), [violation(Violation::InvalidText)]);
}

fn close_ends_an_unfinished_message<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes = [peer::<R>(TEXT, b"a\xC3"), peer::<R>(FIN | CLOSE, b"")].concat();
    assert_eq!(
        feed(&mut conn, &bytes),
        [part(true, b"a", true, false), Seen::Closing(None, String::new())]
    );
}

fn nothing_is_kept_of_a_large_message<R: Tested>() {
    let mut conn = open_parts::<R>();
    let bytes = peer::<R>(FIN | BINARY, &vec![5; 300_000]);
    let mut len = 0;
    for chunk in bytes.chunks(10_000) {
        for event in feed(&mut conn, chunk) {
            let Seen::Part(_, bytes, _, _) = event else { panic!() };
            len += bytes.len();
        }
        // There is no buffer to be had: nothing is assembled.
        assert!(conn.take_buffer().is_none());
    }
    assert_eq!(len, 300_000);
}
