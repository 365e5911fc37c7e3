//! Limits on what the peer may send: RFC 6455, section 10.4.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use sockless::frame::{Decoder, Input, Limits, Violation};
use sockless::{Config, Delivery, Outcome};

use crate::wire::*;

in_both_roles!(
    receives_frame_at_the_limit,
    receives_frame_over_the_limit_fails_1009_at_its_header,
    receives_message_at_the_limit,
    receives_message_over_the_limit_fails_1009_at_its_header,
    receives_fragments_over_the_limit_fails_1009_at_the_header_that_adds_too_much,
    receives_parts_over_the_limit_fails_1009,
    receives_huge_announcement_fails_1009,
    receives_huge_announcement_within_limits_reserves_little,
    outcome_says_how_much_was_announced,
    outcome_says_nothing_of_other_failures,
    limits_each_frame_of_a_long_message,
    counts_every_message_by_itself,
    does_not_limit_control_frames,
    receives_empty_fragments_without_end,
    limit_of_nothing_allows_empty_messages,
    sends_more_than_it_would_receive,
);

fn limited(frame: u64, message: u64) -> Config {
    Config::default().with_limits(Limits::default().with_frame(frame).with_message(message))
}

fn outcome_says_how_much_was_announced<R: Tested>() {
    let frame = peer::<R>(FIN | BINARY, &[1; 126]);
    let message =
        [peer::<R>(TEXT, b"abc"), peer::<R>(FIN | PING, b""), peer::<R>(CONTINUATION, b"defg")];
    let huge = peer_header::<R>(FIN | BINARY, 127, &(u64::MAX / 2).to_be_bytes());
    for delivery in [Delivery::Whole, Delivery::Parts] {
        for (bytes, announced, words) in [
            (
                frame.clone(),
                126,
                "`Limits::frame`, which is 100 bytes (`Limits::with_frame`): it announced 126",
            ),
            (
                message.concat(),
                7,
                "`Limits::message`, which is 6 bytes (`Limits::with_message`): it announced 7",
            ),
            (huge.clone(), u64::MAX / 2, ""),
        ] {
            let config = limited(100, 6).with_delivery(delivery);
            let limits = config.limits;
            let mut conn = R::open(config);
            assert_eq!(feed(&mut conn, &bytes[..1]), []);
            assert_eq!(conn.outcome().announced, None);
            feed(&mut conn, &bytes[1..]);
            // It is said to the end, however long it is, and by the halves too.
            written(&mut conn);
            feed(&mut conn, b"more");
            assert_eq!(conn.outcome().announced, Some(announced));
            let said = conn.outcome().failure_in_words(&limits).unwrap().to_string();
            assert!(said.ends_with(words), "{said}");
            let (receiver, sender) = conn.split();
            assert_eq!(Outcome::join(receiver.end(), sender.end()).announced, Some(announced));
        }
    }
}

fn outcome_says_nothing_of_other_failures<R: Tested>() {
    let mut conn = R::open(limited(100, 100));
    feed(&mut conn, &peer::<R>(FIN | TEXT, b"\xFF"));
    let outcome = conn.outcome();
    assert_eq!(outcome.announced, None);
    let said = outcome.failure_in_words(&Limits::default()).unwrap().to_string();
    assert_eq!(said, Violation::InvalidText.to_string());
    // In the middle of a message whose length is known.
    let mut conn = R::open(limited(100, 100));
    feed(&mut conn, &[peer::<R>(TEXT, b"abc"), peer::<R>(FIN | TEXT, b"")].concat());
    assert_eq!(conn.outcome().announced, None);
    assert!(open::<R>().outcome().failure_in_words(&Limits::default()).is_none());
}

/// At level 1 the decoder says it itself, and only then.
#[test]
fn decoder_says_how_much_was_announced() {
    let limits = Limits::default().with_frame(100).with_message(6);
    for (frames, announced) in [
        (vec![peer::<sockless::Server>(FIN | BINARY, &[1; 126])], Some(126)),
        (
            vec![peer::<sockless::Server>(TEXT, b"abc"), peer::<sockless::Server>(FIN, b"defg")],
            Some(7),
        ),
        (
            vec![peer::<sockless::Server>(TEXT, b"abc"), peer::<sockless::Server>(FIN | TEXT, b"")],
            None,
        ),
    ] {
        let mut bytes = frames.concat();
        let (mut decoder, mut input) = (Decoder::<sockless::Server>::new(), Input::new(&mut bytes));
        assert_eq!(decoder.announced(), None);
        while let Ok(Some(_)) = decoder.decode(&mut input, &limits) {}
        assert_eq!(decoder.announced(), announced);
    }
}

fn receives_frame_at_the_limit<R: Tested>() {
    for len in [5_usize, 125, 126, 65535, 65536] {
        let mut conn = R::open(limited(len as u64, u64::MAX));
        let bytes = peer::<R>(FIN | BINARY, &vec![1; len]);
        assert_eq!(feed(&mut conn, &bytes), [binary(&vec![1; len])]);
    }
}

fn receives_frame_over_the_limit_fails_1009_at_its_header<R: Tested>() {
    for len in [11_usize, 126, 65536] {
        let bad = peer::<R>(FIN | BINARY, &vec![1; len]);
        let at = bad.len() - len;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.4
        //= type=test
        //# Implementations that have implementation- and/or platform-specific
        //# limitations regarding the frame size or total message size after
        //# reassembly from multiple frames MUST protect themselves against
        //# exceeding those limits.
        Wrong::new(bad, at, Violation::FrameTooLong, 1009)
            .config(limited(10, u64::MAX))
            .check::<R>();
    }
}

fn receives_message_at_the_limit<R: Tested>() {
    let mut conn = R::open(limited(u64::MAX, 6));
    let bytes = [
        peer::<R>(FIN | BINARY, b"abcdef"),
        peer::<R>(TEXT, b"abc"),
        peer::<R>(CONTINUATION, b""),
        peer::<R>(FIN, b"def"),
    ]
    .concat();
    assert_eq!(feed(&mut conn, &bytes), [binary(b"abcdef"), text("abcdef")]);
}

fn receives_message_over_the_limit_fails_1009_at_its_header<R: Tested>() {
    for len in [11_usize, 126, 65536] {
        for first in [FIN | TEXT, TEXT, FIN | BINARY, BINARY] {
            let bad = peer::<R>(first, &vec![b'x'; len]);
            let at = bad.len() - len;
            Wrong::new(bad, at, Violation::MessageTooLong, 1009)
                .config(limited(u64::MAX, 10))
                .check::<R>();
        }
    }
}

fn receives_fragments_over_the_limit_fails_1009_at_the_header_that_adds_too_much<R: Tested>() {
    let before =
        [peer::<R>(TEXT, b"1234"), peer::<R>(CONTINUATION, b""), peer::<R>(CONTINUATION, b"5678")]
            .concat();
    for first in [CONTINUATION, FIN] {
        let bad = peer::<R>(first, b"9ab");
        let at = bad.len() - 3;
        Wrong::new(bad, at, Violation::MessageTooLong, 1009)
            .config(limited(u64::MAX, 10))
            .before(before.clone(), &[])
            .check::<R>();
    }
}

fn receives_parts_over_the_limit_fails_1009<R: Tested>() {
    let mut conn = R::open(limited(u64::MAX, 10).with_delivery(Delivery::Parts));
    let bytes = [peer::<R>(BINARY, &[1; 10]), peer::<R>(CONTINUATION, &[2])].concat();
    assert_eq!(
        feed(&mut conn, &bytes),
        [Seen::Part(false, vec![1; 10], true, false), violation(Violation::MessageTooLong)]
    );
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1009, b"message exceeds 10 bytes"))]);
}

fn receives_huge_announcement_fails_1009<R: Tested>() {
    for len in [16_u64 << 20 | 1, 1 << 32, 1 << 62, (1 << 63) - 1] {
        let bad = peer_header::<R>(FIN | BINARY, 127, &len.to_be_bytes());
        let at = bad.len();
        Wrong::new(bad, at, Violation::FrameTooLong, 1009).check::<R>();
    }
}

fn receives_huge_announcement_within_limits_reserves_little<R: Tested>() {
    let mut conn = R::open(limited(u64::MAX, u64::MAX));
    let header = peer_header::<R>(FIN | BINARY, 127, &(1_u64 << 62).to_be_bytes());
    assert_eq!(feed(&mut conn, &header), []);
    let taken = conn.take_buffer().unwrap();
    assert!(taken.capacity() <= 64 << 10);
}

fn limits_each_frame_of_a_long_message<R: Tested>() {
    let mut conn = R::open(limited(4, u64::MAX));
    let bytes =
        [peer::<R>(BINARY, &[1; 4]), peer::<R>(CONTINUATION, &[2; 4]), peer::<R>(FIN, &[3; 5])]
            .concat();
    assert_eq!(feed(&mut conn, &bytes), [violation(Violation::FrameTooLong)]);
}

fn counts_every_message_by_itself<R: Tested>() {
    let mut conn = R::open(limited(u64::MAX, 4));
    for _ in 0..10 {
        let bytes = [peer::<R>(BINARY, &[1; 2]), peer::<R>(FIN, &[1; 2])].concat();
        assert_eq!(feed(&mut conn, &bytes), [binary(&[1; 4])]);
        assert_eq!(feed(&mut conn, &peer::<R>(FIN | BINARY, &[1; 4])), [binary(&[1; 4])]);
    }
}

fn does_not_limit_control_frames<R: Tested>() {
    let mut conn = R::open(limited(4, 4));
    let bytes = [peer::<R>(BINARY, &[1; 4]), peer::<R>(FIN | PING, &[2; 125]), peer::<R>(FIN, &[])]
        .concat();
    assert_eq!(feed(&mut conn, &bytes), [Seen::Ping(vec![2; 125]), binary(&[1; 4])]);
}

fn receives_empty_fragments_without_end<R: Tested>() {
    let mut conn = R::open(limited(4, 4));
    assert_eq!(feed(&mut conn, &peer::<R>(TEXT, b"a")), []);
    let empty = peer::<R>(CONTINUATION, b"").repeat(1000);
    for _ in 0..10 {
        assert_eq!(feed(&mut conn, &empty), []);
    }
    assert_eq!(feed(&mut conn, &peer::<R>(FIN, b"b")), [text("ab")]);
}

fn limit_of_nothing_allows_empty_messages<R: Tested>() {
    let mut conn = R::open(limited(0, 0));
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | TEXT, b"")), [text("")]);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | TEXT, b"a")), [violation(Violation::FrameTooLong)]);
}

fn sends_more_than_it_would_receive<R: Tested>() {
    let mut conn = R::open(limited(4, 4));
    conn.send_binary(&[1; 100]).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | BINARY, vec![1; 100])]);
}
