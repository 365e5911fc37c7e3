//! Large messages: the message's own buffer, into which the caller reads straight from the transport, and buffers that the caller lends.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use bytes::BytesMut;
use sockless::connection::{Cause, Failure, Loan};
use sockless::frame::Violation;
use sockless::{Connection, Event, Input, Want};

use crate::wire::*;

in_both_roles!(
    buffer_is_worth_taking_from_16_kib_on,
    reads_into_the_messages_own_buffer,
    reads_one_byte_at_a_time,
    reads_nothing_and_puts_it_back,
    gives_no_buffer_for_little,
    gives_no_buffer_between_messages,
    gives_no_buffer_inside_control_frame,
    grows_by_doubling,
    puts_text_together_over_code_points,
    finds_invalid_text_in_the_buffer,
    finds_invalid_text_at_the_end_of_the_buffer,
    goes_on_with_fragments,
    answers_ping_between_fragments,
    ends_while_the_buffer_is_out,
    times_out_while_the_buffer_is_out,
    gives_no_buffer_after_the_end,
    sends_while_the_buffer_is_out,
    assembles_in_what_is_lent,
    takes_what_is_lent_back_unused,
    refuses_what_is_lent_while_it_assembles,
    grows_what_is_lent_where_it_is_short,
    reads_into_what_is_lent,
    gives_back_what_is_lent_after_the_end,
);

/// Feeds `bytes`, at most `read` of them at a time, like a driver that takes the message's buffer whenever it may. How often it could.
fn buffer_is_worth_taking_from_16_kib_on<R: Tested>() {
    for (missing, worth) in [((16 << 10) - 1, false), (16 << 10, true)] {
        let bytes = peer::<R>(FIN | BINARY, &vec![1; 20_000]);
        let mut conn = open::<R>();
        feed(&mut conn, &bytes[..bytes.len() - missing]);
        assert_eq!(conn.take_buffer().is_some(), worth, "{missing}");
    }
}

fn read<R: Tested>(conn: &mut Connection<R>, mut bytes: &[u8], read: usize) -> (Vec<Seen>, usize) {
    let (mut events, mut times) = (Vec::new(), 0);
    while !bytes.is_empty() {
        let count = match conn.take_buffer() {
            Some(mut taken) => {
                times += 1;
                let count = read.min(taken.capacity()).min(bytes.len());
                assert!(taken.capacity() > 0);
                taken.extend_from_slice(&bytes[..count]);
                conn.put_buffer(taken).unwrap();
                events.extend(feed(conn, b""));
                count
            }
            None => {
                let count = read.min(bytes.len());
                events.extend(feed(conn, &bytes[..count]));
                count
            }
        };
        bytes = &bytes[count..];
    }
    (events, times)
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

fn reads_into_the_messages_own_buffer<R: Tested>() {
    for len in [16_384, 20_000, 65_535, 65_536, 200_000] {
        for piece in [1000, 16_384, 100_000] {
            let payload = pattern(len);
            let bytes =
                [peer::<R>(FIN | BINARY, &payload), peer::<R>(FIN | TEXT, b"next")].concat();
            let mut conn = open::<R>();
            let (events, times) = read(&mut conn, &bytes, piece);
            assert!(events == [binary(&payload), text("next")], "{len} {piece}");
            assert!(times > 0 || len - piece.min(len) < 17_000, "{len} {piece}");
            assert_eq!(conn.counters().received.wire_bytes, bytes.len() as u64);
        }
    }
}

fn reads_one_byte_at_a_time<R: Tested>() {
    let payload = pattern(20_000);
    let mut conn = open::<R>();
    let (events, times) = read(&mut conn, &peer::<R>(FIN | BINARY, &payload), 1);
    assert!(events == [binary(&payload)]);
    assert!(times > 3000);
}

fn reads_nothing_and_puts_it_back<R: Tested>() {
    let payload = pattern(20_000);
    let bytes = peer::<R>(FIN | BINARY, &payload);
    let mut conn = open::<R>();
    feed(&mut conn, &bytes[..100]);
    for _ in 0..3 {
        let taken = conn.take_buffer().unwrap();
        conn.put_buffer(taken).unwrap();
        assert_eq!(pass(&mut conn, START), []);
    }
    assert!(feed(&mut conn, &bytes[100..]) == [binary(&payload)]);
}

fn gives_no_buffer_for_little<R: Tested>() {
    let bytes = peer::<R>(FIN | BINARY, &pattern(10_000));
    let mut conn = open::<R>();
    feed(&mut conn, &bytes[..20]);
    assert!(conn.take_buffer().is_none());
    assert_eq!(feed(&mut conn, &bytes[20..]).len(), 1);
}

fn gives_no_buffer_between_messages<R: Tested>() {
    let mut conn = open::<R>();
    assert!(conn.take_buffer().is_none());
    feed(&mut conn, &peer::<R>(BINARY, &pattern(20_000)));
    assert!(conn.take_buffer().is_none());
    let header = peer_header::<R>(FIN, 127, &70_000_u64.to_be_bytes());
    feed(&mut conn, &header[..header.len() - 1]);
    assert!(conn.take_buffer().is_none());
}

fn gives_no_buffer_inside_control_frame<R: Tested>() {
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(BINARY, &pattern(20_000)));
    let ping = peer::<R>(FIN | PING, b"ping");
    feed(&mut conn, &ping[..ping.len() - 1]);
    assert!(conn.take_buffer().is_none());
    assert_eq!(feed(&mut conn, &ping[ping.len() - 1..]), [Seen::Ping(b"ping".to_vec())]);
}

fn grows_by_doubling<R: Tested>() {
    let payload = vec![0; 1 << 20];
    let bytes = peer::<R>(FIN | BINARY, &payload);
    let header = bytes.len() - payload.len();
    let mut conn = open::<R>();
    feed(&mut conn, &bytes[..header]);
    let (mut at, mut times) = (header, 0);
    while let Some(mut taken) = conn.take_buffer() {
        let (arrived, room) = (at - header, taken.capacity());
        assert!(room <= arrived + (64 << 10));
        taken.extend_from_slice(&bytes[at..at + room]);
        at += room;
        times += 1;
        conn.put_buffer(taken).unwrap();
        if at < bytes.len() {
            assert_eq!(pass(&mut conn, START), []);
        }
    }
    assert!(times < 10);
    let mut events = pass(&mut conn, START);
    events.extend(feed(&mut conn, &bytes[at..]));
    assert!(events == [binary(&payload)]);
}

fn puts_text_together_over_code_points<R: Tested>() {
    let message = "Käse 😀 € ".repeat(3000);
    let bytes = peer::<R>(FIN | TEXT, message.as_bytes());
    for piece in [997, 5000, 16_384] {
        let mut conn = open::<R>();
        let (events, times) = read(&mut conn, &bytes, piece);
        assert!(events == [text(&message)]);
        assert!(times > 0);
    }
}

fn finds_invalid_text_in_the_buffer<R: Tested>() {
    let mut payload = vec![b'x'; 50_000];
    payload[30_000] = 0xFF;
    let bytes = peer::<R>(FIN | TEXT, &payload);
    let header = bytes.len() - payload.len();
    let mut conn = open::<R>();
    feed(&mut conn, &bytes[..header + 100]);
    let mut taken = conn.take_buffer().unwrap();
    taken.extend_from_slice(&bytes[header + 100..header + 40_000]);
    conn.put_buffer(taken).unwrap();
    // What is wrong with it comes with the next poll, and there is no second buffer before.
    assert!(conn.take_buffer().is_none());
    assert_eq!(pass(&mut conn, START), [violation(Violation::InvalidText)]);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, failing_body(Violation::InvalidText))]);
    assert_eq!(conn.counters().received.wire_bytes, (header + 40_000) as u64);
}

fn finds_invalid_text_at_the_end_of_the_buffer<R: Tested>() {
    let mut payload = vec![b'x'; 50_000];
    payload[49_999] = 0xC3;
    let mut conn = open::<R>();
    let (events, times) = read(&mut conn, &peer::<R>(FIN | TEXT, &payload), 20_000);
    assert_eq!(events, [violation(Violation::InvalidText)]);
    assert!(times > 0);
}

fn goes_on_with_fragments<R: Tested>() {
    let payload = pattern(200_000);
    let bytes = [
        peer::<R>(BINARY, &payload[..70_000]),
        peer::<R>(CONTINUATION, &payload[70_000..70_010]),
        peer::<R>(FIN | PING, b"p"),
        peer::<R>(FIN, &payload[70_010..]),
    ]
    .concat();
    for piece in [4000, 50_000] {
        let mut conn = open::<R>();
        let (events, times) = read(&mut conn, &bytes, piece);
        assert!(events == [Seen::Ping(b"p".to_vec()), binary(&payload)]);
        assert!(times > 1);
    }
}

fn answers_ping_between_fragments<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = [peer::<R>(BINARY, &pattern(40_000)), peer::<R>(FIN | PING, b"p")].concat();
    let (events, _) = read(&mut conn, &bytes, 10_000);
    assert_eq!(events, [Seen::Ping(b"p".to_vec())]);
    assert_eq!(sent(&mut conn), [(FIN | PONG, b"p".to_vec())]);
}

/// A connection whose buffer is out.
fn taken<R: Tested>() -> (Connection<R>, BytesMut) {
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(FIN | BINARY, &pattern(50_000))[..1000]);
    let taken = conn.take_buffer().unwrap();
    (conn, taken)
}

fn ends_while_the_buffer_is_out<R: Tested>() {
    // The end comes after what is being read into the buffer.
    let (mut conn, bytes) = taken::<R>();
    assert_eq!(end(&mut conn, START), []);
    conn.put_buffer(bytes).unwrap();
    assert_eq!(pass(&mut conn, START), [Seen::Failed(Failure::EndOfStream)]);
    assert!(conn.take_buffer().is_none());
    assert_eq!(pass(&mut conn, START), []);
    assert!(matches!(conn.want(), Want::Done(_)));

    // A buffer that doesn't come back has the time of a closing handshake.
    let (mut conn, bytes) = taken::<R>();
    assert_eq!(end(&mut conn, START), []);
    drop(bytes);
    assert_eq!(conn.want().deadline(), Some(seconds(10)));
    assert_eq!(pass(&mut conn, seconds(10)), []);
    assert_eq!(outcome(&conn).cause, Cause::TimedOut);
}

fn times_out_while_the_buffer_is_out<R: Tested>() {
    let (mut conn, bytes) = taken::<R>();
    conn.close(None, "", START).unwrap();
    assert_eq!(pass(&mut conn, seconds(10)), []);
    assert!(matches!(conn.want(), Want::Done(_)));
    drop(bytes);
}

fn gives_no_buffer_after_the_end<R: Tested>() {
    // In the middle of a frame.
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(FIN | BINARY, &pattern(50_000))[..1000]);
    end(&mut conn, START);
    assert!(conn.take_buffer().is_none());
    assert_eq!(end(&mut conn, START), []);
    assert!(matches!(conn.want(), Want::Done(_)));
}

fn sends_while_the_buffer_is_out<R: Tested>() {
    let (mut conn, bytes) = taken::<R>();
    conn.send_text("meanwhile").unwrap();
    assert_eq!(sent(&mut conn), [(FIN | TEXT, b"meanwhile".to_vec())]);
    conn.put_buffer(bytes).unwrap();
    let rest = &peer::<R>(FIN | BINARY, &pattern(50_000))[1000..];
    assert!(feed(&mut conn, rest) == [binary(&pattern(50_000))]);
}

/// Feeds `bytes` up to the last, and then the last, which completes a message: its memory.
fn assembled<R: Tested>(conn: &mut Connection<R>, bytes: &[u8]) -> Vec<u8> {
    let (rest, last) = bytes.split_at(bytes.len() - 1);
    assert_eq!(feed(conn, rest), []);
    let mut last = last.to_vec();
    match conn.poll(&mut Input::new(&mut last), START) {
        Some(Event::Binary(payload)) => payload.into_vec(),
        Some(Event::Text(text)) => text.into_string().into_bytes(),
        other => panic!("{other:?}"),
    }
}

fn assembles_in_what_is_lent<R: Tested>() {
    let mut conn = open::<R>();
    let mut spare = Vec::with_capacity(50_000);
    let memory = spare.as_ptr();
    for len in [2, 200, 40_000, 3] {
        for first in [TEXT, BINARY] {
            // What is lent is empty, whatever has been in it.
            spare.extend_from_slice(b"left over");
            conn.lend(Loan::Message, spare).unwrap();
            let payload = vec![b'x'; len];
            let (begin, end) = payload.split_at(len / 2);
            let fragments = [peer::<R>(first, begin), peer::<R>(FIN, end)].concat();
            spare = assembled(&mut conn, &fragments);
            assert!(spare == payload && spare.as_ptr() == memory, "{len}");
            conn.lend(Loan::Message, spare).unwrap();
            spare = assembled(&mut conn, &peer::<R>(FIN | first, &payload));
            assert!(spare == payload && spare.as_ptr() == memory, "{len}");
        }
    }
    assert!(conn.reclaim(Loan::Message).is_none());
}

fn takes_what_is_lent_back_unused<R: Tested>() {
    let mut conn = open::<R>();
    assert!(conn.reclaim(Loan::Message).is_none());
    let spare = Vec::with_capacity(100);
    let memory = spare.as_ptr();
    conn.lend(Loan::Message, spare).unwrap();
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | TEXT, b"whole")), [text("whole")]);
    let spare = conn.reclaim(Loan::Message).unwrap();
    assert_eq!((spare.as_ptr(), spare.capacity()), (memory, 100));
    assert!(conn.reclaim(Loan::Message).is_none());
    // One that has no memory lends none.
    conn.lend(Loan::Message, Vec::new()).unwrap();
    assert!(conn.reclaim(Loan::Message).is_none());
}

fn refuses_what_is_lent_while_it_assembles<R: Tested>() {
    let mut conn = open::<R>();
    conn.lend(Loan::Message, Vec::with_capacity(100)).unwrap();
    assert_eq!(conn.lend(Loan::Message, Vec::with_capacity(7)).unwrap_err().capacity(), 7);
    let bytes = peer::<R>(FIN | BINARY, &[1; 90]);
    feed(&mut conn, &bytes[..50]);
    assert!(conn.lend(Loan::Message, Vec::with_capacity(7)).is_err());
    assert!(conn.reclaim(Loan::Message).is_none());
    assert_eq!(feed(&mut conn, &bytes[50..]), [binary(&[1; 90])]);
    conn.lend(Loan::Message, Vec::with_capacity(7)).unwrap();
    // Neither while a message's own buffer is out.
    let (mut conn, bytes) = taken::<R>();
    assert!(conn.lend(Loan::Message, Vec::with_capacity(7)).is_err());
    assert!(conn.reclaim(Loan::Message).is_none());
    conn.put_buffer(bytes).unwrap();
}

fn grows_what_is_lent_where_it_is_short<R: Tested>() {
    let payload = pattern(300_000);
    let bytes = peer::<R>(FIN | BINARY, &payload);
    let mut conn = open::<R>();
    conn.lend(Loan::Message, Vec::with_capacity(10)).unwrap();
    let mut arrived = 0;
    for piece in bytes[..bytes.len() - 1].chunks(1000) {
        assert_eq!(feed(&mut conn, piece), []);
        arrived += piece.len();
    }
    assert_eq!(arrived, bytes.len() - 1);
    assert!(feed(&mut conn, &bytes[arrived..]) == [binary(&payload)]);
}

fn reads_into_what_is_lent<R: Tested>() {
    let payload = pattern(300_000);
    let bytes = peer::<R>(FIN | BINARY, &payload);
    let mut conn = open::<R>();
    conn.lend(Loan::Message, Vec::with_capacity(payload.len())).unwrap();
    let (begin, rest) = bytes.split_at(100);
    feed(&mut conn, begin);
    // It has room for all of the message: one read is enough.
    let mut taken = conn.take_buffer().unwrap();
    assert_eq!(taken.capacity(), rest.len());
    taken.extend_from_slice(rest);
    conn.put_buffer(taken).unwrap();
    assert!(pass(&mut conn, START) == [binary(&payload)]);
}

fn gives_back_what_is_lent_after_the_end<R: Tested>() {
    let close = peer::<R>(FIN | CLOSE, &close_body(1000, b""));
    let wrong = peer::<R>(FIN | 3, b"");
    for last in [close, wrong] {
        let mut conn = open::<R>();
        conn.lend(Loan::Message, Vec::with_capacity(100)).unwrap();
        assert_eq!(feed(&mut conn, &last).len(), 1);
        assert_eq!(conn.reclaim(Loan::Message).unwrap().capacity(), 100);
    }
    // In the middle of a message it is gone with what it held.
    let mut conn = open::<R>();
    conn.lend(Loan::Message, Vec::with_capacity(100)).unwrap();
    feed(&mut conn, &peer::<R>(FIN | BINARY, &[1; 90])[..50]);
    end(&mut conn, START);
    assert!(conn.reclaim(Loan::Message).is_none());
    conn.lend(Loan::Message, Vec::with_capacity(100)).unwrap();
    assert!(conn.reclaim(Loan::Message).is_some());
}
