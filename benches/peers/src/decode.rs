//! Decoding of messages, in memory.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use crate::contender::{Cell, Contender, Decode, Decoding, OURS, Seen, Shape, Side};
use crate::frames;
use crate::race::{self, Effort, Row, Runner};
use crate::wire::Input;

/// A stream is at least this long: longer than the second cache, as input is that another core or a device has written.
const STREAM: usize = 4 << 20;
/// The size of reads at which all are compared.
pub const READ: usize = 16 << 10;
/// The first octet of a frame.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
const FIN: u8 = 0x80;
/// In how many frames a message comes that isn't whole.
const FRAGMENTS: usize = 4;
/// The sizes from which each contender has its best.
pub const READS: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 64 << 10, 256 << 10];

/// The titles of tables that others look up.
pub const BINARY_TITLE: &str = "Decoding";
pub const TEXT_TITLE: &str = "Decoding text";
pub const CLIENT_TITLE: &str = "Decoding by a client";

/// What the messages are.
pub struct Kind {
    pub title: &'static str,
    pub side: Side,
    shape: Shape,
    first: u8,
    payload: Vec<u8>,
}

/// All kinds that are measured.
pub fn kinds() -> Vec<Kind> {
    let octets = |length: usize| (0..length).map(|at| at as u8).collect::<Vec<u8>>();
    let repeated = |text: &str, length: usize| {
        // A whole number of characters: the rest is filled with spaces.
        let mut repeated = text.repeat(length / text.len()).into_bytes();
        repeated.resize(length, b' ');
        repeated
    };
    let ascii = "{\"id\":4711,\"side\":\"buy\",\"open\":true},";
    let cjk = "文字コードの検査は、漢字かな混じり文で最も重い。";
    let (whole, server) = (Shape::Whole, Side::Server);
    let kind = |title, first, payload| Kind { title, side: server, shape: whole, first, payload };
    let shaped =
        |title, shape, payload| Kind { title, side: server, shape, first: BINARY, payload };
    let client =
        |title, first, payload| Kind { title, side: Side::Client, shape: whole, first, payload };
    vec![
        kind("binary 16 B", BINARY, octets(16)),
        kind("binary 125 B", BINARY, octets(125)),
        kind("binary 1 KiB", BINARY, octets(1 << 10)),
        kind("binary 16 KiB", BINARY, octets(16 << 10)),
        kind("binary 64 KiB", BINARY, octets(64 << 10)),
        kind("binary 1 MiB", BINARY, octets(1 << 20)),
        kind("ASCII 16 B", TEXT, repeated("a line of octets", 16)),
        kind("ASCII 125 B", TEXT, repeated(ascii, 125)),
        kind("ASCII 16 KiB", TEXT, repeated(ascii, 16 << 10)),
        kind("ASCII 64 KiB", TEXT, repeated(ascii, 64 << 10)),
        kind("ASCII 1 MiB", TEXT, repeated(ascii, 1 << 20)),
        kind("CJK 16 B", TEXT, repeated("文字の検査", 16)),
        kind("CJK 125 B", TEXT, repeated(cjk, 125)),
        kind("CJK 16 KiB", TEXT, repeated(cjk, 16 << 10)),
        kind("CJK 64 KiB", TEXT, repeated(cjk, 64 << 10)),
        kind("CJK 1 MiB", TEXT, repeated(cjk, 1 << 20)),
        shaped("4 KiB in 4 fragments", Shape::Fragmented, octets(4 << 10)),
        shaped("64 KiB in 4 fragments", Shape::Fragmented, octets(64 << 10)),
        shaped("4 KiB, pings between", Shape::Interleaved, octets(4 << 10)),
        client("binary 16 B", BINARY, octets(16)),
        client("binary 1 KiB", BINARY, octets(1 << 10)),
        client("binary 64 KiB", BINARY, octets(64 << 10)),
        client("ASCII 1 KiB", TEXT, repeated(ascii, 1 << 10)),
        client("CJK 16 KiB", TEXT, repeated(cjk, 16 << 10)),
    ]
}

/// A stream of messages, and their number.
fn stream(kind: &Kind) -> (Arc<[u8]>, u64) {
    let (mut stream, mut messages) = (Vec::new(), 0);
    while stream.len() < STREAM {
        let key = (kind.side == Side::Server).then_some([0x37, 0xFA, 0x21, messages as u8]);
        put_message(kind, key, &kind.payload, &mut stream);
        messages += 1;
    }
    (stream.into(), messages)
}

fn put_message(kind: &Kind, key: Option<[u8; 4]>, payload: &[u8], out: &mut Vec<u8>) {
    if kind.shape == Shape::Whole {
        return frames::put_frame(kind.first, key, payload, out);
    }
    let fragments = payload.chunks(payload.len() / FRAGMENTS);
    for (place, fragment) in fragments.enumerate() {
        let opcode = if place == 0 { kind.first & !FIN } else { 0 };
        let last = if place == FRAGMENTS - 1 { FIN } else { 0 };
        frames::put_frame(last | opcode, key, fragment, out);
        if kind.shape == Shape::Interleaved && last == 0 {
            frames::put_frame(PING, key, b"alive?", out);
        }
    }
}

/// The rows of each table.
#[derive(Default)]
pub struct Rows {
    /// What a server decodes by reads of 16 KiB.
    pub binary: Vec<Row>,
    pub text: Vec<Row>,
    pub fragmented: Vec<Row>,
    /// Binary messages at the size of reads that is best for each contender.
    pub best: Vec<Row>,
    /// What a client decodes.
    pub client: Vec<Row>,
}

pub fn measure(contenders: &[Box<dyn Contender>], effort: Effort) -> Rows {
    let mut rows = Rows::default();
    for kind in kinds() {
        let (stream, messages) = stream(&kind);
        let job = |read| Decode {
            side: kind.side,
            shape: kind.shape,
            input: Input::endless(Arc::clone(&stream), read),
        };
        let unchecked: Vec<bool> = contenders
            .iter()
            .map(|contender| {
                for read in READS {
                    if let Ok(decoding) = contender.decode(job(read)) {
                        check(decoding, messages, &kind, contender.name());
                    }
                }
                kind.first == TEXT && !checks_text(&**contender, &kind)
            })
            .collect();
        let race = |reads: &dyn Fn(usize) -> Option<usize>| {
            let field = || {
                let each = contenders.iter().enumerate().map(|(place, contender)| {
                    let decoding = contender.decode(job(reads(place).unwrap_or(READ)));
                    (contender.name(), runner(decoding, messages), reads(place))
                });
                each.collect()
            };
            let mut row = race::row(String::from(kind.title), field, messages, effort);
            for (entry, unchecked) in row.entries.iter_mut().zip(&unchecked) {
                entry.unchecked = *unchecked;
            }
            row
        };
        let same = race(&|_| None);
        let is_binary = kind.first == BINARY;
        match (kind.side, kind.shape) {
            (Side::Client, _) => rows.client.push(same),
            (Side::Server, Shape::Whole) if is_binary => rows.binary.push(same),
            (Side::Server, Shape::Whole) => rows.text.push(same),
            (Side::Server, _) => rows.fragmented.push(same),
        }
        if kind.side == Side::Server && is_binary && kind.shape == Shape::Whole {
            let reads: Vec<Option<usize>> = contenders
                .iter()
                .map(|contender| best_read(&**contender, &job, messages, effort))
                .collect();
            rows.best.push(race(&|place| reads[place]));
        }
    }
    rows
}

fn runner(decoding: Cell<Decoding>, messages: u64) -> Cell<Runner> {
    let mut decoding = decoding?;
    let mut seen = Seen::default();
    Ok(Box::new(move |passes| {
        for _ in 0..passes {
            decoding(messages, &mut seen);
        }
    }))
}

/// The size of reads with which a contender is fastest.
fn best_read(
    contender: &dyn Contender,
    job: &dyn Fn(usize) -> Decode,
    messages: u64,
    effort: Effort,
) -> Option<usize> {
    let field = || {
        let each = READS.iter().map(|read| {
            (contender.name(), runner(contender.decode(job(*read)), messages), Some(*read))
        });
        each.collect()
    };
    let effort = Effort { rounds: effort.rounds.div_ceil(3), ..effort };
    let entries = race::race(field, messages, effort);
    let medians = entries.iter().filter_map(|entry| Some((entry.choice?, entry.spread()?.median)));
    medians.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(read, _)| read)
}

/// That a contender does the work, before it is timed: every payload, twice over.
fn check(mut decoding: Decoding, messages: u64, kind: &Kind, name: &str) {
    let mut seen = Seen { expected: Some(kind.payload.as_slice().into()), ..Seen::default() };
    decoding(messages, &mut seen);
    decoding(messages, &mut seen);
    assert_eq!(seen.messages, 2 * messages, "{name} has lost messages, {}", kind.title);
    if name == OURS {
        assert_eq!(seen.octets, 2 * messages * kind.payload.len() as u64);
    }
}

/// Whether a contender refuses text that isn't UTF-8, in a message that one read holds and in one that lies in two reads.
fn checks_text(contender: &dyn Contender, kind: &Kind) -> bool {
    if contender.package().is_none() {
        return true;
    }
    // Told by a panic, as a refusal is here; it is not to be shown.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let refuses = [0, READ / (kind.payload.len() + 8)].into_iter().all(|which| {
        let mut stream = Vec::new();
        for at in 0..64 {
            let mut payload = kind.payload.clone();
            if at == which {
                // In the middle of the first half, and never a part of UTF-8.
                payload[kind.payload.len() / 4] = 0xFF;
            }
            let key = (kind.side == Side::Server).then_some([0x37, 0xFA, 0x21, 0x3D]);
            frames::put_frame(TEXT, key, &payload, &mut stream);
        }
        let input = Input::endless(stream.into(), READ);
        let job = Decode { side: kind.side, shape: kind.shape, input };
        let Ok(mut decoding) = contender.decode(job) else {
            return true;
        };
        let decode = AssertUnwindSafe(|| decoding(64, &mut Seen::default()));
        panic::catch_unwind(decode).is_err()
    });
    panic::set_hook(hook);
    refuses
}
