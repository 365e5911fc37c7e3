//! Lengths around 2^31 and 2^32: of frames, messages and limits, announced and really sent.
//!
//! A length in a header has 63 bits on every machine, a length in memory as many as a pointer. On a 32-bit target these tests show that
//! no conversion between the two cuts bits off, on a 64-bit target that nothing depends on such a cut.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use sockless::connection::{Loan, SendError};
use sockless::frame::{Header, Limits, Misuse, Violation};
use sockless::words::opcode::Opcode;
use sockless::{Client, Config, Connection, Delivery, Event, Input, Kind, Server};

use crate::wire::*;

/// Where arithmetic in fewer bits would go wrong.
const EDGES: [u64; 17] = [
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0x8000_0001,
    0xFFFF_FFF1,
    0xFFFF_FFFE,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0x1_0000_0001,
    0x1_0000_FFFF,
    0x1_8000_0000,
    0x2_0000_0000,
    (1 << 62) + 1,
    (1 << 63) - 1,
];

/// So large that its low 32 bits say 5.
const BEYOND: u64 = (1 << 32) + 5;

fn limited(frame: u64, message: u64) -> Config {
    Config::default().with_limits(Limits::default().with_frame(frame).with_message(message))
}

/// The header of a data frame from the peer of `R` that announces so much.
fn announcing<R: Tested>(first: u8, len: u64) -> Vec<u8> {
    match len {
        0..=125 => peer_header::<R>(first, len as u8, &[]),
        126..=0xFFFF => peer_header::<R>(first, 126, &(len as u16).to_be_bytes()),
        _ => peer_header::<R>(first, 127, &len.to_be_bytes()),
    }
}

in_both_roles!(
    announced_length_is_held_against_any_limit,
    sum_of_fragments_is_held_against_any_limit,
    room_for_a_huge_message_is_what_memory_has,
    limits_on_output_have_no_edge,
    stream_of_any_announced_length_is_begun,
);

#[test]
fn header_keeps_every_length() {
    for len in EDGES {
        for mask in [None, Some([1, 2, 3, 4])] {
            let header = Header { fin: true, rsv: 0, opcode: Opcode::Binary, mask, len };
            let bytes = header.encode();
            assert_eq!(Header::decode(&bytes), Ok(Some((header, bytes.len()))));
        }
    }
}

fn announced_length_is_held_against_any_limit<R: Tested>() {
    for limit in EDGES {
        for len in EDGES {
            for (frame, message) in [(limit, u64::MAX), (u64::MAX, limit), (limit, limit)] {
                for delivery in [Delivery::Whole, Delivery::Parts] {
                    let mut conn = R::open(limited(frame, message).with_delivery(delivery));
                    let seen = feed(&mut conn, &announcing::<R>(FIN | BINARY, len));
                    let expected = match (len > frame, len > message) {
                        (true, _) => vec![violation(Violation::FrameTooLong)],
                        (_, true) => vec![violation(Violation::MessageTooLong)],
                        _ => vec![],
                    };
                    assert_eq!(seen, expected, "{len} within {frame} and {message}");
                }
            }
        }
    }
}

fn sum_of_fragments_is_held_against_any_limit<R: Tested>() {
    for limit in EDGES {
        for first in [1, 5, 1000] {
            for over in [0, 1] {
                let mut conn = R::open(limited(u64::MAX, limit));
                let len = limit - first as u64 + over;
                let head = peer::<R>(BINARY, &vec![1; first]);
                assert_eq!(feed(&mut conn, &head), []);
                let seen = feed(&mut conn, &announcing::<R>(FIN | CONTINUATION, len));
                let expected = match over {
                    0 => vec![],
                    _ => vec![violation(Violation::MessageTooLong)],
                };
                assert_eq!(seen, expected, "{first} and {len} within {limit}");
            }
        }
    }
    // Without any limit the sum still has no edge: three fragments of 2^63 - 1 would be more than 64 bits.
    let mut conn = R::open(limited(u64::MAX, u64::MAX));
    let most = u64::MAX >> 1;
    assert_eq!(feed(&mut conn, &peer::<R>(BINARY, b"head")), []);
    assert_eq!(feed(&mut conn, &announcing::<R>(CONTINUATION, most)), []);
    assert_eq!(feed(&mut conn, &[1; 1000]), []);
}

/// The room is never more than the buffer's spare capacity, nor more than what remains of the payload.
fn room_for_a_huge_message_is_what_memory_has<R: Tested>() {
    for len in EDGES.into_iter().filter(|len| *len > 20_000) {
        let mut conn = R::open(limited(u64::MAX, u64::MAX));
        assert_eq!(feed(&mut conn, &announcing::<R>(FIN | BINARY, len)), []);
        let mut taken = conn.take_buffer().unwrap();
        assert!(taken.capacity() as u64 <= len);
        assert!(taken.capacity() <= 64 << 10);
        let put = taken.capacity();
        taken.resize(put, 0);
        conn.put_buffer(taken).unwrap();
        let seen = pass(&mut conn, START);
        assert_eq!(seen.len(), usize::from(put as u64 == len), "{len}");
    }
}

fn limits_on_output_have_no_edge<R: Tested>() {
    for (soft, hard) in [(usize::MAX, usize::MAX), (usize::MAX - 1, usize::MAX), (0, usize::MAX)] {
        let mut conn = R::open(Config::default().with_output_limits(soft, hard));
        conn.send_binary(&[1; 10]).unwrap();
        assert_eq!(conn.is_congested(), soft == 0);
        conn.wrote(usize::MAX);
        assert_eq!(conn.queued(), 0);
    }
}

fn stream_of_any_announced_length_is_begun<R: Tested>() {
    for len in EDGES {
        let mut conn = R::open(Config::default());
        conn.stream_frame(Some(Kind::Binary), true, len).unwrap();
        let bytes = written(&mut conn);
        let (header, end) = Header::decode(&bytes).unwrap().unwrap();
        assert_eq!((header.len, end), (len, bytes.len()));
        // The encoder counts every byte that remains: until they are sent, nothing else may be, nor more than they.
        assert!(matches!(conn.send_text("?"), Err(SendError::Misuse(_))));
        conn.stream_payload(&mut [1; 5]).unwrap();
        assert_eq!(conn.counters().sent.payload_bytes, len);
    }
}

/// The payload is delivered in parts, so that only one read is in memory. Every part is counted, the payload ends at its last byte, and
/// the next frame begins after it.
#[test]
fn frame_of_more_than_4_gib_ends_at_its_last_byte() {
    let config = limited(u64::MAX, u64::MAX).with_delivery(Delivery::Parts);
    let mut conn = Connection::client_with(config, Counting(0));
    let mut bytes = announcing::<Client>(FIN | BINARY, BEYOND);
    assert_eq!(feed(&mut conn, &bytes), []);
    let mut read = vec![0; 32 << 20];
    let (mut received, mut ended) = (0, false);
    while received < BEYOND - 3 {
        let count = (BEYOND - 3 - received).min(read.len() as u64) as usize;
        let mut input = Input::new(&mut read[..count]);
        while let Some(event) = conn.poll(&mut input, START) {
            let Event::Part(part) = event else { panic!("{event:?}") };
            assert_eq!((part.first, part.last, ended), (received == 0, false, false));
            received += part.content.as_bytes().len() as u64;
            ended |= part.last;
        }
        assert!(input.is_empty(), "stuck at {received}");
    }
    assert_eq!((received, ended), (BEYOND - 3, false));
    bytes = vec![7; 3];
    bytes.extend(peer::<Client>(FIN | TEXT, b"next"));
    let seen = feed(&mut conn, &bytes);
    let last = Seen::Part(false, vec![7; 3], false, true);
    assert_eq!(seen, [last, Seen::Part(true, b"next".to_vec(), true, true)]);
    let counters = conn.counters().received;
    assert_eq!((counters.payload_bytes, counters.messages), (BEYOND + 4, 2));
    assert_eq!(counters.wire_bytes, BEYOND + 10 + 6);
}

/// The same the other way.
#[test]
fn streamed_frame_of_more_than_4_gib_ends_at_its_last_byte() {
    let mut conn: Connection<Server> = Connection::server(Config::default());
    conn.stream_frame(Some(Kind::Binary), true, BEYOND).unwrap();
    let mut piece = vec![0; 8 << 20];
    conn.lend(Loan::Output, Vec::new()).unwrap_err();
    conn.wrote(usize::MAX);
    conn.lend(Loan::Output, Vec::with_capacity(piece.len())).unwrap();
    let mut left = BEYOND - 3;
    while left > 0 {
        let count = left.min(piece.len() as u64) as usize;
        conn.stream_payload(&mut piece[..count]).unwrap();
        left -= count as u64;
        assert_eq!(conn.send_text("?"), Err(SendError::Misuse(Misuse::FrameOpen)));
        conn.wrote(usize::MAX);
    }
    assert!(conn.stream_payload(&mut [0; 4]).is_err());
    conn.stream_payload(&mut [0; 3]).unwrap();
    conn.send_text("next").unwrap();
    assert_eq!(written(&mut conn), b"\0\0\0\x81\x04next");
    assert_eq!(conn.counters().sent.wire_bytes, 10 + BEYOND + 6);
}
