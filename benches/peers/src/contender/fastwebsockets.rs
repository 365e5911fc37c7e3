//! fastwebsockets: `WebSocket` in a `FragmentCollector`, which is how it gives messages.

use std::convert::Infallible;
use std::sync::Arc;

use ::fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role, WebSocket, upgrade};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, server::conn::http1};
use hyper_util::rt::TokioIo;

use super::{Cell, Contender, Decode, Decoding, Encode, Idle, Repeated, Side};
use crate::executor::{poll_once, run};
use crate::wire::{Input, Wire, Written};

pub struct Fastwebsockets;

fn server(wire: Wire) -> FragmentCollector<Wire> {
    FragmentCollector::new(WebSocket::after_handshake(wire, Role::Server))
}

fn role(side: Side) -> Role {
    match side {
        Side::Client => Role::Client,
        Side::Server => Role::Server,
    }
}

impl Contender for Fastwebsockets {
    fn name(&self) -> &'static str {
        "fastwebsockets"
    }

    fn settings(&self) -> &'static str {
        "features `simd`, `upgrade`; `FragmentCollector` to read, as it gives messages; all checks on. The size of its read buffer \
         can't be chosen. `write_frame` writes each frame by itself, vectored from 1 KiB on, the default; a payload is borrowed, or \
         handed over mutably where it may be masked in place. Handshake: its `upgrade` under `hyper`, as its documentation has it."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        let wire = Wire::new(job.input, &Arc::default());
        let mut socket = FragmentCollector::new(WebSocket::after_handshake(wire, role(job.side)));
        Ok(Box::new(move |messages, seen| {
            run(async {
                let end = seen.messages + messages;
                while seen.messages < end {
                    let frame = socket.read_frame().await.expect("a message");
                    match frame.opcode {
                        OpCode::Ping => {}
                        OpCode::Text | OpCode::Binary => seen.take(&frame.payload),
                        other => panic!("{other:?}"),
                    }
                }
            });
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        let mut payload = job.payload.to_vec();
        let wire = Wire::new(Input::none(), &job.output);
        let mut socket = WebSocket::after_handshake(wire, role(job.side));
        Ok(Box::new(move |batches| {
            run(async {
                for _ in 0..batches * job.batch {
                    let payload = match job.in_place {
                        true => Payload::BorrowedMut(&mut payload),
                        false => Payload::Borrowed(&job.payload),
                    };
                    socket.write_frame(Frame::binary(payload)).await.expect("open");
                }
            });
        }))
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let wire = TokioIo::new(Wire::new(input.clone(), &output));
                let service = service_fn(async |mut request: Request<Incoming>| {
                    let (response, _) = upgrade::upgrade(&mut request).expect("a request");
                    Ok::<_, Infallible>(response)
                });
                let connection =
                    http1::Builder::new().serve_connection(wire, service).with_upgrades();
                let _ = poll_once(connection);
            }
        }))
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let mut socket = server(Wire::new(input, &Arc::default()));
        run(async {
            let frame = socket.read_frame().await.expect("a message");
            socket.write_frame(frame).await.expect("open");
        });
        assert!(poll_once(socket.read_frame()).is_none());
        Ok(Idle::new(socket))
    }
}
