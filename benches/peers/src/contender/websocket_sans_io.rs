//! websocket-sans-io: frames alone. Messages that arrive in parts are put together by the caller, as its documentation says.

use ::websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

use super::{Cell, Contender, Decode, Decoding, Encode, Repeated, Shape, Side};

pub struct WebsocketSansIo;

impl Contender for WebsocketSansIo {
    fn name(&self) -> &'static str {
        "websocket-sans-io"
    }

    fn settings(&self) -> &'static str {
        "framing only: keeps no rule of messages, closing or text; default masking, slices of 32 bytes. `add_data` in the caller's read \
         buffer; a payload in one chunk is taken from there, others are put together in a `Vec` used again. `start_frame` and \
         `transform_frame_payload` on a copy in the caller's batch, or on the payload itself; keys from a counter."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        if job.side == Side::Client {
            return Err("measured as a server");
        }
        if job.shape != Shape::Whole {
            return Err("frames alone");
        }
        let input = job.input;
        let mut decoder = WebsocketFrameDecoder::new();
        let mut buffer = vec![0; input.step];
        let (mut message, mut length) = (Vec::new(), 0);
        Ok(Box::new(move |_, seen| {
            for step in input.steps() {
                let mut read = &mut buffer[..step.len()];
                read.copy_from_slice(step);
                loop {
                    let result = decoder.add_data(read).expect("frames");
                    let (chunk, rest) = read.split_at_mut(result.consumed_bytes);
                    read = rest;
                    match result.event {
                        Some(WebsocketFrameEvent::Start { frame_info, .. }) => {
                            assert!(frame_info.is_reasonable() && frame_info.fin);
                            length = frame_info.payload_length as usize;
                        }
                        Some(WebsocketFrameEvent::PayloadChunk { .. }) => {
                            if chunk.len() == length {
                                seen.take(chunk);
                                continue;
                            }
                            message.extend_from_slice(chunk);
                            if message.len() == length {
                                seen.take(&message);
                                message.clear();
                            }
                        }
                        Some(WebsocketFrameEvent::End { .. }) => {}
                        None if chunk.is_empty() => break,
                        None => {}
                    }
                }
            }
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        let mut encoder = WebsocketFrameEncoder::new();
        let (mut batch, mut payload) = (Vec::new(), job.payload.to_vec());
        let mut key = 0x3D21_FA37_u32;
        Ok(Box::new(move |batches| {
            for _ in 0..batches {
                for _ in 0..job.batch {
                    key = key.wrapping_add(0x9E37_79B9);
                    let header = encoder.start_frame(&FrameInfo {
                        opcode: Opcode::Binary,
                        payload_length: job.payload.len() as u64,
                        mask: (job.side == Side::Client).then(|| key.to_ne_bytes()),
                        fin: true,
                        reserved: 0,
                    });
                    if job.in_place || (job.side == Side::Server && payload.len() >= 32 << 10) {
                        // Nothing is to be done for a server.
                        encoder.transform_frame_payload(&mut payload);
                        job.output.write(&header);
                        job.output.write(&payload);
                        continue;
                    }
                    batch.extend_from_slice(&header);
                    let start = batch.len();
                    batch.extend_from_slice(&job.payload);
                    encoder.transform_frame_payload(&mut batch[start..]);
                }
                if !batch.is_empty() {
                    job.output.write(&batch);
                    batch.clear();
                }
            }
        }))
    }
}
