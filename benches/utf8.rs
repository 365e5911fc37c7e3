//! Text: validated alone, and unmasked and validated, beside binary that is unmasked only.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sockless::words::mask::Mask;
use sockless::words::simd::Level;
use sockless::words::text;
use sockless::words::utf8::Utf8;

const SIZES: [usize; 7] = [16, 64, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];
const SAMPLES: [(&str, &str); 3] = [
    ("ascii", "Plain words, and nothing else. "),
    ("latin", "Gr\u{f6}\u{df}e, \u{e9}t\u{e9}, na\u{ef}ve fa\u{e7}ade. "),
    (
        "cjk",
        "\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c}: hello \u{4eca}\u{5929}\u{5929}\u{6c14}\u{4e0d}\u{9519}\u{3002}",
    ),
];

/// As many whole code points as fit.
fn fill(sample: &str, size: usize) -> Vec<u8> {
    let mut text = String::new();
    for code_point in sample.chars().cycle() {
        if text.len() + code_point.len_utf8() > size {
            break;
        }
        text.push(code_point);
    }
    text.into_bytes()
}

fn utf8(c: &mut Criterion) {
    let level = Level::detect();
    // A key of zeros leaves the text a text from one time to the next; the kernel doesn't know.
    let mask = black_box(Mask::new([0; 4]));
    for (name, sample) in SAMPLES {
        for size in SIZES {
            let mut text = fill(sample, size);
            let mut group = c.benchmark_group(format!("utf8/{name}/{size}"));
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function("binary", |b| {
                b.iter(|| mask.apply(level, black_box(&mut text)));
            });
            #[cfg(feature = "simdutf8")]
            group.bench_function("simdutf8", |b| {
                b.iter(|| simdutf8::basic::from_utf8(black_box(&text)).is_ok());
            });
            group.bench_function("std", |b| {
                b.iter(|| std::str::from_utf8(black_box(&text)).is_ok());
            });
            group.bench_function("push", |b| {
                b.iter(|| Utf8::new().push(black_box(&text)));
            });
            group.bench_function("unmask", |b| {
                b.iter(|| text::unmask(mask, level, black_box(&mut text), &mut Utf8::new()));
            });
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = utf8
}
criterion_main!(benches);
