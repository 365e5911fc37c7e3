//! Receiving, in both roles: against the reference, at several cuts, in both ways of delivery, on both levels, and against
//! another implementation.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use sockless::connection::{Cause, Failure, SendError};
use sockless::frame::{Decoder, Limits, Violation};
use sockless::words::role::Role;
use sockless::{Client, Config, Connection, Delivery, Input, Server};

use crate::allocations::Meter;
use crate::cuts::Cuts;
use crate::differences::{self, Frames};
use crate::endpoint::Endpoint;
use crate::frames::Stream;
use crate::items;
use crate::peer::{self, End};
use crate::reference::{self, Item, Wrong};
use crate::seen::Seen;

/// The limits of the run beside the other implementation.
const LIMIT: usize = 1 << 20;
/// What a connection may hold beside twice what has arrived.
const CONSTANT: i64 = (64 << 10) + (8 << 10);

#[derive(Arbitrary, Debug)]
struct Case {
    limits: Option<(u8, u16)>,
    cuts: Cuts,
    stream: Stream,
}

pub fn as_server(data: &[u8]) {
    check::<Server>(data);
}

pub fn as_client(data: &[u8]) {
    check::<Client>(data);
}

fn check<R: Endpoint>(data: &[u8]) {
    let Some(Case { limits, cuts, stream }) = crate::input(data) else { return };
    let bytes = stream.encode(!R::MASKS);
    let limits = match limits {
        None => Limits::DEFAULT.with_frame(LIMIT as u64).with_message(LIMIT as u64),
        Some((frame, message)) => {
            Limits::DEFAULT.with_frame(frame.into()).with_message(message.into())
        }
    };
    let (items, wrong) = reference::decode(&bytes, !R::MASKS, &limits);
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let config = Arc::new(Config::default().with_limits(limits).with_delivery(delivery));
        let (single, whole) = (&Cuts::single(), &Cuts::whole());
        for (cuts, copied) in [(single, false), (whole, false), (&cuts, false), (&cuts, true)] {
            let made = Made::by(R::open(&config), &bytes, cuts, copied);
            made.agrees(&items, wrong.as_ref());
            if let (Delivery::Parts, Some(good)) =
                (delivery, wrong.as_ref().and_then(|wrong| wrong.good.as_ref()))
            {
                assert_eq!(made.open, good.as_bytes(), "what is good of a text is delivered");
            }
        }
        stays_small::<R>(&config, &bytes, &cuts);
    }
    check_decoder::<R>(&bytes, &cuts, &limits, &items, wrong.as_ref());
    if limits.frame == LIMIT as u64 {
        check_peer::<R>(&bytes, &items, wrong.as_ref());
    }
}

/// What a connection made of a stream.
struct Made {
    items: Vec<Item>,
    /// What was delivered of a message that did not end.
    open: Vec<u8>,
    failed: Option<(Violation, Range<usize>)>,
}

impl Made {
    /// With `copied`, the bytes are handed in where they can't be written to.
    fn by<R: Endpoint>(mut conn: Connection<R>, bytes: &[u8], cuts: &Cuts, copied: bool) -> Self {
        let (mut seen, mut failed, mut written) = (Vec::new(), None, Vec::new());
        for read in cuts.reads(bytes.len()) {
            let arrived = &bytes[read.clone()];
            let mut buffer = if copied { vec![0xEE; arrived.len()] } else { arrived.to_vec() };
            let mut input = match copied {
                true => Input::copied(arrived, &mut buffer),
                false => Input::new(&mut buffer),
            };
            while let Some(event) = conn.poll(&mut input, Duration::ZERO) {
                assert!(!seen.last().is_some_and(Seen::ends), "{event:?} after the end");
                let event = Seen::new(&event);
                if let Seen::Failed(Failure::Violation(violation)) = event {
                    failed = Some((violation, read.clone()));
                }
                seen.push(event);
                while !conn.output().is_empty() {
                    written.extend_from_slice(conn.output());
                    conn.wrote(conn.output().len());
                }
            }
            assert!(input.is_empty(), "no event, but input is left");
        }
        let (items, open) = items::items(&seen);
        answers::<R>(&written, &items, failed.as_ref().map(|failed| failed.0));
        if let Some((violation, _)) = failed {
            assert_eq!(conn.outcome().cause, Cause::Failed(violation.into()));
            assert_eq!(conn.send_text(""), Err(SendError::Failed));
        }
        assert!(failed.is_some() || conn.counters().received.wire_bytes <= bytes.len() as u64);
        Self { items, open, failed }
    }

    fn agrees(&self, items: &[Item], wrong: Option<&Wrong>) {
        assert_eq!(self.items, items);
        match (&self.failed, wrong) {
            (None, None) => {}
            (Some((violation, read)), Some(wrong)) => {
                assert!(wrong.rules.contains(violation), "{violation:?}, expected {wrong:?}");
                assert!(read.contains(&wrong.at), "in {read:?}, expected {wrong:?}");
            }
            (failed, wrong) => panic!("failed with {failed:?}, expected {wrong:?}"),
        }
    }
}

/// Every ping has its pong, in order; behind them the Close frame, where one is due, and nothing else.
fn answers<R: Role>(written: &[u8], items: &[Item], violation: Option<Violation>) {
    let mut expected = Vec::new();
    for item in items {
        match item {
            Item::Ping(payload) => expected.push(Item::Pong(payload.clone())),
            Item::Close(code, _) => expected.push(Item::Close(*code, String::new())),
            _ => {}
        }
    }
    let (mut answers, wrong) = reference::decode(written, R::MASKS, &Limits::DEFAULT);
    if let Some(violation) = violation {
        let Some(Item::Close(code, reason)) = answers.pop() else { panic!("{answers:?}") };
        assert_eq!(code, Some(reference::close_code(violation)));
        assert!(!reason.is_empty(), "it says why");
    }
    assert_eq!((answers, wrong), (expected, None));
}

/// Memory is at most twice what has arrived and a constant, whatever was announced.
fn stays_small<R: Endpoint>(config: &Arc<Config>, bytes: &[u8], cuts: &Cuts) {
    let mut buffer = bytes.to_vec();
    let meter = Meter::start();
    let mut conn = R::open(config);
    for read in cuts.reads(bytes.len()) {
        let arrived = read.end as i64;
        let mut input = Input::new(&mut buffer[read]);
        while conn.poll(&mut input, Duration::ZERO).is_some() {}
        let peak = meter.peak();
        assert!(peak <= 2 * arrived + CONSTANT, "{peak} bytes for {arrived}");
    }
    drop(conn);
    assert_eq!(meter.live(), 0, "a connection that is dropped leaves nothing");
}

/// The decoder of level 1 goes on behind a Close frame, and knows no messages: what it says is put together here.
fn check_decoder<R: Role>(
    bytes: &[u8],
    cuts: &Cuts,
    limits: &Limits,
    items: &[Item],
    wrong: Option<&Wrong>,
) {
    let mut decoder = Decoder::<R>::new();
    let (mut frames, mut open, mut failed) = (Vec::new(), None, None);
    'reads: for read in cuts.reads(bytes.len()) {
        let mut buffer = bytes[read.clone()].to_vec();
        let mut input = Input::new(&mut buffer);
        loop {
            let before = input.len();
            match decoder.decode(&mut input, limits) {
                Ok(None) => break,
                Ok(Some(piece)) => {
                    assert!(piece.begins || !piece.payload.is_empty() || before > input.len());
                    if piece.begins {
                        assert!(open.is_none(), "a frame begins inside another one");
                        open = Some((piece.opcode.bits(), piece.fin, Vec::new()));
                    }
                    let frame = open.as_mut().expect("a frame's first piece says that it is");
                    frame.2.extend_from_slice(piece.payload);
                    if piece.remaining == 0 {
                        frames.extend(open.take());
                    }
                }
                Err(violation) => {
                    let again = decoder.decode(&mut Input::new(&mut [0x81, 0]), limits).err();
                    assert_eq!(again, Some(violation), "failed for good");
                    failed = Some((violation, read));
                    break 'reads;
                }
            }
        }
        assert!(input.is_empty());
    }
    let mut made = joined(&frames);
    // What only a frame's end shows to be wrong is reported after it.
    if failed.is_some() && made.len() == items.len() + 1 {
        made.pop();
    }
    if let Some(closing) = items.iter().position(|item| matches!(item, Item::Close(..))) {
        assert_eq!(made.get(..=closing), Some(items));
        return;
    }
    Made { items: made, open: Vec::new(), failed }.agrees(items, wrong);
}

/// Messages out of frames.
fn joined(frames: &[(u8, bool, Vec<u8>)]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut message: Option<(u8, Vec<u8>)> = None;
    for (opcode, fin, payload) in frames {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match opcode {
            8 => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                items.push(Item::Close(code, text(payload.get(2..).unwrap_or_default())));
                continue;
            }
            9 => items.push(Item::Ping(payload.clone())),
            10 => items.push(Item::Pong(payload.clone())),
            0 => message.as_mut().expect("a message to continue").1.extend_from_slice(payload),
            opcode => message = Some((*opcode, payload.clone())),
        }
        if let Some((opcode, payload)) = message.take_if(|_| *opcode < 8 && *fin) {
            items.push(match opcode {
                1 => Item::Text(text(&payload)),
                _ => Item::Binary(payload),
            });
        }
    }
    items
}

/// Another implementation says the same, but for what is known.
fn check_peer<R: Role>(bytes: &[u8], ours: &[Item], wrong: Option<&Wrong>) {
    let (theirs, end) = peer::receive::<R>(bytes, LIMIT);
    let closed = matches!(ours.last(), Some(Item::Close(..)));
    let alike = match wrong {
        // A frame that ends with the stream is not looked at there.
        Some(_) => end != End::Closed,
        None if closed => end == End::Closed,
        None => end == End::Cut,
    };
    if alike && theirs == ours {
        return;
    }
    let failure = wrong.map(|wrong| Failure::Violation(wrong.rules[0]));
    let case = Frames { failure, ours, theirs: &theirs, end };
    assert!(
        differences::explain_frames(&case),
        "here {ours:?} and {failure:?}, there {theirs:?} and {end:?}"
    );
}
