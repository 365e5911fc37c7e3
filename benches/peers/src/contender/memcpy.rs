//! A copy of the same bytes, and nothing done with them.

use std::hint::black_box;

use super::{Cell, Contender, Decode, Decoding, Encode, Repeated};

pub struct Memcpy;

impl Contender for Memcpy {
    fn name(&self) -> &'static str {
        "memcpy"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn settings(&self) -> &'static str {
        "the same reads copied into one buffer; the payload copied into one batch"
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        let input = job.input;
        let mut buffer = vec![0; input.step];
        Ok(Box::new(move |messages, seen| {
            for step in input.steps() {
                buffer[..step.len()].copy_from_slice(step);
                black_box(&mut buffer);
            }
            seen.messages += messages;
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        if job.in_place {
            return Err("nothing to copy");
        }
        let mut out = Vec::new();
        Ok(Box::new(move |batches| {
            for _ in 0..batches {
                for _ in 0..job.batch {
                    out.extend_from_slice(black_box(&job.payload));
                }
                job.output.write(&out);
                out.clear();
            }
        }))
    }
}
