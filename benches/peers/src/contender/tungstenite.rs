//! tungstenite: `WebSocket` over a blocking stream.

use std::sync::Arc;

use ::tungstenite::protocol::{Role, WebSocketConfig};
use ::tungstenite::{Message, WebSocket};

use super::{Cell, Contender, Decode, Decoding, Encode, Idle, Repeated, Side};
use crate::wire::{Input, Wire, Written};

pub struct Tungstenite;

fn config(read: usize) -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(read)
}

fn role(side: Side) -> Role {
    match side {
        Side::Client => Role::Client,
        Side::Server => Role::Server,
    }
}

impl Contender for Tungstenite {
    fn name(&self) -> &'static str {
        "tungstenite"
    }

    fn settings(&self) -> &'static str {
        "`WebSocket::read`, `write` and `flush`; `read_buffer_size` is the size of reads, all else default: it batches output up to \
         128 KiB by itself, and is flushed after a batch. Payloads are handed over as clones of one `Bytes`. Handshake: `accept`. \
         Echo: `tokio-tungstenite`, `read_buffer_size` 16 KiB, 128 KiB for messages of 64 KiB; `next` until nothing more has arrived, then \
         `feed` each and `flush`."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        let read = job.input.step;
        let wire = Wire::new(job.input, &Arc::default());
        let mut socket = WebSocket::from_raw_socket(wire, role(job.side), Some(config(read)));
        Ok(Box::new(move |messages, seen| {
            let end = seen.messages + messages;
            while seen.messages < end {
                match socket.read().expect("a message") {
                    Message::Binary(payload) => seen.take(&payload),
                    Message::Text(text) => seen.take(text.as_bytes()),
                    Message::Ping(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        if job.in_place {
            return Err("always copies");
        }
        let wire = Wire::new(Input::none(), &job.output);
        let mut socket = WebSocket::from_raw_socket(wire, role(job.side), None);
        Ok(Box::new(move |batches| {
            for _ in 0..batches {
                for _ in 0..job.batch {
                    socket.write(Message::Binary(job.payload.clone())).expect("open");
                }
                socket.flush().expect("open");
            }
        }))
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let wire = Wire::new(input.clone(), &output);
                ::tungstenite::accept(wire).map_err(|_| "refused").expect("a request");
            }
        }))
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let wire = Wire::new(input, &Arc::default());
        let mut socket = WebSocket::from_raw_socket(wire, Role::Server, None);
        let message = socket.read().expect("a message");
        socket.send(message).expect("open");
        socket.read().expect_err("nothing more");
        Ok(Idle::new(socket))
    }
}
