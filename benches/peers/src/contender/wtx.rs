//! wtx: `WebSocket` with its own buffers.

use std::sync::Arc;

use ::wtx::collection::Vector;
use ::wtx::rng::Xorshift64;
use ::wtx::web_socket::compression::{Compression, DeflateConfig, Flate2, WindowBits};
use ::wtx::web_socket::{
    CompressionLevel, Frame, OpCode, WebSocket, WebSocketAcceptor, WebSocketBuffer,
    WebSocketPayloadOrigin,
};

use super::{Cell, Contender, Decode, Decoding, Deflate, Encode, Idle, Repeated, Side};
use crate::executor::{poll_once, run};
use crate::wire::{Input, Wire, Written};

pub struct Wtx;

type Server = WebSocket<(), Xorshift64, Wire, WebSocketBuffer, false>;

fn server(wire: Wire, capacity: usize) -> Server {
    let buffer = WebSocketBuffer::with_capacity(capacity, 0, 0).expect("memory");
    WebSocket::new((), false, Xorshift64::from(1), wire, buffer)
}

impl Contender for Wtx {
    fn name(&self) -> &'static str {
        "wtx"
    }

    fn settings(&self) -> &'static str {
        "the newest that Rust 1.95 builds; features `flate2`, `optimization`, `tokio`, `web-socket-handshake`, `crypto-ring`. `read_frame` with \
         `WebSocketPayloadOrigin::Adaptive`, its network buffer made with the size of reads. `write_frame` of a mutable payload, which is \
         how it masks: in place; each is written by itself, vectored. `Xorshift64` for keys, its default. Deflate: `Flate2`, level 6, \
         windows of 15 bits. Handshake: `WebSocketAcceptor`."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        if job.side == Side::Client {
            return Err("measured as a server");
        }
        let read = job.input.step;
        let mut socket = server(Wire::new(job.input, &Arc::default()), read);
        let mut buffer = Vector::new();
        Ok(Box::new(move |messages, seen| {
            run(async {
                let end = seen.messages + messages;
                while seen.messages < end {
                    let origin = WebSocketPayloadOrigin::Adaptive;
                    let frame = socket.read_frame(&mut buffer, origin).await.expect("a message");
                    match frame.op_code() {
                        // Fragments of a message are in the buffer.
                        OpCode::Ping => continue,
                        OpCode::Text | OpCode::Binary => seen.take(frame.payload()),
                        other => panic!("{other:?}"),
                    }
                    buffer.clear();
                }
            });
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        let wire = Wire::new(Input::none(), &job.output);
        match (job.side, job.in_place) {
            (Side::Server, _) => Ok(encode::<false>(wire, job)),
            (Side::Client, true) => Ok(encode::<true>(wire, job)),
            (Side::Client, false) => Err("always masks in place"),
        }
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let wire = Wire::new(input.clone(), &output);
                let accepted = run(WebSocketAcceptor::default().accept(wire));
                drop(accepted.expect("a request"));
            }
        }))
    }

    fn deflate(&self, job: Deflate) -> Cell<Repeated> {
        if job.takeover {
            return Err("always without context takeover");
        }
        let config = DeflateConfig {
            client_max_window_bits: WindowBits::Fifteen,
            compression_level: CompressionLevel::try_from(job.level as u8).expect("a level"),
            server_max_window_bits: WindowBits::Fifteen,
        };
        let fields = [("sec-websocket-extensions", "permessage-deflate")]
            .map(|(name, value)| httparse::Header { name, value: value.as_bytes() });
        let flate = Compression::<false>::negotiate(Flate2::from(config), fields.iter());
        let flate = flate.expect("an offer");
        let wire = Wire::new(job.input, &job.output);
        let wsb = WebSocketBuffer::with_capacity(16 << 10, 4096, 4096).expect("memory");
        let mut socket: WebSocket<_, _, _, _, false> =
            WebSocket::new(flate, false, Xorshift64::from(1), wire, wsb);
        let mut buffer = Vector::new();
        Ok(Box::new(move |times| {
            run(async {
                for _ in 0..times * job.messages {
                    let origin = WebSocketPayloadOrigin::Adaptive;
                    let (mut common, mut reader, mut writer) = socket.split_mut();
                    let received = reader.read_frame(&mut buffer, &mut common, origin).await;
                    let mut frame = received.expect("a message");
                    writer.write_frame(&mut common, &mut frame).await.expect("open");
                    buffer.clear();
                }
            });
        }))
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let mut socket = server(Wire::new(input, &Arc::default()), 0);
        let mut buffer = Vector::new();
        let origin = WebSocketPayloadOrigin::Adaptive;
        let mut payload = run(async {
            let frame = socket.read_frame(&mut buffer, origin).await.expect("a message");
            frame.payload().to_vec()
        });
        let mut frame = Frame::<_, false>::new_fin(OpCode::Binary, &mut payload[..]);
        run(socket.write_frame(&mut frame)).expect("open");
        assert!(poll_once(socket.read_frame(&mut buffer, origin)).is_none());
        drop((payload, buffer));
        Ok(Idle::new(socket))
    }
}

fn encode<const CLIENT: bool>(wire: Wire, job: Encode) -> Repeated {
    let wsb = WebSocketBuffer::new();
    let mut socket: WebSocket<_, _, _, _, CLIENT> =
        WebSocket::new((), false, Xorshift64::from(1), wire, wsb);
    let mut payload = job.payload.to_vec();
    Box::new(move |batches| {
        run(async {
            for _ in 0..batches * job.batch {
                let mut frame = Frame::new_fin(OpCode::Binary, &mut payload[..]);
                socket.write_frame(&mut frame).await.expect("open");
            }
        });
    })
}
