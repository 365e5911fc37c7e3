//! The practical limit, as the benchmarks of the package have it: see `benches/minimum/mod.rs`. It keeps no rule of the protocol.

#[path = "../../../minimum/mod.rs"]
mod minimum;

use std::sync::Arc;

use ::sockless::words::simd::Level;

use super::{Cell, Contender, Decoding, Encode, Repeated, Side};
use crate::wire::{Input, Written};

pub struct Limit;

impl Contender for Limit {
    fn name(&self) -> &'static str {
        super::LIMIT
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn settings(&self) -> &'static str {
        "hand-written: unmasks while it copies in, parses headers, hands out slices; writes a header and copies the payload \
         behind it, masked or not. Keeps no rule, has no state but a cut frame. Handshake: `httparse`, SHA-1 and base64 \
         over the same head. Deflate: the bare `zlib-rs`."
    }

    fn decode(&self, input: Input) -> Cell<Decoding> {
        if input.step > minimum::READ {
            return Err("its reads are 16 KiB at most");
        }
        let mut decoder = minimum::Decoder::new();
        Ok(Box::new(move |_, seen| {
            for step in input.steps() {
                decoder.feed(step, |payload| seen.take(payload));
            }
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        if job.in_place {
            return in_place(job);
        }
        let (level, mut key) = (Level::detect(), 0x3D21_FA37_u32);
        let mut out = Vec::new();
        Ok(Box::new(move |batches| {
            for _ in 0..batches {
                for _ in 0..job.batch {
                    let payload = std::hint::black_box(&job.payload);
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
        Ok(Box::new(move |times| {
            for _ in 0..times {
                input.steps().for_each(|head| output.write(&crate::handshake::bare(head)));
            }
        }))
    }

    fn deflate(&self, job: super::Deflate) -> Cell<Repeated> {
        Ok(crate::deflate::bare(job))
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
            crate::frames::client_header(0x82, payload.len(), key.to_ne_bytes(), &mut head);
            Mask::new(key.to_ne_bytes()).apply(level, &mut payload);
            job.output.write(&head);
            job.output.write(&payload);
        }
    }))
}
