//! sockudo-ws: its `Protocol` without I/O, which is the fastest that it has in memory; `WebSocketStream` elsewhere.

use std::sync::Arc;

use ::sockudo_ws::handshake::server_handshake;
use ::sockudo_ws::protocol::{Message, Protocol, Role};
use ::sockudo_ws::{CompressedProtocol, Config, DeflateConfig, WebSocketStream};
use bytes::BytesMut;
use futures_util::{SinkExt as _, StreamExt as _};

use super::{Cell, Contender, Decode, Decoding, Deflate, Encode, Idle, Repeated, Side};
use crate::executor::{poll_once, run};
use crate::wire::{Input, Wire, Written};

const FRAME: usize = 16 << 20;
const MESSAGE: usize = 64 << 20;

pub struct SockudoWs;

fn role(side: Side) -> Role {
    match side {
        Side::Client => Role::Client,
        Side::Server => Role::Server,
    }
}

impl Contender for SockudoWs {
    fn name(&self) -> &'static str {
        "sockudo-ws"
    }

    fn settings(&self) -> &'static str {
        "features `simd`, `tokio-runtime`, `permessage-deflate`, `fastrand` (its `mimalloc` is off: one allocator for all). In memory its \
         `Protocol`: reads are appended to a `BytesMut`, `process_into` with a `Vec` used again, `encode_message` into a \
         `BytesMut` used again; UTF-8 checked, the default. Payloads are handed over as clones of one `Bytes`. Deflate: \
         `CompressedProtocol`, defaults, level 6. Idle and echo: `WebSocketStream` with the default `Config` but no timers; \
         echo by `next` until nothing more has arrived, then `feed` each and `flush`."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        let mut protocol = Protocol::new(role(job.side), FRAME, MESSAGE);
        let (mut buffer, mut messages) = (BytesMut::with_capacity(job.input.step), Vec::new());
        Ok(Box::new(move |_, seen| {
            for step in job.input.steps() {
                buffer.extend_from_slice(step);
                protocol.process_into(&mut buffer, &mut messages).expect("messages");
                for message in messages.drain(..) {
                    match message {
                        Message::Binary(payload) | Message::Text(payload) => seen.take(&payload),
                        Message::Ping(_) => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        if job.in_place {
            return Err("always copies");
        }
        let mut protocol = Protocol::new(role(job.side), FRAME, MESSAGE);
        let mut buffer = BytesMut::new();
        Ok(Box::new(move |batches| {
            for _ in 0..batches {
                for _ in 0..job.batch {
                    let message = Message::Binary(job.payload.clone());
                    protocol.encode_message(&message, &mut buffer).expect("open");
                }
                job.output.write(&buffer);
                buffer.clear();
            }
        }))
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let mut wire = Wire::new(input.clone(), &output);
                run(server_handshake(&mut wire)).expect("a request");
            }
        }))
    }

    fn deflate(&self, job: Deflate) -> Cell<Repeated> {
        let config = DeflateConfig {
            server_no_context_takeover: !job.takeover,
            client_no_context_takeover: !job.takeover,
            compression_level: job.level,
            ..DeflateConfig::default()
        };
        let mut protocol = CompressedProtocol::server(FRAME, MESSAGE, config);
        let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
        let mut output = BytesMut::new();
        Ok(Box::new(move |times| {
            for _ in 0..times {
                for step in job.input.steps() {
                    buffer.extend_from_slice(step);
                    protocol.process_into(&mut buffer, &mut messages).expect("messages");
                    for message in messages.drain(..) {
                        protocol.encode_message(&message, &mut output).expect("open");
                        job.output.write(&output);
                        output.clear();
                    }
                }
            }
        }))
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let wire = Wire::new(input, &Arc::default());
        let config = Config::builder().idle_timeout(0).ping_interval(0).build();
        let mut socket = WebSocketStream::server(wire, config);
        run(async {
            let message = socket.next().await.expect("open").expect("a message");
            socket.send(message).await.expect("open");
        });
        assert!(poll_once(socket.next()).is_none());
        Ok(Idle::new(socket))
    }
}
