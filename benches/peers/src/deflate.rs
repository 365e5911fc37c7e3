//! Echo of 1 KiB JSON messages by a server over permessage-deflate, in memory.

#[path = "../../json/mod.rs"]
mod json;

use std::sync::Arc;

use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

use crate::contender::{self, Contender};
use crate::frames;
use crate::race::{self, Effort, Row, Runner};
use crate::wire::{Input, Written};

const LEVEL: u32 = 6;
/// Messages of one repetition.
const MESSAGES: u64 = 64;
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

pub fn measure(contenders: &[Box<dyn Contender>], effort: Effort) -> Vec<Row> {
    let messages: Vec<String> = (1..=MESSAGES).map(json::message).collect();
    let payloads: Vec<Vec<u8>> = messages.iter().map(|message| compressed(message)).collect();
    let mut stream = Vec::new();
    payloads.iter().for_each(|payload| frames::put_frame(0xC1, Some(KEY), payload, &mut stream));
    let stream: Arc<[u8]> = stream.into();
    let rows = [true, false]
        .into_iter()
        .map(|takeover| row(contenders, &stream, &messages, takeover, effort));
    rows.collect()
}

fn row(
    contenders: &[Box<dyn Contender>],
    stream: &Arc<[u8]>,
    messages: &[String],
    takeover: bool,
    effort: Effort,
) -> Row {
    let job = |output| contender::Deflate {
        input: Input::endless(Arc::clone(stream), 16 << 10),
        messages: MESSAGES,
        level: LEVEL,
        takeover,
        output,
    };
    for contender in contenders {
        let written = Arc::new(Written::keeping());
        if let Ok(mut repeated) = contender.deflate(job(Arc::clone(&written))) {
            repeated(1);
            check(&written.kept(), messages, contender.name());
        }
    }
    let field = || {
        let each = contenders.iter().map(|contender| {
            let repeated = contender.deflate(job(Arc::default()));
            (contender.name(), repeated.map(|repeated| repeated as Runner), None)
        });
        each.collect()
    };
    let title = match takeover {
        true => "level 6, context takeover",
        false => "level 6, no context takeover",
    };
    race::row(title.into(), field, MESSAGES, effort)
}

/// That every message came back.
fn check(written: &[u8], messages: &[String], name: &str) {
    // It writes no frames.
    if name == contender::LIMIT {
        return;
    }
    let (mut rest, mut inflate) = (written, Inflate::new(false, 15));
    for message in messages {
        let (frame, next) = frames::split_frame(rest).expect("a frame");
        assert_eq!(frame.first, 0xC1, "{name}");
        let (mut text, from) = (vec![0; 4096], inflate.total_out());
        inflate.decompress(&frame.payload, &mut text, InflateFlush::NoFlush).expect("intact");
        let length = (inflate.total_out() - from) as usize;
        inflate.decompress(&TAIL, &mut text[length..], InflateFlush::NoFlush).expect("intact");
        let length = (inflate.total_out() - from) as usize;
        assert!(text[..length] == *message.as_bytes(), "{name}: another message");
        rest = next;
    }
}

/// What a client sends: each message compressed by itself, so that the series can start again.
fn compressed(message: &str) -> Vec<u8> {
    let mut payload = vec![0; 4096];
    let mut deflate = Deflate::new(LEVEL as i32, false, 15);
    deflate.compress(message.as_bytes(), &mut payload, DeflateFlush::SyncFlush).expect("room");
    payload.truncate(deflate.total_out() as usize - TAIL.len());
    payload
}
