//! soketto: a `Sender` and a `Receiver`.

use std::sync::Arc;

use ::soketto::connection::{Builder, Mode};
use ::soketto::handshake::Server;
use ::soketto::handshake::server::Response;
use bytes::BytesMut;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::{Cell, Contender, Decode, Decoding, Deflate, Encode, Idle, Repeated, Side};
use crate::executor::{poll_once, run};
use crate::wire::{Input, Wire, Written};

pub struct Soketto;

impl Contender for Soketto {
    fn name(&self) -> &'static str {
        "soketto"
    }

    fn settings(&self) -> &'static str {
        "`receive_data` into a `Vec` used again, and `std`'s UTF-8 check of text, which it leaves to the caller; the \
         buffer set with `set_buffer` has the size of reads. `send_binary`, which borrows, or `send_binary_mut`, which masks in place; \
         each writes header and payload by themselves. Deflate: it has \
         level 1 alone, which is other work. Handshake: `receive_request`, `send_response`. Echo: `flush` after each message, because its futures must not be dropped."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        if job.side == Side::Client {
            return Err("measured as a server");
        }
        let read = job.input.step;
        let wire = Wire::new(job.input, &Arc::default());
        let mut builder = Builder::new(wire.compat(), Mode::Server);
        builder.set_buffer(BytesMut::with_capacity(read));
        let (_sender, mut receiver) = builder.finish();
        let mut message = Vec::new();
        Ok(Box::new(move |messages, seen| {
            // The half that sends has to live as long.
            let _ = &_sender;
            run(async {
                for _ in 0..messages {
                    message.clear();
                    let data = receiver.receive_data(&mut message).await.expect("a message");
                    if data.is_text() {
                        std::str::from_utf8(&message).expect("UTF-8");
                    }
                    seen.take(&message);
                }
            });
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        let mode = match job.side {
            Side::Client => Mode::Client,
            Side::Server => Mode::Server,
        };
        let wire = Wire::new(Input::none(), &job.output);
        let (mut sender, _receiver) = Builder::new(wire.compat(), mode).finish();
        let mut payload = job.payload.to_vec();
        Ok(Box::new(move |batches| {
            let _ = &_receiver;
            run(async {
                for _ in 0..batches {
                    for _ in 0..job.batch {
                        match job.in_place {
                            true => sender.send_binary_mut(&mut payload).await,
                            false => sender.send_binary(&job.payload).await,
                        }
                        .expect("open");
                    }
                    sender.flush().await.expect("open");
                }
            });
        }))
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let mut server = Server::new(Wire::new(input.clone(), &output).compat());
                run(answer(&mut server));
                drop(server.into_builder().finish());
            }
        }))
    }

    fn deflate(&self, _: Deflate) -> Cell<Repeated> {
        Err("its level can't be chosen")
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let wire = Wire::new(input, &Arc::default());
        let (mut sender, mut receiver) = Builder::new(wire.compat(), Mode::Server).finish();
        let mut message = Vec::new();
        run(async {
            receiver.receive_data(&mut message).await.expect("a message");
            sender.send_binary_mut(&mut message).await.expect("open");
            sender.flush().await.expect("open");
        });
        message.clear();
        assert!(poll_once(receiver.receive_data(&mut message)).is_none());
        drop(message);
        Ok(Idle::new((sender, receiver)))
    }
}

/// Accepts whatever is asked for.
async fn answer(server: &mut Server<'_, tokio_util::compat::Compat<Wire>>) {
    let key = server.receive_request().await.expect("a request").key();
    let response = Response::Accept { key, protocol: None };
    server.send_response(&response).await.expect("open");
}
