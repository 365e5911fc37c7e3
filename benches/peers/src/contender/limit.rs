//! The practical limit, as the benchmarks of the package have it: see `benches/minimum/mod.rs`. It keeps no rule of the protocol.

#[path = "../../../minimum/mod.rs"]
mod minimum;

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::Arc;

use ::sockless::words::simd::Level;
use base64::Engine as _;
use sha1::{Digest as _, Sha1};
use zlib_rs::{DeflateFlush, Inflate, InflateFlush};

use super::{Cell, Contender, Decode, Decoding, Encode, Repeated, Shape, Side};
use crate::frames::{Length, put_header, split_frame};
use crate::wire::{Input, Written};

pub enum Limit {
    /// Its input is read into a buffer, and unmasked there.
    InPlace,
    /// It unmasks while it copies its input in.
    Copied,
}

impl Limit {
    /// All work but decoding has one form.
    fn once(&self) -> Cell<()> {
        match self {
            Self::InPlace => Ok(()),
            Self::Copied => Err("as practical limit"),
        }
    }
}

impl Contender for Limit {
    fn name(&self) -> &'static str {
        match self {
            Self::InPlace => super::LIMIT,
            Self::Copied => super::COPIED,
        }
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn settings(&self) -> &'static str {
        if matches!(self, Self::Copied) {
            return "the same, but unmasks while it copies in";
        }
        "hand-written: reads into a buffer, parses headers, unmasks, hands out slices; writes a header and copies the payload \
         behind it, masked or not. Keeps no rule, has no state but a cut frame. Handshake: `httparse`, SHA-1 and base64 \
         over the same head. Deflate: the bare `zlib-rs`."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        if job.input.step > minimum::READ {
            return Err("its reads are 16 KiB at most");
        }
        if job.side == Side::Client || job.shape != Shape::Whole {
            return Err("masked messages of one frame alone");
        }
        let mut decoder = minimum::Decoder::new();
        Ok(match self {
            Self::InPlace => Box::new(move |_, seen| {
                for step in job.input.steps() {
                    decoder.feed_in_place(step, |payload| seen.take(payload));
                }
            }),
            Self::Copied => Box::new(move |_, seen| {
                for step in job.input.steps() {
                    decoder.feed(step, |payload| seen.take(payload));
                }
            }),
        })
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        self.once()?;
        if job.in_place {
            return in_place(job);
        }
        let (level, mut key) = (Level::detect(), 0x3D21_FA37_u32);
        let mut out = Vec::new();
        Ok(Box::new(move |batches| {
            for _ in 0..batches {
                for _ in 0..job.batch {
                    let payload = black_box(&job.payload);
                    match job.side {
                        Side::Server => minimum::encode_server(payload, &mut out),
                        Side::Client => {
                            key = key.wrapping_add(0x9E37_79B9);
                            minimum::encode_client(level, key.to_ne_bytes(), payload, &mut out);
                        }
                    }
                }
                job.output.write(&out);
                out.clear();
            }
        }))
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        self.once()?;
        Ok(Box::new(move |times| {
            for _ in 0..times {
                input.steps().for_each(|head| output.write(&accept(head)));
            }
        }))
    }

    fn deflate(&self, job: super::Deflate) -> Cell<Repeated> {
        self.once()?;
        Ok(echo_deflated(job))
    }
}

/// Masks where the payload is, and writes header and payload.
fn in_place(job: Encode) -> Cell<Repeated> {
    use ::sockless::words::mask::Mask;
    let (level, mut key) = (Level::detect(), 0x3D21_FA37_u32);
    let (mut payload, mut head) = (job.payload.to_vec(), Vec::new());
    Ok(Box::new(move |batches| {
        for _ in 0..batches * job.batch {
            key = key.wrapping_add(0x9E37_79B9);
            head.clear();
            let length = Length::of(payload.len());
            put_header(0x82, length, Some(key.to_ne_bytes()), &mut head);
            Mask::new(key.to_ne_bytes()).apply(level, &mut payload);
            job.output.write(&head);
            job.output.write(&payload);
        }
    }))
}

/// The least of a handshake: parses the head, hashes a key, encodes the hash.
fn accept(head: &[u8]) -> [u8; 28] {
    let mut fields = [const { MaybeUninit::uninit() }; 32];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(black_box(head), &mut fields);
    assert!(parsed.is_ok_and(|status| status.is_complete()));
    black_box(&request);
    let hash = Sha1::new()
        .chain_update(b"dGhlIHNhbXBsZSBub25jZQ==")
        .chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        .finalize();
    let mut accept = [0; 28];
    let _ = base64::engine::general_purpose::STANDARD.encode_slice(hash, &mut accept);
    accept
}

/// The bare deflate library doing the work, with buffers that are made once.
fn echo_deflated(job: super::Deflate) -> Repeated {
    let (mut inflate, mut deflate) =
        (Inflate::new(false, 15), zlib_rs::Deflate::new(job.level as i32, false, 15));
    // A full flush forgets as well, and costs less than a reset.
    let flush = if job.takeover { DeflateFlush::SyncFlush } else { DeflateFlush::FullFlush };
    let mut payloads = Vec::new();
    let stream: Vec<u8> = job.input.steps().flatten().copied().collect();
    let mut rest = &stream[..];
    while let Some((frame, next)) = split_frame(rest) {
        payloads.push(frame.payload);
        rest = next;
    }
    let (mut text, mut out) = (vec![0; 4096], vec![0; 4096]);
    Box::new(move |times| {
        for payload in std::iter::repeat_n(&payloads, times as usize).flatten() {
            if !job.takeover {
                inflate.reset(false);
            }
            let (start, from) = (inflate.total_out(), deflate.total_out());
            inflate.decompress(payload, &mut text, InflateFlush::NoFlush).expect("intact");
            let length = (inflate.total_out() - start) as usize;
            let (whole, room) = text.split_at_mut(length);
            inflate
                .decompress(&[0x00, 0x00, 0xFF, 0xFF], room, InflateFlush::NoFlush)
                .expect("intact");
            deflate.compress(whole, &mut out, flush).expect("room");
            job.output.write(&out[..(deflate.total_out() - from) as usize]);
        }
    })
}
