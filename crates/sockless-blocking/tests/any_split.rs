//! Whatever the stream does and however short calls are: no message is lost, doubled or out of order, in either direction.
//!
//! `SOCKLESS_MESSAGES` is how many messages each case sends in each direction.

#![allow(clippy::print_stderr, reason = "a long run says how long it was")]

mod ends;

use std::io::{self, ErrorKind};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use ends::{listener, within};
use sockless_blocking::{
    Client, ClientOptions, Config, Error, Message, NetStream, Reader, Sender, Server,
    ServerOptions, Stream, WebSocket, accept, connect_over,
};

/// Random numbers (xorshift), the same for the same seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A stream that takes and gives as little as it likes, and now and then nothing at all.
struct Cut<S> {
    stream: S,
    reads: Mutex<Random>,
    writes: Mutex<Random>,
}

impl<S> Cut<S> {
    fn new(stream: S, seed: u64) -> Self {
        let (reads, writes) = (Random::new(seed), Random::new(seed ^ 0xFFFF));
        Self { stream, reads: Mutex::new(reads), writes: Mutex::new(writes) }
    }
}

/// How much of this length is to be moved.
fn cut(random: &Mutex<Random>, len: usize) -> io::Result<usize> {
    let mut random = random.lock().expect("no panic");
    let most = match random.below(40) {
        0 => return Err(ErrorKind::WouldBlock.into()),
        1 => return Err(ErrorKind::TimedOut.into()),
        2 => return Err(ErrorKind::Interrupted.into()),
        3..10 => 1 + random.below(20),
        _ => 1 + random.below(20_000),
    };
    Ok(len.min(most as usize))
}

impl<S: Stream> Stream for Cut<S> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = cut(&self.reads, buffer.len())?;
        self.stream.read(&mut buffer[..len])
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(&bytes[..cut(&self.writes, bytes.len())?])
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_write_timeout(timeout)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.stream.shutdown_write()
    }

    fn close(&self) {
        self.stream.close();
    }

    fn prepare(&self) -> io::Result<()> {
        self.stream.prepare()
    }
}

/// Message number `number` of those in one direction: of some length, with content that tells it.
fn message(number: u64, direction: u64) -> Message {
    let mut random = Random::new(number ^ (direction << 40));
    let len = match random.below(100) {
        0 => random.below(30_000),
        1..10 => random.below(2000),
        _ => random.below(40),
    };
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend((0..len).map(|at| (at ^ number) as u8));
    bytes.into()
}

/// How many messages go in each direction, at most, and in how long.
fn messages() -> (u64, Duration) {
    match std::env::var("SOCKLESS_MESSAGES") {
        Ok(count) => (count.parse().expect("a number"), Duration::from_secs(3600)),
        Err(_) => (5000, Duration::from_secs(180)),
    }
}

fn is_over(error: &Error) -> bool {
    matches!(error, Error::TimedOut)
}

fn sockets(
    seed: u64,
    client: Config,
    server: Config,
) -> (WebSocket<Cut<NetStream>, Client>, WebSocket<Cut<NetStream>, Server>) {
    let (listener, url) = listener();
    let address = listener.local_addr().expect("an address");
    let accepting = thread::spawn(move || {
        let stream = listener.accept().expect("a client").0;
        let options = ServerOptions::new().with_config(server);
        #[cfg(feature = "deflate")]
        let options = if seed % 2 == 1 { options.with_compression() } else { options };
        accept(Cut::new(NetStream::from(stream), seed), options)
    });
    let stream = std::net::TcpStream::connect(address).expect("connected");
    let options = ClientOptions::new().with_config(client);
    #[cfg(feature = "deflate")]
    let options = if seed % 2 == 1 { options.with_compression() } else { options };
    let client = connect_over(Cut::new(NetStream::from(stream), seed + 1), &url, options);
    (client.expect("open"), accepting.join().expect("no panic").expect("open"))
}

/// Sends all of one direction and receives all of the other, each call with a random time.
fn exchange<S: Stream, R: sockless_blocking::sockless::connection::Side>(
    mut socket: WebSocket<S, R>,
    seed: u64,
    ours: u64,
    count: u64,
) {
    let mut random = Random::new(seed);
    let (mut sent, mut received) = (0, 0);
    while sent < count || received < count {
        let time = Duration::from_micros(random.below(3) * random.below(1500));
        if sent < count && random.below(2) == 0 {
            socket.set_timeout(time);
            let result = match random.below(4) {
                0 => socket.send(message(sent, ours)),
                _ => socket.feed(message(sent, ours)),
            };
            match result {
                Ok(()) | Err(Error::Unwritten) => sent += 1,
                Err(error) => assert!(is_over(&error), "{error}"),
            }
        } else if received < count {
            match socket.recv_timeout(time).expect("more to come") {
                Ok(next) => {
                    assert!(next == message(received, 1 - ours), "message {received}");
                    received += 1;
                }
                Err(error) => assert!(is_over(&error), "{error}"),
            }
        }
    }
    socket.set_timeout(None);
    socket.flush().expect("written");
    assert!(socket.close(None, "").expect("no error").clean());
}

#[test]
fn sockets_lose_double_and_reorder_nothing() {
    let (count, limit) = messages();
    for seed in [2, 3] {
        let config = move || if seed == 2 { tight() } else { Config::default() };
        let ((), took) = within(limit, move || {
            let (client, server) = sockets(seed, config(), config());
            let other = thread::spawn(move || exchange(server, seed + 10, 1, count));
            exchange(client, seed + 20, 0, count);
            other.join().expect("no panic");
        });
        eprintln!("seed {seed}: {count} messages each way in {took:?}");
    }
}

fn send_all<S: Stream, R: sockless_blocking::sockless::connection::Side>(
    sender: &Sender<S, R>,
    seed: u64,
    ours: u64,
    count: u64,
) {
    let mut random = Random::new(seed);
    let mut sent = 0;
    while sent < count {
        let time = Duration::from_micros(random.below(3) * random.below(1500));
        let result = match random.below(4) {
            0 => sender.send_timeout(message(sent, ours), time),
            _ => sender.feed(message(sent, ours)),
        };
        match result {
            Ok(()) | Err(Error::Unwritten) => sent += 1,
            Err(error) => assert!(is_over(&error), "{error}"),
        }
    }
    sender.flush().expect("written");
}

fn receive_all<S: Stream, R: sockless_blocking::sockless::connection::Side>(
    reader: &mut Reader<S, R>,
    seed: u64,
    theirs: u64,
    count: u64,
) {
    let mut random = Random::new(seed);
    let mut received = 0;
    while received < count {
        let time = Duration::from_micros(random.below(3) * random.below(1500));
        match reader.recv_timeout(time).expect("more to come") {
            Ok(next) => {
                assert!(next == message(received, theirs), "message {received}");
                received += 1;
            }
            Err(error) => assert!(is_over(&error), "{error}"),
        }
    }
}

#[test]
fn halves_lose_double_and_reorder_nothing() {
    let (count, limit) = messages();

    for seed in [4, 5] {
        let config = move || if seed == 4 { tight() } else { Config::default() };
        let ((), took) = within(limit, move || {
            let (client, server) = sockets(seed, config(), config());
            let (ours, mut reader) = client.split().expect("a thread");
            let (theirs, mut other) = server.split().expect("a thread");
            thread::scope(|scope| {
                scope.spawn(|| send_all(&ours, seed, 0, count));
                scope.spawn(|| send_all(&theirs, seed + 1, 1, count));
                scope.spawn(|| {
                    receive_all(&mut other, seed + 2, 0, count);
                    assert!(other.recv().is_none());
                    assert!(other.outcome().clean());
                });
                receive_all(&mut reader, seed + 3, 1, count);
                // What the client has still to send comes before its Close frame.
                ours.flush().expect("written");
                while ours.traffic().messages < count {
                    thread::sleep(Duration::from_millis(1));
                }
                ours.close(None, "").expect("open");
                assert!(reader.recv().is_none());
                assert!(reader.outcome().clean());
            });
        });
        eprintln!("seed {seed}: {count} messages each way in {took:?}");
    }
}

/// Limits on output that are soon reached, so that room is waited for, and messages are held and put aside.
fn tight() -> Config {
    Config::default().with_output_limits(4000, 1 << 20)
}
