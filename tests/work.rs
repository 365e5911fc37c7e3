//! Work is linear in the bytes, at any split: twice the input takes about twice the work.
//!
//! Work is counted, not timed, in three ways: what the allocator is asked for, and what its resizing has to move; what the queue of
//! output moves; and instructions, by `valgrind`: that test has to be asked for, and fails where `valgrind` is not installed.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test tells its figures and its seed"
)]

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sockless::connection::{Loan, Side};
use sockless::extension::Supported;
use sockless::frame::{Decoder, Limits};
use sockless::handshake::{self, Acceptor, Answered, Asked, Connector, Offer, Url};
use sockless::{Config, Connection, Delivery, Event, Input, Kind, Prepared, Server};

use crate::allocations::Meter;
use crate::heads;
use crate::streams::encoded;

const KEY: Option<[u8; 4]> = Some([0x37, 0xFA, 0x21, 0x3D]);
const ZERO: Duration = Duration::ZERO;

/// A kind of work, and the count of units that takes some milliseconds without optimisation.
struct Case {
    name: &'static str,
    units: usize,
    /// Prepares this number of units, and returns the work to be counted.
    work: fn(usize) -> Box<dyn FnOnce()>,
}

const CASES: &[Case] = &[
    Case {
        name: "a request for a WebSocket, a byte at a time",
        units: 65_536,
        work: |n| {
            let mut head = heads::Head::request().with("X", &"y".repeat(n)).bytes();
            let mut acceptor = Acceptor::new(&handshake_limits(), ZERO);
            Box::new(move || {
                let asked = head
                    .chunks_mut(1)
                    .find_map(|piece| acceptor.poll(&mut Input::new(piece), ZERO));
                assert!(matches!(asked, Some(Asked::WebSocket(_))));
            })
        },
    },
    Case {
        name: "the answer to it, a byte at a time",
        units: 65_536,
        work: |n| {
            let mut head = heads::Head::response().with("X", &"y".repeat(n)).bytes();
            let offer = Offer::new(Url::parse("ws://a").expect("a URL"));
            let limits = handshake_limits();
            let mut connector =
                Connector::with_nonce(offer, heads::NONCE, &limits, ZERO).expect("an offer");
            Box::new(move || {
                let answered = head
                    .chunks_mut(1)
                    .find_map(|piece| connector.poll(&mut Input::new(piece), ZERO));
                assert!(matches!(answered, Some(Answered::Open { .. })));
            })
        },
    },
    Case {
        name: "offers of extensions",
        units: 4096,
        work: |n| negotiation("permessage-deflate; unknown, ".repeat(n) + "x"),
    },
    Case {
        name: "parameters of an extension",
        units: 4096,
        work: |n| {
            negotiation("permessage-deflate".to_owned() + &"; server_max_window_bits=9".repeat(n))
        },
    },
    Case {
        name: "escapes in a quoted value without an end",
        units: 16_384,
        work: |n| negotiation("x; y=\"".to_owned() + &"\\z".repeat(n)),
    },
    Case {
        name: "fragments of one byte",
        units: 16_384,
        work: |n| {
            let first = encoded(false, 1, KEY, b"x");
            let mut bytes = [first, encoded(false, 0, KEY, b"x").repeat(n)].concat();
            Box::new(move || feed(&mut server(), &mut bytes, usize::MAX))
        },
    },
    Case {
        name: "empty fragments",
        units: 16_384,
        work: |n| {
            let first = encoded(false, 1, KEY, b"");
            let mut bytes = [first, encoded(false, 0, KEY, b"").repeat(n)].concat();
            Box::new(move || feed(&mut server(), &mut bytes, usize::MAX))
        },
    },
    Case {
        name: "fragments with pings between them, in parts",
        units: 8192,
        work: |n| {
            let first = encoded(false, 1, KEY, b"x");
            let pair =
                [encoded(false, 0, KEY, "é".as_bytes()), encoded(true, 9, KEY, b"ping")].concat();
            let mut bytes = [first, pair.repeat(n)].concat();
            let config = Config::default().with_delivery(Delivery::Parts);
            Box::new(move || feed(&mut Connection::server(config), &mut bytes, 11))
        },
    },
    Case {
        name: "one binary message, a byte at a time",
        units: 16_384,
        work: |n| one_message(n, 2, Delivery::Whole),
    },
    Case {
        name: "one text message, a byte at a time",
        units: 16_384,
        work: |n| one_message(n, 1, Delivery::Whole),
    },
    Case {
        name: "one text message, a byte at a time, in parts",
        units: 16_384,
        work: |n| one_message(n, 1, Delivery::Parts),
    },
    Case {
        name: "small messages, a byte at a time",
        units: 2048,
        work: |n| {
            let mut bytes = encoded(true, 1, KEY, "0123456789".as_bytes()).repeat(n);
            Box::new(move || feed(&mut server(), &mut bytes, 1))
        },
    },
    Case {
        name: "level 1, a byte at a time",
        units: 2048,
        work: |n| {
            let mut bytes = encoded(true, 1, KEY, "0123456789".as_bytes()).repeat(n);
            Box::new(move || {
                let mut decoder = Decoder::<Server>::new();
                for chunk in bytes.chunks_mut(1) {
                    let mut input = Input::new(chunk);
                    while let Ok(Some(piece)) = decoder.decode(&mut input, &Limits::DEFAULT) {
                        black_box(piece);
                    }
                }
            })
        },
    },
    Case {
        name: "a large message, in reads of 4 KiB",
        units: 512,
        work: |n| {
            let limits = Limits::default().with_frame(u64::MAX).with_message(u64::MAX);
            let mut bytes = encoded(true, 2, KEY, &vec![1; 4096 * n]);
            let mut conn = Connection::server(Config::default().with_limits(limits));
            Box::new(move || feed(&mut conn, &mut bytes, 4096))
        },
    },
    Case {
        name: "a large message, read into its own buffer",
        units: 512,
        work: |n| {
            let limits = Limits::default().with_frame(u64::MAX).with_message(u64::MAX);
            let mut bytes = encoded(true, 2, KEY, &vec![1; 4096 * n]);
            let mut conn = Connection::server(Config::default().with_limits(limits));
            Box::new(move || {
                let (head, mut rest) = bytes.split_at_mut(100);
                feed(&mut conn, head, 100);
                while let Some(mut taken) = conn.take_buffer() {
                    let (next, behind) =
                        std::mem::take(&mut rest).split_at_mut(taken.capacity().min(1000));
                    taken.extend_from_slice(next);
                    rest = behind;
                    conn.put_buffer(taken).expect("as it was taken");
                }
                feed(&mut conn, rest, usize::MAX);
            })
        },
    },
    Case {
        name: "pings whose pongs nobody reads",
        units: 8192,
        work: |n| {
            let mut bytes = encoded(true, 9, KEY, &[7; 50]).repeat(n);
            Box::new(move || feed(&mut server(), &mut bytes, usize::MAX))
        },
    },
    Case {
        name: "pings of our own that nobody answers",
        units: 4096,
        work: |n| {
            Box::new(move || {
                let mut conn = server();
                for _ in 0..n {
                    conn.ping(b"?", ZERO).expect("room");
                    conn.wrote(usize::MAX);
                }
            })
        },
    },
    Case {
        name: "queued frames, drained three bytes at a time",
        units: 32_768,
        work: |n| {
            Box::new(move || {
                let mut conn = server();
                (0..n).for_each(|_| conn.send_binary(&[1; 7]).expect("room"));
                drain(&mut conn, 3);
            })
        },
    },
    Case {
        name: "frames queued while others are drained",
        units: 32_768,
        work: |n| {
            Box::new(move || {
                let mut conn = server();
                (0..n).for_each(|_| conn.send_binary(&[1; 7]).expect("room"));
                for _ in 0..n {
                    conn.wrote(8);
                    conn.send_binary(&[1; 7]).expect("room");
                }
                drain(&mut conn, usize::MAX);
            })
        },
    },
    Case {
        name: "shared payloads between small frames, drained in pieces",
        units: 1024,
        work: |n| {
            Box::new(move || {
                let mut conn =
                    Connection::server(Config::default().with_output_limits(0, usize::MAX));
                let prepared = Prepared::binary(&[2; 5000]);
                for _ in 0..n {
                    conn.send_prepared(&prepared).expect("room");
                    conn.send_text("between").expect("room");
                }
                for _ in 0..n {
                    conn.wrote(5000);
                    conn.send_prepared(&prepared).expect("room");
                    conn.send_text("between").expect("room");
                }
                drain(&mut conn, 1000);
            })
        },
    },
    Case {
        name: "a streamed frame, a byte at a time, pings arriving meanwhile",
        units: 4096,
        work: |n| {
            let mut ping = encoded(true, 9, KEY, b"ping");
            Box::new(move || {
                let mut conn = server();
                conn.stream_frame(Some(Kind::Binary), true, n as u64).expect("room");
                for _ in 0..n {
                    feed(&mut conn, &mut ping.clone(), usize::MAX);
                    conn.stream_payload(&mut [1]).expect("room");
                }
                ping.clear();
            })
        },
    },
];

/// Both sides' look at a header about extensions.
fn negotiation(header: String) -> Box<dyn FnOnce()> {
    let supported = Supported::default();
    #[cfg(feature = "deflate")]
    let supported = supported.with_deflate(Default::default());
    Box::new(move || {
        let _ = black_box(supported.accept([header.as_bytes()]));
        let _ = black_box(supported.check([header.as_bytes()]));
    })
}

/// Limits on heads that leave their length to the case.
fn handshake_limits() -> handshake::HeadLimits {
    handshake::HeadLimits::default().with_head(usize::MAX)
}

fn server() -> Connection<Server> {
    Connection::server(Config::default())
}

fn one_message(len: usize, opcode: u8, delivery: Delivery) -> Box<dyn FnOnce()> {
    let mut bytes = encoded(true, opcode, KEY, "é".repeat(len / 2).as_bytes());
    let config = Config::default().with_delivery(delivery);
    Box::new(move || feed(&mut Connection::server(config), &mut bytes, 1))
}

fn feed<R: Side>(conn: &mut Connection<R>, bytes: &mut [u8], size: usize) {
    for chunk in bytes.chunks_mut(size) {
        let mut input = Input::new(chunk);
        while let Some(event) = conn.poll(&mut input, ZERO) {
            assert!(!matches!(event, Event::Failed(_)), "{event:?}");
            black_box(event);
        }
    }
}

fn drain<R: Side>(conn: &mut Connection<R>, size: usize) {
    while !conn.output().is_empty() {
        let count = conn.output().len().min(size);
        conn.wrote(black_box(count));
    }
}

#[test]
fn allocations_grow_with_the_input() {
    for case in CASES {
        let [(calls, moved), (calls_twice, moved_twice)] = [1, 2].map(|factor| {
            let work = (case.work)(factor * case.units);
            let meter = Meter::start();
            work();
            (meter.calls(), meter.moved())
        });
        let allowed = |once: u64, spare: u64| once * 22 / 10 + spare;
        assert!(
            calls_twice <= allowed(calls, 8),
            "{}: {calls} calls, then {calls_twice}",
            case.name
        );
        assert!(
            moved_twice <= allowed(moved, 64),
            "{}: {moved} bytes moved, then {moved_twice}",
            case.name
        );
    }
}

/// What the queue moves of what waits in it is seen from outside: the first byte to be written lies elsewhere than before.
#[test]
fn queue_that_is_never_empty_moves_what_waits_only_now_and_then() {
    const WAITING: usize = 8 << 20;
    const SENDS: usize = 3000;
    for size in [12, 102, 1004] {
        let config = Config::default().with_output_limits(usize::MAX, usize::MAX);
        let mut conn = Connection::server(config);
        // Exactly what waits has room, so that the first message more needs some.
        conn.lend(Loan::Output, Vec::with_capacity(WAITING)).expect("an empty queue");
        conn.send_binary(&vec![1; WAITING - 10]).expect("room");
        assert_eq!(conn.queued(), WAITING);
        let meter = Meter::start();
        let (mut sent, mut moved, mut times) = (WAITING, 0, 0);
        for _ in 0..SENDS {
            // As much goes out as comes in.
            conn.wrote(size);
            let (place, before) = (conn.output().as_ptr(), conn.queued());
            let header = if size < 126 { 2 } else { 4 };
            conn.send_binary(&vec![2; size - header]).expect("room");
            assert_eq!(conn.queued(), WAITING);
            sent += size;
            if conn.output().as_ptr() != place {
                (moved, times) = (moved + before, times + 1);
            }
        }
        assert!(meter.moved() > 0, "the queue has never grown: nothing was looked at");
        assert!(moved <= 2 * sent, "{moved} bytes moved in {times} turns for {sent} sent");
    }
}

/// The part of the program that instructions are counted in.
#[inline(never)]
fn counted_region(work: Box<dyn FnOnce()>) {
    black_box(work)();
}

const COUNTED: &str = "SOCKLESS_COUNTED";
/// The function that is counted, as valgrind calls it.
const REGION: &str = concat!(module_path!(), "::counted_region");

/// Runs this very test once more under the counter, where it does the work that is counted.
#[test]
#[ignore = "needs valgrind: cargo test --test measured -- --ignored"]
fn instructions_grow_with_the_input() {
    if std::env::var_os(COUNTED).is_some() {
        for case in CASES {
            counted_region((case.work)(case.units / 16));
            counted_region((case.work)(case.units / 8));
        }
        return;
    }
    let place =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("counted-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("a directory of our own");
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            &format!("--zero-before={REGION}"),
            &format!("--dump-after={REGION}"),
        ])
        .arg(format!("--callgrind-out-file={}", place.join("out").display()))
        .arg(std::env::current_exe().expect("this program"))
        .args([
            "--ignored",
            "--exact",
            "work::instructions_grow_with_the_input",
            "--test-threads=1",
        ])
        .env(COUNTED, "1")
        .output()
        .expect("valgrind is installed");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind does not run here: {told}");
    let counts: Vec<u64> = (1..)
        .map_while(|number| std::fs::read_to_string(place.join(format!("out.{number}"))).ok())
        .filter(|dump| dump.contains("--dump-after"))
        .map(|dump| {
            let totals = dump.lines().find_map(|line| line.strip_prefix("totals: "));
            totals.and_then(|totals| totals.trim().parse().ok()).expect("a count")
        })
        .collect();
    std::fs::remove_dir_all(&place).expect("the directory of our own");
    assert_eq!(counts.len(), 2 * CASES.len(), "not every region was found by its name: {told}");
    for (case, counts) in CASES.iter().zip(counts.chunks(2)) {
        let ratio = counts[1] as f64 / counts[0] as f64;
        eprintln!("{ratio:.3} {:>10} {}", counts[0], case.name);
        assert!(ratio <= 2.2, "{}: {} instructions, then {}", case.name, counts[0], counts[1]);
    }
}
