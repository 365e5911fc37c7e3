//! Echo of 1 KiB JSON messages over permessage-deflate at level 6, beside the bare library doing the same work: at most 1.15 times
//! its time.

#[path = "../tests/wire/frames.rs"]
mod frames;
mod json;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sockless::extension::Agreed;
use sockless::extension::deflate::{self, Parameters};
use sockless::{Config, Connection, Event, Input, Server};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// What a client sends: each message compressed by itself, so that the series can start again.
fn compressed(messages: &[String]) -> Vec<Vec<u8>> {
    let mut deflate = Deflate::new(6, false, 15);
    let payloads = messages.iter().map(|message| {
        deflate.reset();
        let mut payload = vec![0; 4096];
        deflate.compress(message.as_bytes(), &mut payload, DeflateFlush::SyncFlush).expect("room");
        payload.truncate(deflate.total_out() as usize - TAIL.len());
        payload
    });
    payloads.collect()
}

/// The first byte of a compressed text message in one frame.
const FIRST: u8 = frames::FIN | frames::RSV1 | frames::TEXT;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The bare library, with buffers that are made once.
struct Bare {
    inflate: Inflate,
    deflate: Deflate,
    text: Vec<u8>,
    out: Vec<u8>,
    takeover: bool,
}

impl Bare {
    fn new(takeover: bool) -> Self {
        let (inflate, deflate) = (Inflate::new(false, 15), Deflate::new(6, false, 15));
        Self { inflate, deflate, text: vec![0; 4096], out: vec![0; 4096], takeover }
    }

    fn echo(&mut self, payload: &[u8]) -> usize {
        if !self.takeover {
            self.inflate.reset(false);
        }
        // A full flush forgets as well, and costs less than a reset.
        let flush = if self.takeover { DeflateFlush::SyncFlush } else { DeflateFlush::FullFlush };
        let (start, from) = (self.inflate.total_out(), self.deflate.total_out());
        self.inflate.decompress(payload, &mut self.text, InflateFlush::NoFlush).expect("intact");
        let length = (self.inflate.total_out() - start) as usize;
        let (text, rest) = self.text.split_at_mut(length);
        self.inflate.decompress(&TAIL, rest, InflateFlush::NoFlush).expect("intact");
        self.deflate.compress(text, &mut self.out, flush).expect("room");
        black_box(&self.out[..(self.deflate.total_out() - from) as usize]).len()
    }
}

/// A server's connection, and a buffer that is read into.
struct Whole {
    conn: Connection<Server>,
    buffer: Vec<u8>,
}

impl Whole {
    fn new(takeover: bool) -> Self {
        let mut agreed = Agreed::default();
        agreed.deflate = Some(Parameters {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: !takeover,
            ..Parameters::default()
        });
        let config = Config::default().with_deflate(deflate::Compression::default());
        Self { conn: Connection::server(config).with_extensions(agreed), buffer: vec![0; 4096] }
    }

    fn echo(&mut self, frame: &[u8]) -> usize {
        let read = &mut self.buffer[..frame.len()];
        read.copy_from_slice(frame);
        let mut input = Input::new(read);
        while let Some(event) = self.conn.poll(&mut input, Duration::ZERO) {
            match event {
                Event::Text(text) => self.conn.send_text(&text).expect("room"),
                other => panic!("{other:?}"),
            }
        }
        let length = black_box(self.conn.output()).len();
        self.conn.wrote(length);
        length
    }
}

fn time(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The two by turns, a few messages each: what else the machine does falls on both.
#[allow(clippy::print_stdout, reason = "it is what this is for")]
fn ratio(payloads: &[Vec<u8>], frames: &[Vec<u8>], takeover: bool) {
    let (mut bare, mut whole) = (Bare::new(takeover), Whole::new(takeover));
    let mut ratios = Vec::new();
    for turn in 0..2000 {
        let some = turn * 16 % payloads.len()..turn * 16 % payloads.len() + 16;
        let mut bare = || {
            time(|| {
                payloads[some.clone()].iter().for_each(|payload| {
                    black_box(bare.echo(payload));
                });
            })
        };
        let mut whole = || {
            time(|| {
                frames[some.clone()].iter().for_each(|frame| {
                    black_box(whole.echo(frame));
                })
            })
        };
        // Which comes first makes no difference then either.
        ratios.push(match turn % 2 {
            0 => (1.0 / bare()) * whole(),
            _ => whole() / bare(),
        });
    }
    ratios.sort_by(f64::total_cmp);
    println!("sockless / bare zlib-rs, takeover {takeover}: {:.3}", ratios[ratios.len() / 2]);
}

fn echo(c: &mut Criterion) {
    let messages: Vec<String> = (1..=64).map(json::message).collect();
    let payloads = compressed(&messages);
    assert!(payloads.iter().all(|payload| payload.len() > 125));
    let frames: Vec<_> =
        payloads.iter().map(|payload| frames::frame(FIRST, Some(KEY), payload)).collect();
    for takeover in [true, false] {
        ratio(&payloads, &frames, takeover);
    }

    let mut group = c.benchmark_group("deflate echo, 1 KiB JSON, level 6");
    group.throughput(Throughput::Elements(1));
    for takeover in [true, false] {
        let name = if takeover { "takeover" } else { "no takeover" };
        let (mut bare, mut turns) = (Bare::new(takeover), payloads.iter().cycle());
        group.bench_function(format!("bare zlib-rs, {name}"), |b| {
            b.iter(|| bare.echo(black_box(turns.next().expect("endless"))));
        });
        let (mut whole, mut turns) = (Whole::new(takeover), frames.iter().cycle());
        group.bench_function(format!("sockless, {name}"), |b| {
            b.iter(|| whole.echo(black_box(turns.next().expect("endless"))));
        });
    }
    group.finish();
}

criterion_group!(benches, echo);
criterion_main!(benches);
