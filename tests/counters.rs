//! What has gone over a connection, counted.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use sockless::{Config, Delivery, Kind};

use crate::wire::*;

in_both_roles!(
    begin_with_nothing,
    count_what_is_received,
    count_the_same_in_any_pieces,
    count_the_same_in_parts,
    count_what_is_sent,
    count_wire_bytes_when_they_are_written,
    count_streamed_messages,
    do_not_count_what_was_refused,
    do_not_count_what_is_not_looked_at,
    count_the_bytes_of_wrong_text_in_any_pieces,
);

fn traffic<R: Tested>() -> Vec<u8> {
    [
        peer::<R>(FIN | TEXT, b"hello"),
        peer::<R>(FIN | PING, b"p"),
        peer::<R>(BINARY, &[1; 200]),
        peer::<R>(FIN | PONG, b""),
        peer::<R>(FIN, &[2; 100]),
        peer::<R>(FIN | BINARY, b""),
        peer::<R>(FIN | PING, b"q"),
        peer::<R>(FIN | CLOSE, &close_body(1000, b"bye")),
    ]
    .concat()
}

fn begin_with_nothing<R: Tested>() {
    let counters = open::<R>().counters();
    assert_eq!(counters, Default::default());
}

fn count_what_is_received<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = traffic::<R>();
    feed(&mut conn, &bytes);
    let received = conn.counters().received;
    assert_eq!(received.frames, 8);
    assert_eq!(received.messages, 3);
    assert_eq!(received.pings, 2);
    assert_eq!(received.payload_bytes, 305);
    assert_eq!(received.wire_bytes, bytes.len() as u64);
}

fn count_the_same_in_any_pieces<R: Tested>() {
    let bytes = traffic::<R>();
    let mut conn = open::<R>();
    feed(&mut conn, &bytes);
    let whole = conn.counters().received;
    for size in [1, 2, 3, 50, 333] {
        let mut conn = open::<R>();
        for chunk in bytes.chunks(size) {
            feed(&mut conn, chunk);
        }
        assert_eq!(conn.counters().received, whole, "in pieces of {size}");
    }
}

fn count_the_same_in_parts<R: Tested>() {
    let bytes = traffic::<R>();
    let mut conn = open::<R>();
    feed(&mut conn, &bytes);
    let whole = conn.counters().received;
    for size in [1, 7, 1000] {
        let mut conn = R::open(Config::default().with_delivery(Delivery::Parts));
        for chunk in bytes.chunks(size) {
            feed(&mut conn, chunk);
        }
        assert_eq!(conn.counters().received, whole);
    }
}

fn count_what_is_sent<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("hello").unwrap();
    conn.begin_binary(&[1; 200], false).unwrap();
    conn.ping(b"p", START).unwrap();
    conn.continue_binary(&[2; 100], true).unwrap();
    conn.send(vec![3; 5000]).unwrap();
    conn.pong(b"").unwrap();
    feed(&mut conn, &peer::<R>(FIN | PING, b"answered"));
    conn.close(None, "", START).unwrap();
    let bytes = written(&mut conn);
    let sent = conn.counters().sent;
    assert_eq!(found(&bytes).len(), 8);
    assert_eq!(sent.frames, 8);
    assert_eq!(sent.messages, 3);
    assert_eq!(sent.pings, 1);
    assert_eq!(sent.payload_bytes, 5305);
    assert_eq!(sent.wire_bytes, bytes.len() as u64);
}

fn count_wire_bytes_when_they_are_written<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("hello").unwrap();
    assert_eq!(conn.counters().sent.wire_bytes, 0);
    conn.wrote(3);
    assert_eq!(conn.counters().sent.wire_bytes, 3);
}

fn count_streamed_messages<R: Tested>() {
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Binary), false, 3).unwrap();
    conn.stream_payload(&mut [1, 2, 3]).unwrap();
    conn.stream_frame(None, true, 1).unwrap();
    conn.stream_payload(&mut [4]).unwrap();
    let bytes = written(&mut conn);
    let sent = conn.counters().sent;
    assert_eq!((sent.frames, sent.messages, sent.payload_bytes), (2, 1, 4));
    assert_eq!(sent.wire_bytes, bytes.len() as u64);
}

fn do_not_count_what_was_refused<R: Tested>() {
    let mut conn = open::<R>();
    conn.continue_text("x", true).unwrap_err();
    conn.ping(&[0; 126], START).unwrap_err();
    conn.stream_payload(&mut [0]).unwrap_err();
    assert_eq!(conn.counters(), Default::default());
}

fn do_not_count_what_is_not_looked_at<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = traffic::<R>();
    feed(&mut conn, &bytes);
    let before = conn.counters().received;
    feed(&mut conn, &bytes);
    assert_eq!(conn.counters().received, before);
}

/// Wrong text that lies whole is found by the fast path, any other by the general one.
fn count_the_bytes_of_wrong_text_in_any_pieces<R: Tested>() {
    let bytes = peer::<R>(FIN | TEXT, b"good, then \xFF");
    for cut in [bytes.len(), bytes.len() - 1, 1] {
        let mut conn = open::<R>();
        feed(&mut conn, &bytes[..cut]);
        feed(&mut conn, &bytes[cut..]);
        assert_eq!(conn.counters().received.wire_bytes, bytes.len() as u64, "cut at {cut}");
    }
}
