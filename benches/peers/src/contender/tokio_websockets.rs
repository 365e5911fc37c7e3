//! tokio-websockets: `WebSocketStream` as a `Stream` and a `Sink`.

use std::sync::Arc;

use ::tokio_websockets::{ClientBuilder, Config, Message, ServerBuilder, WebSocketStream};
use futures_util::{SinkExt as _, StreamExt as _};

use super::{Cell, Contender, Decode, Decoding, Encode, Idle, Repeated, Side};
use crate::executor::{poll_once, run};
use crate::wire::{Input, Wire, Written};

pub struct TokioWebsockets;

fn server(wire: Wire) -> WebSocketStream<Wire> {
    ServerBuilder::new().serve(wire)
}

impl Contender for TokioWebsockets {
    fn name(&self) -> &'static str {
        "tokio-websockets"
    }

    fn settings(&self) -> &'static str {
        "features `fastrand`, `sha1_smol`; SIMD is chosen at run time; all checks on. `next` to read: the size of its read buffer can't \
         be chosen, it reads 8 KiB at first and more while a frame is missing. `feed` and `flush` to write, with \
         `flush_threshold` 16 KiB. Payloads are handed over as clones of one `Bytes`. Echo: `next` until nothing more \
         has arrived, then `feed` each and `flush`."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        let wire = Wire::new(job.input, &Arc::default());
        let mut socket = match job.side {
            Side::Client => ClientBuilder::new().take_over(wire),
            Side::Server => server(wire),
        };
        Ok(Box::new(move |messages, seen| {
            run(async {
                let end = seen.messages + messages;
                while seen.messages < end {
                    let message = socket.next().await.expect("open").expect("a message");
                    match message.as_text() {
                        Some(text) => seen.take(text.as_bytes()),
                        None if message.is_binary() => seen.take(message.as_payload()),
                        None => assert!(message.is_ping(), "{message:?}"),
                    }
                }
            });
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        if job.in_place {
            return Err("copies what is not handed over");
        }
        let wire = Wire::new(Input::none(), &job.output);
        let config = Config::default().flush_threshold(16 << 10);
        let mut socket = match job.side {
            Side::Client => ClientBuilder::new().config(config).take_over(wire),
            Side::Server => ServerBuilder::new().config(config).serve(wire),
        };
        Ok(Box::new(move |batches| {
            run(async {
                for _ in 0..batches {
                    for _ in 0..job.batch {
                        socket.feed(Message::binary(job.payload.clone())).await.expect("open");
                    }
                    socket.flush().await.expect("open");
                }
            });
        }))
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        let builder = ServerBuilder::new();
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let wire = Wire::new(input.clone(), &output);
                run(builder.accept(wire)).expect("a request");
            }
        }))
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let mut socket = server(Wire::new(input, &Arc::default()));
        run(async {
            let message = socket.next().await.expect("open").expect("a message");
            socket.send(message).await.expect("open");
        });
        assert!(poll_once(socket.next()).is_none());
        Ok(Idle::new(socket))
    }
}
