//! Decoding of masked messages by a server, in memory.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use crate::contender::{Cell, Contender, Decoding, OURS, Seen};
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
/// The sizes from which each contender has its best.
pub const READS: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 64 << 10, 256 << 10];

/// What the messages are.
pub struct Kind {
    pub title: &'static str,
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
    let kind = |title, first, payload| Kind { title, first, payload };
    vec![
        kind("binary 16 B", BINARY, octets(16)),
        kind("binary 125 B", BINARY, octets(125)),
        kind("binary 1 KiB", BINARY, octets(1 << 10)),
        kind("binary 16 KiB", BINARY, octets(16 << 10)),
        kind("binary 64 KiB", BINARY, octets(64 << 10)),
        kind("binary 1 MiB", BINARY, octets(1 << 20)),
        kind("ASCII text 1 KiB", TEXT, repeated(ascii, 1 << 10)),
        kind("ASCII text 16 KiB", TEXT, repeated(ascii, 16 << 10)),
        kind("CJK text 16 KiB", TEXT, repeated(cjk, 16 << 10)),
    ]
}

/// A stream of messages, and their number.
fn stream(kind: &Kind) -> (Arc<[u8]>, u64) {
    let (mut stream, mut messages) = (Vec::new(), 0);
    while stream.len() < STREAM {
        let key = [0x37, 0xFA, 0x21, messages as u8];
        frames::put_frame(kind.first, Some(key), &kind.payload, &mut stream);
        messages += 1;
    }
    (stream.into(), messages)
}

/// All of it: at reads of 16 KiB, and at each contender's best.
pub fn measure(contenders: &[Box<dyn Contender>], effort: Effort) -> (Vec<Row>, Vec<Row>) {
    let mut tables = (Vec::new(), Vec::new());
    for kind in kinds() {
        let (stream, messages) = stream(&kind);
        let input = |read| Input::endless(Arc::clone(&stream), read);
        for contender in contenders {
            for read in READS {
                if let Ok(decoding) = contender.decode(input(read)) {
                    check(decoding, messages, &kind, contender.name());
                }
            }
        }
        let title = String::from(kind.title);
        let same = || {
            let decoding = |contender: &dyn Contender| contender.decode(input(READ));
            let each = contenders.iter().map(|contender| {
                (contender.name(), runner(decoding(&**contender), messages), None)
            });
            each.collect()
        };
        let mut same = race::row(title.clone(), same, messages, effort);

        let reads: Vec<Option<usize>> = contenders
            .iter()
            .map(|contender| best_read(&**contender, &input, messages, effort))
            .collect();
        let best = || {
            let each = contenders.iter().zip(&reads).map(|(contender, read)| {
                let decoding = contender.decode(input(read.unwrap_or(READ)));
                (contender.name(), runner(decoding, messages), *read)
            });
            each.collect()
        };
        let mut best = race::row(title, best, messages, effort);
        for (place, contender) in contenders.iter().enumerate() {
            let unchecked = kind.first == TEXT && !checks_text(&**contender, &kind);
            same.entries[place].unchecked = unchecked;
            best.entries[place].unchecked = unchecked;
        }
        tables.0.push(same);
        tables.1.push(best);
    }
    tables
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
    input: &dyn Fn(usize) -> Input,
    messages: u64,
    effort: Effort,
) -> Option<usize> {
    let field = || {
        let each = READS.iter().map(|read| {
            (contender.name(), runner(contender.decode(input(*read)), messages), Some(*read))
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
            frames::put_frame(TEXT, Some([0x37, 0xFA, 0x21, 0x3D]), &payload, &mut stream);
        }
        let Ok(mut decoding) = contender.decode(Input::endless(stream.into(), READ)) else {
            return true;
        };
        let decode = AssertUnwindSafe(|| decoding(64, &mut Seen::default()));
        panic::catch_unwind(decode).is_err()
    });
    panic::set_hook(hook);
    refuses
}
