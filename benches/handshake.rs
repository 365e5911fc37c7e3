//! The server's handshake beside the bare cost of what it is built on: `httparse`, SHA-1 and base64 over the same request.

#![allow(missing_docs, reason = "criterion's macros make functions without documentation")]

#[path = "../tests/heads/mod.rs"]
mod heads;

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::time::Duration;

use base64::Engine as _;
use criterion::{Criterion, criterion_group, criterion_main};
use sha1::{Digest as _, Sha1};
use sockless::Input;
use sockless::handshake::{
    Acceptance, Acceptor, Answered, Asked, Connector, HeadLimits, Offer, Url,
};

/// Parses the head, hashes a key, encodes the hash.
fn bare(head: &[u8]) -> [u8; 28] {
    let mut fields = [const { MaybeUninit::uninit() }; 32];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(head, &mut fields);
    assert!(parsed.is_ok_and(|status| status.is_complete()));
    black_box(&request);
    let hash = Sha1::new()
        .chain_update(heads::KEY.as_bytes())
        .chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        .finalize();
    let mut accept = [0; 28];
    let _ = base64::engine::general_purpose::STANDARD.encode_slice(hash, &mut accept);
    accept
}

fn server(
    head: &mut [u8],
    limits: &HeadLimits,
    acceptance: &Acceptance<'_>,
    out: &mut [u8],
) -> usize {
    let mut acceptor = Acceptor::new(limits, Duration::ZERO);
    match acceptor.poll(&mut Input::new(head), Duration::ZERO) {
        Some(Asked::WebSocket(request)) => {
            request.accept(acceptance).and_then(|switching| switching.encode(out)).unwrap_or(0)
        }
        _ => 0,
    }
}

fn handshake(c: &mut Criterion) {
    let limits = HeadLimits::default();
    for (program, head) in [("chromium", heads::CHROMIUM), ("curl", heads::CURL)] {
        let mut head = head.as_bytes().to_vec();
        let head = &mut head[..];
        let mut group = c.benchmark_group(format!("handshake/{program}"));
        group.bench_function("bare", |b| b.iter(|| bare(black_box(&*head))));
        group.bench_function("server", |b| {
            let mut out = [0; 512];
            b.iter(|| server(black_box(head), &limits, &Acceptance::new(), &mut out));
        });
        group.bench_function("server, allocating", |b| {
            b.iter(|| {
                let mut acceptor = Acceptor::new(&limits, Duration::ZERO);
                match acceptor.poll(&mut Input::new(black_box(head)), Duration::ZERO) {
                    Some(Asked::WebSocket(request)) => {
                        request.accept(&Acceptance::new()).ok().map(|switching| switching.to_vec())
                    }
                    _ => None,
                }
            });
        });
        group.bench_function("server, byte by byte", |b| {
            b.iter(|| {
                let mut acceptor = Acceptor::new(&limits, Duration::ZERO);
                let asked = head
                    .chunks_mut(1)
                    .find_map(|byte| acceptor.poll(&mut Input::new(byte), Duration::ZERO));
                matches!(asked, Some(Asked::WebSocket(_)))
            });
        });
        group.finish();
    }
    let mut answer = heads::RESPONSES[0].1.as_bytes().to_vec();
    c.bench_function("handshake/client", |b| {
        let mut out = [0; 512];
        b.iter(|| {
            let offer = Offer::new(Url::parse(black_box("ws://example.com/chat")).expect("a URL"));
            let mut client = Connector::with_nonce(offer, heads::NONCE, &limits, Duration::ZERO)
                .expect("an offer");
            black_box(client.request().encode(&mut out)).expect("room");
            let mut input = Input::new(black_box(&mut answer));
            matches!(client.poll(&mut input, Duration::ZERO), Some(Answered::Open { .. }))
        });
    });
}

criterion_group!(benches, handshake);
criterion_main!(benches);
