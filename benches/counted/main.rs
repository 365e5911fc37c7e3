//! Fixed workloads whose instructions are counted, not timed: `counted WORKLOAD COUNT` does one of them COUNT times, and
//! `counted` alone names them all. `check.py` runs them under callgrind, and compares with the figures that are committed.
//!
//! The SIMD level is fixed to what every CPU of the architecture has, so that all machines count alike.

use std::hint::black_box;
use std::time::Duration;

use sockless::connection::{Entropy, Loan, Side};
use sockless::handshake::{Acceptance, Acceptor, Asked};
use sockless::words::simd::{Instructions, Level};
use sockless::{Client, CloseCode, Config, Connection, Delivery, Event, Input, Server, Want};

#[path = "../../tests/wire/frames.rs"]
mod frames;
#[path = "../../tests/heads/mod.rs"]
mod heads;

/// Octets of a read.
const READ: usize = 16 << 10;
/// Output is written beyond this.
const BATCH: usize = 16 << 10;
const START: Duration = Duration::ZERO;

/// A workload does something so many times.
type Workload = fn(usize);

const WORKLOADS: &[(&str, Workload)] = &[
    ("decode binary 16", |n| decode(n, 2, &[0x5A; 16], false)),
    ("decode binary 125", |n| decode(n, 2, &[0x5A; 125], false)),
    ("decode binary 1024", |n| decode(n, 2, &[0x5A; 1024], false)),
    ("decode text 125", |n| decode(n, 1, &[b'a'; 125], false)),
    ("decode binary 16384", |n| decode(n, 2, &[0x5A; 16 << 10], false)),
    ("decode binary 65536", |n| decode(n, 2, &vec![0x5A; 64 << 10], false)),
    ("decode text 65536", |n| decode(n, 1, &vec![b'a'; 64 << 10], false)),
    ("decode copied binary 1024", |n| decode(n, 2, &[0x5A; 1024], true)),
    ("decode copied binary 65536", |n| decode(n, 2, &vec![0x5A; 64 << 10], true)),
    ("read binary 262144 into itself", |n| read_into(n, 2, &[0x5A; 256 << 10])),
    ("read text 262144 into itself", |n| read_into(n, 1, &[b'a'; 256 << 10])),
    ("decode four fragments of 16", fragments),
    ("answer a ping", pings),
    ("encode server 16", |n| encode(n, &mut server(), 16)),
    ("encode server 1024", |n| encode(n, &mut server(), 1024)),
    ("encode client 16", |n| encode(n, &mut client(), 16)),
    ("encode client 1024", |n| encode(n, &mut client(), 1024)),
    ("echo 16", |n| echo(n, 16)),
    ("echo 16, a read each", |n| wakeups(n, 16)),
    ("open and close a connection", closings),
    ("accept an opening handshake", openings),
];

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (Some(name), count) = (arguments.next(), arguments.next()) else {
        WORKLOADS.iter().for_each(|(name, _)| say(name));
        return;
    };
    let work = WORKLOADS.iter().find(|(known, _)| *known == name).map(|(_, work)| *work);
    match (work, count.and_then(|count| count.parse().ok())) {
        (Some(work), Some(count)) => work(count),
        _ => panic!("usage: counted [WORKLOAD COUNT]"),
    }
}

#[allow(clippy::print_stdout, reason = "a program that is called by another")]
fn say(line: &str) {
    println!("{line}");
}

/// Keys that differ and cost nothing.
struct Counter(u32);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.key()[0]);
    }

    fn key(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_add(0x9E37_79B9);
        self.0.to_le_bytes()
    }
}

fn config() -> Config {
    let level = Level::new(Instructions::Sse2).unwrap_or(Level::SCALAR);
    Config::default().with_simd(level).with_delivery(Delivery::Whole)
}

fn server() -> Connection<Server> {
    Connection::server(config())
}

fn client() -> Connection<Client> {
    Connection::client_with(config(), Counter(0))
}

/// A client's frames with this first byte and payload, so many.
fn repeated(count: usize, first: u8, payload: &[u8]) -> Vec<u8> {
    frames::frame(first, Some([0x37, 0xFA, 0x21, 0x3D]), payload).repeat(count)
}

/// Receives everything, by reads of 16 KiB; what has to be answered is written.
fn receive(connection: &mut Connection<Server>, bytes: &mut [u8], copied: bool) {
    let mut place = if copied { vec![0; READ] } else { Vec::new() };
    for read in bytes.chunks_mut(READ) {
        let mut input = match copied {
            true => Input::copied(read, &mut place),
            false => Input::new(read),
        };
        while let Some(event) = connection.poll(&mut input, START) {
            match event {
                Event::Text(text) => drop(black_box(text)),
                Event::Binary(payload) => drop(black_box(payload)),
                Event::Failed(failure) => panic!("{failure}"),
                _ => {}
            }
        }
        write(connection);
    }
}

fn write<R: Side>(connection: &mut Connection<R>) {
    while !connection.output().is_empty() {
        let count = black_box(connection.output()).len();
        connection.wrote(count);
    }
}

/// As many messages were received, and sent, as the workload is about: what does less costs less.
fn did<R: Side>(connection: &Connection<R>, received: usize, sent: usize) {
    let counters = connection.counters();
    let messages = (counters.received.messages, counters.sent.messages);
    assert_eq!(messages, (received as u64, sent as u64), "messages received and sent");
}

fn decode(count: usize, opcode: u8, payload: &[u8], copied: bool) {
    let mut connection = server();
    receive(&mut connection, &mut repeated(count, 0x80 | opcode, payload), copied);
    did(&connection, count, 0);
}

/// Receives by reads of 16 KiB, straight into the memory of the message where that can be had.
fn read_into(count: usize, opcode: u8, payload: &[u8]) {
    let mut connection = server();
    let mut bytes = repeated(count, 0x80 | opcode, payload);
    let mut rest = &mut bytes[..];
    while !rest.is_empty() {
        let taken = connection.take_buffer();
        let room = taken.as_ref().map_or(READ, |taken| taken.capacity());
        let (read, later) = rest.split_at_mut(room.min(READ).min(rest.len()));
        rest = later;
        let Some(mut taken) = taken else {
            receive(&mut connection, read, false);
            continue;
        };
        taken.extend_from_slice(read);
        connection.put_buffer(taken).expect("what was taken");
        while let Some(event) = connection.poll(&mut Input::none(), START) {
            drop(black_box(event));
        }
    }
    did(&connection, count, 0);
}

fn fragments(count: usize) {
    let payload = [0x5A; 16];
    let message =
        [repeated(1, 0x02, &payload), repeated(2, 0x00, &payload), repeated(1, 0x80, &payload)]
            .concat();
    let mut connection = server();
    receive(&mut connection, &mut message.repeat(count), false);
    did(&connection, count, 0);
}

fn pings(count: usize) {
    let mut connection = server();
    receive(&mut connection, &mut repeated(count, 0x89, &[0x5A; 16]), false);
    assert_eq!(connection.counters().received.pings as usize, count);
}

fn encode<R: Side>(count: usize, connection: &mut Connection<R>, len: usize) {
    let payload = vec![0x5A; len];
    drop(connection.lend(Loan::Output, Vec::with_capacity(2 * BATCH)));
    for _ in 0..count {
        let _ = connection.send_binary(black_box(&payload));
        if connection.queued() >= BATCH {
            write(connection);
        }
    }
    did(connection, 0, count);
}

fn echo(count: usize, len: usize) {
    let mut connection = server();
    drop(connection.lend(Loan::Output, Vec::with_capacity(2 * READ)));
    for read in repeated(count, 0x82, &vec![0x5A; len]).chunks_mut(READ) {
        let mut input = Input::new(read);
        while let Some(event) = connection.poll(&mut input, START) {
            if let Event::Binary(payload) = event {
                let _ = connection.send_binary(&payload);
            }
        }
        write(&mut connection);
    }
    did(&connection, count, count);
}

/// One message a read, as from clients that wait for the answer: what a driver asks for each time it wakes.
fn wakeups(count: usize, len: usize) {
    let mut connection = server();
    let frame = repeated(1, 0x82, &vec![0x5A; len]);
    let mut bytes = frame.repeat(count);
    let mut spare = Vec::with_capacity(READ);
    for read in bytes.chunks_mut(frame.len()) {
        drop(connection.lend(Loan::Output, spare));
        let mut input = Input::new(read);
        while let Some(event) = connection.poll(&mut input, START) {
            if let Event::Binary(payload) = event {
                let _ = connection.send_binary(&payload);
            }
        }
        write(&mut connection);
        let _ = black_box(connection.want());
        spare = connection.reclaim(Loan::Output).unwrap_or_default();
    }
    did(&connection, count, count);
}

fn closings(count: usize) {
    let config = std::sync::Arc::new(config());
    let mut closed = 0;
    for close in repeated(count, 0x88, &[0x03, 0xE8]).chunks_mut(8) {
        let mut connection = Connection::server(black_box(config.clone()));
        let _ = connection.close(CloseCode::NORMAL, "", START);
        receive(&mut connection, close, false);
        let want = black_box(connection.want());
        closed += usize::from(matches!(want, Want::Done(outcome) if outcome.clean()));
    }
    assert_eq!(closed, count, "every connection is closed cleanly");
}

fn openings(count: usize) {
    let limits = Default::default();
    let mut answer = [0; 512];
    let mut answered = 0;
    let mut head = heads::CHROMIUM.as_bytes().to_vec();
    for _ in 0..count {
        let mut acceptor = Acceptor::new(&limits, START);
        if let Some(Asked::WebSocket(request)) =
            acceptor.poll(&mut Input::new(black_box(&mut head)), START)
        {
            let switching = request.accept(&Acceptance::new());
            let encoded = black_box(switching.and_then(|switching| switching.encode(&mut answer)));
            answered += usize::from(encoded.is_ok());
        }
    }
    assert_eq!(answered, count, "every request is answered");
}
