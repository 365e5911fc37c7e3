//! Pings and pongs, and what all control frames have in common: RFC 6455, sections 5.5, 5.5.2 and 5.5.3.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use core::time::Duration;

use sockless::connection::SendError;
use sockless::frame::{Misuse, Violation};
use sockless::{CloseCode, Config, Kind};

use crate::wire::*;

in_both_roles!(
    receives_long_control_frame_fails_1002,
    receives_control_frame_of_125_bytes,
    answers_ping_with_its_payload,
    answers_pings_in_order,
    answers_a_short_ping_in_place_of_a_longer_one_without_room,
    has_room_for_pongs_again_only_when_those_before_are_written,
    answers_ping_behind_what_was_queued,
    answers_ping_between_fragments_of_ours,
    answers_ping_after_streamed_frame,
    answers_pings_before_close,
    answers_ping_after_own_close,
    answers_no_ping_after_peers_close,
    does_not_answer_pong,
    does_not_answer_ping_when_told_so,
    sends_pong_on_demand_when_told_not_to_answer,
    sends_pong_on_demand_after_own_close,
    sends_ping_and_unsolicited_pong,
    refuses_long_ping_and_pong,
    receives_ping_in_pieces,
    tells_round_trip_time,
    tells_round_trip_times_of_no_time_and_of_hours,
    remembers_the_last_sixteen_pings,
    tells_no_round_trip_time_of_unsolicited_pong,
    tells_round_trip_time_of_the_latest_of_equal_pings,
);

fn receives_long_control_frame_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
    //= type=test
    //# All control frames MUST have a payload length of 125 bytes or less
    //# and MUST NOT be fragmented.
    for opcode in [PING, PONG, CLOSE] {
        let mut payload = close_body(1000, b"");
        payload.resize(126, b'x');
        let bad = peer::<R>(FIN | opcode, &payload);
        Wrong::new(bad, 2, Violation::LongControl, 1002).check::<R>();
        let bad = peer_header::<R>(FIN | opcode, 127, &(1_u64 << 40).to_be_bytes());
        Wrong::new(bad, 2, Violation::LongControl, 1002).check::<R>();
        let bad = peer_header::<R>(FIN | opcode, 126, &[0, 5]);
        Wrong::new(bad, 2, Violation::LongControl, 1002).check::<R>();
    }
}

fn receives_control_frame_of_125_bytes<R: Tested>() {
    let payload: Vec<u8> = (100..225).collect();
    let mut conn = open::<R>();
    let ping = peer::<R>(FIN | PING, &payload);
    assert_eq!(feed(&mut conn, &ping), [Seen::Ping(payload.clone())]);
    let pong = peer::<R>(FIN | PONG, &payload);
    assert_eq!(feed(&mut conn, &pong), [Seen::Pong(payload.clone(), None)]);
    let close = peer::<R>(FIN | CLOSE, &close_body(1000, &[b'x'; 123]));
    assert_eq!(feed(&mut conn, &close), [Seen::Closing(Some(1000), "x".repeat(123))]);
}

fn answers_ping_with_its_payload<R: Tested>() {
    for len in [0, 1, 4, 5, 124, 125] {
        let payload: Vec<u8> = (0..len).map(|i| 255 - i).collect();
        let mut conn = open::<R>();
        let ping = peer::<R>(FIN | PING, &payload);
        assert_eq!(feed(&mut conn, &ping), [Seen::Ping(payload.clone())]);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
        //= type=test
        //# Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
        //# response, unless it already received a Close frame.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
        //= type=test
        //# A Pong frame sent in response to a Ping frame must have identical
        //# "Application data" as found in the message body of the Ping frame
        //# being replied to.
        assert_eq!(sent(&mut conn), [(FIN | PONG, payload)]);
    }
}

fn answers_pings_in_order<R: Tested>() {
    let mut conn = open::<R>();
    let pings: Vec<u8> = (0..10).flat_map(|i| peer::<R>(FIN | PING, &[i])).collect();
    assert_eq!(feed(&mut conn, &pings).len(), 10);
    let expected: Vec<_> = (0..10).map(|i| (FIN | PONG, vec![i])).collect();
    assert_eq!(sent(&mut conn), expected);
}

fn answers_a_short_ping_in_place_of_a_longer_one_without_room<R: Tested>() {
    let mut conn = open::<R>();
    let long = (0..16).map(|i| vec![i; 125]);
    // There is room for the pongs of fifteen of them, and for the short one beside those.
    let payloads: Vec<Vec<u8>> = long.chain([b"short".to_vec()]).collect();
    let pings: Vec<u8> = payloads.iter().flat_map(|it| peer::<R>(FIN | PING, it)).collect();
    assert_eq!(feed(&mut conn, &pings).len(), 17);
    let answered = payloads[..15].iter().chain(&payloads[16..]);
    let expected: Vec<_> = answered.map(|it| (FIN | PONG, it.clone())).collect();
    assert_eq!(sent(&mut conn), expected);
}

fn has_room_for_pongs_again_only_when_those_before_are_written<R: Tested>() {
    let mut conn = open::<R>();
    let pings: Vec<u8> = (0..15).flat_map(|i| peer::<R>(FIN | PING, &[i; 125])).collect();
    assert_eq!(feed(&mut conn, &pings).len(), 15);
    let queued = conn.queued();
    conn.wrote(1);
    assert_eq!(feed(&mut conn, &pings).len(), 15);
    assert_eq!(conn.queued(), queued - 1);
    written(&mut conn);
    assert_eq!(feed(&mut conn, &pings).len(), 15);
    assert_eq!(conn.queued(), queued);
}

fn answers_ping_behind_what_was_queued<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("a").unwrap();
    feed(&mut conn, &peer::<R>(FIN | PING, b"p"));
    conn.send_text("b").unwrap();
    assert_eq!(
        sent(&mut conn),
        [(FIN | TEXT, b"a".to_vec()), (FIN | PONG, b"p".to_vec()), (FIN | TEXT, b"b".to_vec())]
    );
}

fn answers_ping_between_fragments_of_ours<R: Tested>() {
    let mut conn = open::<R>();
    conn.begin_binary(b"a", false).unwrap();
    feed(&mut conn, &peer::<R>(FIN | PING, b"p"));
    conn.continue_binary(b"b", true).unwrap();
    let frames = sent(&mut conn);
    let firsts: Vec<u8> = frames.iter().map(|f| f.0).collect();
    assert_eq!(firsts, [BINARY, FIN | PONG, FIN | CONTINUATION]);
}

fn answers_ping_after_streamed_frame<R: Tested>() {
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Binary), true, 4).unwrap();
    conn.stream_payload(&mut [1, 2]).unwrap();
    feed(&mut conn, &peer::<R>(FIN | PING, b"p"));
    let mut bytes = written(&mut conn);
    conn.stream_payload(&mut [3, 4]).unwrap();
    bytes.extend(written(&mut conn));
    let frames = found(&bytes);
    assert_eq!(frames[0].pair(), (FIN | BINARY, &[1, 2, 3, 4][..]));
    assert_eq!(frames[1].pair(), (FIN | PONG, &b"p"[..]));
    assert_eq!(frames.len(), 2);
}

fn answers_pings_before_close<R: Tested>() {
    let mut conn = open::<R>();
    let bytes =
        [peer::<R>(FIN | PING, b"p"), peer::<R>(FIN | CLOSE, &close_body(1000, b""))].concat();
    assert_eq!(feed(&mut conn, &bytes).len(), 2);
    assert_eq!(
        sent(&mut conn),
        [(FIN | PONG, b"p".to_vec()), (FIN | CLOSE, close_body(1000, b""))]
    );
}

fn answers_ping_after_own_close<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    sent(&mut conn);
    for payload in [b"one", b"two"] {
        let ping = peer::<R>(FIN | PING, payload);
        assert_eq!(feed(&mut conn, &ping), [Seen::Ping(payload.to_vec())]);
        // The peer's Close has not been received: the pong is still owed.
        assert_eq!(sent(&mut conn), [(FIN | PONG, payload.to_vec())]);
    }
}

fn answers_no_ping_after_peers_close<R: Tested>() {
    for own_first in [false, true] {
        let mut conn = open::<R>();
        if own_first {
            conn.close(CloseCode::NORMAL, "", START).unwrap();
        }
        let bytes =
            [peer::<R>(FIN | CLOSE, &close_body(1000, b"")), peer::<R>(FIN | PING, b"late")]
                .concat();
        assert_eq!(feed(&mut conn, &bytes), [Seen::Closing(Some(1000), String::new())]);
        assert_eq!(
            sent(&mut conn),
            [(FIN | CLOSE, close_body(1000, b""))],
            "own close first: {own_first}"
        );
    }
}

fn does_not_answer_pong<R: Tested>() {
    let mut conn = open::<R>();
    for payload in [&b""[..], b"unsolicited", &[0; 125]] {
        let pong = peer::<R>(FIN | PONG, payload);
        assert_eq!(feed(&mut conn, &pong), [Seen::Pong(payload.to_vec(), None)]);
        assert_eq!(conn.queued(), 0);
    }
    is_unharmed(&mut conn);
}

fn does_not_answer_ping_when_told_so<R: Tested>() {
    let mut conn = R::open(Config::default().with_auto_pong(false));
    let ping = peer::<R>(FIN | PING, b"p");
    assert_eq!(feed(&mut conn, &ping), [Seen::Ping(b"p".to_vec())]);
    assert_eq!(conn.queued(), 0);
}

fn sends_pong_on_demand_when_told_not_to_answer<R: Tested>() {
    let mut conn = R::open(Config::default().with_auto_pong(false));
    feed(&mut conn, &peer::<R>(FIN | PING, b"p"));
    conn.pong(b"p").unwrap();
    assert_eq!(sent(&mut conn), [(FIN | PONG, b"p".to_vec())]);
}

fn sends_pong_on_demand_after_own_close<R: Tested>() {
    let mut conn = R::open(Config::default().with_auto_pong(false));
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    sent(&mut conn);
    feed(&mut conn, &peer::<R>(FIN | PING, b"p"));
    // Who answers pings himself owes the pong like the engine does: only the peer's Close ends it.
    conn.pong(b"p").unwrap();
    assert_eq!(sent(&mut conn), [(FIN | PONG, b"p".to_vec())]);
    feed(&mut conn, &peer::<R>(FIN | CLOSE, b""));
    assert_eq!(conn.pong(b"late"), Err(SendError::Misuse(Misuse::Closed)));
    assert_eq!(sent(&mut conn), []);
}

fn sends_ping_and_unsolicited_pong<R: Tested>() {
    let mut conn = open::<R>();
    conn.ping(b"", START).unwrap();
    conn.ping(&[7; 125], START).unwrap();
    conn.pong(b"").unwrap();
    conn.pong(&[8; 125]).unwrap();
    assert_eq!(
        sent(&mut conn),
        [
            (FIN | PING, vec![]),
            (FIN | PING, vec![7; 125]),
            (FIN | PONG, vec![]),
            (FIN | PONG, vec![8; 125])
        ]
    );
}

fn refuses_long_ping_and_pong<R: Tested>() {
    let long = Err(SendError::Misuse(Misuse::LongControl));
    let mut conn = open::<R>();
    for len in [126, 1000, 70_000] {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
        //= type=test
        //# All control frames MUST have a payload length of 125 bytes or less
        //# and MUST NOT be fragmented.
        assert_eq!(conn.ping(&vec![0; len], START), long);
        assert_eq!(conn.pong(&vec![0; len]), long);
    }
    assert_eq!(conn.queued(), 0);
    is_unharmed(&mut conn);
}

fn receives_ping_in_pieces<R: Tested>() {
    let payload: Vec<u8> = (0..125).collect();
    let bytes = peer::<R>(FIN | PING, &payload);
    for size in 1..20 {
        let mut conn = open::<R>();
        let events: Vec<Seen> =
            bytes.chunks(size).flat_map(|chunk| feed(&mut conn, chunk)).collect();
        assert_eq!(events, [Seen::Ping(payload.clone())]);
        assert_eq!(sent(&mut conn), [(FIN | PONG, payload.clone())]);
    }
}

fn tells_round_trip_time<R: Tested>() {
    let mut conn = open::<R>();
    assert_eq!(conn.counters().round_trip, None);
    conn.ping(b"one", seconds(1)).unwrap();
    conn.ping(b"two", seconds(2)).unwrap();
    let pong = peer::<R>(FIN | PONG, b"one");
    assert_eq!(
        feed_at(&mut conn, &pong, seconds(5)),
        [Seen::Pong(b"one".to_vec(), Some(seconds(4)))]
    );
    assert_eq!(conn.counters().round_trip, Some(seconds(4)));
    let pong = peer::<R>(FIN | PONG, b"two");
    assert_eq!(
        feed_at(&mut conn, &pong, seconds(9)),
        [Seen::Pong(b"two".to_vec(), Some(seconds(7)))]
    );
    // It is answered only once.
    assert_eq!(feed_at(&mut conn, &pong, seconds(9)), [Seen::Pong(b"two".to_vec(), None)]);
    assert_eq!(conn.counters().round_trip, Some(seconds(7)));
}

fn tells_round_trip_times_of_no_time_and_of_hours<R: Tested>() {
    let most = Duration::from_micros(u32::MAX.into());
    for (time, kept) in [
        (Duration::ZERO, Duration::ZERO),
        (Duration::from_nanos(1999), Duration::from_micros(1)),
        (most - Duration::from_micros(1), most - Duration::from_micros(1)),
        // The counters go up to 71 minutes, the event tells the truth.
        (most, most - Duration::from_micros(1)),
        (seconds(10_000), most - Duration::from_micros(1)),
    ] {
        let mut conn = open::<R>();
        conn.ping(b"p", START).unwrap();
        let pong = peer::<R>(FIN | PONG, b"p");
        assert_eq!(feed_at(&mut conn, &pong, time), [Seen::Pong(b"p".to_vec(), Some(time))]);
        assert_eq!(conn.counters().round_trip, Some(kept));
    }
}

fn remembers_the_last_sixteen_pings<R: Tested>() {
    let pings = |count: u8| {
        let mut conn = open::<R>();
        (0..count).for_each(|i| conn.ping(&[i], seconds(i.into())).unwrap());
        conn
    };
    for (count, answered, round_trip) in
        [(16, 0, Some(20)), (17, 0, None), (17, 1, Some(19)), (30, 13, None), (30, 14, Some(6))]
    {
        let pong = peer::<R>(FIN | PONG, &[answered]);
        assert_eq!(
            feed_at(&mut pings(count), &pong, seconds(20)),
            [Seen::Pong(vec![answered], round_trip.map(seconds))]
        );
    }
}

fn tells_no_round_trip_time_of_unsolicited_pong<R: Tested>() {
    let mut conn = open::<R>();
    conn.ping(b"one", START).unwrap();
    let pong = peer::<R>(FIN | PONG, b"other");
    assert_eq!(feed_at(&mut conn, &pong, seconds(1)), [Seen::Pong(b"other".to_vec(), None)]);
    assert_eq!(conn.counters().round_trip, None);
}

fn tells_round_trip_time_of_the_latest_of_equal_pings<R: Tested>() {
    let mut conn = open::<R>();
    for second in 0..40 {
        conn.ping(b"same", seconds(second)).unwrap();
    }
    let pong = peer::<R>(FIN | PONG, b"same");
    assert_eq!(
        feed_at(&mut conn, &pong, seconds(50)),
        [Seen::Pong(b"same".to_vec(), Some(seconds(11)))]
    );
}

#[test]
fn server_sends_the_latest_of_late_pongs_ahead_of_the_close_frame_of_a_failure() {
    let now = core::time::Duration::ZERO;
    let mut conn = sockless::Connection::server(sockless::Config::default());
    let mut arrived = Vec::new();
    for number in 0..100u8 {
        arrived.extend_from_slice(&[0x89, 0x80 | 125, 0, 0, 0, 0]);
        arrived.extend_from_slice(&[number; 125]);
    }
    arrived.extend_from_slice(&[0x83, 0x80, 0, 0, 0, 0]);
    let mut input = sockless::Input::new(&mut arrived);
    while conn.poll(&mut input, now).is_some() {}
    let output: Vec<u8> = conn.output_slices().flatten().copied().collect();
    let mut end = vec![0x8A, 125];
    end.extend_from_slice(&[99; 125]);
    end.extend_from_slice(b"\x88\x14\x03\xEAopcode is reserved");
    assert!(output.ends_with(&end));
}
