//! Streams of frames as a peer may send them: strategies for what is legal and what is not. How a frame is written is in
//! `wire/frames.rs`, and each chapter that uses this module has the module `wire` too.

#![allow(dead_code, reason = "each test file uses a part of it")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::wire::{Length, put_header, put_payload};

/// How many cases a property runs: `SOCKLESS_CASES` times as many as usual, a factor such as 10 or 0.2.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let factor = std::env::var("SOCKLESS_CASES").map_or(1.0, |factor| {
        factor.parse().unwrap_or_else(|_| panic!("SOCKLESS_CASES is no number: {factor}"))
    });
    let cases = (f64::from(usual) * factor).ceil() as u32;
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One frame, with nothing checked.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    pub(crate) key: Option<[u8; 4]>,
    /// How the length is written, if not in the shortest form.
    pub(crate) length: Option<Length>,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The bytes on the wire.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let first = u8::from(self.fin) << 7 | (self.rsv & 7) << 4 | self.opcode & 15;
        let length = self.length.unwrap_or(Length::of(self.payload.len()));
        put_header(first, length, self.key, out);
        put_payload(self.key, &self.payload, out);
    }
}

/// A frame without reserved bits whose length is in the shortest form.
pub(crate) fn frame(fin: bool, opcode: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Frame {
    Frame { fin, rsv: 0, opcode, key, length: None, payload: payload.to_vec() }
}

/// The bytes of one legal frame.
pub(crate) fn encoded(fin: bool, opcode: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 14);
    frame(fin, opcode, key, payload).encode(&mut out);
    out
}

/// Streams out of whole messages, fragments, control frames and violations, some of them cut or changed somewhere. `masked`
/// says whether a client sends them.
pub(crate) fn stream(masked: bool) -> impl Strategy<Value = Vec<u8>> {
    let legal = vec(legal_step(masked), 0..7).prop_map(encode_all);
    let mixed = vec(prop_oneof![5 => legal_step(masked), 1 => broken_step(masked)], 0..7);
    let mixed = mixed.prop_map(encode_all);
    let mutated = (vec(legal_step(masked), 1..5).prop_map(encode_all), vec(mutation(), 1..4));
    let mutated = mutated.prop_map(|(mut bytes, mutations)| {
        for mutation in mutations {
            mutation.apply(&mut bytes);
        }
        bytes
    });
    prop_oneof![
        4 => legal,
        4 => mixed,
        3 => mutated,
        1 => vec(any::<u8>(), 0..64),
    ]
}

fn encode_all(steps: Vec<Vec<Frame>>) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in steps.into_iter().flatten() {
        frame.encode(&mut out);
    }
    out
}

#[derive(Clone, Debug)]
enum Mutation {
    Cut(Index),
    Change(Index, u8),
    Insert(Index, u8),
    Remove(Index),
}

impl Mutation {
    fn apply(self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        if len == 0 {
            return;
        }
        match self {
            Self::Cut(at) => bytes.truncate(at.index(len)),
            Self::Change(at, by) => bytes[at.index(len)] ^= by,
            Self::Insert(at, byte) => bytes.insert(at.index(len), byte),
            Self::Remove(at) => drop(bytes.remove(at.index(len))),
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        any::<Index>().prop_map(Mutation::Cut),
        (any::<Index>(), 1u8..).prop_map(|(at, by)| Mutation::Change(at, by)),
        (any::<Index>(), 0u32..8).prop_map(|(at, bit)| Mutation::Change(at, 1 << bit)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        any::<Index>().prop_map(Mutation::Remove),
    ]
}

fn key(masked: bool) -> BoxedStrategy<Option<[u8; 4]>> {
    if masked {
        prop_oneof![4 => any::<[u8; 4]>(), 1 => Just([0; 4])].prop_map(Some).boxed()
    } else {
        Just(None).boxed()
    }
}

/// Bytes of the lengths at which the forms of a header change, most of them short.
pub(crate) fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => vec(any::<u8>(), 0..24),
        5 => vec(any::<u8>(), 120..132),
        3 => vec(any::<u8>(), 250..600),
        1 => (65_530usize..65_545, any::<u8>())
            .prop_map(|(len, seed)| (0..len).map(|at| (at as u8).wrapping_mul(seed)).collect()),
    ]
}

/// Text with code points of all widths.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let point = prop_oneof![
        4 => any::<char>(),
        4 => prop::char::range('a', 'z'),
        1 => select(vec!['\0', '\u{7f}', '\u{80}', '\u{7ff}', '\u{800}', '\u{d7ff}', '\u{e000}', '\u{feff}',
            '\u{ffff}', '\u{10000}', '\u{10ffff}']),
    ];
    prop_oneof![
        6 => vec(point.clone(), 0..12),
        2 => vec(point, 30..60),
        1 => vec(prop::char::range('a', 'z'), 100..180),
    ]
    .prop_map(|points| points.into_iter().collect())
}

/// Text that is right up to some octet.
fn wrong_text() -> impl Strategy<Value = Vec<u8>> {
    let wrong = select(vec![
        &b"\x80"[..],
        b"\xC0\xAF",
        b"\xC1\xBF",
        b"\xE0\x80\xAF",
        b"\xE0\x9F\xBF",
        b"\xED\xA0\x80",
        b"\xED\xBF\xBF",
        b"\xF0\x8F\xBF\xBF",
        b"\xF4\x90\x80\x80",
        b"\xF5\x80\x80\x80",
        b"\xFE",
        b"\xFF",
        b"\xC3",
        b"\xE2\x82",
        b"\xF0\x9F\x98",
        b"\xE2\x28\xA1",
    ]);
    (text(), wrong, text())
        .prop_map(|(before, wrong, after)| [before.as_bytes(), wrong, after.as_bytes()].concat())
}

fn control(masked: bool) -> impl Strategy<Value = Frame> {
    let payload = prop_oneof![4 => vec(any::<u8>(), 0..9), 1 => vec(any::<u8>(), 100..=125)];
    (select(vec![9, 9, 10]), key(masked), payload)
        .prop_map(|(opcode, key, payload)| frame(true, opcode, key, &payload))
}

fn close_body() -> impl Strategy<Value = Vec<u8>> {
    let code = select(vec![1000u16, 1001, 1003, 1007, 1011, 1014, 3000, 4999]);
    let reason = prop_oneof![Just(String::new()), text()];
    prop_oneof![
        1 => Just(Vec::new()),
        4 => (code, reason).prop_map(|(code, reason)| {
            let cut = (0..=reason.len().min(123)).rev().find(|at| reason.is_char_boundary(*at));
            let reason = &reason[..cut.unwrap_or(0)];
            [&code.to_be_bytes(), reason.as_bytes()].concat()
        }),
    ]
}

/// A message in fragments, with control frames between them.
fn message(
    masked: bool,
    opcode: u8,
    payload: impl Strategy<Value = Vec<u8>>,
) -> impl Strategy<Value = Vec<Frame>> {
    let cuts = prop_oneof![2 => Just(Vec::new()), 3 => vec(any::<Index>(), 0..5)];
    let keys = vec(key(masked), 6);
    let between = vec(prop::option::weighted(0.3, control(masked)), 6);
    (payload, cuts, keys, between).prop_map(move |(payload, cuts, keys, between)| {
        let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        ends.push(payload.len());
        ends.sort_unstable();
        let mut frames = Vec::new();
        let mut from = 0;
        let last = ends.len() - 1;
        for (index, end) in ends.into_iter().enumerate() {
            let opcode = if index == 0 { opcode } else { 0 };
            frames.push(frame(index == last, opcode, keys[index], &payload[from..end]));
            if index < last {
                frames.extend(between[index].clone());
            }
            from = end;
        }
        frames
    })
}

fn legal_step(masked: bool) -> impl Strategy<Value = Vec<Frame>> {
    let text = text().prop_map(String::into_bytes);
    let close = (key(masked), close_body());
    prop_oneof![
        6 => message(masked, 1, text),
        5 => message(masked, 2, payload()),
        5 => control(masked).prop_map(|frame| vec![frame]),
        1 => close.prop_map(|(key, body)| vec![frame(true, 8, key, &body)]),
    ]
}

/// Frames of which one breaks a rule: most of them exactly one.
fn broken_step(masked: bool) -> impl Strategy<Value = Vec<Frame>> {
    let one = |frame| vec![frame];
    let wild = (any::<bool>(), 0u8..8, 0u8..16, key(masked), payload());
    let close = prop_oneof![
        vec(any::<u8>(), 1..=1),
        any::<u16>().prop_map(|code| code.to_be_bytes().to_vec()),
        select(vec![0u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
            .prop_map(|code| code.to_be_bytes().to_vec()),
        wrong_text().prop_map(|reason| [&1000u16.to_be_bytes(), &reason[..]].concat()),
    ];
    let length = prop_oneof![
        (0u16..126).prop_map(Length::Short),
        (0u64..65536).prop_map(Length::Long),
        (1u64 << 63..).prop_map(Length::Long),
        (1u64 << 60..1 << 63).prop_map(Length::Long),
        (0u8..128).prop_map(Length::Seven),
    ];
    prop_oneof![
        6 => message(masked, 1, wrong_text()),
        2 => (select(vec![1, 2]), key(masked), payload())
            .prop_map(|(opcode, key, payload)| vec![
                frame(false, opcode, key, &payload),
                frame(true, opcode, key, b"inside"),
            ]),
        2 => (key(masked), payload()).prop_map(move |(key, payload)| one(frame(true, 0, key, &payload))),
        2 => (key(!masked), payload()).prop_map(move |(key, payload)| one(frame(true, 2, key, &payload))),
        2 => (1u8..8, key(masked)).prop_map(move |(rsv, key)| one(Frame { rsv, ..frame(true, 1, key, b"bits") })),
        2 => (select(vec![3u8, 7, 11, 15]), key(masked)).prop_map(move |(opcode, key)| one(frame(true, opcode, key, b""))),
        2 => (select(vec![8u8, 9, 10]), key(masked)).prop_map(move |(opcode, key)| one(frame(false, opcode, key, b""))),
        2 => (select(vec![8u8, 9, 10]), key(masked), vec(any::<u8>(), 126..200))
            .prop_map(move |(opcode, key, payload)| one(frame(true, opcode, key, &payload))),
        4 => (key(masked), close).prop_map(move |(key, body)| one(frame(true, 8, key, &body[..body.len().min(125)]))),
        4 => (length, select(vec![1u8, 2]), key(masked), payload()).prop_map(move |(length, opcode, key, payload)| {
            one(Frame { length: Some(length), ..frame(true, opcode, key, &payload) })
        }),
        2 => wild.prop_map(move |(fin, rsv, opcode, key, payload)| one(Frame { rsv, ..frame(fin, opcode, key, &payload) })),
    ]
}

/// How an input is cut into reads.
#[derive(Clone, Debug)]
pub(crate) enum Split {
    /// As little as the schedule allows.
    Whole,
    /// Into reads of one size.
    Every(usize),
    /// Into reads of these sizes, over and over.
    Sizes(Vec<usize>),
}

impl Split {
    /// The reads of `len` bytes, none of them over one of the places in `stops`.
    pub(crate) fn reads(&self, len: usize, stops: &[usize]) -> Vec<std::ops::Range<usize>> {
        let mut reads = Vec::new();
        let mut from = 0;
        let mut turn = 0;
        while from < len {
            let size = match self {
                Self::Whole => len,
                Self::Every(size) => *size,
                Self::Sizes(sizes) => sizes[turn % sizes.len()],
            };
            turn += 1;
            let stop = stops.iter().copied().filter(|stop| *stop > from).min();
            let end = (from + size).min(len).min(stop.unwrap_or(len));
            reads.push(from..end);
            from = end;
        }
        reads
    }
}

/// Splits into reads of all sizes.
pub(crate) fn split() -> impl Strategy<Value = Split> {
    prop_oneof![
        (1usize..20).prop_map(Split::Every),
        vec(1usize..16, 1..12).prop_map(Split::Sizes),
        vec(1usize..300, 1..6).prop_map(Split::Sizes),
    ]
}

/// Masking keys that a test can predict.
#[derive(Debug)]
pub(crate) struct Counter(pub(crate) u32);

impl sockless::connection::Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (self.0 >> 24) as u8;
        }
    }
}
