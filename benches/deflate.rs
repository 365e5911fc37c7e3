//! Echo of 1 KiB JSON messages over permessage-deflate at level 6, beside the bare library doing the same work: at most 1.15 times
//! its time (DESIGN, section 7; the aim is 1.05).

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sockless::extension::Agreed;
use sockless::extension::deflate::{self, Parameters};
use sockless::{Config, Connection, Event, Input};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// JSON of 1 KiB, different each time in about every tenth byte.
fn message(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 20
    };
    let mut text = String::from("[");
    while text.len() < 900 {
        let (id, price, count) = (random() % 1_000_000, random() % 100_000, random() % 100);
        let side = if random() % 2 == 0 { "buy" } else { "sell" };
        text += &format!(
            "{{\"id\":{id},\"symbol\":\"ABC-{count}\",\"price\":{}.{:02},\"side\":\"{side}\",\"open\":true}},",
            price / 100,
            price % 100
        );
    }
    text += &format!("{{\"pad\":\"{}\"}}]", "x".repeat(1024 - text.len() - 11));
    assert_eq!(text.len(), 1024);
    text
}

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

fn frame(payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![0xC1, 0x80 | 126];
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key));
    frame
}

fn echo(c: &mut Criterion) {
    let messages: Vec<String> = (1..=64).map(message).collect();
    let payloads = compressed(&messages);
    assert!(payloads.iter().all(|payload| payload.len() > 125));
    let frames: Vec<_> = payloads.iter().map(|payload| frame(payload)).collect();

    let mut group = c.benchmark_group("deflate echo, 1 KiB JSON, level 6");
    group.throughput(Throughput::Elements(1));
    for takeover in [true, false] {
        let name = if takeover { "takeover" } else { "no takeover" };

        let mut inflate = Inflate::new(false, 15);
        let mut deflate = Deflate::new(6, false, 15);
        let (mut text, mut out) = (vec![0; 4096], vec![0; 4096]);
        let mut turn = 0;
        group.bench_function(format!("bare zlib-rs, {name}"), |b| {
            b.iter(|| {
                let payload = black_box(&payloads[turn % payloads.len()]);
                turn += 1;
                if !takeover {
                    inflate.reset(false);
                    deflate.reset();
                }
                let (start, from) = (inflate.total_out(), deflate.total_out());
                inflate.decompress(payload, &mut text, InflateFlush::NoFlush).expect("intact");
                let length = (inflate.total_out() - start) as usize;
                inflate
                    .decompress(&TAIL, &mut text[length..], InflateFlush::NoFlush)
                    .expect("intact");
                deflate.compress(&text[..length], &mut out, DeflateFlush::SyncFlush).expect("room");
                black_box(&out[..(deflate.total_out() - from) as usize]).len()
            });
        });

        let mut agreed = Agreed::default();
        agreed.deflate = Some(Parameters {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: !takeover,
            ..Parameters::default()
        });
        let config = Config::default().with_deflate(deflate::Config::default());
        let mut conn = Connection::server(config).with_extensions(agreed);
        let mut buffer = vec![0; 4096];
        let mut turn = 0;
        group.bench_function(format!("sockless, {name}"), |b| {
            b.iter(|| {
                let frame = &frames[turn % frames.len()];
                turn += 1;
                buffer[..frame.len()].copy_from_slice(frame);
                let mut input = Input::new(&mut buffer[..frame.len()]);
                while let Some(event) = conn.poll(&mut input, Duration::ZERO) {
                    match event {
                        Event::Text(text) => conn.send_text(&text).expect("room"),
                        other => panic!("{other:?}"),
                    }
                }
                let length = black_box(conn.output()).len();
                conn.wrote(length);
                length
            });
        });
    }
    group.finish();
}

criterion_group!(benches, echo);
criterion_main!(benches);
