//! Futures that are dropped anywhere, in random schedules: nothing is lost, doubled or stuck. `SOCKLESS_SEEDS` says how many schedules (300 by
//! default).
//!
//! Two ends do at random what a socket can do, and drop each future after a few polls. What was said to be sent has to arrive, once and in order;
//! what was dropped must not. Time passes only when all tasks wait: so a wakeup that was lost shows as time that has passed.

mod ends;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use sockless_tokio::sockless::connection::Side;
use sockless_tokio::{CloseCode, Config, Message, MessageReader, Role, WebSocket};
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

const DAY: Duration = Duration::from_secs(86_400);

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % below as u64) as usize
    }
}

/// The message of this number.
fn message(number: u32) -> Vec<u8> {
    let len = [4, 20, 46, 47, 130, 1000, 2500, 5000][number as usize % 8];
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.resize(len, number as u8);
    bytes
}

/// The number of a message, which has to be whole.
fn number(bytes: &[u8]) -> u32 {
    let number = u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"));
    assert!(bytes == message(number), "a message of {} bytes", bytes.len());
    number
}

/// Polls a future so often, and drops it.
async fn tries<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

/// Reads a message to its end, part by part, each tried a few times. `None` if it does not come: the other end has left it open.
async fn read_all<R: Side>(
    mut reader: MessageReader<'_, DuplexStream, R>,
    polls: usize,
) -> Option<Vec<u8>> {
    let (mut all, mut tried) = (Vec::new(), 0);
    while tried < 20 {
        match tries(reader.part(), 1 + polls % 2).await {
            Some(Some(part)) => all.extend_from_slice(&part.expect("no error")),
            Some(None) => return Some(all),
            None => tried += 1,
        }
    }
    None
}

/// What was sent by one end and has not arrived at the other.
type Way = Arc<Mutex<VecDeque<u32>>>;

const END: &str = "end";

struct End<R: Side> {
    socket: WebSocket<DuplexStream, R>,
    random: Random,
    next: u32,
    sent: Way,
    arrives: Way,
    /// A message that is being sent in parts: its number, and how much of it is sent.
    open: Option<(u32, usize)>,
    /// How many messages have been left before their end.
    left: usize,
    ended: bool,
}

impl<R: Side> End<R> {
    fn arrived(&mut self, bytes: &[u8]) {
        for _ in 0..std::mem::take(&mut self.left) {
            let left = self.arrives.lock().expect("no panic").pop_front();
            assert!(left.is_some(), "it has come to its end before this");
        }
        if bytes == END.as_bytes() {
            self.ended = true;
            return;
        }
        let expected = self.arrives.lock().expect("no panic").pop_front();
        assert_eq!(Some(number(bytes)), expected);
    }

    fn sent(&mut self, number: u32) {
        self.sent.lock().expect("no panic").push_back(number);
        self.next = number + 1;
    }

    async fn step(&mut self) {
        let (polls, number) = (1 + self.random.next(4), self.next);
        match self.random.next(9) {
            0..=2 => {
                if let Some(message) = tries(self.socket.recv(), polls).await {
                    let message = message.expect("no end yet").expect("no error");
                    self.arrived(message.as_bytes());
                }
            }
            3 => drop(tries(self.socket.flush(), polls).await.transpose().expect("no error")),
            4 => drop(tries(self.socket.ping(b"?"), polls).await.transpose().expect("no error")),
            5 => self.read_in_parts(polls).await,
            6 => self.write_in_parts(polls).await,
            kind if self.open.is_none() => {
                // It can't arrive before it is noted: nothing else runs until it is.
                let bytes = message(number);
                let sent = match (kind, number % 2) {
                    (7, _) => tries(self.socket.send(bytes), polls).await,
                    (_, 0) => tries(self.socket.feed(bytes), polls).await,
                    _ => tries(self.socket.send_binary(&bytes), polls).await,
                };
                if sent.transpose().expect("no error").is_some() {
                    self.sent(number);
                }
            }
            _ => {}
        }
    }

    async fn read_in_parts(&mut self, polls: usize) {
        let read = {
            let reader = tries(self.socket.recv_reader(), polls).await;
            let Some(reader) = reader else { return };
            read_all(reader.expect("no end yet").expect("no error"), polls).await
        };
        match read {
            Some(all) => self.arrived(&all),
            None => self.left += 1,
        }
    }

    async fn write_in_parts(&mut self, polls: usize) {
        let (number, from) = self.open.unwrap_or((self.next, 0));
        let bytes = message(number);
        let mut writer = self.socket.send_writer();
        if from < bytes.len() {
            let most = (from + 1 + bytes.len() / 2).min(bytes.len());
            let written = tries(writer.write(&bytes[from..most]), polls).await;
            if let Some(count) = written.transpose().expect("no error") {
                self.open = Some((number, from + count));
            }
            return;
        }
        // Its end is queued as soon as there is room; then it goes on with the flushing.
        let queued = poll_fn(|cx| {
            let _ = pin!(writer.shutdown()).poll(cx);
            Poll::Ready(())
        });
        queued.await;
        let ended = format!("{writer:?}").contains("ended: true");
        if ended {
            self.open = None;
            self.sent(number);
        }
    }

    /// Sends the last message, and receives until the other end has sent its own. Neither waits for room without receiving.
    async fn finish(&mut self) {
        while self.open.is_some() {
            self.write_in_parts(1).await;
            self.receive(1).await;
        }
        while tries(self.socket.feed(END), 1).await.is_none() {
            self.receive(1).await;
        }
        while !self.ended {
            self.receive(usize::MAX).await;
        }
    }

    async fn receive(&mut self, polls: usize) {
        if let Some(message) = tries_waiting(self.socket.recv(), polls).await {
            self.arrived(message.expect("no end yet").expect("no error").as_bytes());
        }
    }
}

/// Polls a future so often, or awaits it like everybody does.
async fn tries_waiting<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    match polls {
        usize::MAX => Some(future.await),
        polls => tries(future, polls).await,
    }
}

fn seeds() -> u64 {
    let seeds = std::env::var("SOCKLESS_SEEDS").ok();
    seeds.map_or(300, |seeds| seeds.parse().expect("a number"))
}

fn schedule(seed: u64) -> (Random, usize, Config) {
    let mut random = Random(seed);
    let capacity = [150, 700, 3000, 100_000][random.next(4)];
    let soft = [100, 2000, 10_000][random.next(3)];
    let config = Config::default()
        .with_output_limits(soft, 16 << 20)
        .with_keepalive(Duration::from_secs(20), Duration::from_secs(10));
    (random, capacity, config)
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime")
}

#[test]
fn sockets_lose_nothing_and_are_never_stuck() {
    for seed in 0..seeds() {
        runtime().block_on(async {
            let (mut random, capacity, config) = schedule(seed);
            let (near, far) = ends::pair(capacity, config).await;
            let started = Instant::now();
            let (up, down) = (Way::default(), Way::default());
            let steps = 20 + random.next(60);
            let client = end(near, random.next(1 << 30), &up, &down);
            let server = end(far, random.next(1 << 30), &down, &up);
            let client = tokio::spawn(async move {
                let mut client = client;
                for _ in 0..steps {
                    client.step().await;
                }
                client.finish().await;
                client.socket.start_close(CloseCode::NORMAL, "").expect("begun");
                // Closing may be tried as well.
                while tries(client.socket.close(None, ""), 2).await.is_none() {
                    yield_now().await;
                }
                client.socket.outcome()
            });
            let server = tokio::spawn(async move {
                let mut server = server;
                for _ in 0..steps {
                    server.step().await;
                }
                server.finish().await;
                assert!(server.socket.recv().await.is_none());
                server.socket.outcome()
            });
            // Whoever waits for ever is found out, too.
            let both = async { [client.await, server.await] };
            let both = timeout(DAY, both).await.unwrap_or_else(|_| panic!("seed {seed}: stuck"));
            let outcomes = both.map(|outcome| outcome.expect("no panic"));
            assert!(outcomes.iter().all(|outcome| outcome.clean()), "seed {seed}: {outcomes:?}");
            assert!(up.lock().expect("no panic").is_empty(), "seed {seed}");
            assert!(down.lock().expect("no panic").is_empty(), "seed {seed}");
            assert_eq!(started.elapsed(), Duration::ZERO, "seed {seed}: somebody was not woken");
        });
    }
}

fn end<R: Side>(
    socket: WebSocket<DuplexStream, R>,
    seed: usize,
    sent: &Way,
    arrives: &Way,
) -> End<R> {
    let (sent, arrives) = (Arc::clone(sent), Arc::clone(arrives));
    End {
        socket,
        random: Random(seed as u64),
        next: 0,
        sent,
        arrives,
        open: None,
        left: 0,
        ended: false,
    }
}

/// What one end's two tasks do: the one sends, the other receives.
fn in_halves<R: Role + Send + 'static>(
    socket: WebSocket<DuplexStream, R>,
    seed: u64,
    steps: usize,
    sent: Way,
    arrives: Way,
    (closes, ends): (bool, Arc<AtomicUsize>),
) -> [tokio::task::JoinHandle<()>; 2] {
    let (sender, mut reader) = socket.split();
    let (mut random, mut other) = (Random(seed), Random(seed ^ 1));
    let all = Arc::clone(&ends);
    let sends = tokio::spawn(async move {
        for number in 0..steps as u32 {
            let polls = 1 + random.next(3);
            let mut tried = 0;
            loop {
                let done = tries(sender.send(message(number)), polls).await;
                if done.transpose().expect("no error").is_some() {
                    sent.lock().expect("no panic").push_back(number);
                    break;
                }
                tried += 1;
                if tried > 3 {
                    // Awaited as everybody does.
                    sender.send(message(number)).await.expect("no error");
                    sent.lock().expect("no panic").push_back(number);
                    break;
                }
            }
        }
        sender.send(END).await.expect("no error");
        // Closed when both have sent all.
        while closes && all.load(Ordering::SeqCst) < 2 {
            yield_now().await;
        }
        if closes {
            sender.close(CloseCode::NORMAL, "").expect("begun");
        }
    });
    let receives = tokio::spawn(async move {
        let mut ended = false;
        loop {
            let polls = other.next(4);
            let received = match polls {
                0 => Some(reader.recv().await),
                polls => tries(reader.recv(), polls).await,
            };
            match received {
                None => yield_now().await,
                Some(None) => break,
                Some(Some(message)) => {
                    let message: Message = message.expect("no error");
                    if message == END.into() {
                        ended = true;
                        ends.fetch_add(1, Ordering::SeqCst);
                        continue;
                    }
                    // It may arrive before the sending task has noted it.
                    let expected = loop {
                        let noted = arrives.lock().expect("no panic").pop_front();
                        match noted {
                            Some(expected) => break expected,
                            None => yield_now().await,
                        }
                    };
                    assert_eq!(number(message.as_bytes()), expected);
                }
            }
        }
        assert!(ended && reader.outcome().clean(), "{:?}", reader.outcome());
    });
    [sends, receives]
}

#[test]
fn halves_lose_nothing_and_are_never_stuck() {
    for seed in 0..seeds() {
        runtime().block_on(async {
            let (mut random, capacity, config) = schedule(seed);
            let (near, far) = ends::pair(capacity, config).await;
            let started = Instant::now();
            let (up, down) = (Way::default(), Way::default());
            let steps = 5 + random.next(30);
            let ends = Arc::default();
            let near = in_halves(
                near,
                seed,
                steps,
                Arc::clone(&up),
                Arc::clone(&down),
                (false, Arc::clone(&ends)),
            );
            let far =
                in_halves(far, !seed, steps, Arc::clone(&down), Arc::clone(&up), (true, ends));
            for task in near.into_iter().chain(far) {
                let done = timeout(DAY, task).await;
                done.unwrap_or_else(|_| panic!("seed {seed}: stuck")).expect("no panic");
            }
            assert!(up.lock().expect("no panic").is_empty(), "seed {seed}");
            assert!(down.lock().expect("no panic").is_empty(), "seed {seed}");
            assert_eq!(started.elapsed(), Duration::ZERO, "seed {seed}: somebody was not woken");
        });
    }
}
