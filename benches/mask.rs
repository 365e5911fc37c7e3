//! The masking kernels at every level that this CPU has, beside `memcpy`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sockless::words::mask::Mask;
use sockless::words::simd::Level;

const SIZES: [usize; 7] = [16, 64, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];
/// Where a payload begins in its buffer: behind the header of a small frame, which aligns nothing.
const START: usize = 6;

fn mask(c: &mut Criterion) {
    let mask = Mask::new([0x37, 0xFA, 0x21, 0x3D]);
    for size in SIZES {
        let mut group = c.benchmark_group(format!("mask/{size}"));
        group.throughput(Throughput::Bytes(size as u64));
        let from = vec![0x55; START + size];
        let mut to = vec![0; START + size];

        group.bench_function("memcpy", |b| {
            b.iter(|| black_box(&mut to[START..]).copy_from_slice(black_box(&from[START..])));
        });
        for level in Level::available() {
            let name = |what| BenchmarkId::new(what, format!("{:?}", level.instructions()));
            group.bench_function(name("apply"), |b| {
                b.iter(|| mask.apply(level, black_box(&mut to[START..])));
            });
            group.bench_function(name("apply_and_check_ascii"), |b| {
                b.iter(|| mask.apply_and_check_ascii(level, black_box(&mut to[START..])));
            });
            group.bench_function(name("copy"), |b| {
                b.iter(|| mask.copy(level, black_box(&from[START..]), black_box(&mut to[START..])));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = mask
}
criterion_main!(benches);
