//! Encoding binary messages in memory: the time of one message.
//!
//! Beside the practical limit is `memcpy`: the payload appended to the same output, without a header. The output is
//! drained, and its memory used again, whenever it is longer than 16 KiB.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sockless::connection::{Entropy, Loan, Side};
use sockless::words::simd::Level;
use sockless::{Config, Connection};

mod minimum;

/// Payload sizes.
const SIZES: [usize; 6] = [16, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];
/// The output is drained beyond this.
const BATCH: usize = 16 << 10;

fn drain(out: &mut Vec<u8>) {
    if out.len() >= BATCH {
        black_box(&mut *out);
        out.clear();
    }
}

fn write<R: Side>(connection: &mut Connection<R>) {
    if connection.queued() >= BATCH {
        let output = black_box(connection.output());
        let count = output.len();
        connection.wrote(count);
    }
}

/// Keys that differ and cost nothing: a key's making is no part of this.
struct Counting(u32);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 = self.0.wrapping_add(0x9E37_79B9);
        bytes.copy_from_slice(&self.0.to_ne_bytes()[..bytes.len()]);
    }

    fn key(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_add(0x9E37_79B9);
        self.0.to_ne_bytes()
    }
}

fn encode(c: &mut Criterion) {
    for size in SIZES {
        let payload: Vec<u8> = (0..size).map(|i| i as u8).collect();
        let mut group = c.benchmark_group(format!("encode/{size}"));
        group.throughput(Throughput::Bytes(size as u64));

        group.bench_function("memcpy", |b| {
            let mut out = Vec::with_capacity(BATCH + size + 16);
            b.iter(|| {
                out.extend_from_slice(black_box(&payload));
                drain(&mut out);
            });
        });

        group.bench_function("minimum server", |b| {
            let mut out = Vec::with_capacity(BATCH + size + 16);
            b.iter(|| {
                minimum::encode_server(black_box(&payload), &mut out);
                drain(&mut out);
            });
        });

        group.bench_function("minimum client", |b| {
            let level = Level::detect();
            let mut out = Vec::with_capacity(BATCH + size + 16);
            let mut key = 0x3D21_FA37_u32;
            b.iter(|| {
                // A key's making is no part of this, but it has to be another one each time.
                key = key.wrapping_add(0x9E37_79B9);
                minimum::encode_client(level, key.to_ne_bytes(), black_box(&payload), &mut out);
                drain(&mut out);
            });
        });
        group.bench_function("connection server", |b| {
            let mut connection = Connection::server(Config::default());
            let _ = connection.lend(Loan::Output, Vec::with_capacity(BATCH + size + 16));
            b.iter(|| {
                let _ = connection.send_binary(black_box(&payload));
                write(&mut connection);
            });
        });

        group.bench_function("connection client", |b| {
            let mut connection = Connection::client_with(Config::default(), Counting(0x3D21_FA37));
            let _ = connection.lend(Loan::Output, Vec::with_capacity(BATCH + size + 16));
            b.iter(|| {
                let _ = connection.send_binary(black_box(&payload));
                write(&mut connection);
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
    targets = encode
}
criterion_main!(benches);
