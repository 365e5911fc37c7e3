//! What text costs at least that isn't masked: each message copied, and validated by `simdutf8`.

use std::hint::black_box;

use super::{Cell, Contender, Decode, Decoding, Shape};
use crate::decode::READ;
use crate::frames::split_frame;

pub struct Validated;

impl Contender for Validated {
    fn name(&self) -> &'static str {
        super::VALIDATED
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn settings(&self) -> &'static str {
        "payloads of text without frames and masks, copied by 16 KiB at most and validated while they are in the first cache"
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        let stream: Vec<u8> = job.input.steps().flatten().copied().collect();
        let (mut payloads, mut lengths, mut rest) = (String::new(), Vec::new(), &stream[..]);
        while let Some((frame, next)) = split_frame(rest) {
            let (first, payload) = frame.pair();
            let Ok(text) = std::str::from_utf8(&payload) else { return Err("text alone") };
            if first != 0x81 || job.shape != Shape::Whole {
                return Err("text alone");
            }
            payloads.push_str(text);
            lengths.push(text.len());
            rest = next;
        }
        let mut buffer = vec![0; READ];
        Ok(Box::new(move |_, seen| {
            let mut rest = &payloads[..];
            for length in &lengths {
                let (mut message, next) = rest.split_at(*length);
                rest = next;
                while !message.is_empty() {
                    let (part, more) = message.split_at(message.floor_char_boundary(READ));
                    let place = &mut buffer[..part.len()];
                    place.copy_from_slice(part.as_bytes());
                    assert!(simdutf8::basic::from_utf8(black_box(place)).is_ok());
                    message = more;
                }
                seen.messages += 1;
            }
        }))
    }
}
