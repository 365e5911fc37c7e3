//! A client and a server joined by a simulated wire, under a virtual clock.
//!
//! Everything is drawn from one seed: what the applications send and when, how the wire cuts, delays and stalls it, who closes,
//! and where the stream ends too early. A failure names its seed; `SOCKLESS_SEED` runs that one alone.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test tells its figures and its seed"
)]

mod streams;

use std::collections::VecDeque;
use std::time::Duration;

use sockless::connection::{Cause, Initiator, SendError, Side};
use sockless::frame::Misuse;
use sockless::{
    Client, CloseCode, Config, Connection, Delivery, Event, Input, Kind, Outcome, Server, Want,
};
use streams::Counter;

/// The generator of everything random in a run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn millis(&mut self, bound: usize) -> Duration {
        Duration::from_millis(self.below(bound) as u64)
    }
}

/// One direction of the wire.
struct Pipe {
    flying: VecDeque<(Duration, Vec<u8>)>,
    len: usize,
    capacity: usize,
    delay: usize,
    /// Nothing arrives before this time.
    busy: Duration,
    carried: usize,
    /// After so many bytes the stream ends, and nobody tells the writer.
    cut: Option<usize>,
    /// When the reader learns that the stream has ended, if it has.
    ended: Option<Duration>,
    /// The reader has gone away.
    deaf: bool,
}

impl Pipe {
    fn new(random: &mut Random) -> Self {
        Self {
            flying: VecDeque::new(),
            len: 0,
            capacity: [100, 600, 5000, 1 << 20][random.below(4)],
            delay: [1, 10, 200][random.below(3)],
            busy: Duration::ZERO,
            carried: 0,
            cut: None,
            ended: None,
            deaf: false,
        }
    }

    fn write(&mut self, now: Duration, bytes: &[u8], random: &mut Random) -> usize {
        let most = match random.below(3) {
            0 => 1 + random.below(9),
            1 => 1 + random.below(400),
            _ => usize::MAX,
        };
        let count = bytes.len().min(self.capacity - self.len).min(most);
        let alive = self.cut.map_or(count, |cut| count.min(cut - self.carried));
        if self.deaf || self.ended.is_some() {
            return count;
        }
        let stall = if random.one_in(20) { random.millis(2000) } else { Duration::ZERO };
        self.busy = self.busy.max(now + random.millis(self.delay) + stall);
        if alive > 0 {
            self.flying.push_back((self.busy, bytes[..alive].to_vec()));
            self.len += alive;
            self.carried += alive;
        }
        if alive < count || self.cut == Some(self.carried) {
            self.end(now);
        }
        count
    }

    fn end(&mut self, now: Duration) {
        self.ended.get_or_insert(self.busy.max(now));
    }

    /// The reader goes away: what is in flight is lost, and so is what will be written.
    fn close(&mut self) {
        self.deaf = true;
        self.flying.clear();
        self.len = 0;
    }

    fn read(&mut self, now: Duration, random: &mut Random) -> Vec<u8> {
        let mut most = [1, 7, 100, 5000][random.below(4)];
        let mut bytes = Vec::new();
        while let Some((_, first)) =
            self.flying.front_mut().filter(|(at, _)| *at <= now && most > 0)
        {
            let count = first.len().min(most);
            bytes.extend(first.drain(..count));
            most -= count;
            if first.is_empty() {
                self.flying.pop_front();
            }
        }
        self.len -= bytes.len();
        bytes
    }

    /// When there is something to read next, be it the end.
    fn readable(&self) -> Option<Duration> {
        self.flying.front().map(|(at, _)| *at).or(self.ended)
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Whole(usize),
    Borrowless(usize),
    Fragments(usize, usize),
    Streamed(usize, usize),
    Ping,
}

/// A message that is being sent in several calls.
struct Begun {
    kind: Kind,
    payload: Vec<u8>,
    done: usize,
    pieces: usize,
    /// Of a streamed frame: its header is sent.
    streamed: Option<bool>,
}

struct Endpoint<R: Side> {
    conn: Connection<R>,
    obeys: bool,
    config: Config,
    script: VecDeque<Op>,
    begun: Option<Begun>,
    pause: usize,
    wake: Option<Duration>,
    /// What to close with when the script is done; `None` to leave that to others.
    closing: Option<Option<CloseCode>>,
    gave_up: bool,
    number: u32,
    sent: Vec<(Kind, Vec<u8>)>,
    received: Vec<(Kind, Vec<u8>)>,
    part: Vec<u8>,
    eof: bool,
    failed: bool,
    done: Option<Outcome>,
}

impl<R: Side> Endpoint<R> {
    fn new(new: impl Fn(Config) -> Connection<R>, calm: bool, random: &mut Random) -> Self {
        let patient = Duration::from_secs(100_000);
        let mut config = Config::default()
            .with_auto_pong(!random.one_in(4))
            .with_auto_close(!random.one_in(3))
            .with_close(if calm { patient } else { random.millis(3000) });
        if random.one_in(3) {
            config = config.with_delivery(Delivery::Parts);
        }
        if random.one_in(2) {
            let timeout = if calm { patient } else { random.millis(2000) };
            config =
                config.with_keepalive(Duration::from_millis(20) + random.millis(1000), timeout);
        }
        if random.one_in(3) {
            config = config.with_idle(Duration::from_millis(50) + random.millis(4000));
        }
        if random.one_in(2) {
            let soft = 1 + random.below(3000);
            let hard = soft + random.below(6000);
            config = config.with_output_limits(soft, hard);
        }
        let script = (0..random.below(12)).map(|_| {
            let len = [0, 5, 130, 600, 4200][random.below(5)];
            let len = len + random.below(100);
            match random.below(6) {
                0 => Op::Ping,
                1 => Op::Fragments(len, 1 + random.below(4)),
                2 => Op::Streamed(len, 1 + random.below(4)),
                3 => Op::Borrowless(len),
                _ => Op::Whole(len),
            }
        });
        let script = script.collect();
        let codes =
            [None, Some(CloseCode::NORMAL), CloseCode::new(4321), Some(CloseCode::GOING_AWAY)];
        Self {
            conn: new(config.clone()),
            obeys: false,
            config,
            script,
            begun: None,
            pause: [1, 20, 500][random.below(3)],
            wake: Some(random.millis(100)),
            closing: (!random.one_in(3)).then(|| codes[random.below(4)]),
            gave_up: false,
            number: 0,
            sent: Vec::new(),
            received: Vec::new(),
            part: Vec::new(),
            eof: false,
            failed: false,
            done: None,
        }
    }

    /// Does whatever can be done now; whether that was anything.
    fn turn(
        &mut self,
        now: Duration,
        inbound: &mut Pipe,
        outbound: &mut Pipe,
        random: &mut Random,
    ) -> bool {
        if self.done.is_some() {
            return false;
        }
        let mut progress = false;
        if self.wake.is_some_and(|at| at <= now) {
            self.wake = self
                .act(now, random)
                .then(|| now + Duration::from_millis(1) + random.millis(self.pause));
            progress = true;
        }
        let reads = match self.conn.want() {
            Want::Io { read, .. } => read || !self.obeys,
            _ => true,
        };
        if reads && !self.eof && inbound.readable().is_some_and(|at| at <= now) {
            let mut bytes = inbound.read(now, random);
            self.eof = bytes.is_empty();
            let mut input = if self.eof { Input::eof() } else { Input::new(&mut bytes) };
            self.poll(&mut input, now);
            progress = true;
        } else if self.conn.deadline().is_some_and(|at| at <= now) {
            self.poll(&mut Input::none(), now);
            progress = true;
        }
        if !self.conn.output().is_empty() && outbound.len < outbound.capacity {
            let count = outbound.write(now, self.conn.output(), random);
            self.conn.wrote(count);
            progress |= count > 0;
        }
        match self.conn.want() {
            Want::ShutdownWrite => {
                outbound.end(now);
                self.conn.shut();
                progress = true;
            }
            Want::Done(outcome) => {
                outbound.end(now);
                inbound.close();
                self.done = Some(outcome);
                progress = true;
            }
            Want::Io { .. } => {}
        }
        progress
    }

    fn poll(&mut self, input: &mut Input<'_>, now: Duration) {
        while let Some(event) = self.conn.poll(input, now) {
            assert!(!self.failed, "{event:?} after a failure");
            match event {
                Event::Text(text) => {
                    self.received.push((Kind::Text, text.into_string().into_bytes()))
                }
                Event::Binary(payload) => self.received.push((Kind::Binary, payload.into_vec())),
                Event::Part(part) => {
                    assert_eq!(
                        part.first,
                        self.part.is_empty() || part.content.as_bytes().is_empty() && part.first
                    );
                    self.part.extend_from_slice(part.content.as_bytes());
                    if part.last {
                        let kind = match part.content {
                            sockless::message::Content::Text(_) => Kind::Text,
                            sockless::message::Content::Binary(_) => Kind::Binary,
                        };
                        self.received.push((kind, std::mem::take(&mut self.part)));
                    }
                }
                Event::Closing(_)
                    // Where the reply is held back, it is for the application to give, when its script is done.
                    if !self.config.auto_close => {
                        self.closing.get_or_insert(CloseCode::new(4000));
                        self.wake.get_or_insert(now);
                    }
                Event::Failed(_) => self.failed = true,
                _ => {}
            }
        }
        assert!(input.is_empty(), "poll returned None before the input was consumed");
    }

    /// The application's next call; whether there is another one to come.
    fn act(&mut self, now: Duration, random: &mut Random) -> bool {
        if self.gave_up {
            return false;
        }
        let tried = if self.begun.is_some() {
            self.go_on()
        } else if let Some(op) = self.script.front().copied() {
            let begun = self.begin(op, now, random);
            if begun.is_ok() {
                self.script.pop_front();
            }
            begun
        } else if let Some(code) = self.closing {
            match self.conn.close(code, if code.is_some() { "done" } else { "" }, now) {
                Err(SendError::QueueFull) => Err(SendError::QueueFull),
                _ => {
                    self.gave_up = true;
                    Ok(())
                }
            }
        } else {
            return false;
        };
        match tried {
            Ok(()) => true,
            Err(SendError::QueueFull) => {
                self.pause = 500;
                true
            }
            Err(SendError::Failed | SendError::Misuse(Misuse::Closed)) => {
                self.gave_up = true;
                false
            }
            Err(other) => panic!("a call that should be legal was refused: {other:?}"),
        }
    }

    fn begin(&mut self, op: Op, now: Duration, random: &mut Random) -> Result<(), SendError> {
        let mut payload = format!("{}:", self.number);
        let kind = if random.one_in(2) { Kind::Text } else { Kind::Binary };
        let filled = |payload: &mut String, len: usize| {
            payload.push_str(&"€".repeat(len / "€".len()));
        };
        match op {
            // Behind the peer's Close frame a ping is refused, though messages are not.
            Op::Ping => {
                return match self.conn.ping(&random.next().to_be_bytes(), now) {
                    Err(SendError::Misuse(Misuse::Closed)) => Ok(()),
                    other => other,
                };
            }
            Op::Whole(len) | Op::Borrowless(len) => {
                filled(&mut payload, len);
                match (op, kind) {
                    (Op::Whole(_), Kind::Text) => self.conn.send_text(&payload)?,
                    (Op::Whole(_), Kind::Binary) => self.conn.send_binary(payload.as_bytes())?,
                    (_, Kind::Text) => {
                        self.conn.send(payload.clone()).map_err(|refused| refused.reason)?
                    }
                    (_, Kind::Binary) => {
                        self.conn
                            .send(payload.clone().into_bytes())
                            .map_err(|refused| refused.reason)?;
                    }
                }
                self.sent.push((kind, payload.into_bytes()));
            }
            Op::Fragments(len, pieces) => {
                filled(&mut payload, len);
                self.conn.begin_binary(b"")?;
                self.begun = Some(Begun {
                    kind: Kind::Binary,
                    payload: payload.into_bytes(),
                    done: 0,
                    pieces,
                    streamed: None,
                });
            }
            Op::Streamed(len, pieces) => {
                filled(&mut payload, len);
                self.conn.stream_frame(Some(kind), true, payload.len() as u64)?;
                self.begun = Some(Begun {
                    kind,
                    payload: payload.into_bytes(),
                    done: 0,
                    pieces,
                    streamed: Some(true),
                });
            }
        }
        self.number += 1;
        Ok(())
    }

    fn go_on(&mut self) -> Result<(), SendError> {
        let Some(mut begun) = self.begun.take() else { return Ok(()) };
        let size = begun.payload.len().div_ceil(begun.pieces);
        let end = (begun.done + size).min(begun.payload.len());
        let last = end == begun.payload.len();
        let tried = match begun.streamed {
            Some(_) => self.conn.stream_payload(&mut begun.payload[begun.done..end].to_vec()),
            None => self.conn.continue_binary(&begun.payload[begun.done..end], last),
        };
        if tried.is_ok() {
            begun.done = end;
        }
        if last && tried.is_ok() {
            self.sent.push((begun.kind, begun.payload));
        } else {
            self.begun = Some(begun);
        }
        tried
    }

    /// When something is due next, if nothing arrives.
    fn next(&self) -> Option<Duration> {
        self.conn.deadline().into_iter().chain(self.wake).min()
    }
}

/// Whether the applications and the wire let the closing handshake happen, and time for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Nothing is injected, no timer is short: both outcomes have to agree.
    Calm,
    /// Timers are short.
    Hurried,
    /// The stream ends at some byte, in one direction or in both.
    Cut,
}

fn run(seed: u64) -> (Class, Outcome, Outcome, u32) {
    let mut random = Random(seed);
    let class = [Class::Calm, Class::Calm, Class::Hurried, Class::Cut][random.below(4)];
    let calm = class != Class::Hurried;
    let keys = Random(seed ^ 1).next() as u32;
    let mut client: Endpoint<Client> =
        Endpoint::new(|config| Connection::client_with(config, Counter(keys)), calm, &mut random);
    let mut server: Endpoint<Server> = Endpoint::new(Connection::server, calm, &mut random);
    // Two drivers that both stop reading while output waits can wait for each other for ever: one of them goes on.
    server.obeys = random.one_in(2);
    let idle = |config: &Config| config.idle.is_some();
    if client.closing.is_none()
        && server.closing.is_none()
        && !idle(&client.config)
        && !idle(&server.config)
    {
        client.closing = Some(Some(CloseCode::NORMAL));
    }
    let (mut up, mut down) = (Pipe::new(&mut random), Pipe::new(&mut random));
    if class == Class::Cut {
        let reach = [20, 300, 6000][random.below(3)];
        let side = random.below(3);
        up.cut = (side != 0).then(|| random.below(reach));
        down.cut = (side != 1).then(|| random.below(reach));
        // An end before the first byte is told at once.
        for pipe in [&mut up, &mut down] {
            if pipe.cut == Some(0) {
                pipe.end(Duration::ZERO);
            }
        }
    }
    let mut now = Duration::ZERO;
    client.poll(&mut Input::none(), now);
    server.poll(&mut Input::none(), now);
    let mut turns = 0;
    while client.done.is_none() || server.done.is_none() {
        turns += 1;
        assert!(
            turns < 200_000,
            "{class:?} does not end, at {now:?}: {:?} {:?}, {} and {} bytes in flight, script {:?} {:?}",
            client.conn.want(),
            server.conn.want(),
            up.len,
            down.len,
            client.script,
            server.script
        );
        let first = random.one_in(2);
        let mut progress = false;
        for turn in [first, !first] {
            progress |= match turn {
                true => client.turn(now, &mut down, &mut up, &mut random),
                false => server.turn(now, &mut up, &mut down, &mut random),
            };
        }
        if progress {
            continue;
        }
        let mut due = Vec::new();
        if client.done.is_none() {
            due.extend(client.next().into_iter().chain(down.readable().filter(|_| !client.eof)));
        }
        if server.done.is_none() {
            due.extend(server.next().into_iter().chain(up.readable().filter(|_| !server.eof)));
        }
        let next = due.into_iter().filter(|at| *at > now).min();
        now = next.unwrap_or_else(|| {
            panic!(
                "nothing will ever happen again: {:?} {:?}, {} and {} bytes in flight",
                client.conn.want(),
                server.conn.want(),
                up.len,
                down.len
            )
        });
    }
    let (ours, theirs) = (client.done.expect("ended"), server.done.expect("ended"));
    judge(class, &client, &server, ours, theirs);
    judge(class, &server, &client, theirs, ours);
    (class, ours, theirs, turns)
}

/// Holds what one endpoint says against what the other did.
fn judge<R: Side, P: Side>(
    class: Class,
    this: &Endpoint<R>,
    peer: &Endpoint<P>,
    ours: Outcome,
    theirs: Outcome,
) {
    assert_ne!(ours.cause, Cause::Open, "done, but open");
    assert!(this.received.len() <= peer.sent.len(), "more messages than were sent");
    assert!(
        this.received == peer.sent[..this.received.len()],
        "messages are not those that were sent"
    );
    if ours.received.is_present() {
        assert_eq!(ours.received, theirs.sent, "a Close frame that the peer did not send");
    }
    assert_eq!(ours.clean(), ours.sent.is_present() && ours.received.is_present());
    if ours.received.is_present() {
        assert_eq!(
            this.received.len(),
            peer.sent.len(),
            "messages were lost in front of the Close frame"
        );
    }
    if class == Class::Calm {
        assert!(ours.clean(), "nothing stood in the way of a clean end: {ours:?} {theirs:?}");
        assert_eq!((ours.cause, ours.sent), (Cause::Closed, theirs.received));
        assert!(
            ours.initiator == Some(Initiator::Local) || theirs.initiator == Some(Initiator::Local),
            "nobody began"
        );
    }
}

#[test]
fn joined_connections_end_and_agree() {
    if let Ok(seed) = std::env::var("SOCKLESS_SEED") {
        let seed = seed.parse().expect("a number");
        println!("{:?}", run(seed));
        return;
    }
    let factor: u64 =
        std::env::var("SOCKLESS_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    let (mut clean, mut broken) = (0, 0);
    for seed in 0..2000 * factor {
        match std::panic::catch_unwind(|| run(seed)) {
            Ok((_, ours, theirs, _)) if ours.clean() && theirs.clean() => clean += 1,
            Ok(_) => broken += 1,
            Err(panic) => {
                eprintln!("SOCKLESS_SEED={seed} runs this one alone");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(clean > 500 && broken > 200, "the runs are one-sided: {clean} clean, {broken} not");
}
