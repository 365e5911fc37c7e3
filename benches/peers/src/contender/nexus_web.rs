//! nexus-web: `FrameReader` and `FrameWriter`, its codec without I/O.

use std::io::IoSlice;
use std::sync::Arc;

use ::nexus_web::ws::{Client, FrameReader, FrameWriter, Message, Role};

use super::{Cell, Contender, Decode, Decoding, Encode, Idle, Repeated, Side};
use crate::wire::{Input, Wire, Written};

pub struct NexusWeb;

fn reader(capacity: usize) -> FrameReader {
    FrameReader::builder()
        .role(Role::Server)
        .buffer_capacity(capacity)
        .message_capacity(2 << 20)
        .build()
}

impl Contender for NexusWeb {
    fn name(&self) -> &'static str {
        "nexus-web"
    }

    fn settings(&self) -> &'static str {
        "`FrameReader` with a buffer of twice the size of reads, `read_from`, `next` until there is none, and `compact` when \
         `should_compact` says so; 2 MiB ready for messages that arrive in parts. `FrameWriter::encode_binary` into the caller's \
         batch; a server's payloads from 32 KiB on with `build_header`, and written from where they are. Handshake: `Client::accept`. \
         Echo: the codec in a loop on epoll, 256 KiB reads."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        if job.side == Side::Client {
            return Err("measured as a server");
        }
        let mut reader = reader(2 * job.input.step);
        let mut wire = Wire::new(job.input, &Arc::default());
        Ok(Box::new(move |messages, seen| {
            let end = seen.messages + messages;
            while seen.messages < end {
                reader.read_from(&mut wire).expect("room");
                while let Some(message) = reader.next().expect("a message") {
                    match message {
                        Message::Binary(payload) => seen.take(payload),
                        Message::Text(text) => seen.take(text.as_bytes()),
                        Message::Ping(_) => {}
                        other => panic!("{other:?}"),
                    }
                }
                if reader.should_compact() {
                    reader.compact();
                }
            }
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        if job.in_place {
            return Err("always copies");
        }
        let mut writer = FrameWriter::new(match job.side {
            Side::Client => Role::Client,
            Side::Server => Role::Server,
        });
        let room = writer.max_encoded_len(job.payload.len());
        let mut batch = vec![0; room * job.batch as usize];
        Ok(Box::new(move |batches| {
            for _ in 0..batches {
                if job.side == Side::Server && job.payload.len() >= 32 << 10 {
                    for _ in 0..job.batch {
                        let (header, _) = writer.build_header(0x82, job.payload.len());
                        let slices = [header.as_bytes(), &job.payload[..]].map(IoSlice::new);
                        job.output.write_slices(&slices);
                    }
                    continue;
                }
                let mut end = 0;
                for _ in 0..job.batch {
                    end += writer.encode_binary(&job.payload, &mut batch[end..]);
                }
                job.output.write(&batch[..end]);
            }
        }))
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        Ok(Box::new(move |times| {
            for _ in 0..times {
                // Without a smaller buffer each would zero the 1 MiB that is the default.
                Client::builder()
                    .buffer_capacity(16 << 10)
                    .accept(Wire::new(input.clone(), &output))
                    .expect("a request");
            }
        }))
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let wire = Wire::new(input, &Arc::default());
        let reader = FrameReader::builder().role(Role::Server).build();
        let mut socket = Client::from_parts(wire, reader, FrameWriter::new(Role::Server));
        let message = match socket.recv().expect("open").expect("a message") {
            Message::Binary(payload) => payload.to_vec(),
            other => panic!("{other:?}"),
        };
        socket.send_binary(&message).expect("open");
        assert!(socket.recv().expect("open").is_none());
        Ok(Idle::new(socket))
    }
}
