//! Any split of the input gives the same: equal events, equal output, the same failure at the same byte.
//!
//! With the same schedule of drains and times, that is: output is drained, and time passes, at fixed places of the
//! stream, and the connection learns the time before any byte that comes later.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sockless::connection::{Counters, Failure, Side};
use sockless::frame::{Decoder, Limits, Violation};
use sockless::words::role::Role;
use sockless::{
    Client, CloseCode, Config, Connection, Delivery, Event, Input, Outcome, Server, Want,
};

use crate::streams::{self, Counter, Split};
use crate::wire::Seen;

/// What happens at one place of the stream.
#[derive(Clone, Debug)]
struct Stop {
    at: Index,
    /// How much output is written, if not all.
    write: Option<usize>,
    /// How much time passes then.
    pass: u64,
    /// What the application does then.
    act: Act,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Nothing,
    Ping,
    Close,
    Fragment,
}

/// Everything that is fixed while the split varies.
#[derive(Clone, Debug)]
struct Scenario {
    bytes: Vec<u8>,
    eof: bool,
    echo: bool,
    stops: Vec<Stop>,
    config: Arc<Config>,
}

/// How the input is handed over.
#[derive(Clone, Debug)]
struct Manner {
    split: Split,
    /// The caller stops after every event, and hands the rest in again.
    stopping: bool,
    /// The caller reads into the message's own buffer where it can.
    taking: bool,
    /// The bytes lie in memory that can't be written to.
    copied: bool,
}

#[derive(Debug, PartialEq)]
struct Trace {
    seen: Vec<Seen>,
    written: Vec<(Vec<u8>, Want)>,
    outcome: Outcome,
    /// Not after a failure: how much after the offending byte has been consumed is not promised.
    counters: Option<Counters>,
}

/// Runs the scenario: the trace, and the read in which the connection failed.
fn run<R: Side>(
    mut conn: Connection<R>,
    scenario: &Scenario,
    manner: &Manner,
) -> (Trace, Option<Range<usize>>) {
    let len = scenario.bytes.len();
    let mut stops: Vec<_> =
        scenario.stops.iter().map(|stop| (stop.at.index(len + 1), stop)).collect();
    stops.sort_by_key(|(at, _)| *at);
    let places: Vec<_> = stops.iter().map(|(at, _)| *at).collect();
    let mut stops = stops.into_iter().peekable();

    let mut run =
        Run { now: Duration::ZERO, seen: Vec::new(), message: Vec::new(), echo: scenario.echo };
    let mut written = Vec::new();
    let mut failed = None;
    let mut reads = manner.split.reads(len, &places).into_iter().collect::<Vec<_>>();
    reads.push(len..len);
    for read in reads {
        while let Some((_, stop)) = stops.next_if(|(at, _)| *at <= read.start) {
            run.poll(&mut conn, &mut Input::none(), false);
            written.push((write(&mut conn, stop.write), conn.want()));
            run.now += Duration::from_millis(stop.pass);
            run.poll(&mut conn, &mut Input::none(), false);
            act(&mut conn, stop.act, run.now);
        }
        let mut from = read.start;
        if manner.taking
            && let Some(mut taken) = conn.take_buffer()
        {
            let count = taken.capacity().min(read.len());
            taken.extend_from_slice(&scenario.bytes[from..from + count]);
            from += count;
            conn.put_buffer(taken).expect("the buffer as it was taken, and no more than its room");
            run.poll(&mut conn, &mut Input::none(), false);
        }
        if from < read.end {
            let arrived = &scenario.bytes[from..read.end];
            let mut buffer = vec![0xA5; arrived.len() + 3];
            let mut input = if manner.copied {
                Input::copied(arrived, &mut buffer)
            } else {
                buffer[..arrived.len()].copy_from_slice(arrived);
                Input::new(&mut buffer[..arrived.len()])
            };
            run.poll(&mut conn, &mut input, manner.stopping);
        }
        if failed.is_none() && matches!(run.seen.last(), Some(Seen::Failed(Failure::Violation(_))))
        {
            failed = Some(read);
        }
    }
    if scenario.eof {
        run.poll(&mut conn, &mut Input::eof(), false);
    }
    written.push((write(&mut conn, None), conn.want()));
    let broken = run.seen.iter().any(|seen| matches!(seen, Seen::Failed(_)));
    let trace = Trace {
        outcome: conn.outcome(),
        counters: (!broken).then(|| conn.counters()),
        seen: run.seen,
        written,
    };
    (trace, failed)
}

struct Run {
    now: Duration,
    seen: Vec<Seen>,
    message: Vec<u8>,
    echo: bool,
}

impl Run {
    fn poll<R: Side>(&mut self, conn: &mut Connection<R>, input: &mut Input<'_>, stopping: bool) {
        while let Some(event) = conn.poll(input, self.now) {
            self.tell(conn, &event);
            if stopping {
                let rest = std::mem::take(input).into_rest();
                *input = Input::new(rest);
            }
        }
        assert!(input.is_empty(), "poll returned None before the input was consumed");
    }

    fn tell<R: Side>(&mut self, conn: &mut Connection<R>, event: &Event<'_>) {
        if self.echo {
            match event {
                Event::Text(text) => _ = conn.send_text(text),
                Event::Binary(payload) => _ = conn.send_binary(payload),
                Event::Part(part) => {
                    self.message.extend_from_slice(part.content.as_bytes());
                    if part.last {
                        drop(conn.send(std::mem::take(&mut self.message)));
                    }
                }
                _ => {}
            }
        }
        Seen::new(event).join(&mut self.seen);
    }
}

fn write<R: Side>(conn: &mut Connection<R>, most: Option<usize>) -> Vec<u8> {
    let mut written = Vec::new();
    let most = most.unwrap_or(usize::MAX);
    while written.len() < most && !conn.output().is_empty() {
        let count = conn.output().len().min(most - written.len());
        written.extend_from_slice(&conn.output()[..count]);
        conn.wrote(count);
    }
    written
}

fn act<R: Side>(conn: &mut Connection<R>, act: Act, now: Duration) {
    match act {
        Act::Nothing => {}
        Act::Ping => _ = conn.ping(b"", now),
        Act::Close => _ = conn.close(CloseCode::NORMAL, "enough", now),
        Act::Fragment => {
            _ = conn.begin_binary(b"part", false).or_else(|_| conn.continue_binary(b"rest", true));
        }
    }
}

fn config() -> impl Strategy<Value = Arc<Config>> {
    let limits = prop_oneof![
        2 => Just(Limits::DEFAULT),
        1 => (1u64..200, 1u64..300).prop_map(|(frame, message)| Limits::DEFAULT.with_frame(frame).with_message(message)),
    ];
    let timers = prop::option::weighted(0.4, (1u64..40, 1u64..40, 1u64..60));
    (limits, any::<bool>(), any::<[bool; 2]>(), timers).prop_map(
        |(limits, parts, [pong, close], timers)| {
            let delivery = if parts { Delivery::Parts } else { Delivery::Whole };
            let mut config = Config::default()
                .with_limits(limits)
                .with_delivery(delivery)
                .with_auto_pong(pong)
                .with_auto_close(close);
            if let Some((interval, timeout, idle)) = timers {
                config = config
                    .with_keepalive(Duration::from_millis(interval), Duration::from_millis(timeout))
                    .with_idle(Duration::from_millis(idle));
            }
            Arc::new(config)
        },
    )
}

fn stop() -> impl Strategy<Value = Stop> {
    let act = prop_oneof![
        4 => Just(Act::Nothing),
        2 => Just(Act::Ping),
        1 => Just(Act::Close),
        1 => Just(Act::Fragment),
    ];
    (any::<Index>(), prop::option::of(0usize..80), 0u64..25, act)
        .prop_map(|(at, write, pass, act)| Stop { at, write, pass, act })
}

fn scenario(masked: bool) -> impl Strategy<Value = Scenario> {
    let stops = prop_oneof![1 => Just(Vec::new()), 2 => vec(stop(), 0..5)];
    (streams::stream(masked), any::<[bool; 2]>(), stops, config()).prop_map(
        |(bytes, [eof, echo], stops, config)| Scenario { bytes, eof, echo, stops, config },
    )
}

fn manner() -> impl Strategy<Value = Manner> {
    (streams::split(), any::<[bool; 3]>()).prop_map(|(split, [stopping, taking, copied])| Manner {
        split,
        stopping,
        taking,
        copied,
    })
}

/// Holds the scenario's runs in all manners against each other.
fn check<R: Side>(
    new: impl Fn() -> Connection<R>,
    scenario: &Scenario,
    manners: &[Manner],
) -> Result<(), TestCaseError> {
    let single = Manner { split: Split::Every(1), stopping: false, taking: false, copied: false };
    let (expected, offending) = run(new(), scenario, &single);
    let whole = Manner { split: Split::Whole, stopping: false, taking: false, copied: false };
    let copied = Manner { copied: true, ..whole.clone() };
    for manner in manners.iter().chain([&whole, &copied]) {
        let (trace, failed) = run(new(), scenario, manner);
        prop_assert_eq!(&trace, &expected, "{:?} against one byte at a time", manner);
        match (&failed, &offending) {
            (None, None) => {}
            (Some(failed), Some(offending)) => {
                prop_assert!(
                    failed.start <= offending.start && failed.end >= offending.end,
                    "{:?} failed in the read {:?}, but the offending byte is {:?}",
                    manner,
                    failed,
                    offending
                );
            }
            _ => prop_assert!(
                false,
                "{:?} failed in {:?}, one byte at a time in {:?}",
                manner,
                failed,
                offending
            ),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(streams::cases(350))]

    #[test]
    fn server_sees_the_same_at_any_split(
        scenario in scenario(true),
        manners in vec(manner(), 3),
    ) {
        check(|| Connection::server(Arc::clone(&scenario.config)), &scenario, &manners)?;
    }

    #[test]
    fn client_sees_the_same_at_any_split(
        scenario in scenario(false),
        manners in vec(manner(), 3),
    ) {
        check(|| Connection::client_with(Arc::clone(&scenario.config), Counter(7)), &scenario, &manners)?;
    }

    #[test]
    fn decoder_of_a_server_sees_the_same_at_any_split(
        bytes in streams::stream(true),
        splits in vec(streams::split(), 3),
        claims in any::<bool>(),
    ) {
        check_decoder::<Server>(&bytes, &splits, claims)?;
    }

    #[test]
    fn decoder_of_a_client_sees_the_same_at_any_split(
        bytes in streams::stream(false),
        splits in vec(streams::split(), 3),
        claims in any::<bool>(),
    ) {
        check_decoder::<Client>(&bytes, &splits, claims)?;
    }
}

/// Runs the two halves of `conn` apart, each reply being carried over at once.
fn run_halves<R: Side>(
    conn: Connection<R>,
    bytes: &[u8],
    split: &Split,
) -> (Vec<Seen>, Vec<u8>, Outcome) {
    let (mut receiver, mut sender) = conn.split();
    let mut seen = Vec::new();
    let mut ended = false;
    for read in split.reads(bytes.len(), &[]).into_iter().map(Some).chain([None]) {
        let mut buffer = read.map(|read| bytes[read].to_vec());
        let mut input = buffer.as_mut().map_or_else(Input::eof, |buffer| Input::new(buffer));
        while let Some(event) = receiver.poll(&mut input, Duration::ZERO) {
            while let Some(reply) = receiver.reply() {
                sender.apply(reply, Duration::ZERO);
            }
            assert!(!ended, "{event:?} after the end");
            ended = matches!(event, Event::Closing(_) | Event::Failed(_));
            Seen::new(&event).join(&mut seen);
        }
    }
    let mut output = Vec::new();
    while !sender.output().is_empty() {
        output.extend_from_slice(sender.output());
        sender.wrote(sender.output().len());
    }
    (seen, output, Outcome::join(receiver.end(), sender.end()))
}

fn check_halves<R: Side>(
    new: impl Fn() -> Connection<R>,
    scenario: &Scenario,
    split: &Split,
) -> Result<(), TestCaseError> {
    let scenario = Scenario { eof: true, echo: false, stops: Vec::new(), ..scenario.clone() };
    let manner = Manner { split: split.clone(), stopping: false, taking: false, copied: false };
    let (whole, _) = run(new(), &scenario, &manner);
    let (seen, output, outcome) = run_halves(new(), &scenario.bytes, split);
    prop_assert_eq!(seen, whole.seen);
    prop_assert_eq!(&output, &whole.written[0].0);
    prop_assert_eq!(outcome, whole.outcome);
    Ok(())
}

proptest! {
    #![proptest_config(streams::cases(200))]

    #[test]
    fn halves_of_a_server_do_what_the_whole_does(scenario in scenario(true), split in streams::split()) {
        check_halves(|| Connection::server(Arc::clone(&scenario.config)), &scenario, &split)?;
    }

    #[test]
    fn halves_of_a_client_do_what_the_whole_does(scenario in scenario(false), split in streams::split()) {
        check_halves(|| Connection::client_with(Arc::clone(&scenario.config), Counter(7)), &scenario, &split)?;
    }
}

/// A frame, as far as the decoder of level 1 reports it.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    opcode: u8,
    fin: bool,
    rsv: u8,
    payload: Vec<u8>,
    remaining: u64,
}

type Decoded = (Vec<Piece>, Option<Violation>);

fn decode<R: Role>(bytes: &[u8], split: &Split, claims: bool) -> (Decoded, Option<Range<usize>>) {
    let mut decoder = Decoder::<R>::new();
    if claims {
        decoder = decoder.claiming_rsv1();
    }
    let mut seen: Vec<Piece> = Vec::new();
    for read in split.reads(bytes.len(), &[]) {
        let mut buffer = bytes[read.clone()].to_vec();
        let mut input = Input::new(&mut buffer);
        loop {
            match decoder.decode(&mut input, &Limits::DEFAULT) {
                Ok(None) => break,
                Ok(Some(piece)) if piece.begins => seen.push(Piece {
                    opcode: piece.opcode.bits(),
                    fin: piece.fin,
                    rsv: piece.rsv,
                    payload: piece.payload.to_vec(),
                    remaining: piece.remaining,
                }),
                Ok(Some(piece)) => {
                    let frame = seen.last_mut().expect("a frame's first piece says that it is");
                    assert_eq!(
                        (frame.opcode, frame.fin, frame.rsv),
                        (piece.opcode.bits(), piece.fin, piece.rsv)
                    );
                    assert_eq!(frame.remaining - piece.payload.len() as u64, piece.remaining);
                    frame.payload.extend_from_slice(piece.payload);
                    frame.remaining = piece.remaining;
                }
                Err(violation) => {
                    assert_eq!(decoder.decode(&mut input, &Limits::DEFAULT).err(), Some(violation));
                    return ((seen, Some(violation)), Some(read));
                }
            }
        }
        assert!(input.is_empty());
    }
    ((seen, None), None)
}

fn check_decoder<R: Role>(
    bytes: &[u8],
    splits: &[Split],
    claims: bool,
) -> Result<(), TestCaseError> {
    let (expected, offending) = decode::<R>(bytes, &Split::Every(1), claims);
    for split in splits.iter().chain([&Split::Whole]) {
        let (decoded, failed) = decode::<R>(bytes, split, claims);
        prop_assert_eq!(&decoded, &expected, "{:?} against one byte at a time", split);
        prop_assert_eq!(failed.is_some(), offending.is_some());
        if let (Some(failed), Some(offending)) = (failed, &offending) {
            prop_assert!(failed.start <= offending.start && failed.end >= offending.end);
        }
    }
    Ok(())
}

/// The first thing that the properties above found: the short way for whole messages did not ask whether the connection had
/// ended.
#[test]
fn message_behind_a_close_frame_is_not_looked_at() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //= type=test
    //# After both sending and receiving a Close message, an endpoint
    //# considers the WebSocket connection closed and MUST close the
    //# underlying TCP connection.
    let mut conn = Connection::server(Config::default());
    let key = Some([1, 2, 3, 4]);
    let mut bytes = streams::encoded(true, 8, key, &1000u16.to_be_bytes());
    bytes.extend(streams::encoded(true, 1, key, b"too late"));
    let mut input = Input::new(&mut bytes);
    assert!(matches!(conn.poll(&mut input, Duration::ZERO), Some(Event::Closing(_))));
    assert!(conn.poll(&mut input, Duration::ZERO).is_none());
    assert!(input.is_empty());
}
