//! The other end of the wire: how a test opens a connection, hands it frames, and takes what it sends and reports.
//!
//! Frames are written and read in `frames.rs`, and what was seen of a connection is in `seen.rs`: fuzzing and benchmarks use these as
//! well. Here is what the chapters do again and again.

#![allow(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "every chapter uses its own part of this module"
)]

use core::time::Duration;

use sockless::connection::{Cause, Entropy, Failure, Initiator, SendError, Side};
use sockless::frame::Violation;
use sockless::{Client, CloseCode, Config, Connection, Input, Outcome, Server, Want};

mod failing;
mod frames;
mod seen;

pub(crate) use failing::*;
pub(crate) use frames::*;
pub(crate) use seen::*;

/// Runs each test in both roles: the modules `server` and `client` say whose connection is tested.
macro_rules! in_both_roles {
    ($($name:ident),* $(,)?) => {
        mod server {
            $(#[test] fn $name() { super::$name::<sockless::Server>(); })*
        }
        mod client {
            $(#[test] fn $name() { super::$name::<sockless::Client>(); })*
        }
    };
}
pub(crate) use in_both_roles;

/// The key of masked frames written here.
pub(crate) const KEY: [u8; 4] = [0xA1, 0x0B, 0xC7, 0x5D];

/// The beginning of time.
pub(crate) const START: Duration = Duration::ZERO;

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Keys that a test can foretell: 1, 2, 3 and so on.
pub(crate) struct Counting(pub(crate) u32);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 += 1;
        bytes.copy_from_slice(&self.0.to_be_bytes()[..bytes.len()]);
    }
}

/// A role under test.
pub(crate) trait Tested: Side {
    fn open(config: Config) -> Connection<Self>;

    fn keys() -> Self::Keys;
}

impl Tested for Server {
    fn open(config: Config) -> Connection<Self> {
        Connection::server(config)
    }

    fn keys() {}
}

impl Tested for Client {
    fn open(config: Config) -> Connection<Self> {
        Connection::client_with(config, Counting(0))
    }

    fn keys() -> Self::Keys {
        Box::new(Counting(0))
    }
}

/// A connection with the default configuration.
pub(crate) fn open<R: Tested>() -> Connection<R> {
    R::open(Config::default())
}

/// A frame from the peer of `R`.
pub(crate) fn peer<R: Side>(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, if R::MASKS { None } else { Some(KEY) }, payload)
}

/// A frame's header from the peer of `R`, with this second byte (its mask bit is added) and this extended length.
pub(crate) fn peer_header<R: Side>(first: u8, second: u8, extended: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, second | if R::MASKS { 0 } else { 0x80 }];
    bytes.extend(extended);
    if !R::MASKS {
        bytes.extend(KEY);
    }
    bytes
}

/// Writes all that waits, and gives it back.
pub(crate) fn written<R: Side>(conn: &mut Connection<R>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !conn.output().is_empty() {
        bytes.extend(conn.output());
        conn.wrote(conn.output().len());
    }
    bytes
}

/// Writes all that waits: the frames, as first byte and payload. Their masking is that of the role.
pub(crate) fn sent<R: Side>(conn: &mut Connection<R>) -> Vec<(u8, Vec<u8>)> {
    let frames = found(&written(conn));
    for frame in &frames {
        assert_eq!(frame.key.is_some(), R::MASKS);
    }
    frames.into_iter().map(|f| (f.first, f.payload)).collect()
}

/// All events that are due at `now` with this input.
pub(crate) fn poll<R: Side>(
    conn: &mut Connection<R>,
    mut input: Input<'_>,
    now: Duration,
) -> Vec<Seen> {
    let mut events = Vec::new();
    while let Some(event) = conn.poll(&mut input, now) {
        events.push(Seen::new(&event));
        assert!(events.len() < 100_000, "the events don't end");
    }
    events
}

/// All events out of `bytes` in one piece, at the beginning of time.
pub(crate) fn feed<R: Side>(conn: &mut Connection<R>, bytes: &[u8]) -> Vec<Seen> {
    feed_at(conn, bytes, START)
}

/// All events out of `bytes` in one piece.
pub(crate) fn feed_at<R: Side>(conn: &mut Connection<R>, bytes: &[u8], now: Duration) -> Vec<Seen> {
    poll(conn, Input::new(&mut bytes.to_vec()), now)
}

/// All events out of `bytes` fed one by one, each with the number of bytes that had been fed when it came.
pub(crate) fn drip<R: Side>(conn: &mut Connection<R>, bytes: &[u8]) -> Vec<(usize, Seen)> {
    let mut events = Vec::new();
    for (i, byte) in bytes.iter().enumerate() {
        for event in feed(conn, &[*byte]) {
            events.push((i + 1, event));
        }
    }
    events
}

/// Lets time pass.
pub(crate) fn pass<R: Side>(conn: &mut Connection<R>, now: Duration) -> Vec<Seen> {
    poll(conn, Input::none(), now)
}

/// Ends the peer's stream.
pub(crate) fn end<R: Side>(conn: &mut Connection<R>, now: Duration) -> Vec<Seen> {
    poll(conn, Input::eof(), now)
}

/// The outcome of a connection that is done.
pub(crate) fn outcome<R: Side>(conn: &Connection<R>) -> Outcome {
    match conn.want() {
        Want::Done(outcome) => outcome,
        want => panic!("not done: {want:?}"),
    }
}

/// Shows that a connection is as good as new: it delivers, sends, answers pings and closes.
pub(crate) fn is_unharmed<R: Side>(conn: &mut Connection<R>) {
    assert_eq!(feed(conn, &peer::<R>(FIN | TEXT, b"in")), [text("in")]);
    assert_eq!(feed(conn, &peer::<R>(FIN | PING, b"ping")), [Seen::Ping(b"ping".to_vec())]);
    conn.send_text("out").unwrap();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(
        sent(conn),
        [
            (FIN | PONG, b"ping".to_vec()),
            (FIN | TEXT, b"out".to_vec()),
            (FIN | CLOSE, close_body(1000, b"")),
        ]
    );
    assert_eq!(
        feed(conn, &peer::<R>(FIN | CLOSE, &close_body(1000, b""))),
        [Seen::Closing(Some(1000), String::new())]
    );
    assert_eq!(sent(conn), []);
    assert!(conn.outcome().clean());
}

/// Shows all that has to be true when the peer does something wrong.
#[derive(Clone)]
pub(crate) struct Wrong {
    pub(crate) config: Config,
    /// What the peer does right before it.
    pub(crate) before: Vec<u8>,
    /// What of it is seen.
    pub(crate) seen_before: Vec<Seen>,
    /// What the peer does wrong, with all that follows it in the frame.
    pub(crate) bytes: Vec<u8>,
    /// The number of its bytes with which it shows.
    pub(crate) at: usize,
    pub(crate) violation: Violation,
    pub(crate) code: u16,
}

impl Wrong {
    pub(crate) fn new(bytes: Vec<u8>, at: usize, violation: Violation, code: u16) -> Self {
        Self {
            config: Config::default(),
            before: Vec::new(),
            seen_before: Vec::new(),
            bytes,
            at,
            violation,
            code,
        }
    }

    pub(crate) fn before(mut self, before: Vec<u8>, seen_before: &[Seen]) -> Self {
        (self.before, self.seen_before) = (before, seen_before.to_vec());
        self
    }

    pub(crate) fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Earlier messages are delivered and their answers are on the wire first; one Close frame with the right code comes after
    /// them; the error comes with the earliest byte; nothing after it is looked at.
    #[track_caller]
    pub(crate) fn check<R: Tested>(self) {
        let good = [
            peer::<R>(FIN | TEXT, b"earlier"),
            peer::<R>(FIN | PING, b"ping"),
            self.before.clone(),
        ]
        .concat();
        let mut good_seen = vec![text("earlier"), Seen::Ping(b"ping".to_vec())];
        good_seen.extend(self.seen_before.iter().cloned());
        let after = [
            peer::<R>(FIN | TEXT, b"later"),
            peer::<R>(FIN | PING, b"later"),
            peer::<R>(FIN | CLOSE, &close_body(1000, b"later")),
        ]
        .concat();
        let failed = violation(self.violation);

        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.7
        //= type=test
        //# Incoming data MUST always be validated by both clients and servers.
        // In one read, with all that comes before and after.
        let mut conn = R::open(self.config.clone());
        conn.send_text("queued").unwrap();
        let all = [&good[..], &self.bytes, &after].concat();
        let events = feed(&mut conn, &all);
        assert_eq!(events.split_last(), Some((&failed, &good_seen[..])));
        self.check_end(&mut conn, &after);

        // In one read that ends with the byte in question.
        let mut conn = R::open(self.config.clone());
        conn.send_text("queued").unwrap();
        assert_eq!(feed(&mut conn, &good), good_seen);
        assert_eq!(feed(&mut conn, &self.bytes[..self.at - 1]), []);
        assert_eq!(
            feed(&mut conn, &self.bytes[self.at - 1..self.at]),
            std::slice::from_ref(&failed)
        );
        self.check_end(&mut conn, &after);

        // Byte by byte.
        let mut conn = R::open(self.config.clone());
        conn.send_text("queued").unwrap();
        let events = drip(&mut conn, &all);
        let (last, earlier) = events.split_last().unwrap();
        assert_eq!(*last, (good.len() + self.at, failed));
        let earlier: Vec<Seen> = earlier.iter().map(|(_, seen)| seen.clone()).collect();
        assert_eq!(earlier, good_seen);
        self.check_end(&mut conn, &after);
    }

    #[track_caller]
    fn check_end<R: Tested>(&self, conn: &mut Connection<R>, after: &[u8]) {
        let failure = Failure::Violation(self.violation);
        // The frames that were queued before, the answers, and one Close frame.
        assert_eq!(conn.send_text("too late"), Err(SendError::Failed));
        assert_eq!(conn.ping(b"too late", START), Err(SendError::Failed));
        assert_eq!(conn.close(CloseCode::NORMAL, "", START), Err(SendError::Failed));
        let frames = sent(conn);
        let (close, earlier) = frames.split_last().unwrap();
        assert_eq!(earlier[0], (FIN | TEXT, b"queued".to_vec()));
        assert_eq!(earlier[1], (FIN | PONG, b"ping".to_vec()));
        assert!(earlier[2..].iter().all(|(first, _)| *first == FIN | PONG), "{earlier:?}");
        let (code, reason) = code_and_reason(failure, &self.config.limits);
        assert_eq!(code, self.code);
        assert_eq!(*close, (FIN | CLOSE, close_body(code, reason.as_bytes())));
        // It is failed for good.
        assert_eq!(feed(conn, after), []);
        assert_eq!(sent(conn), []);
        assert_eq!(conn.want(), Want::ShutdownWrite);
        conn.shut();
        assert_eq!(feed(conn, after), []);
        assert!(matches!(conn.want(), Want::Io { read: true, write: false, deadline: Some(_) }));
        assert_eq!(end(conn, START), []);
        let outcome = outcome(conn);
        assert_eq!(outcome.cause, Cause::Failed(failure));
        assert_eq!(outcome.sent.number(), self.code);
        assert_eq!(outcome.received.number(), 1006);
        assert_eq!(outcome.initiator, Some(Initiator::Local));
        assert!(!outcome.clean());
        assert!(!outcome.close_blocked);
    }
}
