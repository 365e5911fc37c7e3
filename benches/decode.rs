//! Decoding masked binary messages in memory: the time of one message.
//!
//! Beside the practical limit is `memcpy`: the same reads of the same input, and nothing done with them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sockless::{Config, Connection, Event, Input};

mod minimum;

/// Payload sizes.
const SIZES: [usize; 6] = [16, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];
/// A stream is at least this long: longer than the second cache, as input is that another core or a device has written. From
/// the second cache `memcpy` alone would be faster still.
const STREAM: usize = 4 << 20;

/// Masked frames with payloads of one size, and their number.
fn stream(size: usize) -> (Vec<u8>, u64) {
    let payload: Vec<u8> = (0..size).map(|i| i as u8).collect();
    let (mut stream, mut frames) = (Vec::new(), 0);
    while stream.len() < STREAM {
        let key = [0x37, 0xFA, 0x21, frames as u8];
        minimum::encode_client(Default::default(), key, &payload, &mut stream);
        frames += 1;
    }
    (stream, frames)
}

/// That a limit which others are measured by does the work.
fn assert_decodes(stream: &[u8], size: usize, frames: u64) {
    let payload: Vec<u8> = (0..size).map(|i| i as u8).collect();
    let (mut decoder, mut in_place) = (minimum::Decoder::new(), minimum::Decoder::new());
    for read_len in [minimum::READ, 7, 1] {
        let (mut count, mut count_in_place) = (0, 0);
        for read in stream.chunks(read_len) {
            decoder.feed(read, |got| {
                assert!(got == payload);
                count += 1;
            });
            in_place.feed_in_place(read, |got| {
                assert!(got == payload);
                count_in_place += 1;
            });
        }
        assert_eq!((count, count_in_place), (frames, frames));
    }
}

/// The time of `iters` messages, where one call of `work` does `frames` of them.
fn time(iters: u64, frames: u64, mut work: impl FnMut()) -> Duration {
    let rounds = iters.div_ceil(frames);
    let start = Instant::now();
    for _ in 0..rounds {
        work();
    }
    start.elapsed().mul_f64(iters as f64 / (rounds * frames) as f64)
}

fn decode(c: &mut Criterion) {
    for size in SIZES {
        let (stream, frames) = stream(size);
        assert_decodes(&stream, size, frames);
        let mut group = c.benchmark_group(format!("decode/{size}"));
        group.throughput(Throughput::Bytes(size as u64));

        group.bench_function("memcpy", |b| {
            let mut buffer = vec![0; minimum::READ];
            b.iter_custom(|iters| {
                time(iters, frames, || {
                    for read in stream.chunks(minimum::READ) {
                        buffer[..read.len()].copy_from_slice(black_box(read));
                        black_box(&mut buffer);
                    }
                })
            });
        });

        group.bench_function("minimum", |b| {
            let mut decoder = minimum::Decoder::new();
            b.iter_custom(|iters| {
                time(iters, frames, || {
                    for read in stream.chunks(minimum::READ) {
                        decoder.feed(black_box(read), |payload| {
                            black_box(payload);
                        });
                    }
                })
            });
        });

        group.bench_function("minimum in place", |b| {
            let mut decoder = minimum::Decoder::new();
            b.iter_custom(|iters| {
                time(iters, frames, || {
                    for read in stream.chunks(minimum::READ) {
                        decoder.feed_in_place(black_box(read), |payload| {
                            black_box(payload);
                        });
                    }
                })
            });
        });
        group.bench_function("connection", |b| {
            let mut connection = Connection::server(Config::default());
            let mut buffer = vec![0; minimum::READ];
            b.iter_custom(|iters| {
                time(iters, frames, || {
                    for read in stream.chunks(minimum::READ) {
                        let read = black_box(read);
                        let buffer = &mut buffer[..read.len()];
                        buffer.copy_from_slice(read);
                        let mut input = Input::new(buffer);
                        while let Some(event) = connection.poll(&mut input, Duration::ZERO) {
                            if let Event::Binary(payload) = event {
                                black_box(&*payload);
                            }
                        }
                    }
                })
            });
        });

        group.bench_function("connection, copied", |b| {
            let mut connection = Connection::server(Config::default());
            let mut buffer = vec![0; minimum::READ];
            b.iter_custom(|iters| {
                time(iters, frames, || {
                    for read in stream.chunks(minimum::READ) {
                        let mut input = Input::copied(black_box(read), &mut buffer);
                        while let Some(event) = connection.poll(&mut input, Duration::ZERO) {
                            if let Event::Binary(payload) = event {
                                black_box(&*payload);
                            }
                        }
                    }
                })
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = decode
}
criterion_main!(benches);
