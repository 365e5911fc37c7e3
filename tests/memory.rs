//! The memory of connections, counted.
//!
//! Without optimisation the floods are a twentieth of their size, unless `SOCKLESS_FULL` is set.

use std::sync::Arc;
use std::time::Duration;

use sockless::connection::{Failure, Loan, Notice, Side};
use sockless::frame::{Limits, Violation};
use sockless::{Client, CloseCode, Config, Connection, Delivery, Event, Input, Server};

use crate::allocations::Meter;
use crate::streams::{Counter, encoded};

const KEY: Option<[u8; 4]> = Some([0x37, 0xFA, 0x21, 0x3D]);
const ZERO: Duration = Duration::ZERO;
/// What an announced length may reserve, and what a message may take beyond twice its bytes.
const RESERVE: i64 = 64 << 10;
/// What it takes besides to give out the room of a message.
const SPLIT: i64 = 128;

fn flood(full: usize) -> usize {
    let full_size = !cfg!(debug_assertions) || std::env::var_os("SOCKLESS_FULL").is_some();
    if full_size { full } else { full / 20 }
}

/// The limits that a careless application sets.
fn unlimited() -> Arc<Config> {
    let limits = Limits::default().with_frame(u64::MAX).with_message(u64::MAX);
    Arc::new(Config::default().with_limits(limits))
}

fn server(config: &Arc<Config>) -> Connection<Server> {
    Connection::server(Arc::clone(config))
}

fn client(config: &Arc<Config>) -> Connection<Client> {
    Connection::client_with(Arc::clone(config), Counter(3))
}

/// Polls until there is nothing more, throwing events away.
fn feed<R: Side>(conn: &mut Connection<R>, bytes: &mut [u8]) {
    let mut input = Input::new(bytes);
    while conn.poll(&mut input, ZERO).is_some() {}
}

/// Writes all output to nowhere.
fn drain<R: Side>(conn: &mut Connection<R>) {
    while !conn.output().is_empty() {
        conn.wrote(conn.output().len());
    }
}

/// A header that announces `len` bytes, of a masked frame.
fn announcing(fin: bool, opcode: u8, len: u64) -> Vec<u8> {
    let mut bytes = vec![u8::from(fin) << 7 | opcode, 0xFF];
    bytes.extend(len.to_be_bytes());
    bytes.extend(KEY.expect("a key"));
    bytes
}

// Whole messages.

/// Answers every message in `bytes` in kind, through a lent buffer, and counts.
fn echo_through_lent_buffer<R: Side>(conn: &mut Connection<R>, bytes: &mut [u8]) -> (usize, u64) {
    let spare = Vec::with_capacity(2 * bytes.len() + 64);
    let meter = Meter::start();
    conn.lend(Loan::Output, spare).expect("nothing waits, nothing is lent");
    let mut messages = 0;
    let mut input = Input::new(bytes);
    while let Some(event) = conn.poll(&mut input, ZERO) {
        match event {
            Event::Text(text) => conn.send_text(&text).expect("room"),
            Event::Binary(payload) => conn.send_binary(&payload).expect("room"),
            Event::Ping(_) => {}
            other => panic!("not sent: {other:?}"),
        }
        messages += 1;
    }
    drain(conn);
    let spare = conn.reclaim(Loan::Output).expect("all is written");
    (messages, meter.calls() + u64::from(spare.capacity() == 0))
}

const SIZES: [usize; 9] = [0, 1, 16, 125, 126, 1024, 4096, 65_535, 70_000];

#[test]
fn message_whole_in_the_buffer_is_answered_without_allocating() {
    let config = Arc::new(Config::default().with_output_limits(usize::MAX, usize::MAX));
    for delivery_of_mask in [KEY, None] {
        for size in SIZES {
            let mut bytes = Vec::new();
            for _ in 0..3 {
                bytes.extend(encoded(true, 2, delivery_of_mask, &vec![0xA5; size]));
                bytes.extend(encoded(true, 1, delivery_of_mask, &vec![b'a'; size]));
                bytes.extend(encoded(true, 1, delivery_of_mask, "ü".repeat(size / 2).as_bytes()));
            }
            let (messages, calls) = match delivery_of_mask {
                Some(_) => echo_through_lent_buffer(&mut server(&config), &mut bytes),
                None => echo_through_lent_buffer(&mut client(&config), &mut bytes),
            };
            assert_eq!((messages, calls), (9, 0), "{size} bytes");
        }
    }
}

#[test]
fn message_whole_in_the_buffer_is_delivered_in_parts_without_allocating() {
    let mut conn = server(&Arc::new(Config::default().with_delivery(Delivery::Parts)));
    for size in SIZES {
        let mut bytes = encoded(true, 1, KEY, &vec![b'a'; size]);
        let meter = Meter::start();
        feed(&mut conn, &mut bytes);
        assert_eq!(meter.calls(), 0, "{size} bytes");
    }
}

#[test]
fn message_sent_borrowed_is_written_without_allocating() {
    let config = Arc::new(Config::default());
    let (mut server, mut client) = (server(&config), client(&config));
    for size in SIZES {
        let text = "x".repeat(size);
        let mut bytes = vec![7; size];
        let meter = Meter::start();
        for _ in 0..2 {
            let mut sent = server.send_text_borrowed(&text).expect("room");
            sent.wrote(sent.slices().iter().map(|slice| slice.len()).sum());
            drop(sent);
            let mut sent = server.send_binary_borrowed(&bytes).expect("room");
            sent.wrote(usize::MAX);
            drop(sent);
            let mut sent = client.send_binary_borrowed(&mut bytes).expect("room");
            sent.wrote(usize::MAX);
            drop(sent);
        }
        assert_eq!(meter.calls(), 0, "{size} bytes");
        assert!(server.output().is_empty() && client.output().is_empty());
    }
}

#[test]
fn pings_in_a_lent_buffer_are_answered_without_allocating_more_than_their_bookkeeping() {
    let mut conn = server(&Arc::new(Config::default()));
    let mut bytes = encoded(true, 9, KEY, b"are you there");
    let (events, calls) = echo_through_lent_buffer(&mut conn, &mut bytes);
    assert_eq!(events, 1);
    assert!(calls <= 1, "{calls} allocations for one ping");
}

// Idle connections.

#[test]
fn connection_is_at_most_256_bytes_without_its_shared_parts() {
    let shared = 2 * size_of::<Arc<Config>>();
    let entropy = size_of::<Box<dyn Send>>();
    assert!(size_of::<Connection<Server>>() - shared <= 256);
    assert!(size_of::<Connection<Client>>() - shared - entropy <= 256);
}

#[test]
fn new_connection_owns_no_heap() {
    let config = Arc::new(Config::default());
    let meter = Meter::start();
    let server = server(&config);
    assert_eq!((meter.calls(), meter.live()), (0, 0));
    drop(server);
}

/// Runs one kind of traffic after the other over one connection, and checks after each that nothing is left of it.
fn is_idle_after<R: Side>(conn: &mut Connection<R>, key: Option<[u8; 4]>) {
    type Traffic<'t, R> = (&'t str, Box<dyn Fn(&mut Connection<R>) + 't>);
    let split = |conn: &mut Connection<R>, bytes: &[u8], size: usize| {
        let mut bytes = bytes.to_vec();
        bytes.chunks_mut(size).for_each(|chunk| feed(conn, chunk));
    };
    let fragments = |len: usize| {
        [
            encoded(false, 1, key, "ä".repeat(len).as_bytes()),
            encoded(true, 9, key, b"between"),
            encoded(false, 0, key, b""),
            encoded(true, 0, key, &vec![b'z'; len]),
        ]
        .concat()
    };
    let all: Vec<Traffic<'_, R>> = vec![
        ("whole", Box::new(|conn| split(conn, &encoded(true, 2, key, &[1; 5000]), usize::MAX))),
        ("partial", Box::new(|conn| split(conn, &encoded(true, 2, key, &[1; 5000]), 700))),
        ("single bytes", Box::new(|conn| split(conn, &encoded(true, 1, key, &[b'b'; 300]), 1))),
        ("large", Box::new(|conn| split(conn, &encoded(true, 2, key, &[1; 300_000]), 8192))),
        ("fragments", Box::new(|conn| split(conn, &fragments(400), usize::MAX))),
        ("fragments in bytes", Box::new(|conn| split(conn, &fragments(400), 1))),
        (
            "pings",
            Box::new(|conn| split(conn, &encoded(true, 9, key, &[5; 125]).repeat(100), usize::MAX)),
        ),
        (
            "pings in bytes",
            Box::new(|conn| split(conn, &encoded(true, 9, key, &[5; 125]).repeat(3), 1)),
        ),
        ("pongs", Box::new(|conn| split(conn, &encoded(true, 10, key, &[5; 125]).repeat(3), 50))),
        (
            "own pings",
            Box::new(|conn| {
                (0..20u8).for_each(|at| conn.ping(&[at], ZERO).expect("room"));
                split(conn, &encoded(true, 10, key, &[19]), usize::MAX);
            }),
        ),
        (
            "sent",
            Box::new(|conn| {
                conn.send_text("hello").expect("room");
                conn.send(vec![1; 100_000]).expect("room");
                conn.begin_text("first", false).expect("room");
                conn.continue_text("last", true).expect("room");
                conn.stream_frame(Some(sockless::Kind::Binary), true, 3).expect("room");
                conn.stream_payload(&mut [1, 2, 3]).expect("room");
            }),
        ),
    ];
    for (name, traffic) in all {
        let meter = Meter::start();
        traffic(conn);
        drain(conn);
        assert_eq!(meter.live(), 0, "bytes left after {name}");
    }
}

#[test]
fn idle_connection_owns_no_heap_after_any_traffic() {
    let config = Arc::new(Config::default());
    is_idle_after(&mut server(&config), KEY);
    is_idle_after(&mut client(&config), None);
    let config = Arc::new(Config::default().with_delivery(Delivery::Parts));
    is_idle_after(&mut server(&config), KEY);
    is_idle_after(&mut client(&config), None);
}

#[test]
fn hundred_thousand_idle_connections_share_one_read_buffer_and_one_spare() {
    let config = Arc::new(Config::default());
    let count = 100_000;
    let message = encoded(true, 1, KEY, &[b'm'; 200]);
    let ping = encoded(true, 9, KEY, b"hi");
    let meter = Meter::start();
    let mut connections = Vec::with_capacity(count);
    connections.resize_with(count, || server(&config));
    let mut read = vec![0; 4096];
    let mut spare = Vec::with_capacity(4096);
    let own = meter.live();
    assert_eq!(own, (count * size_of::<Connection<Server>>() + 2 * 4096) as i64);
    for (index, conn) in
        connections.iter_mut().enumerate().step_by(1 + 9 * usize::from(cfg!(debug_assertions)))
    {
        conn.lend(Loan::Output, std::mem::take(&mut spare)).expect("nothing waits");
        let bytes = if index % 2 == 0 { &message } else { &ping };
        read[..bytes.len()].copy_from_slice(bytes);
        let mut input = Input::new(&mut read[..bytes.len()]);
        while let Some(event) = conn.poll(&mut input, ZERO) {
            if let Event::Text(text) = event {
                conn.send_text(&text).expect("room");
            }
        }
        drain(conn);
        spare = conn.reclaim(Loan::Output).expect("all is written");
    }
    assert_eq!(meter.live(), own, "connections hold memory that is not theirs");
    assert!(meter.peak() <= own + 256, "{} beyond", meter.peak() - own);
}

// Announced lengths, and messages that grow.

#[test]
fn header_that_announces_2_to_the_62_reserves_at_most_64_kib() {
    for (fin, opcode) in [(true, 2), (false, 2), (true, 1)] {
        let mut conn = server(&unlimited());
        let meter = Meter::start();
        feed(&mut conn, &mut announcing(fin, opcode, 1 << 62));
        assert!(meter.peak() <= RESERVE, "{} behind the header", meter.peak());
        feed(&mut conn, &mut [b'a' ^ 0x37]);
        assert!(meter.peak() <= RESERVE, "{} behind the first byte", meter.peak());
    }
}

#[test]
fn continuations_that_announce_2_to_the_62_reserve_at_most_64_kib() {
    let mut conn = server(&unlimited());
    let meter = Meter::start();
    feed(&mut conn, &mut encoded(false, 2, KEY, &[1; 10]));
    feed(&mut conn, &mut announcing(false, 0, 1 << 62));
    feed(&mut conn, &mut [1]);
    assert!(meter.peak() <= RESERVE, "{}", meter.peak());
}

#[test]
fn buffer_taken_behind_a_header_that_announces_2_to_the_62_has_at_most_64_kib() {
    let mut conn = server(&unlimited());
    let meter = Meter::start();
    feed(&mut conn, &mut announcing(true, 2, 1 << 62));
    let taken = conn.take_buffer().expect("much is missing");
    assert!(taken.capacity() <= RESERVE as usize);
    assert!(meter.peak() <= RESERVE + SPLIT, "{}", meter.peak());
}

/// What arrives of a message, as bytes of one frame: whether the frame is the last, what it announces, and how much of it arrives.
type Arrival = (bool, u64, usize);

#[test]
fn message_reserves_by_what_is_announced_and_what_has_arrived() {
    const KIB: usize = 1 << 10;
    // Of a message in one frame: what is announced, what arrives in each read, what is held after each.
    let frames: &[(u64, &[usize], &[usize])] = &[
        (1000, &[10, 489, 500], &[1000, 1000, 1000]),
        (64 * KIB as u64, &[10], &[64 * KIB]),
        (1 << 40, &[1], &[64 * KIB]),
        (1 << 40, &[10, 64 * KIB - 10, 1], &[64 * KIB, 64 * KIB, 128 * KIB]),
        (1 << 40, &[64 * KIB - 1, 64 * KIB, 1, 1], &[64 * KIB, 128 * KIB, 128 * KIB, 256 * KIB]),
        (100_000, &[10, 70_000], &[64 * KIB, 100_000]),
        (300_000, &[10, 70_000, 100_000], &[64 * KIB, 128 * KIB, 256 * KIB]),
        (300_000, &[150_000], &[150_000]),
        (300_000, &[150_000, 1], &[150_000, 300_000]),
        (300_000, &[100_000, 150_000], &[100_000, 250_000]),
    ];
    for (announced, reads, held) in frames {
        let reads: Vec<Arrival> = reads.iter().map(|read| (true, *announced, *read)).collect();
        reserves(&reads, held);
    }
    // In fragments, whose last one is not among them: each is complete, but the one that arrives last.
    reserves(&[(false, 20, 10)], &[256]);
    reserves(&[(false, 256, 10)], &[256]);
    reserves(&[(false, 257, 10)], &[257]);
    reserves(&[(false, 1 << 40, 10)], &[64 * KIB]);
    reserves(&[(false, 256, 256), (false, 1, 1)], &[256, 512]);
    reserves(&[(false, 256, 256), (false, 257, 257)], &[256, 513]);
    reserves(&[(false, 200, 200), (true, 300, 57)], &[256, 500]);
    reserves(&[(false, 200, 200), (true, 1 << 40, 57)], &[256, 512]);
}

fn reserves(arrivals: &[Arrival], held: &[usize]) {
    let mut conn = server(&unlimited());
    let meter = Meter::start();
    let mut announced = None;
    for (arrival, held) in arrivals.iter().zip(held) {
        let &(fin, len, count) = arrival;
        if announced != Some((fin, len)) {
            let opcode = if announced.is_some() { 0 } else { 2 };
            let mut header = announcing(fin, opcode, len);
            if let Ok(len @ 126..) = u16::try_from(len) {
                header.splice(1..10, [0xFE, (len >> 8) as u8, len as u8]);
            } else if let Ok(len) = u8::try_from(len) {
                header.splice(1..10, [0x80 | len]);
            }
            feed(&mut conn, &mut header);
            announced = Some((fin, len));
        }
        feed(&mut conn, &mut vec![0; count]);
        assert_eq!(meter.live(), *held as i64, "{arrival:?} of {arrivals:?}");
    }
}

/// Feeds the frames in reads of `size`, and holds the live memory against what has arrived, at every read.
fn grows_in_step(frames: &[Vec<u8>], size: usize, len: usize) {
    let mut conn = server(&unlimited());
    let mut bytes = frames.concat();
    let meter = Meter::start();
    let mut arrived = 0;
    let mut delivered = 0;
    for chunk in bytes.chunks_mut(size) {
        arrived += chunk.len() as i64;
        let mut input = Input::new(chunk);
        while let Some(event) = conn.poll(&mut input, ZERO) {
            delivered += match event {
                Event::Binary(payload) => payload.len(),
                Event::Text(text) => text.len(),
                other => panic!("not sent: {other:?}"),
            };
        }
        assert!(meter.peak() <= 2 * arrived + RESERVE, "{} for {arrived}", meter.peak());
    }
    assert_eq!(delivered, len);
    assert!(meter.peak() <= 2 * len as i64 + RESERVE, "{} for {len}", meter.peak());
    assert_eq!(meter.live(), 0);
}

#[test]
fn large_message_takes_at_most_twice_what_has_arrived_and_64_kib() {
    let len = 3 << 20;
    let payload = vec![b'p'; len];
    for opcode in [1, 2] {
        for size in [1500, 16 << 10, 1 << 20] {
            grows_in_step(&[encoded(true, opcode, KEY, &payload)], size, len);
        }
    }
    let fragments = |size: usize| {
        let last = len.div_ceil(size) - 1;
        let frames = payload.chunks(size).enumerate();
        let frames =
            frames.map(|(at, part)| encoded(at == last, if at == 0 { 2 } else { 0 }, KEY, part));
        frames.collect::<Vec<_>>()
    };
    for size in [100_000, 1 << 20, len - 1] {
        grows_in_step(&fragments(size), 16 << 10, len);
    }
    grows_in_step(&fragments(1000), 777, len);
}

#[test]
fn message_read_into_its_own_buffer_takes_at_most_twice_what_has_arrived_and_64_kib() {
    let len = 5 << 20;
    let payload: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
    let bytes = encoded(true, 2, KEY, &payload);
    let mut conn = server(&unlimited());
    let meter = Meter::start();
    feed(&mut conn, &mut bytes[..20].to_vec());
    let mut at = 20;
    let mut turns = 0;
    while let Some(mut taken) = conn.take_buffer() {
        assert!(taken.is_empty() && taken.capacity() > 0);
        let place = taken.as_ptr();
        let count = taken.capacity().min(60_000).min(bytes.len() - 20 - at);
        taken.extend_from_slice(&bytes[at..at + count]);
        assert_eq!(place, taken.as_ptr(), "there is capacity for the room");
        at += count;
        conn.put_buffer(taken).expect("as it was taken");
        assert!(conn.poll(&mut Input::none(), ZERO).is_none(), "the last bytes are missing");
        assert!(meter.peak() <= 2 * at as i64 + RESERVE + SPLIT, "{} for {at}", meter.peak());
        turns += 1;
    }
    assert!(turns < 120, "{turns} turns");
    let mut rest = bytes[at..].to_vec();
    let mut input = Input::new(&mut rest);
    match conn.poll(&mut input, ZERO) {
        Some(Event::Binary(message)) => {
            assert!(message == payload);
            let meter = Meter::start();
            let owned = message.into_vec();
            assert_eq!(meter.calls(), 0, "a message assembled inside is handed over as it is");
            assert_eq!(owned.len(), len);
        }
        other => panic!("the message is complete: {other:?}"),
    }
}

#[test]
fn message_read_to_its_end_into_its_own_buffer_comes_with_the_next_poll() {
    let bytes = encoded(true, 2, KEY, &[9; 40_000]);
    let mut conn = server(&unlimited());
    feed(&mut conn, &mut bytes[..9000].to_vec());
    let mut taken = conn.take_buffer().expect("much is missing");
    assert_eq!(taken.capacity(), bytes.len() - 9000);
    taken.extend_from_slice(&bytes[9000..]);
    conn.put_buffer(taken).expect("as it was taken");
    match conn.poll(&mut Input::none(), ZERO) {
        Some(Event::Binary(message)) => assert!(message == [9; 40_000]),
        other => panic!("the message is complete: {other:?}"),
    }
}

#[test]
fn messages_that_straddle_reads_are_assembled_in_a_lent_buffer_without_allocating() {
    let mut bytes = Vec::new();
    for size in SIZES {
        bytes.extend(encoded(true, 2, KEY, &vec![0xA5; size]));
        bytes.extend(encoded(true, 1, KEY, "ü".repeat(size / 2).as_bytes()));
        bytes.extend(encoded(false, 1, KEY, &vec![b'a'; size]));
        bytes.extend(encoded(true, 0, KEY, &vec![b'b'; size]));
    }
    for read in [1, 7, 1000, 16 << 10] {
        let mut conn = server(&unlimited());
        let mut bytes = bytes.clone();
        let mut spare = Vec::with_capacity(140_000);
        let meter = Meter::start();
        let mut messages = 0;
        for piece in bytes.chunks_mut(read) {
            let _ = conn.lend(Loan::Message, spare);
            let mut input = Input::new(piece);
            while let Some(event) = conn.poll(&mut input, ZERO) {
                messages += 1;
                let (memory, borrowed) = match event {
                    Event::Binary(payload) if payload.is_borrowed() => (Vec::new(), true),
                    Event::Text(text) if text.is_borrowed() => (Vec::new(), true),
                    Event::Binary(payload) => (payload.into_vec(), false),
                    Event::Text(text) => (text.into_string().into_bytes(), false),
                    other => panic!("not sent: {other:?}"),
                };
                if !borrowed {
                    conn.lend(Loan::Message, memory).expect("it has gone out with the message");
                }
            }
            spare = conn.reclaim(Loan::Message).unwrap_or_default();
        }
        assert_eq!((messages, meter.calls()), (3 * SIZES.len(), 0), "reads of {read}");
    }
}

// Floods.

#[test]
fn million_fragments_of_one_byte_stay_within_twice_the_payload_and_64_kib() {
    let count = flood(1_000_000);
    let limit = Limits::default().with_message(count as u64);
    let mut conn = server(&Arc::new(Config::default().with_limits(limit)));
    let next = encoded(false, 0, KEY, b"x");
    let meter = Meter::start();
    feed(&mut conn, &mut encoded(false, 1, KEY, b"x"));
    let mut read = vec![0; next.len()];
    for arrived in 2..=count as i64 {
        read.copy_from_slice(&next);
        feed(&mut conn, &mut read);
        assert!(meter.peak() <= 2 * arrived + RESERVE);
    }
    drop(read);
    let peak = meter.peak();
    assert!(peak <= 2 * count as i64 + RESERVE, "{peak}");
}

#[test]
fn million_empty_fragments_take_no_memory() {
    let mut conn = server(&unlimited());
    feed(&mut conn, &mut encoded(false, 2, KEY, b"four"));
    let next = encoded(false, 0, KEY, b"");
    let mut read = next.repeat(100);
    let fresh = read.clone();
    let rounds = flood(1_000_000) / 100;
    let meter = Meter::start();
    for _ in 0..rounds {
        read.copy_from_slice(&fresh);
        feed(&mut conn, &mut read);
    }
    assert_eq!((meter.calls(), meter.peak()), (0, 0));
}

#[test]
fn ten_million_pings_with_unread_pongs_take_constant_memory_and_the_last_is_answered() {
    let mut conn = server(&Arc::new(Config::default()));
    let mut read = Vec::new();
    for _ in 0..100 {
        read.extend(encoded(true, 9, KEY, &[0; 100]));
    }
    let (one, fresh) = (read.len() / 100, read.clone());
    let meter = Meter::start();
    let mut early = 0;
    let mut last = [0; 100];
    let rounds = flood(10_000_000) as u64 / 100;
    for round in 0..rounds {
        read.copy_from_slice(&fresh);
        for (index, frame) in read.chunks_mut(one).enumerate() {
            last[..8].copy_from_slice(&(100 * round + index as u64).to_be_bytes());
            for (place, byte) in frame[6..14].iter_mut().zip(&last) {
                *place ^= byte;
            }
        }
        feed(&mut conn, &mut read);
        if round == 10 {
            early = meter.peak();
        }
    }
    assert_eq!(meter.peak(), early, "memory grows with the flood");
    assert!(early <= 8 << 10, "{early}");
    assert!(conn.queued() <= 2048, "{}", conn.queued());

    // Reading resumes, a little at a time: the first pongs come in order, the latest one last.
    let mut pongs = Vec::new();
    while !conn.output().is_empty() {
        pongs.push(conn.output()[0]);
        conn.wrote(1);
    }
    let pongs: Vec<_> = pongs.chunks(102).map(|pong| pong[2..].to_vec()).collect();
    let numbers: Vec<_> =
        pongs.iter().map(|pong| u64::from_be_bytes(pong[..8].try_into().expect("eight"))).collect();
    assert!(numbers.len() >= 19, "{numbers:?}");
    let (latest, first) = numbers.split_last().expect("some");
    assert_eq!(*latest, 100 * rounds - 1);
    assert!(first.iter().copied().eq(0..first.len() as u64), "{numbers:?}");

    // And once there is room again, every ping gets its pong.
    feed(&mut conn, &mut encoded(true, 9, KEY, b"again"));
    assert_eq!(conn.output(), encoded(true, 10, None, b"again"));
}

#[test]
fn ten_pings_in_one_read_get_ten_pongs_in_order() {
    let mut conn = server(&Arc::new(Config::default()));
    let pings = (0..10u8).flat_map(|at| encoded(true, 9, KEY, &[at; 125]));
    let pongs = (0..10u8).flat_map(|at| encoded(true, 10, None, &[at; 125]));
    feed(&mut conn, &mut pings.collect::<Vec<_>>());
    assert!(conn.output().iter().copied().eq(pongs));
}

#[test]
fn queue_that_is_never_quite_empty_stays_small() {
    let mut conn = server(&Arc::new(Config::default()));
    conn.send_binary(&[0; 100]).expect("room");
    let meter = Meter::start();
    for _ in 0..flood(200_000) {
        conn.send_binary(&[0; 100]).expect("room");
        conn.wrote(102);
    }
    assert!(meter.peak() <= 1024, "{}", meter.peak());
}

// The end.

/// What may be left of a connection that has ended: no message, no output, only when and how it ended.
const REMAINS: i64 = 256;

#[test]
fn memory_is_freed_when_the_connection_fails_or_closes() {
    let ends = [
        ("a reserved opcode", encoded(true, 3, KEY, b""), Some(Violation::ReservedOpcode)),
        ("wrong text", encoded(true, 0, KEY, b"\xFF"), Some(Violation::InvalidText)),
        ("a wrong close code", encoded(true, 8, KEY, &[0, 0]), Some(Violation::ForbiddenCloseCode)),
        ("a Close frame", encoded(true, 8, KEY, &1000u16.to_be_bytes()), None),
    ];
    for (name, end, violation) in ends {
        let mut conn = server(&unlimited());
        let meter = Meter::start();
        feed(&mut conn, &mut encoded(false, 1, KEY, &[b'x'; 100_000]));
        let pings = encoded(true, 9, KEY, &[5; 125]).repeat(40);
        feed(&mut conn, &mut { pings });
        conn.ping(b"own", ZERO).expect("room");
        assert!(meter.live() > 100_000);
        feed(&mut conn, &mut { end });
        drain(&mut conn);
        let failed =
            violation.map(|violation| sockless::connection::Cause::Failed(violation.into()));
        assert_eq!(
            conn.outcome().cause,
            failed.unwrap_or(sockless::connection::Cause::Closed),
            "{name}"
        );
        assert!(meter.live() <= REMAINS, "{} bytes are left after {name}", meter.live());
    }
}

#[test]
fn memory_is_freed_when_the_stream_ends_inside_a_control_frame() {
    let mut conn = server(&unlimited());
    let meter = Meter::start();
    feed(&mut conn, &mut encoded(false, 1, KEY, &[b'x'; 100_000]));
    feed(&mut conn, &mut encoded(true, 9, KEY, &[5; 125])[..80].to_vec());
    let ended = conn.poll(&mut Input::eof(), ZERO);
    assert!(matches!(ended, Some(Event::Failed(Failure::EndOfStream))));
    drop(ended);
    assert!(meter.live() <= REMAINS, "{} bytes are left", meter.live());
    assert!(conn.close(CloseCode::NORMAL, "", ZERO).is_err());
}

#[test]
fn memory_of_what_is_kept_is_freed_when_the_connection_stalls() {
    let config = unlimited();
    let (mut receiver, _sender) = server(&config).split();
    let meter = Meter::start();
    receiver.hold(true);
    let mut messages = encoded(true, 2, KEY, &[b'x'; 1000]).repeat(100);
    assert!(receiver.poll(&mut Input::new(&mut messages), ZERO).is_none());
    assert!(meter.live() > 100_000 + messages.len() as i64 / 2);
    drop(messages);
    receiver.note(Notice::Stalled, ZERO);
    assert!(meter.live() <= REMAINS, "{} bytes are left", meter.live());
}
