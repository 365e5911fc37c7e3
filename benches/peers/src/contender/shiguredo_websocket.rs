//! shiguredo_websocket: the connections without I/O.

use std::sync::Arc;

use ::shiguredo_websocket::{
    ClientConnectionOptions, ConnectionEvent, ConnectionOutput, RandomSource,
    ServerConnectionOptions, Timestamp, WebSocketClientConnection, WebSocketServerConnection,
};

use super::{Cell, Contender, Decode, Decoding, Deflate, Encode, Idle, Repeated, Side};
use crate::request::REQUEST;
use crate::wire::{Input, Written};

pub struct ShiguredoWebsocket;

/// Keys from a counter, as its documentation shows.
struct Counting(u32);

impl RandomSource for Counting {
    fn masking_key(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_add(0x9E37_79B9);
        self.0.to_ne_bytes()
    }

    /// That of the request which the client's handshake is answered to.
    fn nonce(&mut self) -> [u8; 16] {
        *b"the sample nonce"
    }
}

/// A server's connection that is open.
fn server(options: ServerConnectionOptions, request: &[u8]) -> WebSocketServerConnection {
    let options = options.max_frame_size(16 << 20).max_message_size(64 << 20);
    let mut connection = WebSocketServerConnection::new(options.ping_interval(0));
    connection.feed_recv_buf(request).expect("a request");
    connection.accept_handshake_auto().expect("a request");
    while connection.poll_output().is_some() {}
    while connection.poll_event().is_some() {}
    connection
}

fn client() -> WebSocketClientConnection<Counting> {
    let options = ClientConnectionOptions::new("example.com", "/").ping_interval(0);
    let mut connection = WebSocketClientConnection::new(options, Counting(0x3D21_FA37));
    connection.connect().expect("an offer");
    let answer =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    connection.feed_recv_buf(answer, Timestamp::from_millis(0)).expect("an answer");
    while connection.poll_output().is_some() {}
    while connection.poll_event().is_some() {}
    connection
}

impl Contender for ShiguredoWebsocket {
    fn name(&self) -> &'static str {
        "shiguredo_websocket"
    }

    fn settings(&self) -> &'static str {
        "`feed_recv_buf`, `poll_event`, `send_binary`, `poll_output`; limits of 16 and 64 MiB; no timers; mask keys from a counter, as its \
         documentation shows. Deflate: its compressor has one level, which is other work."
    }

    fn decode(&self, job: Decode) -> Cell<Decoding> {
        if job.side == Side::Client {
            return Err("measured as a server");
        }
        let mut connection = server(ServerConnectionOptions::new(), REQUEST.as_bytes());
        let output = Written::default();
        Ok(Box::new(move |_, seen| {
            for step in job.input.steps() {
                connection.feed_recv_buf(step).expect("messages");
                while let Some(event) = connection.poll_event() {
                    match event {
                        ConnectionEvent::BinaryMessage(payload) => seen.take(&payload),
                        ConnectionEvent::TextMessage(text) => seen.take(text.as_bytes()),
                        ConnectionEvent::Ping(_) => {}
                        other => panic!("{other:?}"),
                    }
                }
                while let Some(answer) = connection.poll_output() {
                    write(answer, &output);
                }
            }
        }))
    }

    fn encode(&self, job: Encode) -> Cell<Repeated> {
        if job.in_place {
            return Err("always copies");
        }
        Ok(match job.side {
            Side::Server => {
                let mut connection = server(ServerConnectionOptions::new(), REQUEST.as_bytes());
                Box::new(move |batches| {
                    for _ in 0..batches {
                        for _ in 0..job.batch {
                            connection.send_binary(&job.payload).expect("open");
                        }
                        while let Some(output) = connection.poll_output() {
                            write(output, &job.output);
                        }
                    }
                })
            }
            Side::Client => {
                let mut connection = client();
                Box::new(move |batches| {
                    for _ in 0..batches {
                        for _ in 0..job.batch {
                            connection.send_binary(&job.payload).expect("open");
                        }
                        while let Some(output) = connection.poll_output() {
                            write(output, &job.output);
                        }
                    }
                })
            }
        })
    }

    fn handshake(&self, input: Input, output: Arc<Written>) -> Cell<Repeated> {
        Ok(Box::new(move |times| {
            for _ in 0..times {
                let options = ServerConnectionOptions::new();
                let mut connection = WebSocketServerConnection::new(options);
                input.steps().for_each(|step| connection.feed_recv_buf(step).expect("a request"));
                connection.accept_handshake_auto().expect("a request");
                while let Some(answer) = connection.poll_output() {
                    write(answer, &output);
                }
            }
        }))
    }

    fn deflate(&self, _: Deflate) -> Cell<Repeated> {
        Err("its level can't be chosen")
    }

    fn idle(&self, input: Input) -> Cell<Idle> {
        let mut connection = server(ServerConnectionOptions::new(), REQUEST.as_bytes());
        for step in input.steps() {
            connection.feed_recv_buf(step).expect("messages");
            while let Some(event) = connection.poll_event() {
                if let ConnectionEvent::BinaryMessage(payload) = event {
                    connection.send_binary(&payload).expect("open");
                }
            }
        }
        while connection.poll_output().is_some() {}
        Ok(Idle::new(connection))
    }
}

fn write(output: ConnectionOutput, written: &Written) {
    if let ConnectionOutput::SendData(data) = output {
        written.write(&data);
    }
}
