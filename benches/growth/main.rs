//! How cost grows: with connections, with the size of a message, with its fragments. One line for each figure, `table`, `x`,
//! `series` and `value` with tabs between; `report.py` makes tables and a chart of them.
//!
//! Each figure is the least of several rounds, in which the series of a table take turns.

#![allow(clippy::print_stdout, reason = "a program whose output is its result")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use allocations::{Counting, Meter};
use sockless::connection::{Loan, Side};
use sockless::{Client, Config, Connection, Event, Input, Prepared, Server};

#[path = "../../tests/allocations/mod.rs"]
mod allocations;
#[path = "../minimum/mod.rs"]
mod minimum;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROUNDS: usize = 9;
const START: Duration = Duration::ZERO;

fn main() {
    connections();
    sizes();
    fragments();
}

fn tell(table: &str, x: usize, series: &str, value: f64) {
    println!("{table}\t{x}\t{series}\t{value:.2}");
}

/// The least time of several rounds of each work, in nanoseconds, by turns.
fn race(works: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut best = vec![f64::MAX; works.len()];
    for _ in 0..ROUNDS {
        for (best, work) in best.iter_mut().zip(works.iter_mut()) {
            let start = Instant::now();
            work();
            *best = best.min(start.elapsed().as_nanos() as f64);
        }
    }
    best
}

/// A client's frames, so many.
fn frames(count: usize, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for n in 0..count {
        minimum::encode_client(
            Default::default(),
            [0x37, 0xFA, 0x21, n as u8],
            payload,
            &mut bytes,
        );
    }
    bytes
}

fn poll<R: Side>(connection: &mut Connection<R>, mut input: Input<'_>, echo: bool) {
    while let Some(event) = connection.poll(&mut input, START) {
        if let Event::Binary(payload) = event {
            if echo {
                let _ = connection.send_binary(&payload);
            }
            black_box(&*payload);
        }
    }
}

fn write<R: Side>(connection: &mut Connection<R>) {
    while !connection.output().is_empty() {
        let count = black_box(connection.output()).len();
        connection.wrote(count);
    }
}

/// One message of 16 bytes on each of so many connections, echoed; one prepared message to all of them.
fn connections() {
    for count in [1, 10, 100, 1000, 10_000] {
        let config = Arc::new(Config::default());
        let meter = Meter::start();
        let mut all: Vec<_> = (0..count).map(|_| Connection::server(config.clone())).collect();
        tell("connections", count, "bytes a connection", meter.live() as f64 / count as f64);
        let frame = frames(1, &[0x5A; 16]);
        let small = Prepared::binary(&[0x5A; 64]);
        let large = Prepared::binary(&[0x5A; 16 << 10]);
        let times = (100_000 / count).max(1);
        let mut buffer = [0; 64];
        let mut spare = Vec::with_capacity(64 << 10);
        // The connections are served from several works in turn.
        let all = std::cell::RefCell::new(&mut all);
        let mut echo = || {
            for _ in 0..times {
                for connection in all.borrow_mut().iter_mut() {
                    buffer[..frame.len()].copy_from_slice(&frame);
                    drop(connection.lend(Loan::Output, std::mem::take(&mut spare)));
                    poll(connection, Input::new(&mut buffer[..frame.len()]), true);
                    write(connection);
                    spare = connection.reclaim(Loan::Output).unwrap_or_default();
                }
            }
        };
        let broadcast = |message: &Prepared| {
            for _ in 0..times {
                for connection in all.borrow_mut().iter_mut() {
                    let _ = connection.send_prepared(message);
                    write(connection);
                }
            }
        };
        let (mut to_small, mut to_large) = (|| broadcast(&small), || broadcast(&large));
        let best = race(&mut [&mut echo, &mut to_small, &mut to_large]);
        let served = (times * count) as f64;
        for (series, best) in
            ["echo of 16 B", "broadcast of 64 B", "broadcast of 16 KiB"].iter().zip(best)
        {
            tell("connections", count, &format!("{series}, ns"), best / served);
        }
    }
}

/// Messages from 16 bytes to 16 MiB: nanoseconds a message.
fn sizes() {
    for size in (4..=24).step_by(2).map(|power| 1_usize << power) {
        let payload = vec![0x5A; size];
        let count = ((4 << 20) / size).max(1);
        let (stream, text) = (frames(count, &payload), {
            let mut bytes = frames(count, &payload);
            let frame = bytes.len() / count;
            bytes.chunks_mut(frame).for_each(|frame| frame[0] = 0x81);
            bytes
        });
        let mut buffer = vec![0; minimum::READ];
        let mut place = vec![0; minimum::READ];
        let mut servers: Vec<_> = (0..3).map(|_| Connection::server(Config::default())).collect();
        let [in_place, copied, ascii] = &mut servers[..] else { return };
        let mut decode = || {
            for read in stream.chunks(minimum::READ) {
                buffer[..read.len()].copy_from_slice(read);
                poll(in_place, Input::new(&mut buffer[..read.len()]), false);
            }
        };
        let mut decode_copied = || {
            for read in stream.chunks(minimum::READ) {
                poll(copied, Input::copied(read, &mut place), false);
            }
        };
        let mut text_place = vec![0; minimum::READ];
        let mut decode_text = || {
            for read in text.chunks(minimum::READ) {
                poll(ascii, Input::copied(read, &mut text_place), false);
            }
        };
        let mut server = Connection::<Server>::server(Config::default());
        let mut client = Connection::<Client>::client(Config::default());
        let (mut send_server, mut send_client) =
            (|| send(&mut server, &payload, count), || send(&mut client, &payload, count));
        let best = race(&mut [
            &mut decode,
            &mut decode_copied,
            &mut decode_text,
            &mut send_server,
            &mut send_client,
        ]);
        let series = [
            "decode in place",
            "decode copied",
            "decode ASCII text, copied",
            "encode, server",
            "encode, client",
        ];
        for (series, best) in series.iter().zip(best) {
            tell("sizes", size, &format!("{series}, ns"), best / count as f64);
        }
    }
}

fn send<R: Side>(connection: &mut Connection<R>, payload: &[u8], count: usize) {
    drop(connection.lend(Loan::Output, Vec::with_capacity(payload.len() + (32 << 10))));
    for _ in 0..count {
        let _ = connection.send_binary(black_box(payload));
        if connection.queued() >= 16 << 10 {
            write(connection);
        }
    }
    write(connection);
    drop(connection.reclaim(Loan::Output));
}

/// A message of 1 MiB in one fragment to a million: nanoseconds a fragment, and the most memory that it takes.
fn fragments() {
    const MESSAGE: usize = 1 << 20;
    for count in [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] {
        let mut stream = frames(count, &vec![0x5A; MESSAGE / count]);
        let frame = stream.len() / count;
        for (n, frame) in stream.chunks_mut(frame).enumerate() {
            frame[0] = if n == 0 { 0x02 } else { 0 } | if n + 1 == count { 0x80 } else { 0 };
        }
        let mut server = Connection::server(Config::default());
        let mut buffer = vec![0; minimum::READ];
        let meter = Meter::start();
        let mut decode = || {
            for read in stream.chunks(minimum::READ) {
                buffer[..read.len()].copy_from_slice(read);
                poll(&mut server, Input::new(&mut buffer[..read.len()]), false);
            }
        };
        let best = race(&mut [&mut decode])[0];
        tell("fragments", count, "ns a fragment", best / count as f64);
        tell("fragments", count, "ns a message", best);
        tell("fragments", count, "peak bytes", meter.peak() as f64);
    }
}
