//! Messages in several frames: RFC 6455, sections 5.4 and 6.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use sockless::Kind;
use sockless::connection::SendError;
use sockless::frame::{Misuse, Violation};

use crate::wire::*;

in_both_roles!(
    receives_continuation_of_nothing_fails_1002,
    receives_continuation_after_whole_message_fails_1002,
    receives_continuation_after_last_fragment_fails_1002,
    receives_message_inside_message_fails_1002,
    receives_fragmented_control_frame_fails_1002,
    receives_fragmented_control_frame_inside_message_fails_1002,
    receives_any_fragmentation,
    receives_empty_fragments,
    receives_message_of_empty_fragments,
    receives_control_frames_between_fragments,
    receives_ping_inside_code_point,
    answers_ping_before_message_is_complete,
    takes_type_of_first_frame,
    next_message_is_new,
    sends_fragments,
    sends_message_of_one_fragment_after_another,
    sends_message_whose_first_fragment_is_the_last,
    sends_control_frames_between_fragments,
    refuses_message_inside_message,
    refuses_continuation_of_nothing,
    refuses_continuation_of_other_kind,
    streams_frame_of_announced_length,
    streams_fragments,
    mixes_streamed_frames_and_queued_fragments,
);

fn receives_continuation_of_nothing_fails_1002<R: Tested>() {
    for first in [CONTINUATION, FIN | CONTINUATION] {
        let bad = peer::<R>(first, b"of nothing");
        Wrong::new(bad, 1, Violation::UnexpectedContinuation, 1002).check::<R>();
    }
}

fn receives_continuation_after_whole_message_fails_1002<R: Tested>() {
    let bad = peer::<R>(FIN | CONTINUATION, b"");
    Wrong::new(bad, 1, Violation::UnexpectedContinuation, 1002)
        .before(peer::<R>(FIN | BINARY, b"whole"), &[binary(b"whole")])
        .check::<R>();
}

fn receives_continuation_after_last_fragment_fails_1002<R: Tested>() {
    let before = [peer::<R>(TEXT, b"be"), peer::<R>(FIN, b"fore")].concat();
    let bad = peer::<R>(CONTINUATION, b"");
    Wrong::new(bad, 1, Violation::UnexpectedContinuation, 1002)
        .before(before, &[text("before")])
        .check::<R>();
}

fn receives_message_inside_message_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //= type=test
    //# The fragments of one message MUST NOT be interleaved between the
    //# fragments of another message unless an extension has been
    //# negotiated that can interpret the interleaving.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //= type=test
    //# Since
    //# control frames cannot be fragmented, the type for all fragments in
    //# a message MUST be either text, binary, or one of the reserved
    //# opcodes.
    for outer in [TEXT, BINARY] {
        for inner in [TEXT, BINARY, FIN | TEXT, FIN | BINARY] {
            let bad = peer::<R>(inner, b"inner");
            Wrong::new(bad, 1, Violation::InterruptedMessage, 1002)
                .before(peer::<R>(outer, b"outer"), &[])
                .check::<R>();
        }
    }
}

fn receives_fragmented_control_frame_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //= type=test
    //# Control frames themselves MUST NOT be
    //# fragmented.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
    //= type=test
    //# All control frames MUST have a payload length of 125 bytes or less
    //# and MUST NOT be fragmented.
    for opcode in [PING, PONG, CLOSE] {
        let bad = peer::<R>(opcode, b"");
        Wrong::new(bad, 1, Violation::FragmentedControl, 1002).check::<R>();
    }
}

fn receives_fragmented_control_frame_inside_message_fails_1002<R: Tested>() {
    for opcode in [PING, PONG, CLOSE] {
        let bad = peer::<R>(opcode, b"");
        Wrong::new(bad, 1, Violation::FragmentedControl, 1002)
            .before(peer::<R>(BINARY, b"begun"), &[])
            .check::<R>();
    }
}

/// `text`, cut after these numbers of bytes.
fn fragments<R: Tested>(kind: u8, bytes: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut from = 0;
    for (i, cut) in cuts.iter().chain([&bytes.len()]).enumerate() {
        let opcode = if i == 0 { kind } else { CONTINUATION };
        let fin = if i == cuts.len() { FIN } else { 0 };
        wire.extend(peer::<R>(fin | opcode, &bytes[from..*cut]));
        from = *cut;
    }
    wire
}

fn receives_any_fragmentation<R: Tested>() {
    let message = "Ein Käse, zwei 😀, drei €".as_bytes();
    let expected = text("Ein Käse, zwei 😀, drei €");
    for a in 0..=message.len() {
        for b in a..=message.len() {
            let bytes = fragments::<R>(TEXT, message, &[a, b]);
            let mut conn = open::<R>();
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //= type=test
            //# in absence of extensions, senders and receivers must not depend on the
            //# presence of specific frame boundaries.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //= type=test
            //# A fragmented message is conceptually equivalent to a single larger message
            //# whose payload is equal to the concatenation of the payloads of the
            //# fragments in order;
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //= type=test
            //# Clients and servers MUST support receiving both fragmented and
            //# unfragmented messages.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //= type=test
            //# Message fragments MUST be delivered to the recipient in the order
            //# sent by the sender.
            assert_eq!(feed(&mut conn, &bytes), std::slice::from_ref(&expected), "{a} {b}");
            assert_eq!(drip(&mut conn, &bytes), [(bytes.len(), expected.clone())], "{a} {b}");
        }
    }
}

fn receives_empty_fragments<R: Tested>() {
    for cuts in [&[0, 0, 0][..], &[3, 3], &[0, 1, 1, 2, 2], &[3, 3, 3, 3], &[0, 3, 3]] {
        let bytes = fragments::<R>(BINARY, b"abc", cuts);
        let mut conn = open::<R>();
        assert_eq!(feed(&mut conn, &bytes), [binary(b"abc")]);
        assert_eq!(drip(&mut conn, &bytes), [(bytes.len(), binary(b"abc"))]);
    }
}

fn receives_message_of_empty_fragments<R: Tested>() {
    for (opcode, expected) in [(TEXT, text("")), (BINARY, binary(b""))] {
        let bytes = fragments::<R>(opcode, b"", &[0, 0, 0]);
        let mut conn = open::<R>();
        assert_eq!(feed(&mut conn, &bytes), std::slice::from_ref(&expected));
        assert_eq!(drip(&mut conn, &bytes), [(bytes.len(), expected)]);
    }
}

fn receives_control_frames_between_fragments<R: Tested>() {
    let bytes = [
        peer::<R>(FIN | PONG, b"0"),
        peer::<R>(TEXT, b"one"),
        peer::<R>(FIN | PING, b"1"),
        peer::<R>(CONTINUATION, b" two"),
        peer::<R>(FIN | PONG, b"2"),
        peer::<R>(FIN | PING, &[3; 125]),
        peer::<R>(FIN | CONTINUATION, b" three"),
    ]
    .concat();
    let expected = [
        Seen::Pong(b"0".to_vec(), None),
        Seen::Ping(b"1".to_vec()),
        Seen::Pong(b"2".to_vec(), None),
        Seen::Ping(vec![3; 125]),
        text("one two three"),
    ];
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //= type=test
    //# An endpoint MUST be capable of handling control frames in the
    //# middle of a fragmented message.
    let mut conn = open::<R>();
    assert_eq!(feed(&mut conn, &bytes), expected);
    let events: Vec<Seen> = drip(&mut conn, &bytes).into_iter().map(|e| e.1).collect();
    assert_eq!(events, expected);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
    //= type=test
    //# If a control frame (Section 5.5) is
    //# received, the frame MUST be handled as defined by Section 5.5.
    assert_eq!(sent(&mut conn).len(), 4);
}

fn receives_ping_inside_code_point<R: Tested>() {
    let bytes = [
        peer::<R>(TEXT, b"\xF0\x9F"),
        peer::<R>(FIN | PING, b"\xFF\xC3"),
        peer::<R>(CONTINUATION, b"\x98"),
        peer::<R>(FIN | PONG, b"\x80"),
        peer::<R>(FIN, b"\x80"),
    ]
    .concat();
    let expected =
        [Seen::Ping(b"\xFF\xC3".to_vec()), Seen::Pong(b"\x80".to_vec(), None), text("😀")];
    let mut conn = open::<R>();
    assert_eq!(feed(&mut conn, &bytes), expected);
    let events: Vec<Seen> = drip(&mut conn, &bytes).into_iter().map(|e| e.1).collect();
    assert_eq!(events, expected);
}

fn answers_ping_before_message_is_complete<R: Tested>() {
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(TEXT, b"begun"));
    feed(&mut conn, &peer::<R>(FIN | PING, b"ping"));
    assert_eq!(sent(&mut conn), [(FIN | PONG, b"ping".to_vec())]);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN, b"")), [text("begun")]);
}

fn takes_type_of_first_frame<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = [peer::<R>(BINARY, b"\xFF"), peer::<R>(FIN, b"\xFE")].concat();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
    //= type=test
    //# Upon
    //# receiving a data frame (Section 5.6), the endpoint MUST note the
    //# /type/ of the data as defined by the opcode (frame-opcode) from
    //# Section 5.2.
    assert_eq!(feed(&mut conn, &bytes), [binary(b"\xFF\xFE")]);
    let bytes = [peer::<R>(TEXT, b"a"), peer::<R>(FIN, b"b")].concat();
    assert_eq!(feed(&mut conn, &bytes), [text("ab")]);
}

fn next_message_is_new<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = [
        peer::<R>(TEXT, b"a"),
        peer::<R>(FIN, b"b"),
        peer::<R>(BINARY, b"\xC3"),
        peer::<R>(FIN, b""),
        peer::<R>(FIN | TEXT, b"c"),
        peer::<R>(TEXT, b""),
        peer::<R>(FIN, b"d"),
    ]
    .concat();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
    //= type=test
    //# Subsequent data frames MUST be interpreted as belonging to a new
    //# WebSocket message.
    let expected = [text("ab"), binary(b"\xC3"), text("c"), text("d")];
    assert_eq!(feed(&mut conn, &bytes), expected);
}

fn sends_fragments<R: Tested>() {
    let mut conn = open::<R>();
    conn.begin_text("one", false).unwrap();
    conn.continue_text("", false).unwrap();
    conn.continue_text(" two", false).unwrap();
    conn.continue_text(" three", true).unwrap();
    conn.begin_binary(b"", false).unwrap();
    conn.continue_binary(b"", true).unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //= type=test
    //# A fragmented message consists of a single frame with the FIN bit clear and an
    //# opcode other than 0, followed by zero or more frames with the FIN bit clear and
    //# the opcode set to 0, and terminated by a single frame with the FIN bit set and an
    //# opcode of 0.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //= type=test
    //# The FIN bit (frame-fin) of the last frame containing the data
    //# MUST be set to 1 as defined in Section 5.2.
    assert_eq!(
        sent(&mut conn),
        [
            (TEXT, b"one".to_vec()),
            (CONTINUATION, b"".to_vec()),
            (CONTINUATION, b" two".to_vec()),
            (FIN | CONTINUATION, b" three".to_vec()),
            (BINARY, b"".to_vec()),
            (FIN | CONTINUATION, b"".to_vec()),
        ]
    );
    is_unharmed(&mut conn);
}

fn sends_message_of_one_fragment_after_another<R: Tested>() {
    let mut conn = open::<R>();
    for _ in 0..3 {
        conn.begin_binary(b"a", false).unwrap();
        conn.continue_binary(b"b", true).unwrap();
    }
    assert_eq!(sent(&mut conn).len(), 6);
    is_unharmed(&mut conn);
}

fn sends_message_whose_first_fragment_is_the_last<R: Tested>() {
    let mut conn = open::<R>();
    conn.begin_text("all", true).unwrap();
    assert_eq!(conn.continue_text("", true), Err(SendError::Misuse(Misuse::NoMessage)));
    conn.begin_binary(b"", true).unwrap();
    conn.send_text("next").unwrap();
    assert_eq!(
        sent(&mut conn),
        [(FIN | TEXT, b"all".to_vec()), (FIN | BINARY, Vec::new()), (FIN | TEXT, b"next".to_vec())]
    );
}

fn sends_control_frames_between_fragments<R: Tested>() {
    let mut conn = open::<R>();
    conn.begin_text("a", false).unwrap();
    conn.ping(b"1", START).unwrap();
    conn.pong(b"2").unwrap();
    feed(&mut conn, &peer::<R>(FIN | PING, b"3"));
    conn.continue_text("b", true).unwrap();
    assert_eq!(
        sent(&mut conn),
        [
            (TEXT, b"a".to_vec()),
            (FIN | PING, b"1".to_vec()),
            (FIN | PONG, b"2".to_vec()),
            (FIN | PONG, b"3".to_vec()),
            (FIN | CONTINUATION, b"b".to_vec()),
        ]
    );
}

fn refuses_message_inside_message<R: Tested>() {
    let open_message = Err(SendError::Misuse(Misuse::MessageOpen));
    let mut conn = open::<R>();
    conn.begin_text("a", false).unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //= type=test
    //# The fragments of one message MUST NOT be interleaved between the
    //# fragments of another message unless an extension has been
    //# negotiated that can interpret the interleaving.
    assert_eq!(conn.send_text("x"), open_message);
    assert_eq!(conn.send_binary(b"x"), open_message);
    assert_eq!(conn.begin_text("x", false), open_message);
    assert_eq!(conn.begin_binary(b"x", false), open_message);
    assert_eq!(conn.stream_frame(Some(Kind::Text), true, 1), open_message);
    let refused = conn.send(vec![1; 5000]).unwrap_err();
    assert_eq!(refused.reason, SendError::Misuse(Misuse::MessageOpen));
    assert_eq!(refused.message.as_bytes(), vec![1; 5000]);
    let refused = conn.send("small").unwrap_err();
    assert_eq!(refused.message.as_bytes(), b"small");
    conn.continue_text("b", true).unwrap();
    assert_eq!(sent(&mut conn), [(TEXT, b"a".to_vec()), (FIN | CONTINUATION, b"b".to_vec())]);
    is_unharmed(&mut conn);
}

fn refuses_continuation_of_nothing<R: Tested>() {
    let nothing = Err(SendError::Misuse(Misuse::NoMessage));
    let mut conn = open::<R>();
    for _ in 0..2 {
        assert_eq!(conn.continue_text("x", false), nothing);
        assert_eq!(conn.continue_text("x", true), nothing);
        assert_eq!(conn.continue_binary(b"x", true), nothing);
        assert_eq!(conn.stream_frame(None, true, 1), nothing);
        assert_eq!(conn.queued(), 0);
        // After a whole message it is no different.
        conn.send_text("whole").unwrap();
        sent(&mut conn);
    }
    is_unharmed(&mut conn);
}

fn refuses_continuation_of_other_kind<R: Tested>() {
    let other = Err(SendError::Misuse(Misuse::OtherKind));
    let mut conn = open::<R>();
    conn.begin_text("a", false).unwrap();
    assert_eq!(conn.continue_binary(b"\xFF", true), other);
    conn.continue_text("b", true).unwrap();
    conn.begin_binary(b"c", false).unwrap();
    assert_eq!(conn.continue_text("x", true), other);
    conn.continue_binary(b"d", true).unwrap();
    assert_eq!(sent(&mut conn).len(), 4);
    is_unharmed(&mut conn);
}

fn streams_frame_of_announced_length<R: Tested>() {
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Binary), true, 70_000).unwrap();
    let mut bytes = written(&mut conn);
    let payload: Vec<u8> = (0..70_000).map(|i| i as u8).collect();
    for piece in payload.chunks(999) {
        conn.stream_payload(&mut piece.to_vec()).unwrap();
        bytes.extend(written(&mut conn));
    }
    let frames = found(&bytes);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].pair(), (FIN | BINARY, &payload[..]));
    is_unharmed(&mut conn);
}

fn streams_fragments<R: Tested>() {
    let mut conn = open::<R>();
    // A frame may end inside a code point, the message may not.
    conn.stream_frame(Some(Kind::Text), false, 2).unwrap();
    conn.stream_payload(&mut b"\xF0\x9F".to_vec()).unwrap();
    conn.stream_frame(None, false, 0).unwrap();
    conn.stream_frame(None, true, 2).unwrap();
    conn.stream_payload(&mut b"\x98".to_vec()).unwrap();
    conn.stream_payload(&mut b"\x80".to_vec()).unwrap();
    assert_eq!(
        sent(&mut conn),
        [
            (TEXT, b"\xF0\x9F".to_vec()),
            (CONTINUATION, b"".to_vec()),
            (FIN | CONTINUATION, b"\x98\x80".to_vec())
        ]
    );
    is_unharmed(&mut conn);
}

fn mixes_streamed_frames_and_queued_fragments<R: Tested>() {
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Text), false, 1).unwrap();
    conn.stream_payload(&mut b"a".to_vec()).unwrap();
    conn.continue_text("ü", false).unwrap();
    conn.stream_frame(None, true, 1).unwrap();
    conn.stream_payload(&mut b"b".to_vec()).unwrap();
    // The text that was streamed has no influence on the check of the binary message.
    conn.begin_binary(b"\xFF", false).unwrap();
    conn.stream_frame(None, true, 1).unwrap();
    conn.stream_payload(&mut b"\xFF".to_vec()).unwrap();
    let payload: Vec<u8> = sent(&mut conn).into_iter().flat_map(|f| f.1).collect();
    assert_eq!(payload, b"a\xC3\xBCb\xFF\xFF");
    is_unharmed(&mut conn);
}
