//! What reliable delivery, the journal and a group cost, each beside the same work without it in the same run.
//!
//! | group | its rows | what is aimed at |
//! |---|---|---|
//! | `message` | a message of 16 octets from one connection to another: `bare`, then by a `session` that is given it | at most 60 ns more, and 12 octets |
//! | | the same as a `new` message each time: it has to be kept until it is acked, so it is made with an allocation | |
//! | `journal` | messages of 100 octets appended to a file, by hundreds: `bare`, then a `session`'s, both synced | at most twice |
//! | `journal unsynced` | the same without the sync, which is most of it | |
//! | `broadcast` | a message to 10,000 connections: `prepared` alone, then by a `group` | at most 1.2 times |
//!
//! The octets are printed before the times are measured. What a sleeping session costs is counted by the test `memory`.

#![allow(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sockless::message::Prepared;
use sockless::{Client, Config as EngineConfig, Connection, Event, Input, Server};
use sockless_session::Entropy;
use sockless_session::group::{Group, Member, Outlet, Settings};
use sockless_session::journal::Writer;
use sockless_session::reliable::{
    Config, Incoming, Link, Message, Opening, Output, Session, SessionId,
};

const SMALL: &[u8] = b"sixteen octets!!";

/// How many messages wait for each other: for one turn of a driver, or one sync.
const BATCH: u64 = 100;

/// Two connections, and what lies between them.
struct Wire {
    client: Connection<Client>,
    server: Connection<Server>,
    buffer: Vec<u8>,
    octets: u64,
}

impl Wire {
    fn new() -> Self {
        let config = Arc::new(EngineConfig::default());
        Self {
            client: Connection::client(Arc::clone(&config)),
            server: Connection::server(config),
            buffer: Vec::with_capacity(1 << 16),
            octets: 0,
        }
    }

    /// Carries what the server has written to the client.
    fn down(&mut self, mut take: impl FnMut(&[u8])) {
        self.buffer.clear();
        self.buffer.extend_from_slice(self.server.output());
        self.server.wrote(self.buffer.len());
        self.octets += self.buffer.len() as u64;
        let mut input = Input::new(&mut self.buffer);
        while let Some(event) = self.client.poll(&mut input, Duration::ZERO) {
            match event {
                Event::Binary(data) => take(&data),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Carries what the client has written to the server.
    fn up(&mut self, mut take: impl FnMut(&str)) {
        self.buffer.clear();
        self.buffer.extend_from_slice(self.client.output());
        self.client.wrote(self.buffer.len());
        self.octets += self.buffer.len() as u64;
        let mut input = Input::new(&mut self.buffer);
        while let Some(event) = self.server.poll(&mut input, Duration::ZERO) {
            match event {
                Event::Text(text) => take(&text),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A client's and a server's end of an open session.
struct Ends {
    client: Session<Message>,
    server: Session<Message>,
    up: Link,
    down: Link,
}

fn text(output: Option<Output<Message>>) -> String {
    let mut bytes = Vec::new();
    output.expect("something is said").write_to(&mut bytes);
    String::from_utf8(bytes).expect("text")
}

impl Ends {
    fn new(config: Config, id: u128) -> Self {
        let (config, now) = (Arc::new(config), Duration::ZERO);
        let id = SessionId::from_bytes(id.to_be_bytes());
        let mut client = Session::client_with_id(Arc::new(Config::default()), id);
        let up = client.connect(now).expect("it is new");
        let hello = text(client.poll_output(up, now));
        let opening = Opening::parse(Incoming::Text(&hello)).expect("a hello");
        let (mut server, down) = Session::server(config, &opening, now);
        if let Some(batch) = server.take_batch() {
            server.synced(batch.mark);
        }
        let welcome = text(server.poll_output(down, now));
        client.receive(up, Incoming::Text(&welcome), now).expect("a welcome");
        Self { client, server, up, down }
    }
}

/// Sends a batch from the server to the client, by sessions, with the acks.
fn by_sessions(
    wire: &mut Wire,
    ends: &mut Ends,
    now: &mut Duration,
    make: impl Fn() -> Message,
) -> usize {
    for _ in 0..BATCH {
        ends.server.send(make()).expect("the queue has room");
    }
    while let Some(Output::Data { head, payload: Message::Binary(payload) }) =
        ends.server.poll_output(ends.down, *now)
    {
        assert!(head.as_bytes().is_empty());
        wire.server.send_binary(&payload).expect("the queue has room");
    }
    // A message each microsecond: many more than a driver would see at once.
    *now += Duration::from_micros(BATCH);
    let (client, up, at) = (&mut ends.client, ends.up, *now);
    let mut taken = 0;
    wire.down(|data| {
        client.receive(up, Incoming::Binary(data), at).expect("within the window");
        taken += data.len();
    });
    while let Some(output) = client.poll_output(up, at) {
        let Output::Short(ack) = output else { panic!("{output:?}") };
        wire.client.send_text(ack.as_str()).expect("the queue has room");
    }
    let (server, down) = (&mut ends.server, ends.down);
    wire.up(|ack| {
        server.receive(down, Incoming::Text(ack), at).expect("an ack");
    });
    taken
}

fn bare(wire: &mut Wire) -> usize {
    for _ in 0..BATCH {
        wire.server.send_binary(black_box(SMALL)).expect("the queue has room");
    }
    let mut taken = 0;
    wire.down(|data| taken += data.len());
    taken
}

fn message(c: &mut Criterion) {
    let (mut wire, mut ends, mut now) =
        (Wire::new(), Ends::new(Config::default(), 1), Duration::ZERO);
    for _ in 0..1000 {
        bare(&mut wire);
    }
    let alone = std::mem::take(&mut wire.octets);
    for _ in 0..1000 {
        by_sessions(&mut wire, &mut ends, &mut now, || SMALL.into());
    }
    let more = (wire.octets - alone) as f64 / (1000 * BATCH) as f64;
    println!("octets on the wire for a message, beside the bare connection: {more:.3}");
    println!("a message that is acked alone: {}", ack_alone(&mut ends, now));

    let mut group = c.benchmark_group("message");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("bare", |b| b.iter(|| bare(&mut wire)));
    let made = Message::from(SMALL);
    group.bench_function("session", |b| {
        b.iter(|| by_sessions(&mut wire, &mut ends, &mut now, || black_box(&made).clone()));
    });
    group.bench_function("new", |b| {
        b.iter(|| by_sessions(&mut wire, &mut ends, &mut now, || black_box(SMALL).into()));
    });
    group.finish();
}

/// The dearest case, a message that has an ack for itself: its octets from a server and, masked, from a client.
fn ack_alone(ends: &mut Ends, now: Duration) -> String {
    let mut octets = 0;
    // The first ack covers what the batches have left, too.
    for second in 1..=2 {
        let now = now + Duration::from_secs(second);
        ends.server.send(SMALL.into()).expect("the queue has room");
        ends.server.poll_output(ends.down, now).expect("the message goes out");
        ends.client.receive(ends.up, Incoming::Binary(SMALL), now).expect("a message");
        let ack = text(ends.client.poll_output(ends.up, now + Duration::from_millis(500)));
        ends.server.receive(ends.down, Incoming::Text(&ack), now).expect("an ack");
        octets = 2 + ack.len();
    }
    format!("{octets} octets from a server, {} from a client", octets + 4)
}

struct Fixed;

impl Entropy for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn file(name: &str) -> File {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    OpenOptions::new().append(true).create(true).open(path).expect("a file")
}

/// Begins anew when it has grown too long for the disk.
fn trim(file: &File, len: &mut usize, more: usize) {
    *len += more;
    if *len > 64 << 20 {
        file.set_len(0).expect("cut");
        *len = 0;
    }
}

fn journal(c: &mut Criterion) {
    for (name, sync) in [("journal", true), ("journal unsynced", false)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(BATCH)).sample_size(20);
        let payload = [b'p'; 100];

        let (mut out, mut written, mut bytes) = (file("bare"), 0, Vec::new());
        group.bench_function("bare", |b| {
            b.iter(|| {
                bytes.clear();
                for _ in 0..BATCH {
                    let payload = black_box(&payload);
                    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
                    bytes.extend_from_slice(payload);
                }
                out.write_all(&bytes).expect("written");
                if sync {
                    out.sync_data().expect("synced");
                }
                trim(&out, &mut written, bytes.len());
            });
        });

        let (mut out, mut written, mut bytes) = (file("session"), 0, Vec::new());
        let mut writer = Writer::new(&mut bytes, &mut Fixed);
        let mut ends = Ends::new(Config::default().with_storage(), 2);
        let Ends { server, down, .. } = &mut ends;
        let now = Duration::ZERO;
        group.bench_function("session", |b| {
            b.iter(|| {
                bytes.clear();
                for _ in 0..BATCH {
                    let message = Message::from(&black_box(&payload)[..]);
                    server.send(message).expect("the queue has room");
                }
                let batch = server.take_batch().expect("messages are to be stored");
                let serial = writer.frame(&mut bytes, server.id(), &batch.records, b"");
                out.write_all(&bytes).expect("written");
                if sync {
                    out.sync_data().expect("synced");
                }
                trim(&out, &mut written, bytes.len());
                writer.synced(serial);
                server.synced(batch.mark);
                // What is stored goes out and is acked, so that the queue is empty again.
                while let Some(output) = server.poll_output(*down, now) {
                    black_box(output);
                }
                let ack = format!("\u{10}a{}", server.assigned() - server.acked());
                server.receive(*down, Incoming::Text(&ack), now).expect("an ack");
            });
        });
        group.finish();
    }
}

const MEMBERS: u32 = 10_000;

/// The connections of a group's members, as a server has them.
struct Connections(Vec<Connection<Server>>);

impl Connections {
    fn new() -> Self {
        let config = Arc::new(EngineConfig::default());
        Self((0..MEMBERS).map(|_| Connection::server(Arc::clone(&config))).collect())
    }

    /// What a socket would do.
    fn write(&mut self) {
        for connection in &mut self.0 {
            let count = black_box(connection.output()).len();
            connection.wrote(count);
        }
    }

    fn send(&mut self, member: u32, payload: &Prepared) {
        self.0[member as usize].send_prepared(payload).expect("the queue has room");
    }
}

impl Outlet<u32, Prepared> for Connections {
    fn send(&mut self, _: &u32, _: Prepared) -> bool {
        false
    }

    fn skip(&mut self, _: &u32, _: u64) -> bool {
        false
    }

    fn offer(&mut self, member: &u32, payload: &Prepared) -> bool {
        let connection = &mut self.0[*member as usize];
        !connection.is_congested() && connection.send_prepared(payload).is_ok()
    }
}

fn broadcast(c: &mut Criterion) {
    let mut group = c.benchmark_group("broadcast");
    group.throughput(Throughput::Elements(u64::from(MEMBERS))).sample_size(50);
    let payload = [b'p'; 100];

    let mut connections = Connections::new();
    group.bench_function("prepared", |b| {
        b.iter(|| {
            let message = Prepared::binary(black_box(&payload));
            for member in 0..MEMBERS {
                connections.send(member, &message);
            }
            connections.write();
        });
    });

    let mut room = Group::<u32, Prepared>::new(Settings::default());
    for member in 0..MEMBERS {
        room.join(member, Member::Plain).expect("there is room");
    }
    while room.poll().is_some() {}
    group.bench_function("group", |b| {
        b.iter(|| {
            let message = Prepared::binary(black_box(&payload));
            room.broadcast(message, None, None, &mut connections);
            assert_eq!(room.poll(), None);
            connections.write();
        });
    });
    group.finish();
}

criterion_group!(benches, message, journal, broadcast);
criterion_main!(benches);
