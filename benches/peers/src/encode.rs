//! Encoding of binary messages, in memory.

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;

use crate::contender::{Contender, Encode, Side};
use crate::frames;
use crate::race::{self, Effort, Row, Runner};
use crate::wire::Written;

/// Payload between two flushes.
pub const BATCH: usize = 16 << 10;

/// Where a payload and the memory it is copied to lie in their pages makes up to a fifth of the time at 1 KiB, by chance. So they
/// lie elsewhere each time that a contender is made anew: the payload so much further on, which spreads eight turns
/// evenly, and what is allocated behind it half a vector.
const STRIDE: usize = 656;
const PAGE: usize = 4096;
const HALF_A_VECTOR: usize = 16;

const KINDS: [(&str, Side, usize, bool); 10] = [
    ("server 16 B", Side::Server, 16, false),
    ("server 1 KiB", Side::Server, 1 << 10, false),
    ("server 64 KiB", Side::Server, 64 << 10, false),
    ("client 16 B", Side::Client, 16, false),
    ("client 1 KiB", Side::Client, 1 << 10, false),
    ("client 64 KiB", Side::Client, 64 << 10, false),
    ("client 1 MiB", Side::Client, 1 << 20, false),
    ("client 1 KiB, masked in place", Side::Client, 1 << 10, true),
    ("client 64 KiB, masked in place", Side::Client, 64 << 10, true),
    ("client 1 MiB, masked in place", Side::Client, 1 << 20, true),
];

pub fn measure(contenders: &[Box<dyn Contender>], effort: Effort) -> Vec<Row> {
    let rows = KINDS.into_iter().map(|(title, side, length, in_place)| {
        let job = |turn, batch, output| {
            let payload = payload(length, turn);
            Encode { side, payload, batch, in_place, output }
        };
        let batch = (BATCH / length).max(1) as u64;
        contenders.iter().for_each(|contender| check(&**contender, |output| job(0, 1, output)));
        let turns = Cell::new(0);
        let field = || {
            let turn = turns.replace(turns.get() + 1);
            let each = contenders.iter().enumerate().map(|(at, contender)| {
                let repeated = contender.encode(job(turn + at, batch, Arc::default()));
                (contender.name(), repeated.map(|repeated| repeated as Runner), None)
            });
            each.collect()
        };
        race::row(title.into(), field, batch, effort)
    });
    rows.collect()
}

/// A payload of this length, at another place in each turn.
fn payload(length: usize, turn: usize) -> Bytes {
    let mut memory = vec![0; length + 2 * PAGE + turn % 4 * HALF_A_VECTOR];
    let start = memory.as_ptr().align_offset(PAGE) + turn * STRIDE % PAGE;
    for (at, byte) in memory[start..start + length].iter_mut().enumerate() {
        *byte = at as u8;
    }
    Bytes::from(memory).slice(start..start + length)
}

/// That a contender writes the frame, before it is timed. The first one only: one that masks in place has other payloads then.
fn check(contender: &dyn Contender, job: impl Fn(Arc<Written>) -> Encode) {
    let output = Arc::new(Written::keeping());
    let job = job(Arc::clone(&output));
    if contender.name() == "memcpy" {
        return;
    }
    let Ok(mut repeated) = contender.encode(job.clone()) else { return };
    repeated(1);
    let written = output.kept();
    let (frame, rest) = frames::split_frame(&written).expect("a frame");
    let masked = written[1] & 0x80 != 0;
    assert_eq!((frame.first, masked, rest.len()), (0x82, job.side == Side::Client, 0));
    assert!(frame.payload == job.payload[..], "{}: another payload", contender.name());
}
