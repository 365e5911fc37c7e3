//! yawc: `WebSocket` as a `Stream` and a `Sink`.

use std::sync::Arc;

use ::yawc::{
    CompressionLevel, DeflateOptions, Frame, HttpStream, OpCode, Options, Role, WebSocket,
};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, server::conn::http1};
use hyper_util::rt::TokioIo;

use super::{Cell, Contender, Decode, Decoding, Deflate, Encode, Idle, Repeated, Side};
use crate::executor::{poll_once, run};
use crate::wire::{Input, Wire, Written};

pub struct Yawc;

/// UTF-8 is checked only if it is told to. Messages of 1 MiB are more than it takes by default.
pub fn options() -> Options {
    Options::default().with_utf8().with_limits(16 << 20, 64 << 20)
}

fn role(side: Side) -> Role {
    match side {
        Side::Client => Role::Client,
        Side::Server => Role::Server,
    }
}

impl Contender for Yawc {
    fn name(&self) -> &'static str {
        "yawc"
    }

    fn settings(&self) -> &'static str {
        "features `simd`, `zlib`; `with_utf8`, which is off by default, and limits of 16 and 64 MiB; no compression but in that row. `next` \
         with `read_buffer_capacity` of the size of reads; `feed` and `flush`, `write_buffer_capacity` 32 KiB. Payloads are handed over \
         as clones of one `Bytes`. Deflate: level 6, all else `balanced`. Handshake: its `upgrade` under `hyper`, as its documentation \
         has it. Echo: `read_buffer_capacity` 16 KiB, 128 KiB for \
         messages of 64 KiB; `next` until nothing more has arrived, then `feed` each and `flush`."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        let options = options().with_read_buffer_capacity(job.input.step);
        let wire = Wire::new(job.input, &Arc::default());
        let mut socket = WebSocket::from_stream(wire, role(job.side), options).expect("options");
        Ok(Box::new(move |messages, seen| {
            run(async {
                let end = seen.messages + messages;
                while seen.messages < end {
                    let frame = socket.next().await.expect("open");
                    match frame.opcode() {
                        OpCode::Ping => {}
                        opcode => {
                            assert!(opcode as u8 <= 2, "{opcode:?}");
                            seen.take(frame.payload());
                        }
                    }
                }
            });
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        if job.in_place {
            return Err("always copies");
        }
        let wire = Wire::new(Input::none(), &job.output);
        let options = options().with_write_buffer_capacity(32 << 10);
        let mut socket = WebSocket::from_stream(wire, role(job.side), options).expect("options");
        Ok(Box::new(move |batches| {
            run(async {
                for _ in 0..batches {
                    for _ in 0..job.batch {
                        socket.feed(Frame::binary(job.payload.clone())).await.expect("open");
                    }
                    socket.flush().await.expect("open");
                }
            });
        }))
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let wire = TokioIo::new(Wire::new(input.clone(), &output));
                let service = service_fn(async |mut request: Request<Incoming>| {
                    let upgraded = WebSocket::<HttpStream>::upgrade(&mut request);
                    upgraded.map(|(response, _)| response)
                });
                let connection =
                    http1::Builder::new().serve_connection(wire, service).with_upgrades();
                let _ = poll_once(connection);
            }
        }))
    }

    fn deflate(&self, job: Deflate) -> Cell<Repeated> {
        let level = CompressionLevel::new(job.level);
        let deflate = DeflateOptions {
            level,
            server_no_context_takeover: !job.takeover,
            client_no_context_takeover: !job.takeover,
            ..DeflateOptions::balanced()
        };
        let options = Options { compression: Some(deflate), ..options() };
        let wire = Wire::new(job.input.clone(), &job.output);
        let agreed = Some(match job.takeover {
            true => "permessage-deflate",
            false => "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        });
        let socket = WebSocket::from_stream_with_extensions(wire, Role::Server, agreed, options);
        let mut socket = socket.expect("options");
        Ok(Box::new(move |times| {
            run(async {
                for _ in 0..times * job.messages {
                    let frame = socket.next().await.expect("open");
                    socket.send(Frame::text(frame.into_payload())).await.expect("open");
                }
            });
        }))
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let wire = Wire::new(input, &Arc::default());
        let socket = WebSocket::from_stream(wire, Role::Server, Options::default().with_utf8());
        let mut socket = socket.expect("options");
        run(async {
            let frame = socket.next().await.expect("open");
            socket.send(Frame::binary(frame.into_payload())).await.expect("open");
        });
        assert!(poll_once(socket.next()).is_none());
        Ok(Idle::new(socket))
    }
}
