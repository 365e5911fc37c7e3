//! What was recorded of simulated connections replays to the byte; what was not is told.
//!
//! The simulation is the library's own, with connections that write down what is done with them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../tests/simulation/application.rs"]
mod application;
#[path = "../../tests/simulation/endpoint.rs"]
mod endpoint;
#[path = "../../tests/simulation/judge.rs"]
mod judge;
#[path = "../../tests/simulation/opening.rs"]
mod opening;
#[path = "../../tests/simulation/pipe.rs"]
mod pipe;
#[path = "../../tests/simulation/random.rs"]
mod random;
#[path = "../../tests/simulation/tap.rs"]
mod tap;
#[path = "../../tests/simulation/world.rs"]
mod world;

use std::path::Path;
use std::process::Command;

use application::Saying;
use endpoint::{End, Endpoint};
use opening::Opening;
use sockless::connection::Outcome;
use sockless::message::Content;
use sockless::{Event, Kind};
use sockless_autobahn::trace::{Damage, Mismatch, Record, Records, Step, replay};
use tap::Tap;
use world::World;

/// What is simulated: connections that write down what is done with them.
mod tested {
    use std::sync::Arc;

    use sockless::connection::{SendError, Side};
    use sockless::established::Established;
    use sockless::handshake::{Acceptance, Request};
    use sockless::{Client, Config, Kind, Server};
    use sockless_autobahn::trace::Recorder;

    use crate::random::Random;

    pub(crate) type Tested<R> = Recorder<R>;

    pub(crate) fn accept<'a>(
        request: &Request<'_>,
        acceptance: &Acceptance<'a>,
        config: Arc<Config>,
    ) -> (Tested<Server>, Established<'a>, Vec<u8>) {
        let switching = request.accept(acceptance).expect("a good acceptance");
        let established = switching.established();
        (Recorder::server(&established, config), established, switching.to_vec())
    }

    pub(crate) fn client(
        established: &Established<'_>,
        config: Arc<Config>,
        keys: Random,
    ) -> Tested<Client> {
        Recorder::client(established, config, keys)
    }

    pub(crate) trait Special {
        fn send_specially(
            &mut self,
            kind: Kind,
            payload: &str,
            write: &mut dyn FnMut(&[u8]) -> usize,
        ) -> Result<(), SendError>;
    }

    /// What only one role has is not recorded.
    impl<R: Side> Special for Recorder<R> {
        fn send_specially(
            &mut self,
            kind: Kind,
            payload: &str,
            _: &mut dyn FnMut(&[u8]) -> usize,
        ) -> Result<(), SendError> {
            match kind {
                Kind::Text => self.send_text(payload),
                Kind::Binary => self.send_binary(payload.as_bytes()),
            }
        }
    }
}

const SEEDS: u64 = 150;

/// What a replay has shown.
#[derive(Default)]
struct Shown {
    heard: Vec<(Kind, Vec<u8>)>,
    part: Vec<u8>,
    output: Vec<u8>,
    calls: u64,
}

impl Shown {
    fn step(&mut self, step: Step<'_, '_>) {
        match step {
            Step::Event(Event::Text(text)) => {
                self.heard.push((Kind::Text, text.as_bytes().to_vec()))
            }
            Step::Event(Event::Binary(payload)) => {
                self.heard.push((Kind::Binary, payload.to_vec()))
            }
            Step::Event(Event::Part(part)) => {
                self.part.extend_from_slice(part.content.as_bytes());
                if part.last {
                    let kind = match part.content {
                        Content::Text(_) => Kind::Text,
                        Content::Binary(_) => Kind::Binary,
                    };
                    self.heard.push((kind, std::mem::take(&mut self.part)));
                }
            }
            Step::Wrote(bytes) => self.output.extend_from_slice(bytes),
            Step::Call(_) => self.calls += 1,
            _ => {}
        }
    }
}

/// The trace of a run's endpoint, its outcome, and what went over the wire; none if there was no connection.
fn recorded<O: Opening>(endpoint: &mut Endpoint<O>) -> Option<(Vec<u8>, Outcome)> {
    let recorder = endpoint.connection.take()?;
    let Some(End::Closed(outcome)) = endpoint.end else {
        panic!("a connection without an outcome")
    };
    Some((recorder.finish(), outcome))
}

fn replays<O: Opening>(seed: u64, masks: bool, endpoint: &mut Endpoint<O>) -> u64 {
    let Some((trace, outcome)) = recorded(endpoint) else { return 0 };
    let mut shown = Shown::default();
    let replayed = replay(&trace, |step| shown.step(step));
    assert_eq!(replayed, Ok(outcome), "seed {seed}");
    let messages: Vec<_> = endpoint
        .application
        .heard
        .iter()
        .filter_map(|(saying, payload)| match saying {
            Saying::Message(kind) => Some((*kind, payload.clone())),
            Saying::Ping => None,
        })
        .collect();
    assert!(shown.heard == messages, "seed {seed}: other messages");
    // The output of the replay, read as the wire was.
    let mut tap = Tap::new(masks);
    tap.see(&shown.output);
    let wire = &endpoint.tap;
    assert_eq!((tap.bytes, tap.frames, &tap.close), (wire.bytes, wire.frames, &wire.close));
    shown.calls
}

#[test]
fn recorded_connections_replay_to_the_same_events_and_output() {
    let mut calls = 0;
    for seed in 0..SEEDS {
        let mut world = World::run(seed);
        judge::judge(&world);
        calls += replays(seed, true, &mut world.client);
        calls += replays(seed, false, &mut world.server);
    }
    assert!(calls > 50 * SEEDS, "{calls}");
}

/// A trace of some length, with keys, events, refusals and output in it.
fn some_trace() -> Vec<u8> {
    let traces = (0..200).filter_map(|seed| recorded(&mut World::run(seed).client));
    let of_some_length = traces.map(|(trace, _)| trace).find(|trace| {
        let records: Vec<_> = Records::new(trace).unwrap().map(Result::unwrap).collect();
        let has = |what: fn(&Record<'_>) -> bool| records.iter().any(what);
        (1200..3000).contains(&trace.len())
            && has(|record| matches!(record, Record::Drawn(_)))
            && has(|record| matches!(record, Record::Event { .. }))
            && has(|record| matches!(record, Record::Wrote { .. }))
    });
    of_some_length.expect("one of them")
}

#[test]
fn trace_that_ends_early_is_replayed_up_to_there_and_told() {
    let trace = some_trace();
    let whole = Records::new(&trace).unwrap().count();
    for len in 0..trace.len() {
        let cut = &trace[..len];
        let mut calls = 0;
        let replayed = replay(cut, |step| calls += usize::from(matches!(step, Step::Call(_))));
        let expected = if len < 8 { Damage::NoTrace } else { Damage::Truncated };
        assert_eq!(replayed, Err(Mismatch::Damaged(expected)), "{len}");
        assert!(calls < whole);
        if let Ok(records) = Records::new(cut) {
            let mut records: Vec<_> = records.collect();
            assert_eq!(records.pop(), Some(Err(Damage::Truncated)));
            assert!(records.iter().all(Result::is_ok));
        }
    }
}

#[test]
fn trace_that_was_changed_anywhere_is_told() {
    let trace = some_trace();
    for at in 0..trace.len() {
        for by in [0x01, 0x80] {
            let mut changed = trace.clone();
            changed[at] ^= by;
            match replay(&changed, |_| {}) {
                Err(Mismatch::Damaged(damage)) => match at {
                    0..8 => assert_eq!(damage, Damage::NoTrace),
                    8 => assert_eq!(damage, Damage::Version(2 ^ by)),
                    _ => assert!(matches!(damage, Damage::Changed(_) | Damage::Truncated)),
                },
                other => panic!("byte {at} by {by}: {other:?}"),
            }
        }
    }
    let trailing = [&trace[..], b"?"].concat();
    let expected = Mismatch::Damaged(Damage::Trailing(trace.len()));
    assert_eq!(replay(&trailing, |_| {}), Err(expected));
}

/// The records of a trace, written again: `change` says what becomes of each, all hashes being right.
fn rewritten(trace: &[u8], change: impl Fn(usize, &mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = trace[..9].to_vec();
    let (mut at, mut number, mut hash) = (9, 0, 0x811C_9DC5_u32);
    while at < trace.len() {
        let tag = trace[at];
        let (mut len, mut shift) = (0, 0);
        loop {
            at += 1;
            len |= usize::from(trace[at] & 0x7F) << shift;
            shift += 7;
            if trace[at] & 0x80 == 0 {
                break;
            }
        }
        let mut record = vec![tag];
        record.extend(&trace[at + 1..at + 1 + len]);
        at += 1 + len + 4;
        change(number, &mut record);
        number += 1;
        let start = bytes.len();
        bytes.push(record[0]);
        let mut len = record.len() - 1;
        while len > 0x7F {
            bytes.push(len as u8 | 0x80);
            len >>= 7;
        }
        bytes.push(len as u8);
        bytes.extend(&record[1..]);
        for byte in &bytes[start..] {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        bytes.extend(hash.to_le_bytes());
    }
    bytes
}

/// A trace whose results are not those of its calls: every one of them is noticed.
#[test]
fn result_that_differs_is_told() {
    let trace = some_trace();
    assert_eq!(rewritten(&trace, |_, _| {}), trace);
    let records: Vec<_> = Records::new(&trace).unwrap().map(Result::unwrap).collect();
    let mut changed = 0;
    for (number, record) in records.iter().enumerate() {
        if record.is_result() || matches!(record, Record::Wrote { .. }) {
            let other = rewritten(&trace, |at, record| {
                if at == number {
                    *record.last_mut().unwrap() ^= 1;
                }
            });
            let replayed = replay(&other, |_| {});
            assert!(
                matches!(replayed, Err(Mismatch::Result { .. })),
                "{number} {record}: {replayed:?}"
            );
            changed += 1;
        }
    }
    assert!(changed > 10, "{changed}");
}

/// A record with no sense in it, though its hash is right.
#[test]
fn record_without_sense_is_told() {
    let trace = some_trace();
    for (tag, body) in
        [(99, &b""[..]), (0, b""), (4, b"\x80"), (5, b"\xFF"), (19, b"?"), (13, b"\x03\0\0")]
    {
        let other = rewritten(&trace, |at, record| {
            if at == 1 {
                *record = [&[tag], body].concat();
            }
        });
        let replayed = replay(&other, |_| {});
        assert!(
            matches!(replayed, Err(Mismatch::Damaged(Damage::Malformed(_)))),
            "{tag}: {replayed:?}"
        );
    }
}

#[test]
fn program_prints_and_replays_a_trace() {
    let trace = some_trace();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("some.trace");
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_trace")).args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let name = file.to_str().unwrap();
    std::fs::write(&file, &trace).unwrap();
    let (status, printed) = run(&[name]);
    assert_eq!(status, Some(0));
    assert_eq!(printed.lines().count(), Records::new(&trace).unwrap().count());
    assert!(printed.contains("client") && printed.contains("poll at") && printed.contains("end: "));
    let (status, printed) = run(&["--replay", name]);
    assert_eq!(status, Some(0));
    assert!(printed.lines().last().unwrap().starts_with("the same again"), "{printed}");

    std::fs::write(&file, &trace[..trace.len() - 1]).unwrap();
    assert_eq!(run(&[name]).0, Some(1));
    assert_eq!(run(&["--replay", name]).0, Some(1));
    assert_eq!(run(&[]).0, Some(2));
    assert_eq!(run(&["--unknown"]).0, Some(2));
    std::fs::remove_file(&file).unwrap();
}
