//! Every way in which WebSocket implementations are known to have been broken, and the tests that fail if it comes back here.
//!
//! [`CLASSES`] names them. Most of the tests are in the chapter that they belong to; here are those that belong to none. All of
//! them count: bytes held, allocations, work, or what is on the wire.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sockless::connection::{Cause, Loan, SendError};
use sockless::extension::Supported;
use sockless::{CloseCode, Config, Connection, Input, Server, Want};

use crate::allocations::Meter;
use crate::wire::*;

/// What went wrong elsewhere, and what would notice it here: a file below `tests`, or below `src` where the test needs the inside,
/// and the name of a test in it.
const CLASSES: &[(&str, &[(&str, &str)])] = &[
    (
        "Pongs pile up while the peer reads nothing (CVE-2026-11586, CVE-2026-109932)",
        &[
            (
                "tests/memory.rs",
                "ten_million_pings_with_unread_pongs_take_constant_memory_and_the_last_is_answered",
            ),
            ("tests/output.rs", "pongs_have_a_reserve_and_one_slot"),
        ],
    ),
    (
        "Tiny and empty fragments pin memory (CVE-2014-0193, CVE-2026-12151, CVE-2026-48779)",
        &[
            (
                "tests/memory.rs",
                "million_fragments_of_one_byte_stay_within_twice_the_payload_and_64_kib",
            ),
            ("tests/memory.rs", "million_empty_fragments_take_no_memory"),
            ("tests/limits.rs", "receives_empty_fragments_without_end"),
            ("tests/bounds.rs", "compressed_message_in_tiny_and_empty_fragments_stays_small"),
        ],
    ),
    (
        "The head of a handshake is parsed again at every read (CVE-2023-43669)",
        &[
            ("tests/handshake_cost.rs", "every_octet_is_scanned_and_parsed_once_at_any_split"),
            ("tests/handshake_cost.rs", "head_octet_by_octet_takes_linear_time"),
            ("tests/handshake_cost.rs", "head_that_is_refused_is_not_parsed_again"),
        ],
    ),
    (
        "A flood of header fields (CVE-2024-37890), an endless head, one that trickles in",
        &[
            ("tests/handshake_server.rs", "server_refuses_more_fields_than_limit_431"),
            (
                "tests/handshake_server.rs",
                "server_refuses_endless_head_without_waiting_for_its_end_431",
            ),
            ("tests/handshake_server.rs", "server_does_not_let_trickling_bytes_move_the_deadline"),
            ("tests/handshake_cost.rs", "head_in_pieces_stays_within_the_limit"),
            ("tests/handshake_cost.rs", "interim_answers_do_not_pile_up"),
            ("tests/handshake_client.rs", "client_fails_over_limits"),
        ],
    ),
    (
        "Extension headers that take long to parse (CVE-2020-7662, CVE-2021-32640)",
        &[
            ("tests/bounds.rs", "extension_header_takes_linear_time"),
            ("tests/work.rs", "instructions_grow_with_the_input"),
            ("tests/extension_header.rs", "empty_elements_are_ignored_in_a_reasonable_number"),
        ],
    ),
    (
        "64-bit lengths: their sign, their overflow, the sum of fragments (CVE-2020-13935, CVE-2020-27813, CVE-2026-27889)",
        &[
            ("tests/framing.rs", "receives_64_bit_length_with_top_bit_fails_1002"),
            (
                "tests/limits.rs",
                "receives_fragments_over_the_limit_fails_1009_at_the_header_that_adds_too_much",
            ),
            ("tests/lengths.rs", "sum_of_fragments_is_held_against_any_limit"),
            ("tests/lengths.rs", "announced_length_is_held_against_any_limit"),
            ("tests/lengths.rs", "frame_of_more_than_4_gib_ends_at_its_last_byte"),
            ("tests/lengths.rs", "streamed_frame_of_more_than_4_gib_ends_at_its_last_byte"),
        ],
    ),
    (
        "Memory is allocated for a length that is only announced (RUSTSEC-2022-0035)",
        &[
            ("tests/memory.rs", "header_that_announces_2_to_the_62_reserves_at_most_64_kib"),
            ("tests/memory.rs", "continuations_that_announce_2_to_the_62_reserve_at_most_64_kib"),
            (
                "tests/memory.rs",
                "buffer_taken_behind_a_header_that_announces_2_to_the_62_has_at_most_64_kib",
            ),
            ("tests/bounds.rs", "compressed_frame_that_announces_2_to_the_62_reserves_little"),
        ],
    ),
    (
        "The limit holds for the compressed size (CVE-2018-1000518)",
        &[
            ("tests/deflate.rs", "receives_a_message_of_the_limit_and_fails_1009_one_byte_above"),
            ("tests/deflate_memory.rs", "bomb_of_a_gibibyte_stops_at_the_limit"),
            ("src/extension/deflate/tests/bounds.rs", "the_budget_is_exact_at_any_cut"),
        ],
    ),
    (
        "Window bits out of range, or that the deflate library can't do (CVE-2026-2229)",
        &[
            ("tests/deflate_negotiation.rs", "server_declines_an_offer_with_an_invalid_value"),
            (
                "tests/deflate_negotiation.rs",
                "server_declines_256_bytes_of_window_since_no_compressor_keeps_to_them",
            ),
            ("tests/deflate_negotiation.rs", "client_fails_an_answer_with_an_invalid_parameter"),
        ],
    ),
    (
        "BFINAL in the middle of a message",
        &[
            ("tests/deflate.rs", "receives_bfinal_in_the_middle_and_keeps_the_window"),
            (
                "src/extension/deflate/tests/decoding.rs",
                "a_message_continues_after_bfinal_with_the_window_kept",
            ),
        ],
    ),
    (
        "Bytes of a compressed message leak into the next one (CVE-2026-87022), or into another connection's",
        &[
            (
                "src/extension/deflate/tests/decoding.rs",
                "a_tail_that_was_not_stripped_is_left_over_data",
            ),
            (
                "src/extension/deflate/tests/decoding.rs",
                "a_stored_block_that_swallows_the_tail_is_corrupt",
            ),
            (
                "src/extension/deflate/tests/decoding.rs",
                "without_takeover_a_reference_to_an_earlier_message_is_corrupt",
            ),
            ("tests/bounds.rs", "pooled_states_carry_nothing_from_one_connection_to_another"),
        ],
    ),
    (
        "A flood of deflate members takes quadratic time",
        &[(
            "src/extension/deflate/tests/bounds.rs",
            "a_flood_of_tiny_final_blocks_takes_linear_time",
        )],
    ),
    (
        "A missing mask is noticed late",
        &[
            ("tests/framing.rs", "server_receives_unmasked_frame_fails_1002"),
            ("tests/framing.rs", "server_receives_unmasked_empty_frame_fails_1002"),
        ],
    ),
    (
        "A masking key is used twice (CVE-2025-10148)",
        &[
            ("tests/framing.rs", "client_masks_every_frame_it_sends"),
            ("tests/framing.rs", "client_with_default_entropy_never_repeats_itself"),
        ],
    ),
    (
        "Output waits without a bound (RUSTSEC-2020-0043)",
        &[
            ("tests/bounds.rs", "output_that_nobody_reads_stays_within_the_limit_and_one_message"),
            ("tests/misuse.rs", "message_at_hard_limit_is_given_back"),
            ("tests/memory.rs", "queue_that_is_never_quite_empty_stays_small"),
        ],
    ),
    (
        "A close that never ends (CVE-2024-23672)",
        &[
            ("tests/bounds.rs", "peer_that_talks_on_cannot_put_off_the_end_of_a_close"),
            ("tests/timers.rs", "closing_handshake_times_out"),
            ("tests/timers.rs", "reply_that_is_not_written_times_out"),
            ("tests/timers.rs", "failure_that_is_not_written_times_out"),
        ],
    ),
    (
        "State is used after an error (CVE-2025-11677)",
        &[
            ("tests/bounds.rs", "failed_connection_takes_nothing_more"),
            ("tests/memory.rs", "memory_is_freed_when_the_connection_fails_or_closes"),
            ("tests/deflate_memory.rs", "corrupt_message_leaves_no_memory_behind"),
            ("tests/handshake_server.rs", "server_ignores_what_follows_a_refusal"),
            ("tests/handshake_client.rs", "client_ignores_what_follows_a_failure"),
        ],
    ),
    (
        "CR and LF pass from arguments into a head (CVE-2026-1527)",
        &[
            (
                "tests/handshake_server.rs",
                "server_refuses_to_write_fields_that_would_break_the_head",
            ),
            ("tests/handshake_client.rs", "client_refuses_arguments_that_would_break_the_head"),
            ("tests/handshake_client.rs", "client_refuses_invalid_components"),
        ],
    ),
    (
        "Memory goes out that was never written, or that was somebody else's (CVE-2026-45736)",
        &[("tests/bounds.rs", "lent_buffer_shows_nothing_of_its_past")],
    ),
];

/// A test that was renamed, or dropped, would leave its class open.
#[test]
fn every_class_has_the_tests_that_are_named_for_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut classes = BTreeSet::new();
    for (class, tests) in CLASSES {
        assert!(classes.insert(class) && !tests.is_empty(), "{class}");
        for (file, name) in *tests {
            let text = std::fs::read_to_string(root.join(PathBuf::from(file)));
            let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            let is_it = |line: &&str| {
                let rest = line.strip_prefix("fn ").and_then(|line| line.strip_prefix(name));
                rest.is_some_and(|rest| rest.starts_with(['(', '<']))
            };
            let at = lines.iter().position(is_it);
            let at = at.unwrap_or_else(|| panic!("{class}: no {name} in {file}"));
            // It is run by itself, where it needs a tool only when it is asked for, or is in the list of those that are run in
            // both roles.
            let runs = match &lines[..at] {
                [.., "#[test]"] => true,
                [.., "#[test]", asked] => asked.starts_with("#[ignore = \"needs "),
                _ => false,
            };
            assert!(runs || lines.contains(&&*format!("{name},")), "{name} is not run");
        }
    }
}

/// An application that sends whatever it is asked to, and never looks at what waits.
#[test]
fn output_that_nobody_reads_stays_within_the_limit_and_one_message() {
    let (soft, hard, message) = (1000, 100_000, 3000);
    let mut conn = Connection::server(Config::default().with_output_limits(soft, hard));
    let payload = vec![b'x'; message];
    let ping = peer::<Server>(FIN | PING, &[7; 125]);
    let meter = Meter::start();
    let mut refused = 0;
    for _ in 0..500 {
        for sent in [conn.send_binary(&payload), conn.pong(&[1; 125]), conn.ping(b"", START)] {
            refused += u32::from(sent == Err(SendError::QueueFull));
        }
        let mut ping = ping.clone();
        let mut input = Input::new(&mut ping);
        while conn.poll(&mut input, START).is_some() {}
    }
    // The queue grows by doubling: half of its block may be empty, and the old one lives until it has been copied.
    let most = 3 * (hard + message + 10 + 2048) as i64;
    assert!(meter.peak() <= most, "{} of {most}", meter.peak());
    assert!(refused > 1000, "{refused}");
    assert!(conn.queued() <= hard + message + 10 + 2048, "{}", conn.queued());

    let sizes = || [conn.queued() as i64, meter.live()];
    let before = sizes();
    let mut conn = conn;
    for _ in 0..10_000 {
        assert_eq!(conn.send_binary(&payload), Err(SendError::QueueFull));
    }
    assert_eq!([conn.queued() as i64, meter.live()], before);
}

/// The peer answers our Close frame with everything but its own: data, pings, a trickle of bytes.
#[test]
fn peer_that_talks_on_cannot_put_off_the_end_of_a_close() {
    let talk: [&[u8]; 4] = [
        &peer::<Server>(FIN | TEXT, b"one more thing"),
        &peer::<Server>(FIN | PING, b"still there?"),
        &peer::<Server>(BINARY, &[1; 200]),
        &peer_header::<Server>(FIN | BINARY, 127, &(1_u64 << 40).to_be_bytes()),
    ];
    for words in talk {
        for trickles in [false, true] {
            let config = Config::default()
                .with_keepalive(seconds(1), seconds(5))
                .with_limits(sockless::Limits::default().with_frame(1 << 50).with_message(1 << 50));
            let mut conn = Connection::server(config);
            conn.close(CloseCode::NORMAL, "", START).unwrap();
            let mut bytes = words.iter().copied().cycle();
            let mut now = START;
            while now < seconds(10) {
                assert!(matches!(conn.want(), Want::Io { .. }), "done at {now:?}");
                conn.wrote(usize::MAX);
                if trickles || now.subsec_millis() == 0 {
                    let count = if trickles { 1 } else { words.len() };
                    let said: Vec<u8> = bytes.by_ref().take(count).collect();
                    // A second fragment that begins a message breaks a rule; that is an end as well.
                    if let Some(Seen::Failed(_)) = feed_at(&mut conn, &said, now).last() {
                        break;
                    }
                }
                now += Duration::from_millis(100);
            }
            conn.wrote(usize::MAX);
            pass(&mut conn, seconds(10));
            match conn.want() {
                Want::Done(outcome) => {
                    assert!(matches!(outcome.cause, Cause::TimedOut | Cause::Failed(_)));
                }
                Want::ShutdownWrite => {}
                want => panic!("{want:?} at the deadline"),
            }
        }
    }
}

/// Behind a failure nothing is looked at, and so nothing is allocated, delivered or answered.
#[test]
fn failed_connection_takes_nothing_more() {
    let mut conn = Connection::server(Config::default());
    assert!(matches!(feed(&mut conn, &[0x8B, 0x80])[..], [Seen::Failed(_)]));
    let close = conn.output().to_vec();
    let more = [
        peer::<Server>(FIN | TEXT, b"later"),
        peer::<Server>(BINARY, &[1; 1000]),
        peer::<Server>(FIN | PING, b"?"),
        peer::<Server>(FIN | CLOSE, b""),
        vec![0xFF; 1000],
    ]
    .concat();
    let mut read = more.clone();
    let meter = Meter::start();
    for round in 0..1000 {
        read.copy_from_slice(&more);
        for piece in read.chunks_mut(1 + round % 1000) {
            let mut input = Input::new(piece);
            assert!(conn.poll(&mut input, START).is_none());
            assert!(input.is_empty());
        }
        assert_eq!(conn.send_text("?"), Err(SendError::Failed));
        assert_eq!(conn.ping(b"", START), Err(SendError::Failed));
        assert_eq!(conn.pong(b""), Err(SendError::Failed));
        assert_eq!(conn.close(None, "", START), Err(SendError::Failed));
        assert_eq!(conn.stream_payload(&mut [1]), Err(SendError::Failed));
        assert!(conn.take_buffer().is_none());
    }
    assert_eq!(meter.calls(), 0);
    assert_eq!(conn.output(), close);
}

/// A buffer that was another connection's comes with what was in it, after its length and before.
#[test]
fn lent_buffer_shows_nothing_of_its_past() {
    fn run<R: Tested>() {
        const SECRET: u8 = 0xA5;
        let payload = [0_u8; 300];
        let secret = |cleared: bool| {
            let mut buffer = vec![SECRET; 5000];
            if cleared {
                buffer.clear();
            }
            buffer
        };
        for cleared in [true, false] {
            let mut conn = R::open(Config::default());
            conn.lend(Loan::Output, secret(cleared)).unwrap();
            conn.send_binary(&payload).unwrap();
            conn.begin_binary(&payload[..7], false).unwrap();
            conn.continue_binary(b"", false).unwrap();
            conn.ping(&payload[..9], START).unwrap();
            conn.continue_binary(&payload[..100], true).unwrap();
            conn.stream_frame(Some(sockless::Kind::Binary), true, 20).unwrap();
            conn.stream_payload(&mut [0; 13]).unwrap();
            feed(&mut conn, &peer::<R>(FIN | PING, &payload[..60]));
            conn.stream_payload(&mut [0; 7]).unwrap();
            conn.close(CloseCode::NORMAL, "", START).unwrap();
            let frames = found(&written(&mut conn));
            assert_eq!(frames.len(), 8);
            let count = frames.iter().map(|frame| frame.payload.len()).sum::<usize>();
            assert_eq!(count, 300 + 7 + 9 + 100 + 20 + 60 + 2);
            for frame in frames {
                assert!(!frame.payload.contains(&SECRET), "{frame:?}");
            }
        }
    }
    run::<Server>();
    run::<sockless::Client>();
}

/// Eight times the octets take eight times as long, or a little more; 64 times would be noticed.
#[test]
fn extension_header_takes_linear_time() {
    let unit: [(&str, &str, &str); 6] = [
        ("", "permessage-deflate; a, ", "x"),
        ("x; ", "y=\"z\"; ", "z"),
        ("x; y=\"", "\\z", ""),
        ("x; y=\"", "\\z", "\""),
        ("x", " \t", ", y"),
        ("permessage-deflate; ", "server_max_window_bits=9; ", "z"),
    ];
    let supported = supported();
    let time = |value: &[u8]| {
        let start = Instant::now();
        let _ = supported.accept([value]);
        let _ = supported.check([value]);
        start.elapsed()
    };
    for (before, repeated, behind) in unit {
        let value = |len: usize| {
            [before, &repeated.repeat(len / repeated.len()), behind].concat().into_bytes()
        };
        let (part, whole) = (value(1 << 13), value(1 << 16));
        // At least once in a few tries that others may disturb.
        let linear = || time(&whole) < 24 * time(&part) + Duration::from_millis(5);
        assert!((0..40).any(|_| linear()), "{before}{repeated}...{behind}");
    }
}

#[cfg(feature = "deflate")]
fn supported() -> Supported {
    Supported::default().with_deflate(sockless::extension::deflate::Terms::default())
}

#[cfg(not(feature = "deflate"))]
fn supported() -> Supported {
    Supported::default()
}

#[cfg(feature = "deflate")]
mod compressed {
    use sockless::Event;
    use sockless::extension::deflate::{self, Parameters, Pool};
    use sockless::frame::Limits;

    use super::*;
    use crate::inflation::{Deflater, agreed, noise};

    /// An inflater with its history, at most.
    const STATE: i64 = 82_000;

    fn inflating(config: Config, parameters: Parameters) -> Connection<Server> {
        Connection::server(config).with_extensions(agreed(parameters))
    }

    #[test]
    fn compressed_message_in_tiny_and_empty_fragments_stays_small() {
        let message = noise(3, 30_000);
        let payload = Deflater::new(true).deflate(&message);
        let mut bytes = peer::<Server>(RSV1 | BINARY, &payload[..1]);
        for byte in &payload[1..] {
            bytes.extend(peer::<Server>(CONTINUATION, &[]));
            bytes.extend(peer::<Server>(CONTINUATION, std::slice::from_ref(byte)));
        }
        bytes.extend(peer::<Server>(FIN | CONTINUATION, &[]));
        let mut conn = inflating(Config::default(), Parameters::default());
        let meter = Meter::start();
        let mut input = Input::new(&mut bytes);
        let Some(Event::Binary(received)) = conn.poll(&mut input, START) else {
            panic!("a message");
        };
        assert!(*received == message[..]);
        let most = STATE + 2 * message.len() as i64 + (64 << 10);
        assert!(meter.peak() <= most, "{} of {most}", meter.peak());
    }

    #[test]
    fn compressed_frame_that_announces_2_to_the_62_reserves_little() {
        let limits = Limits::default().with_frame(u64::MAX).with_message(u64::MAX);
        let mut conn = inflating(Config::default().with_limits(limits), Parameters::default());
        let header = peer_header::<Server>(FIN | RSV1 | BINARY, 127, &(1_u64 << 62).to_be_bytes());
        let payload = Deflater::new(true).deflate(b"and so on");
        let meter = Meter::start();
        assert_eq!(feed(&mut conn, &header), []);
        let masked = payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key);
        assert_eq!(feed(&mut conn, &masked.collect::<Vec<_>>()), []);
        assert!(meter.peak() <= STATE + (64 << 10), "{}", meter.peak());
    }

    /// An inflater that comes from a pool has seen another connection's messages: a reference to them finds nothing.
    #[test]
    fn pooled_states_carry_nothing_from_one_connection_to_another() {
        let pool = Pool::new(1);
        let parameters = Parameters { client_no_context_takeover: true, ..Parameters::default() };
        let config = || {
            let deflate = deflate::Compression::default().with_pool(pool.clone());
            Config::default().with_deflate(deflate)
        };
        let secret = noise(5, 1000);
        let mut deflater = Deflater::new(true);
        let (first, again) = (deflater.deflate(&secret), deflater.deflate(&secret));
        assert!(again.len() < 100, "it refers to the first");

        let mut victim = inflating(config(), parameters);
        assert_eq!(
            feed(&mut victim, &peer::<Server>(FIN | RSV1 | BINARY, &first)),
            [binary(&secret)]
        );
        assert!(format!("{pool:?}").contains("inflaters: 1"));
        let mut attacker = inflating(config(), parameters);
        let events = feed(&mut attacker, &peer::<Server>(FIN | RSV1 | BINARY, &again));
        assert_eq!(events, [Seen::Failed(sockless::connection::Failure::CorruptMessage)]);
    }
}
