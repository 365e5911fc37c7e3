//! permessage-deflate on connections: RFC 7692, sections 6 and 7.2.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(feature = "deflate")]

use sockless::connection::{Failure, SendError};
use sockless::extension::Agreed;
use sockless::extension::deflate::{self, Effort, Parameters, Pool, WindowBits};
use sockless::frame::{Limits, Misuse, Violation};
use sockless::{
    Config, Connection, Delivery, Event, Holding, Input, Kind, Message, Prepared, Server, Want,
};

use crate::inflation::*;
use crate::wire::*;

in_both_roles!(
    receives_hello_as_in_the_examples_of_section_7_2_3,
    receives_messages_of_another_library,
    receives_uncompressed_messages_between_compressed_ones,
    receives_fragments_with_control_frames_between_them,
    receives_empty_messages,
    receives_empty_payload_fails_1007,
    receives_bfinal_in_the_middle_and_keeps_the_window,
    receives_corrupt_message_fails_1007_and_delivers_nothing_of_it,
    receives_truncated_message_fails_1007,
    receives_compressed_message_without_agreement_fails_1002,
    receives_rsv1_on_a_continuation_fails_1002,
    receives_rsv1_on_a_control_frame_fails_1002,
    receives_other_reserved_bits_fails_1002,
    receives_a_message_of_the_limit_and_fails_1009_one_byte_above,
    receives_a_bomb_fails_1009,
    receives_a_large_frame_of_little_content,
    receives_invalid_text_fails_1007_in_the_middle_of_the_frame,
    receives_text_cut_inside_a_code_point_fails_1007,
    receives_invalid_text_before_the_limit_fails_1007_however_it_is_cut,
    receives_parts_of_what_has_been_inflated,
    receives_parts_of_text_never_cut_inside_a_code_point,
    receives_parts_up_to_the_limit_a_code_point_held_back_included,
    failure_after_a_good_part_comes_though_it_was_held,
    receives_without_takeover,
    gives_no_buffer_of_a_compressed_message_away,
    sends_hello_as_in_the_example,
    sends_by_the_agreed_window_and_takeover,
    sends_rsv1_on_first_frames_only,
    sends_fragments_that_can_be_inflated_as_they_come,
    sends_control_frames_uncompressed,
    sends_short_messages_as_they_are,
    sends_uncompressed_where_it_is_switched_off,
    sends_a_message_by_one_switch_to_its_end,
    sends_empty_messages,
    sends_incompressible_messages_as_they_are_without_desynchronising,
    sends_incompressible_fragments_as_their_message_began,
    sends_a_message_as_it_is_unless_it_gets_shorter,
    sends_shorter_messages_the_harder_it_is_to_try,
    sends_large_owned_messages_compressed,
    sends_borrowed_and_streamed_payloads_as_they_are,
    refuses_to_stream_into_a_compressed_message,
    sends_nothing_compressed_after_a_failure,
    works_on_after_a_release,
    releases_nothing_in_the_middle_of_a_message,
    counts_what_the_application_sees,
);

/// A connection with compression.
fn deflating<R: Tested>(config: Config, parameters: Parameters) -> Connection<R> {
    let config = config.with_deflate(deflate::Compression::default().with_threshold(0));
    R::open(config).with_extensions(agreed(parameters))
}

fn opened<R: Tested>() -> Connection<R> {
    deflating(Config::default(), Parameters::default())
}

/// The same parameters for both directions.
fn both(window: u8, takeover: bool) -> Parameters {
    Parameters {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        server_max_window_bits: bits(window),
        client_max_window_bits: bits(window),
    }
}

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

/// Feeds the bytes in one piece and in small ones: both have to yield the same events once parts are joined.
#[track_caller]
fn feed_at_any_cut<R: Tested>(open: impl Fn() -> Connection<R>, bytes: &[u8]) -> Vec<Seen> {
    let whole = feed(&mut open(), bytes);
    let mut conn = open();
    let size = if bytes.len() < 5000 { 1 } else { 17 };
    let pieces: Vec<Seen> = bytes.chunks(size).flat_map(|piece| feed(&mut conn, piece)).collect();
    assert_eq!(joined(&whole), joined(&pieces));
    whole
}

// Receiving.

fn receives_hello_as_in_the_examples_of_section_7_2_3<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
    //= type=test
    //# An endpoint MUST use the following algorithm to receive a message in
    //# the form of a compressed message.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //= type=test
    //# 1.  Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
    //# payload of the message.
    let mut bytes = Vec::new();
    for payload in [
        &HELLO[..],
        &HELLO_AGAIN,
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ] {
        bytes.extend(peer::<R>(FIN | RSV1 | TEXT, payload));
    }
    bytes.extend(peer::<R>(RSV1 | TEXT, &HELLO[..3]));
    bytes.extend(peer::<R>(FIN, &HELLO[3..]));
    assert_eq!(feed_at_any_cut(opened::<R>, &bytes), vec![text("Hello"); 6]);
}

fn receives_messages_of_another_library<R: Tested>() {
    for takeover in [true, false] {
        let mut deflater = Deflater::new(takeover);
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for length in [1, 100, 0, 5000, 100, 40_000] {
            let message = prose(length);
            bytes.extend(peer::<R>(FIN | RSV1 | TEXT, &deflater.deflate(message.as_bytes())));
            expected.push(text(&message));
            let message = noise(length as u64, length);
            bytes.extend(peer::<R>(FIN | RSV1 | BINARY, &deflater.deflate(&message)));
            expected.push(binary(&message));
        }
        assert_eq!(
            feed_at_any_cut(|| deflating::<R>(Config::default(), both(15, takeover)), &bytes),
            expected
        );
    }
}

fn receives_uncompressed_messages_between_compressed_ones<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //= type=test
    //# Note that even if the client has included
    //# the "client_no_context_takeover" extension parameter in its offer,
    //# the server MUST decompress each new message using the LZ77 sliding
    //# window used to process the last compressed message if the "agreed
    //# parameters" don't contain the "client_no_context_takeover" extension
    //# parameter.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
    //= type=test
    //# An endpoint MUST use the following algorithm to receive a message in
    //# the form of an uncompressed message.
    let bytes = [
        peer::<R>(FIN | TEXT, b"before"),
        peer::<R>(FIN | RSV1 | TEXT, &HELLO),
        peer::<R>(FIN | TEXT, b"plain"),
        peer::<R>(TEXT, b"in "),
        peer::<R>(FIN, b"two"),
        // The window is that of the last compressed message.
        peer::<R>(FIN | RSV1 | TEXT, &HELLO_AGAIN),
    ];
    let expected = ["before", "Hello", "plain", "in two", "Hello"].map(text);
    assert_eq!(feed_at_any_cut(opened::<R>, &bytes.concat()), expected);
}

fn receives_fragments_with_control_frames_between_them<R: Tested>() {
    let bytes = [
        peer::<R>(RSV1 | TEXT, &HELLO[..2]),
        peer::<R>(FIN | PING, b"one"),
        peer::<R>(0, &[]),
        peer::<R>(0, &HELLO[2..6]),
        peer::<R>(FIN | PONG, b""),
        peer::<R>(0, &HELLO[6..]),
        peer::<R>(FIN, &[]),
    ];
    let expected = [Seen::Ping(b"one".to_vec()), Seen::Pong(Vec::new(), None), text("Hello")];
    assert_eq!(feed_at_any_cut(opened::<R>, &bytes.concat()), expected);
}

fn receives_empty_messages<R: Tested>() {
    let bytes = [
        peer::<R>(FIN | RSV1 | TEXT, &[0x00]),
        peer::<R>(FIN | RSV1 | BINARY, &[0x02, 0x00]),
        peer::<R>(RSV1 | BINARY, &[]),
        peer::<R>(FIN, &[0x00]),
        peer::<R>(FIN | RSV1 | TEXT, &HELLO),
        peer::<R>(FIN | RSV1 | TEXT, &[0x00]),
    ];
    let expected = [text(""), binary(b""), binary(b""), text("Hello"), text("")];
    assert_eq!(feed_at_any_cut(opened::<R>, &bytes.concat()), expected);
}

fn corrupt() -> Seen {
    Seen::Failed(Failure::CorruptMessage)
}

/// Shows that the bytes are seen as these events, then fail, with this code on the wire, and that nothing after them is read.
#[track_caller]
fn fails<R: Tested>(
    open: impl Fn() -> Connection<R>,
    bytes: &[u8],
    before: &[Seen],
    failed: Seen,
    code: u16,
) {
    let after = peer::<R>(FIN | RSV1 | TEXT, &HELLO);
    let events = feed_at_any_cut(&open, &[bytes, &after].concat());
    let expected = [before, &[failed]].concat();
    assert_eq!(joined(&events), expected);
    let mut conn = open();
    feed(&mut conn, bytes);
    let frames = sent(&mut conn);
    let [(first, body)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((*first, &body[..2]), (FIN | CLOSE, &code.to_be_bytes()[..]));
    assert!(body.len() > 2, "it says why");
    assert_eq!(conn.send_text("too late"), Err(SendError::Failed));
}

fn receives_empty_payload_fails_1007<R: Tested>() {
    // The octets that the sender has stripped are not a stream alone.
    for before in [&[][..], &HELLO] {
        let mut bytes = Vec::new();
        let mut seen = Vec::new();
        if !before.is_empty() {
            bytes.extend(peer::<R>(FIN | RSV1 | TEXT, before));
            seen.push(text("Hello"));
        }
        bytes.extend(peer::<R>(FIN | RSV1 | BINARY, &[]));
        fails(opened::<R>, &bytes, &seen, corrupt(), 1007);
    }
}

fn receives_bfinal_in_the_middle_and_keeps_the_window<R: Tested>() {
    // "Hello" in a final block, a final block that copies it, and a second message that copies it again.
    let payload = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xf3, 0x00, 0x11, 0x00, 0x00];
    let bytes =
        [peer::<R>(FIN | RSV1 | TEXT, &payload), peer::<R>(FIN | RSV1 | TEXT, &HELLO_AGAIN)];
    assert_eq!(feed_at_any_cut(opened::<R>, &bytes.concat()), ["HelloHello", "Hello"].map(text));
}

fn receives_corrupt_message_fails_1007_and_delivers_nothing_of_it<R: Tested>() {
    for payload in [&[0xff; 8][..], &[0xf2, 0x48, 0xcd, 0xff, 0xff, 0xff], &[0x06, 0x00]] {
        let bytes = [peer::<R>(FIN | RSV1 | TEXT, &HELLO), peer::<R>(FIN | RSV1 | BINARY, payload)];
        fails(opened::<R>, &bytes.concat(), &[text("Hello")], corrupt(), 1007);
    }
}

fn receives_truncated_message_fails_1007<R: Tested>() {
    for length in 1..6 {
        let bytes = peer::<R>(FIN | RSV1 | BINARY, &HELLO[..length]);
        fails(opened::<R>, &bytes, &[], corrupt(), 1007);
    }
}

fn receives_compressed_message_without_agreement_fails_1002<R: Tested>() {
    let bytes = peer::<R>(FIN | RSV1 | TEXT, &HELLO);
    fails(open::<R>, &bytes, &[], violation(Violation::ReservedBits), 1002);
    let none = || R::open(Config::default()).with_extensions(Agreed::default());
    fails(none, &bytes, &[], violation(Violation::ReservedBits), 1002);
}

fn receives_rsv1_on_a_continuation_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //= type=test
    //# An endpoint MUST NOT set the "Per-Message Compressed" bit of control
    //# frames and non-first fragments of a data message.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //= type=test
    //# An endpoint
    //# receiving such a frame MUST _Fail the WebSocket Connection_.
    for first in [RSV1 | TEXT, TEXT] {
        let bytes = [peer::<R>(first, &[0x00]), peer::<R>(FIN | RSV1, &[0x00])].concat();
        fails(opened::<R>, &bytes, &[], violation(Violation::ReservedBits), 1002);
    }
}

fn receives_rsv1_on_a_control_frame_fails_1002<R: Tested>() {
    for opcode in [PING, PONG, CLOSE] {
        let bytes = peer::<R>(FIN | RSV1 | opcode, &[]);
        fails(opened::<R>, &bytes, &[], violation(Violation::ReservedBits), 1002);
    }
}

fn receives_other_reserved_bits_fails_1002<R: Tested>() {
    for reserved in [RSV2, RSV3, RSV1 | RSV2, RSV1 | RSV3] {
        let bytes = peer::<R>(FIN | reserved | TEXT, &HELLO);
        fails(opened::<R>, &bytes, &[], violation(Violation::ReservedBits), 1002);
    }
}

fn limited<R: Tested>(limit: u64, delivery: Delivery) -> impl Fn() -> Connection<R> {
    move || {
        let limits = Limits::default().with_message(limit);
        let config = Config::default().with_limits(limits).with_delivery(delivery);
        deflating(config, Parameters::default())
    }
}

fn receives_a_message_of_the_limit_and_fails_1009_one_byte_above<R: Tested>() {
    let too_long = violation(Violation::MessageTooLong);
    for length in [1, 5, 1000, 70_000] {
        for message in [noise(1, length), vec![b'x'; length]] {
            let payload = Deflater::new(true).deflate(&message);
            let (first, second) = payload.split_at(payload.len() / 2);
            for bytes in [
                peer::<R>(FIN | RSV1 | BINARY, &payload),
                [peer::<R>(RSV1 | BINARY, first), peer::<R>(FIN, second)].concat(),
            ] {
                let limit = length as u64;
                let whole = limited::<R>(limit, Delivery::Whole);
                assert_eq!(feed_at_any_cut(whole, &bytes), [binary(&message)]);
                fails(
                    limited::<R>(limit - 1, Delivery::Whole),
                    &bytes,
                    &[],
                    too_long.clone(),
                    1009,
                );

                let part =
                    |length: usize, last| Seen::Part(false, message[..length].to_vec(), true, last);
                let parts = limited::<R>(limit, Delivery::Parts);
                assert_eq!(joined(&feed_at_any_cut(parts, &bytes)), [part(length, true)]);
                // The parts before it reach the limit.
                let before = match length {
                    1 => vec![],
                    _ => vec![part(length - 1, false)],
                };
                let parts = limited::<R>(limit - 1, Delivery::Parts);
                fails(parts, &bytes, &before, too_long.clone(), 1009);
            }
        }
    }
}

fn receives_a_bomb_fails_1009<R: Tested>() {
    let bomb = Deflater::new(true).deflate(&vec![0; 17 << 20]);
    assert!(bomb.len() < 40_000);
    let mut conn = opened::<R>();
    let events = feed(&mut conn, &peer::<R>(FIN | RSV1 | BINARY, &bomb));
    assert_eq!(events, [violation(Violation::MessageTooLong)]);
    // What it would have come to is not known; what it has announced is not what counts.
    assert_eq!(conn.outcome().announced, None);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, failing_body(Violation::MessageTooLong))]);
}

fn receives_a_large_frame_of_little_content<R: Tested>() {
    // The limit on messages counts what has been inflated and nothing else.
    let payload = [&[0x00, 0x00, 0x00, 0xff, 0xff].repeat(1000)[..], &HELLO].concat();
    let bytes = peer::<R>(FIN | RSV1 | TEXT, &payload);
    assert_eq!(feed_at_any_cut(limited::<R>(5, Delivery::Whole), &bytes), [text("Hello")]);
    let part = Seen::Part(true, b"Hello".to_vec(), true, true);
    assert_eq!(joined(&feed_at_any_cut(limited::<R>(5, Delivery::Parts), &bytes)), [part]);
}

fn receives_invalid_text_fails_1007_in_the_middle_of_the_frame<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //= type=test
    //# At the receiver, the payload data portion after decompression is subject to the
    //# constraints for the original data type again.
    let invalid = violation(Violation::InvalidText);
    let payload = Deflater::new(true).deflate(b"good\xE2\x82\xFF and more");
    let frame = peer::<R>(RSV1 | TEXT, &[&payload[..], &[0; 100]].concat());
    let unfinished = &frame[..frame.len() - 99];
    fails(opened::<R>, unfinished, &[], invalid.clone(), 1007);
    let good = Seen::Part(true, b"good".to_vec(), true, false);
    fails(limited::<R>(99, Delivery::Parts), unfinished, &[good], invalid, 1007);
    // As binary data the same is accepted.
    let frame = peer::<R>(FIN | RSV1 | BINARY, &payload);
    assert_eq!(feed_at_any_cut(opened::<R>, &frame), [binary(b"good\xE2\x82\xFF and more")]);
}

fn receives_text_cut_inside_a_code_point_fails_1007<R: Tested>() {
    let mut deflater = Deflater::new(true);
    let cut = deflater.deflate(b"gr\xC3");
    let bytes = peer::<R>(FIN | RSV1 | TEXT, &cut);
    fails(opened::<R>, &bytes, &[], violation(Violation::InvalidText), 1007);
    // The frames are cut there, but the text is not.
    let payload = Deflater::new(true).deflate("größer".as_bytes());
    for at in 0..payload.len() {
        let (first, second) = payload.split_at(at);
        let bytes = [peer::<R>(RSV1 | TEXT, first), peer::<R>(FIN, second)].concat();
        assert_eq!(feed_at_any_cut(opened::<R>, &bytes), [text("größer")]);
    }
}

fn receives_invalid_text_before_the_limit_fails_1007_however_it_is_cut<R: Tested>() {
    let message = [&b"x".repeat(50)[..], b"\xFF", &b"y".repeat(100)].concat();
    let frame = peer::<R>(FIN | RSV1 | TEXT, &Deflater::new(true).deflate(&message));
    let invalid = violation(Violation::InvalidText);
    fails(limited::<R>(51, Delivery::Whole), &frame, &[], invalid.clone(), 1007);
    fails(
        limited::<R>(50, Delivery::Whole),
        &frame,
        &[],
        violation(Violation::MessageTooLong),
        1009,
    );
    let part = |length| [Seen::Part(true, message[..length].to_vec(), true, false)];
    fails(limited::<R>(51, Delivery::Parts), &frame, &part(50), invalid, 1007);
    let too_long = violation(Violation::MessageTooLong);
    fails(limited::<R>(50, Delivery::Parts), &frame, &part(50), too_long, 1009);
    // The same with corrupt data after it.
    let payload = [&Deflater::new(true).deflate(b"x\xFF")[..], &[0xff; 20]].concat();
    let frame = peer::<R>(FIN | RSV1 | TEXT, &payload);
    fails(opened::<R>, &frame, &[], violation(Violation::InvalidText), 1007);
}

fn receives_parts_of_what_has_been_inflated<R: Tested>() {
    let parts = || limited::<R>(1 << 20, Delivery::Parts)();
    let mut conn = parts();
    // A flush ends the first fragment: all of "Hello" is there before the second.
    let first = peer::<R>(RSV1 | TEXT, &[&HELLO[..], &[0x00, 0x00, 0xff, 0xff]].concat());
    let part = |bytes: &[u8], first, last| Seen::Part(true, bytes.to_vec(), first, last);
    assert_eq!(feed(&mut conn, &first), [part(b"Hello", true, false)]);
    assert_eq!(feed(&mut conn, &peer::<R>(0, &[])), []);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN, &HELLO_AGAIN)), [part(b"Hello", false, true)]);
    // An empty part is reported as well.
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | RSV1 | TEXT, &[0x00])), [part(b"", true, true)]);

    let message = vec![7; 3 << 20];
    let frame = peer::<R>(FIN | RSV1 | BINARY, &Deflater::new(true).deflate(&message));
    let config = Config::default().with_delivery(Delivery::Parts);
    let events = feed(&mut deflating::<R>(config, Parameters::default()), &frame);
    assert!(events.len() > 3, "a part is bounded, however much the message may inflate to");
    assert_eq!(joined(&events), [Seen::Part(false, message, true, true)]);
}

fn receives_parts_of_text_never_cut_inside_a_code_point<R: Tested>() {
    let message = "€😀ä".repeat(200);
    let frame = peer::<R>(FIN | RSV1 | TEXT, &Deflater::new(true).deflate(message.as_bytes()));
    // `Seen` checks that each part alone is text.
    let events = feed_at_any_cut(limited::<R>(1 << 20, Delivery::Parts), &frame);
    assert_eq!(joined(&events), [Seen::Part(true, message.into_bytes(), true, true)]);
}

/// The peer's compressed text is good up to its last byte; while the connection is congested, what is wrong waits, and asks for no input. It makes no
/// difference whether the frame has an end yet.
fn failure_after_a_good_part_comes_though_it_was_held<R: Tested>() {
    let config = Config::default()
        .with_output_limits(10, 1000)
        .with_holding(Holding::Answering)
        .with_delivery(Delivery::Parts);
    let data = b"good text!\xFF";
    let len = data.len() as u16;
    let stored = [&[0][..], &len.to_le_bytes(), &(!len).to_le_bytes(), data, &[0]].concat();
    let frame = peer::<R>(FIN | RSV1 | TEXT, &stored);
    for missing in [0, 1] {
        let extensions = agreed(Parameters::default());
        let mut conn = R::open(config.clone()).with_extensions(extensions);
        let mut bytes = frame[..frame.len() - missing].to_vec();
        let mut input = Input::new(&mut bytes);
        let Some(Event::Part(part)) = conn.poll(&mut input, START) else { panic!("no part") };
        assert_eq!((part.content.as_bytes(), part.last), (&b"good text!"[..], false));
        conn.send_text("ten octets").unwrap();
        assert!(conn.poll(&mut input, START).is_none());
        assert!(matches!(conn.want(), Want::Io { read: false, .. }));
        written(&mut conn);
        assert_eq!(conn.want(), Want::Io { read: false, write: false, deadline: Some(START) });
        let failure = Failure::Violation(Violation::InvalidText);
        assert_eq!(pass(&mut conn, START), [Seen::Failed(failure)]);
    }
}

fn receives_parts_up_to_the_limit_a_code_point_held_back_included<R: Tested>() {
    // A block that isn't compressed shows its octets as they arrive: the beginning of a code point is held back, and has arrived.
    let stored = |octets: &[u8]| {
        let len = octets.len() as u8;
        [&[0x00, len, 0x00, !len, 0xff], octets].concat()
    };
    let part = |octets: &[u8], last| Seen::Part(true, octets.to_vec(), true, last);
    for (text, cut) in [("abcé", 4), ("ab€", 3), ("ab€", 4), ("a😀", 2), ("a😀", 3), ("a😀", 4)]
    {
        assert_eq!(text.len(), 5);
        let (begin, end) = text.as_bytes().split_at(cut);
        let bytes = [
            peer::<R>(RSV1 | TEXT, &stored(begin)),
            peer::<R>(FIN, &[&stored(end)[..], &[0x00]].concat()),
        ]
        .concat();
        let events = feed_at_any_cut(limited::<R>(5, Delivery::Parts), &bytes);
        assert_eq!(joined(&events), [part(text.as_bytes(), true)], "{text} {cut}");
        let whole = text.trim_end_matches(|letter: char| !letter.is_ascii());
        let before = [part(whole.as_bytes(), false)];
        let too_long = violation(Violation::MessageTooLong);
        fails(limited::<R>(4, Delivery::Parts), &bytes, &before, too_long, 1009);
    }
}

fn receives_without_takeover<R: Tested>() {
    let open = || deflating::<R>(Config::default(), both(15, false));
    let hello = peer::<R>(FIN | RSV1 | TEXT, &HELLO);
    assert_eq!(feed_at_any_cut(open, &hello.repeat(3)), vec![text("Hello"); 3]);
    // Nothing of an earlier message can be reached.
    let bytes = [hello, peer::<R>(FIN | RSV1 | TEXT, &HELLO_AGAIN)].concat();
    fails(open, &bytes, &[text("Hello")], corrupt(), 1007);
}

fn gives_no_buffer_of_a_compressed_message_away<R: Tested>() {
    let mut conn = opened::<R>();
    let frame = peer::<R>(FIN | RSV1 | BINARY, &Deflater::new(true).deflate(&noise(1, 100_000)));
    assert_eq!(feed(&mut conn, &frame[..1000]), []);
    assert!(conn.take_buffer().is_none());
    assert_eq!(feed(&mut conn, &frame[1000..]), [binary(&noise(1, 100_000))]);
}

// Sending.

fn sends_hello_as_in_the_example<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //= type=test
    //# An endpoint MUST use the following algorithm to send a message in the
    //# form of a compressed message.
    let mut conn = opened::<R>();
    conn.send_text("Hello").unwrap();
    conn.send_binary(b"Hello").unwrap();
    let [(first, hello), (second, again)] = &sent(&mut conn)[..] else { panic!("two frames") };
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //= type=test
    //# The opcode of the first frame of a compressed message indicates the opcode of the
    //# original message.
    assert_eq!((*first, &hello[..]), (FIN | RSV1 | TEXT, &HELLO[..]));
    assert_eq!(*second, FIN | RSV1 | BINARY);
    assert!(again.len() < HELLO.len());
}

/// What a peer reads from the frames that were sent: each message, and whether it was compressed.
fn inflated(frames: Vec<(u8, Vec<u8>)>, inflater: &mut Inflater) -> Vec<(bool, Vec<u8>)> {
    let mut messages = Vec::new();
    let mut open: Option<(bool, Vec<u8>)> = None;
    for (first, payload) in frames.into_iter().filter(|(first, _)| first & 0x8 == 0) {
        let (compressed, whole) = open.get_or_insert((first & RSV1 != 0, Vec::new()));
        whole.extend(payload);
        if first & FIN != 0 {
            let message =
                if *compressed { inflater.inflate(whole) } else { core::mem::take(whole) };
            messages.push((*compressed, message));
            open = None;
        }
    }
    messages
}

fn sends_by_the_agreed_window_and_takeover<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //= type=test
    //# An endpoint MUST use the following algorithm to send a message in the
    //# form of an uncompressed message.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //= type=test
    //# When any DEFLATE block with the "BFINAL" bit set to 1 doesn't end
    //# at a byte boundary, an endpoint MUST add minimal padding bits of 0
    //# to make it end at a byte boundary.
    // The inflater of this test doesn't accept such a block.
    for window in 9..=15 {
        for takeover in [true, false] {
            let mut conn = deflating::<R>(Config::default(), both(window, takeover));
            let mut inflater = Inflater::new(window, takeover);
            let mut lengths = Vec::new();
            for _ in 0..3 {
                for message in [prose(100), prose(3000), prose(70_000)] {
                    conn.send_text(&message).unwrap();
                    let frames = sent(&mut conn);
                    lengths.push(frames[0].1.len());
                    let messages = inflated(frames, &mut inflater);
                    assert_eq!(messages, [(true, message.into_bytes())]);
                }
            }
            // With context takeover the second message is shorter.
            assert_eq!(takeover, lengths[3] < lengths[0] / 2, "{lengths:?}");
        }
    }
    // 256 bytes are too few for the compressor; receiving is not affected.
    let mut conn = deflating::<R>(Config::default(), both(8, true));
    conn.send_text("Hello").unwrap();
    assert_eq!(sent(&mut conn), [(FIN | TEXT, b"Hello".to_vec())]);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | RSV1 | TEXT, &HELLO)), [text("Hello")]);
}

fn sends_rsv1_on_first_frames_only<R: Tested>() {
    let mut conn = opened::<R>();
    conn.begin_text("Hel", false).unwrap();
    conn.continue_text("", false).unwrap();
    conn.continue_text("lo", false).unwrap();
    conn.continue_text("", true).unwrap();
    conn.send_text("Hello").unwrap();
    let frames = sent(&mut conn);
    let firsts: Vec<u8> = frames.iter().map(|(first, _)| *first).collect();
    assert_eq!(firsts, [RSV1 | TEXT, CONTINUATION, CONTINUATION, FIN, FIN | RSV1 | TEXT]);
    let messages = inflated(frames, &mut Inflater::new(15, true));
    assert_eq!(messages, [(true, b"Hello".to_vec()), (true, b"Hello".to_vec())]);
}

fn sends_fragments_that_can_be_inflated_as_they_come<R: Tested>()
where
    R::Peer: Tested,
{
    let mut sender = opened::<R>();
    let mut receiver = limited::<R::Peer>(1 << 20, Delivery::Parts)();
    sender.begin_binary(b"Hello", false).unwrap();
    let part = |bytes: &[u8], first, last| Seen::Part(false, bytes.to_vec(), first, last);
    assert_eq!(feed(&mut receiver, &written(&mut sender)), [part(b"Hello", true, false)]);
    sender.continue_binary(b"Hello", false).unwrap();
    assert_eq!(feed(&mut receiver, &written(&mut sender)), [part(b"Hello", false, false)]);
    sender.continue_binary(b"!", true).unwrap();
    assert_eq!(feed(&mut receiver, &written(&mut sender)), [part(b"!", false, true)]);
}

fn sends_control_frames_uncompressed<R: Tested>() {
    let mut conn = opened::<R>();
    conn.begin_text("Hello", false).unwrap();
    conn.ping(&[b'x'; 100], START).unwrap();
    conn.pong(&[b'y'; 100]).unwrap();
    conn.continue_text("", true).unwrap();
    conn.close(sockless::CloseCode::NORMAL, &"z".repeat(100), START).unwrap();
    let frames = sent(&mut conn);
    assert_eq!(frames[1], (FIN | PING, vec![b'x'; 100]));
    assert_eq!(frames[2], (FIN | PONG, vec![b'y'; 100]));
    assert_eq!(frames[4], (FIN | CLOSE, close_body(1000, &[b'z'; 100])));
}

fn sends_short_messages_as_they_are<R: Tested>() {
    let config = |threshold| {
        Config::default().with_deflate(deflate::Compression::default().with_threshold(threshold))
    };
    let mut conn = R::open(config(10)).with_extensions(agreed(Parameters::default()));
    conn.send_text("123456789").unwrap();
    conn.send_text("1234567890").unwrap();
    // The threshold can be changed on a live connection. It doesn't apply to a message in fragments, whose length isn't known at first.
    conn.set_config(config(1000));
    conn.send_text("1234567890").unwrap();
    conn.begin_text("1", false).unwrap();
    conn.continue_text("2", true).unwrap();
    let messages = inflated(sent(&mut conn), &mut Inflater::new(15, true));
    let compressed: Vec<bool> = messages.iter().map(|(compressed, _)| *compressed).collect();
    assert_eq!(compressed, [false, true, false, true]);
    assert_eq!(messages[3].1, b"12");
}

fn sends_uncompressed_where_it_is_switched_off<R: Tested>() {
    let mut conn = opened::<R>();
    let mut expected = Vec::new();
    for (on, message) in [(true, "Hello"), (false, "a secret"), (true, "Hello"), (false, "x")] {
        conn.set_compression(on);
        conn.send_text(message).unwrap();
        expected.push((on, message.as_bytes().to_vec()));
    }
    assert_eq!(inflated(sent(&mut conn), &mut Inflater::new(15, true)), expected);
    // If nothing was agreed on, the switch changes nothing.
    let mut conn = open::<R>();
    conn.set_compression(true);
    conn.send_text("Hello").unwrap();
    assert_eq!(sent(&mut conn), [(FIN | TEXT, b"Hello".to_vec())]);
}

fn sends_a_message_by_one_switch_to_its_end<R: Tested>() {
    let mut conn = opened::<R>();
    for on in [true, false] {
        conn.set_compression(on);
        conn.begin_text("Hel", false).unwrap();
        conn.set_compression(!on);
        conn.continue_text("lo", false).unwrap();
        conn.continue_text("", true).unwrap();
    }
    conn.send_text("Hello").unwrap();
    let hello = b"Hello".to_vec();
    let expected = [(true, hello.clone()), (false, hello.clone()), (true, hello)];
    assert_eq!(inflated(sent(&mut conn), &mut Inflater::new(15, true)), expected);
}

fn sends_empty_messages<R: Tested>() {
    for takeover in [true, false] {
        let mut conn = deflating::<R>(Config::default(), both(15, takeover));
        for _ in 0..2 {
            conn.send_text("").unwrap();
            conn.send_text("Hello").unwrap();
            conn.begin_text("", false).unwrap();
            conn.continue_text("", true).unwrap();
        }
        let messages = inflated(sent(&mut conn), &mut Inflater::new(15, takeover));
        let messages: Vec<_> = messages.into_iter().map(|(_, message)| message).collect();
        assert_eq!(messages, [&b""[..], b"Hello", b"", b"", b"Hello", b""]);
    }
}

fn sends_incompressible_messages_as_they_are_without_desynchronising<R: Tested>() {
    // The encoder has processed the message, the peer's inflater hasn't.
    for (takeover, length) in [(false, 100), (true, 40_000)] {
        let mut conn = deflating::<R>(Config::default(), both(15, takeover));
        let mut inflater = Inflater::new(15, takeover);
        let secret = noise(1, length);
        let mixed = [&secret[length - 80..], &[b'x'; 200]].concat();
        for (message, compressed) in
            [(&b"Hello, Hello, Hello"[..], true), (&secret, false), (&mixed, true), (&mixed, true)]
        {
            conn.send_binary(message).unwrap();
            let expected = [(compressed, message.to_vec())];
            assert_eq!(inflated(sent(&mut conn), &mut inflater), expected);
        }
    }
}

fn sends_incompressible_fragments_as_their_message_began<R: Tested>() {
    // Only a whole message can be sent uncompressed in the end: the first frame of others has already announced compression.
    for takeover in [true, false] {
        let mut conn = deflating::<R>(Config::default(), both(15, takeover));
        let mut inflater = Inflater::new(15, takeover);
        let (long, short) = (noise(1, 40_000), prose(100).into_bytes());
        for fragments in [[&long, &short, &long], [&short, &long, &long], [&short, &long, &short]] {
            conn.begin_binary(fragments[0], false).unwrap();
            conn.continue_binary(fragments[1], false).unwrap();
            conn.continue_binary(fragments[2], true).unwrap();
            conn.send_text("Hello Hello Hello").unwrap();
            let messages = inflated(sent(&mut conn), &mut inflater);
            let whole = fragments.map(|bytes| &bytes[..]).concat();
            assert_eq!(messages, [(true, whole), (true, b"Hello Hello Hello".to_vec())]);
        }
    }
}

/// A message that compression alone makes neither shorter nor longer.
fn as_long_compressed<R: Tested>() -> Vec<u8> {
    let compressed = |message: &[u8]| {
        // If an encoder keeps its history, everything is sent compressed.
        let mut conn = opened::<R>();
        conn.send_binary(message).unwrap();
        sent(&mut conn).remove(0).1.len()
    };
    (1..20).map(|len| vec![b'a'; len]).find(|message| compressed(message) == message.len()).unwrap()
}

fn sends_a_message_as_it_is_unless_it_gets_shorter<R: Tested>() {
    let mut message = as_long_compressed::<R>();
    for compressed in [false, true] {
        let mut conn = deflating::<R>(Config::default(), both(15, false));
        conn.send_binary(&message).unwrap();
        let expected = [(compressed, message.clone())];
        assert_eq!(inflated(sent(&mut conn), &mut Inflater::new(15, false)), expected);
        message.extend([b'a'; 10]);
    }
}

fn sends_shorter_messages_the_harder_it_is_to_try<R: Tested>() {
    // Words in random order.
    let words = ["alpha ", "alphabet ", "better ", "beta ", "gamma ", "game ", "delta ", "del "];
    let message: String = noise(1, 4000).iter().map(|at| words[usize::from(at % 8)]).collect();
    let length = |level| {
        let deflate = deflate::Compression::default().with_level(level);
        let mut conn = R::open(Config::default().with_deflate(deflate));
        conn = conn.with_extensions(agreed(Parameters::default()));
        conn.send_text(&message).unwrap();
        let frames = sent(&mut conn);
        let length = frames[0].1.len();
        let expected = [(true, message.clone().into_bytes())];
        assert_eq!(inflated(frames, &mut Inflater::new(15, true)), expected);
        length
    };
    let [fastest, usual, smallest] =
        [Effort::FASTEST, Effort::default(), Effort::SMALLEST].map(length);
    assert!(smallest < usual && usual < fastest, "{smallest} {usual} {fastest}");
}

fn sends_large_owned_messages_compressed<R: Tested>() {
    let mut conn = opened::<R>();
    let message = prose(20_000);
    conn.send(Message::from(message.clone())).unwrap();
    let frames = sent(&mut conn);
    assert!(frames[0].1.len() < 500);
    let messages = inflated(frames, &mut Inflater::new(15, true));
    assert_eq!(messages, [(true, message.into_bytes())]);
}

fn sends_borrowed_and_streamed_payloads_as_they_are<R: Tested>() {
    let mut conn = opened::<R>();
    conn.stream_frame(Some(Kind::Binary), false, 5).unwrap();
    conn.stream_payload(&mut b"Hello".to_owned()).unwrap();
    // The message continues the way it began.
    conn.continue_binary(b", Hello", true).unwrap();
    conn.send_text("Hello").unwrap();
    let messages = inflated(sent(&mut conn), &mut Inflater::new(15, true));
    assert_eq!(messages, [(false, b"Hello, Hello".to_vec()), (true, b"Hello".to_vec())]);
}

fn refuses_to_stream_into_a_compressed_message<R: Tested>() {
    let mut conn = opened::<R>();
    conn.begin_binary(b"Hel", false).unwrap();
    let refused = Err(SendError::Misuse(Misuse::MessageOpen));
    assert_eq!(conn.stream_frame(None, true, 2), refused);
    assert_eq!(conn.send_text("Hello"), refused);
    conn.continue_binary(b"lo", true).unwrap();
    let messages = inflated(sent(&mut conn), &mut Inflater::new(15, true));
    assert_eq!(messages, [(true, b"Hello".to_vec())]);
    is_unharmed(&mut conn_without_threshold(conn));
}

/// The same connection, sending short messages as they are.
fn conn_without_threshold<R: Tested>(mut conn: Connection<R>) -> Connection<R> {
    conn.set_config(Config::default());
    conn
}

fn sends_nothing_compressed_after_a_failure<R: Tested>() {
    let mut conn = opened::<R>();
    conn.send_text("Hello").unwrap();
    feed(&mut conn, &peer::<R>(FIN | RSV1 | TEXT, &[]));
    assert_eq!(conn.send_text("Hello"), Err(SendError::Failed));
    let frames = sent(&mut conn);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[1], (FIN | CLOSE, failing_body(Failure::CorruptMessage)));
}

fn works_on_after_a_release<R: Tested>() {
    let pool = Pool::new(4);
    for (config, takeover) in [
        (deflate::Compression::default(), true),
        (deflate::Compression::default(), false),
        (deflate::Compression::default().with_pool(pool.clone()), true),
        (deflate::Compression::default().with_pool(pool.clone()), false),
    ] {
        let config = Config::default().with_deflate(config.with_threshold(0));
        let mut conn = R::open(config).with_extensions(agreed(both(15, takeover)));
        let (mut inflater, mut deflater) = (Inflater::new(15, takeover), Deflater::new(takeover));
        for length in [5, 1000, 50_000, 1000, 1] {
            let message = prose(length);
            conn.send_text(&message).unwrap();
            let messages = inflated(sent(&mut conn), &mut inflater);
            let compressed = takeover || length > 5;
            assert_eq!(messages, [(compressed, message.clone().into_bytes())]);
            let frame = peer::<R>(FIN | RSV1 | TEXT, &deflater.deflate(message.as_bytes()));
            assert_eq!(feed(&mut conn, &frame), [text(&message)]);
            conn.release();
        }
    }
}

fn releases_nothing_in_the_middle_of_a_message<R: Tested>() {
    let mut conn = opened::<R>();
    conn.begin_text("Hello", false).unwrap();
    feed(&mut conn, &peer::<R>(RSV1 | TEXT, &HELLO[..4]));
    conn.release();
    conn.continue_text(" Hello", true).unwrap();
    assert_eq!(feed(&mut conn, &peer::<R>(FIN, &HELLO[4..])), [text("Hello")]);
    let messages = inflated(sent(&mut conn), &mut Inflater::new(15, true));
    assert_eq!(messages, [(true, b"Hello Hello".to_vec())]);
}

fn counts_what_the_application_sees<R: Tested>() {
    let mut conn = opened::<R>();
    let message = prose(1000);
    conn.send_text(&message).unwrap();
    let out = written(&mut conn);
    let frame = peer::<R>(FIN | RSV1 | TEXT, &Deflater::new(true).deflate(message.as_bytes()));
    feed(&mut conn, &frame);
    let counters = conn.counters();
    assert_eq!(counters.sent.messages, 1);
    assert_eq!(counters.sent.payload_bytes, message.len() as u64);
    assert_eq!(counters.sent.wire_bytes, out.len() as u64);
    assert_eq!(counters.received.messages, 1);
    assert_eq!(counters.received.payload_bytes, message.len() as u64);
    assert_eq!(counters.received.wire_bytes, frame.len() as u64);
}

// Prepared messages.

fn prepared(message: &str, window: u8) -> Prepared {
    let window = WindowBits::new(window).unwrap();
    Prepared::text(message).compressed(window, &deflate::Compression::default())
}

#[test]
fn prepared_message_goes_compressed_to_those_who_can_take_it() {
    let message = prose(9000);
    let prepared = prepared(&message, 12);
    for (window, compressed) in [(8, false), (9, false), (11, false), (12, true), (15, true)] {
        let mut conn = deflating::<Server>(Config::default(), both(window, true));
        conn.send_prepared(&prepared).unwrap();
        let messages = inflated(sent(&mut conn), &mut Inflater::new(window, true));
        assert_eq!(messages, [(compressed, message.clone().into_bytes())], "{window}");
        assert_eq!(conn.counters().sent.payload_bytes, message.len() as u64);
    }
    let mut conn = open::<Server>();
    conn.send_prepared(&prepared).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | TEXT, message.clone().into_bytes())]);
    let mut conn = opened::<Server>();
    conn.set_compression(false);
    conn.send_prepared(&prepared).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | TEXT, message.into_bytes())]);
}

/// A message refers to nothing before itself: where it fits into a receiver's window, that is large enough, whatever the compressor's was.
#[test]
fn prepared_message_goes_compressed_to_every_window_that_it_fits_into() {
    let lengths =
        [(300, 9), (512, 9), (513, 10), (4096, 12), (4097, 13), (32_768, 15), (70_000, 15)];
    for (len, needed) in lengths {
        // Its end refers to its beginning.
        let edge: String = noise(7, 60).iter().map(|byte| char::from(b'0' + byte % 64)).collect();
        let message = format!("{edge}{}{edge}", "-".repeat(len - 120));
        let prepared = prepared(&message, 15);
        for window in 9..=15 {
            for takeover in [true, false] {
                let mut conn = deflating::<Server>(Config::default(), both(window, takeover));
                let mut inflater = Inflater::new(window, takeover);
                // Twice: what is in the window from the first time is not referred to.
                for _ in 0..2 {
                    conn.send_prepared(&prepared).unwrap();
                    let messages = inflated(sent(&mut conn), &mut inflater);
                    let expected = (window >= needed, message.clone().into_bytes());
                    assert_eq!(messages, [expected], "{len} bytes, window {window}");
                }
            }
        }
    }
}

#[test]
fn prepared_messages_between_others_desynchronise_nobody() {
    // The peer's window holds the prepared message, the encoder's doesn't.
    let shared = prepared(&prose(500), 15);
    let plain = Prepared::text(&prose(500));
    for takeover in [true, false] {
        let mut conn = deflating::<Server>(Config::default(), both(15, takeover));
        let mut inflater = Inflater::new(15, takeover);
        for round in 0..12 {
            let message = match round % 4 {
                1 => prose(500),
                3 => prose(500),
                _ => prose(300 + round),
            };
            match round % 4 {
                1 => conn.send_prepared(&shared).unwrap(),
                3 => conn.send_prepared(&plain).unwrap(),
                _ => conn.send_text(&message).unwrap(),
            }
            let expected = [(round % 4 != 3, message.into_bytes())];
            assert_eq!(inflated(sent(&mut conn), &mut inflater), expected);
        }
    }
}

#[test]
fn prepared_message_that_does_not_get_shorter_stays_as_it_is() {
    let config = deflate::Compression::default();
    let message = noise(1, 5000);
    let prepared = Prepared::binary(&message).compressed(WindowBits::MAX, &config);
    let mut conn = opened::<Server>();
    conn.send_prepared(&prepared).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | BINARY, message)]);
    let message = as_long_compressed::<Server>();
    let prepared = Prepared::binary(&message).compressed(WindowBits::MAX, &config);
    conn.send_prepared(&prepared).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | BINARY, message)]);
    // Nor is there a compressed form for a window of 256 bytes.
    let none = Prepared::text(&prose(500)).compressed(WindowBits::MIN, &config);
    conn.send_prepared(&none).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | TEXT, prose(500).into_bytes())]);
}

#[test]
fn answer_of_a_server_sets_up_both_ends() {
    let agreed =
        answered("permessage-deflate; server_max_window_bits=10; client_max_window_bits=9");
    let config = Config::default().with_deflate(deflate::Compression::default().with_threshold(0));
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
    //= type=test
    //# Note that even if the client has included in its offer the
    //# "client_max_window_bits" extension parameter with a value smaller
    //# than one in the "agreed parameters", the client MUST use an LZ77
    //# sliding window of a size that conforms the "agreed parameters" to
    //# compress messages to send.
    let mut server = Server::open(config.clone()).with_extensions(agreed);
    let mut client = sockless::Client::open(config).with_extensions(agreed);
    let (mut from_server, mut from_client) = (Inflater::new(10, true), Inflater::new(9, true));
    for length in [10, 2000, 5000] {
        let message = prose(length);
        server.send_text(&message).unwrap();
        client.send_text(&message).unwrap();
        let (down, up) = (written(&mut server), written(&mut client));
        assert_eq!(feed(&mut client, &down), [text(&message)]);
        assert_eq!(feed(&mut server, &up), [text(&message)]);
        for (bytes, inflater) in [(down, &mut from_server), (up, &mut from_client)] {
            assert_eq!(inflater.inflate(&found(&bytes)[0].payload), message.as_bytes());
        }
    }
}

#[test]
fn client_borrowed_payload_goes_out_as_it_is() {
    let mut conn = opened::<sockless::Client>();
    drop(conn.send_binary_borrowed(&mut b"Hello".to_owned()).unwrap());
    assert_eq!(sent(&mut conn), [(FIN | BINARY, b"Hello".to_vec())]);
    let mut conn = opened::<Server>();
    drop(conn.send_text_borrowed("Hello").unwrap());
    assert_eq!(sent(&mut conn), [(FIN | TEXT, b"Hello".to_vec())]);
}

#[test]
fn connections_and_pools_can_go_to_another_thread() {
    fn sends<T: Send>(_: &T) {}
    fn shares<T: Send + Sync>(_: &T) {}
    let pool = Pool::new(1);
    shares(&pool);
    shares(&deflate::Compression::default().with_pool(pool));
    sends(&opened::<Server>());
    sends(&opened::<sockless::Client>());
}

#[test]
fn debug_output_shows_no_payload() {
    let mut conn = opened::<Server>();
    conn.begin_text("Hello", false).unwrap();
    feed(&mut conn, &peer::<Server>(RSV1 | TEXT, &HELLO));
    let shown = format!("{conn:?}");
    assert!(!shown.contains("Hello") && !shown.contains("242, 72"), "{shown}");
}
