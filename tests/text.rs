//! UTF-8 in messages and close reasons: RFC 6455, sections 5.6 and 8.1, and RFC 3629, which defines UTF-8.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use sockless::connection::SendError;
use sockless::frame::{Misuse, Violation};
use sockless::{Config, Delivery, Kind};

use crate::wire::*;

in_both_roles!(
    receives_invalid_text_fails_1007_at_first_wrong_byte,
    receives_invalid_text_in_fragments_fails_1007_at_first_wrong_byte,
    receives_invalid_text_over_fragment_boundary_fails_1007,
    receives_text_cut_inside_code_point_fails_1007_at_its_end,
    receives_fragmented_text_cut_inside_code_point_fails_1007,
    receives_invalid_text_in_unfinished_frame_fails_1007,
    receives_invalid_text_in_parts_fails_1007_after_good_part,
    receives_invalid_reason_fails_1007_at_first_wrong_byte,
    receives_reason_cut_inside_code_point_fails_1007,
    receives_unusual_but_valid_text_unchanged,
    receives_every_code_point,
    receives_anything_as_binary,
    receives_anything_in_ping,
    receives_valid_text_after_binary_that_is_not,
    refuses_to_stream_invalid_text,
    refuses_to_end_text_inside_code_point,
    refuses_to_queue_text_after_half_a_code_point,
    refuses_to_stream_invalid_text_after_queued_text,
    streams_anything_as_binary,
);

/// Bytes that are not UTF-8, and which of them is the first that can't be right.
const INVALID: &[(&[u8], usize)] = &[
    (b"\x80", 0),
    (b"\xBF", 0),
    (b"\xC0\xAF", 0),
    (b"\xC1\xBF", 0),
    (b"\xF5\x80\x80\x80", 0),
    (b"\xF8\x88\x80\x80\x80", 0),
    (b"\xFE", 0),
    (b"\xFF", 0),
    (b"\xC3(", 1),
    (b"\xC3\xC3\xA9", 1),
    (b"\xE0\x80\xAF", 1),
    (b"\xE0\x9F\xBF", 1),
    (b"\xED\xA0\x80", 1),
    (b"\xED\xBF\xBF", 1),
    (b"\xF0\x80\x80\xAF", 1),
    (b"\xF0\x8F\xBF\xBF", 1),
    (b"\xF4\x90\x80\x80", 1),
    (b"\xE2\x82(", 2),
    (b"\xE2\x82\xE2\x82\xAC", 2),
    (b"\xF0\x9F\x98(", 3),
    (b"\xF0\x9F(\x80", 2),
    (b"\xF4\x8F\xBF\xC0", 3),
];

const GOOD: &[&str] = &["", "a", "ä", "€", "😀", "grüß dich, 世界, und lange genug für Vektoren"];

fn receives_invalid_text_fails_1007_at_first_wrong_byte<R: Tested>() {
    let header = if R::MASKS { 2 } else { 6 };
    for (bad, at) in INVALID {
        for good in GOOD {
            let payload = [good.as_bytes(), bad, b" and more"].concat();
            let at = header + good.len() + at + 1;
            //= https://www.rfc-editor.org/rfc/rfc6455#section-8.1
            //= type=test
            //# When an endpoint is to interpret a byte stream as UTF-8 but finds
            //# that the byte stream is not, in fact, a valid UTF-8 stream, that
            //# endpoint MUST _Fail the WebSocket Connection_.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.6
            //= type=test
            //# Note that a
            //# particular text frame might include a partial UTF-8 sequence;
            //# however, the whole message MUST contain valid UTF-8.
            let bad = peer::<R>(FIN | TEXT, &payload);
            Wrong::new(bad, at, Violation::InvalidText, 1007).check::<R>();
        }
    }
}

fn receives_invalid_text_in_fragments_fails_1007_at_first_wrong_byte<R: Tested>() {
    let header = if R::MASKS { 2 } else { 6 };
    for (bad, at) in INVALID {
        let frame = peer::<R>(CONTINUATION, &[b"x", *bad, b"more"].concat());
        Wrong::new(frame, header + 1 + at + 1, Violation::InvalidText, 1007)
            .before(peer::<R>(TEXT, "gut ".as_bytes()), &[])
            .check::<R>();
    }
}

fn receives_invalid_text_over_fragment_boundary_fails_1007<R: Tested>() {
    let header = if R::MASKS { 2 } else { 6 };
    for (bad, at) in INVALID.iter().filter(|(_, at)| *at > 0) {
        let begun = [
            peer::<R>(TEXT, &bad[..*at]),
            peer::<R>(CONTINUATION, b""),
            peer::<R>(FIN | PING, b"\x80"),
        ]
        .concat();
        let frame = peer::<R>(FIN | CONTINUATION, &bad[*at..]);
        Wrong::new(frame, header + 1, Violation::InvalidText, 1007)
            .before(begun, &[Seen::Ping(b"\x80".to_vec())])
            .check::<R>();
    }
}

fn receives_text_cut_inside_code_point_fails_1007_at_its_end<R: Tested>() {
    for cut in [&b"\xC3"[..], b"\xE2", b"\xE2\x82", b"\xF0", b"\xF0\x9F", b"\xF0\x9F\x98"] {
        for good in GOOD {
            let frame = peer::<R>(FIN | TEXT, &[good.as_bytes(), cut].concat());
            let at = frame.len();
            Wrong::new(frame, at, Violation::InvalidText, 1007).check::<R>();
        }
    }
}

fn receives_fragmented_text_cut_inside_code_point_fails_1007<R: Tested>() {
    // The end of the message shows it: the end of its last frame's header, where that frame is empty.
    let frame = peer::<R>(FIN, b"");
    let at = frame.len();
    Wrong::new(frame, at, Violation::InvalidText, 1007)
        .before(peer::<R>(TEXT, b"\xF0\x9F"), &[])
        .check::<R>();
    let frame = peer::<R>(FIN, b"\x98");
    let at = frame.len();
    Wrong::new(frame, at, Violation::InvalidText, 1007)
        .before(peer::<R>(TEXT, b"\xF0\x9F"), &[])
        .check::<R>();
}

fn receives_invalid_text_in_unfinished_frame_fails_1007<R: Tested>() {
    let mut frame = peer_header::<R>(FIN | TEXT, 127, &(1_u64 << 20).to_be_bytes());
    let mask = if R::MASKS { [0; 4] } else { KEY };
    let payload = b"good \xFF and nothing more of a megabyte";
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(p, m)| p ^ m));
    let at = if R::MASKS { 10 } else { 14 } + 6;
    let mut conn = open::<R>();
    let failed = violation(Violation::InvalidText);
    assert_eq!(drip(&mut conn, &frame), [(at, failed.clone())]);
    let mut conn = open::<R>();
    assert_eq!(feed(&mut conn, &frame), [failed]);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, failing_body(Violation::InvalidText))]);
}

fn receives_invalid_text_in_parts_fails_1007_after_good_part<R: Tested>() {
    let failed = violation(Violation::InvalidText);
    let config = Config::default().with_delivery(Delivery::Parts);
    for (bad, at) in INVALID {
        let payload = ["gut €".as_bytes(), bad, b" and more"].concat();
        let bytes = peer::<R>(FIN | TEXT, &payload);
        let mut conn = R::open(config.clone());
        let good = Seen::Part(true, "gut €".into(), true, false);
        assert_eq!(feed(&mut conn, &bytes), [good, failed.clone()]);
        assert_eq!(sent(&mut conn), [(FIN | CLOSE, failing_body(Violation::InvalidText))]);

        let mut conn = R::open(config.clone());
        let events = drip(&mut conn, &bytes);
        let header = bytes.len() - payload.len();
        let (last, earlier) = events.split_last().unwrap();
        assert_eq!(*last, (header + 7 + at + 1, failed.clone()));
        let delivered: Vec<u8> = earlier
            .iter()
            .flat_map(|(_, event)| match event {
                Seen::Part(true, bytes, _, false) => bytes.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(delivered, "gut €".as_bytes());
    }
}

fn receives_invalid_reason_fails_1007_at_first_wrong_byte<R: Tested>() {
    let header = if R::MASKS { 2 } else { 6 };
    for (bad, at) in INVALID {
        for good in ["", "tschüß "] {
            let body = close_body(1000, &[good.as_bytes(), bad, b"..."].concat());
            let at = header + 2 + good.len() + at + 1;
            let frame = peer::<R>(FIN | CLOSE, &body);
            Wrong::new(frame, at, Violation::InvalidReason, 1007).check::<R>();
        }
    }
}

fn receives_reason_cut_inside_code_point_fails_1007<R: Tested>() {
    let frame = peer::<R>(FIN | CLOSE, &close_body(1000, b"bye \xE2\x82"));
    let at = frame.len();
    Wrong::new(frame, at, Violation::InvalidReason, 1007).check::<R>();
    // The text of an unfinished message has no part in it.
    let frame = peer::<R>(FIN | CLOSE, &close_body(1000, b"\x82\xAC"));
    let at = frame.len() - 1;
    Wrong::new(frame, at, Violation::InvalidReason, 1007)
        .before(peer::<R>(TEXT, b"\xE2"), &[])
        .check::<R>();
}

fn receives_unusual_but_valid_text_unchanged<R: Tested>() {
    for unusual in [
        "\u{0}",
        "\u{FEFF}BOM",
        "\u{FFFE}\u{FFFF}\u{1FFFE}\u{10FFFF}",
        "\u{FDD0}",
        "\u{D7FF}\u{E000}",
        "e\u{301}",
        "\r\n\t\u{7F}",
    ] {
        let mut conn = open::<R>();
        let bytes = peer::<R>(FIN | TEXT, unusual.as_bytes());
        assert_eq!(feed(&mut conn, &bytes), [text(unusual)]);
        assert_eq!(drip(&mut conn, &bytes), [(bytes.len(), text(unusual))]);
        conn.send_text(unusual).unwrap();
        assert_eq!(sent(&mut conn), [(FIN | TEXT, unusual.into())]);
    }
}

fn receives_every_code_point<R: Tested>() {
    let all: String = (0..=0x10_FFFF).filter_map(char::from_u32).collect();
    let bytes = peer::<R>(FIN | TEXT, all.as_bytes());
    let mut conn = open::<R>();
    assert!(feed(&mut conn, &bytes) == [text(&all)]);
    let mut events = Vec::new();
    for chunk in bytes.chunks(4093) {
        events.extend(feed(&mut conn, chunk));
    }
    assert!(events == [text(&all)]);
}

fn receives_anything_as_binary<R: Tested>() {
    for (bad, _) in INVALID {
        let mut conn = open::<R>();
        assert_eq!(feed(&mut conn, &peer::<R>(FIN | BINARY, bad)), [binary(bad)]);
    }
}

fn receives_anything_in_ping<R: Tested>() {
    for (bad, _) in INVALID {
        let mut conn = open::<R>();
        let bytes = peer::<R>(FIN | PING, bad);
        assert_eq!(feed(&mut conn, &bytes), [Seen::Ping(bad.to_vec())]);
        assert_eq!(sent(&mut conn), [(FIN | PONG, bad.to_vec())]);
    }
}

fn receives_valid_text_after_binary_that_is_not<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = [
        peer::<R>(BINARY, b"\xE2"),
        peer::<R>(FIN, b"\x82"),
        peer::<R>(TEXT, b"\xC3"),
        peer::<R>(FIN, b"\xA9"),
    ]
    .concat();
    let expected = [binary(b"\xE2\x82"), text("é")];
    assert_eq!(feed(&mut conn, &bytes), expected);
}

fn refuses_to_stream_invalid_text<R: Tested>() {
    let invalid = Err(SendError::Misuse(Misuse::InvalidText));
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Text), true, 4).unwrap();
    for (bad, _) in INVALID.iter().filter(|(bad, _)| bad.len() <= 4) {
        let mut payload = bad.to_vec();
        assert_eq!(conn.stream_payload(&mut payload), invalid);
        assert_eq!(payload, *bad, "a refused payload is unchanged");
    }
    conn.stream_payload(&mut b"good".to_vec()).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | TEXT, b"good".to_vec())]);
    is_unharmed(&mut conn);
}

fn refuses_to_end_text_inside_code_point<R: Tested>() {
    let invalid = Err(SendError::Misuse(Misuse::InvalidText));
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Text), true, 2).unwrap();
    assert_eq!(conn.stream_payload(&mut b"a\xC3".to_vec()), invalid);
    conn.stream_payload(&mut b"ab".to_vec()).unwrap();

    conn.stream_frame(Some(Kind::Text), false, 1).unwrap();
    conn.stream_payload(&mut b"\xC3".to_vec()).unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.6
    //= type=test
    //# Note that a
    //# particular text frame might include a partial UTF-8 sequence;
    //# however, the whole message MUST contain valid UTF-8.
    assert_eq!(conn.stream_frame(None, true, 0), invalid);
    conn.stream_frame(None, true, 1).unwrap();
    conn.stream_payload(&mut b"\xA9".to_vec()).unwrap();
    let payload: Vec<u8> = sent(&mut conn).into_iter().flat_map(|f| f.1).collect();
    assert_eq!(payload, "abé".as_bytes());
    is_unharmed(&mut conn);
}

fn refuses_to_queue_text_after_half_a_code_point<R: Tested>() {
    let invalid = Err(SendError::Misuse(Misuse::InvalidText));
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Text), false, 1).unwrap();
    conn.stream_payload(&mut b"\xC3".to_vec()).unwrap();
    assert_eq!(conn.continue_text("a", true), invalid);
    assert_eq!(conn.continue_text("", true), invalid);
    conn.stream_frame(None, false, 1).unwrap();
    conn.stream_payload(&mut b"\xA9".to_vec()).unwrap();
    conn.continue_text("a", true).unwrap();
    let payload: Vec<u8> = sent(&mut conn).into_iter().flat_map(|f| f.1).collect();
    assert_eq!(payload, "éa".as_bytes());
    is_unharmed(&mut conn);
}

fn refuses_to_stream_invalid_text_after_queued_text<R: Tested>() {
    let invalid = Err(SendError::Misuse(Misuse::InvalidText));
    let mut conn = open::<R>();
    conn.begin_text("queued ", false).unwrap();
    conn.stream_frame(None, true, 1).unwrap();
    assert_eq!(conn.stream_payload(&mut [0xFF]), invalid);
    conn.stream_payload(&mut b"!".to_vec()).unwrap();
    let payload: Vec<u8> = sent(&mut conn).into_iter().flat_map(|f| f.1).collect();
    assert_eq!(payload, b"queued !");
    is_unharmed(&mut conn);
}

fn streams_anything_as_binary<R: Tested>() {
    for (bad, _) in INVALID {
        let mut conn = open::<R>();
        let len = bad.len() as u64;
        conn.stream_frame(Some(Kind::Binary), true, len).unwrap();
        conn.stream_payload(&mut bad.to_vec()).unwrap();
        assert_eq!(sent(&mut conn), [(FIN | BINARY, bad.to_vec())]);
    }
}
