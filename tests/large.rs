//! Large messages: the message's own buffer, read into straight from the transport.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod wire;

use sockless::connection::Failure;
use sockless::frame::Violation;
use sockless::{Connection, Want};
use wire::*;

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
);

/// Feeds `bytes` like a driver that takes the buffer whenever it can get it, at most `read` bytes at a time. How often it got it.
fn buffer_is_worth_taking_from_16_kib_on<R: Tested>() {
    for (lacking, worth) in [((16 << 10) - 1, false), (16 << 10, true)] {
        let bytes = peer::<R>(FIN | BINARY, &vec![1; 20_000]);
        let mut conn = open::<R>();
        feed(&mut conn, &bytes[..bytes.len() - lacking]);
        assert_eq!(conn.take_buffer().is_some(), worth, "{lacking}");
    }
}

fn read<R: Tested>(conn: &mut Connection<R>, mut bytes: &[u8], read: usize) -> (Vec<Seen>, usize) {
    let (mut events, mut times) = (Vec::new(), 0);
    while !bytes.is_empty() {
        let count = match conn.take_buffer() {
            Some(mut taken) => {
                times += 1;
                let count = read.min(taken.room).min(bytes.len());
                assert!(taken.room > 0);
                assert!(taken.bytes.capacity() - taken.bytes.len() >= taken.room);
                taken.bytes.extend_from_slice(&bytes[..count]);
                conn.put_buffer(taken.bytes).unwrap();
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
        conn.put_buffer(taken.bytes).unwrap();
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
        let arrived = taken.bytes.len();
        assert!(taken.bytes.capacity() <= 2 * arrived + (64 << 10));
        taken.bytes.extend_from_slice(&bytes[at..at + taken.room]);
        at += taken.room;
        times += 1;
        conn.put_buffer(taken.bytes).unwrap();
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
    taken.bytes.extend_from_slice(&bytes[header + 100..header + 40_000]);
    conn.put_buffer(taken.bytes).unwrap();
    // What is wrong with it comes with the next poll, and there is no second buffer before.
    assert!(conn.take_buffer().is_none());
    assert_eq!(pass(&mut conn, START), [violation(Violation::InvalidText)]);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1007, b""))]);
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
fn taken<R: Tested>() -> (Connection<R>, Vec<u8>) {
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(FIN | BINARY, &pattern(50_000))[..1000]);
    let taken = conn.take_buffer().unwrap();
    (conn, taken.bytes)
}

fn ends_while_the_buffer_is_out<R: Tested>() {
    let (mut conn, bytes) = taken::<R>();
    assert_eq!(end(&mut conn, START), [Seen::Failed(Failure::EndOfStream)]);
    assert!(conn.put_buffer(bytes).is_err());
    assert!(conn.take_buffer().is_none());
    assert_eq!(pass(&mut conn, START), []);
    assert!(matches!(conn.want(), Want::Done(_)));
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
