//! The echo of some messages of 16 bytes that arrive at once, in memory, again and again: to be run under a tool that counts instructions.
//!
//! ```sh
//! cargo bench -p sockless-tokio --bench counted --no-run
//! for n in 1000 3000; do valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/deps/counted-* FORM $n 64; done
//! ```
//!
//! The difference, divided by 2,000 times 64, is what a message takes. The forms: `recv_feed`, `recv_send`, `stream_sink`, `serve`, `halves`.

#![allow(clippy::print_stderr, reason = "a program talks to its user")]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{SinkExt as _, StreamExt as _};
use sockless_tokio::sockless::Connection;
use sockless_tokio::{Config, Incoming, Server, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that gives out a batch of frames so often, with a pause in between, and takes everything.
struct Script {
    batch: Vec<u8>,
    left: usize,
    pauses: bool,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.pauses = !self.pauses;
        if self.pauses && self.left > 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.left > 0 {
            self.left -= 1;
            buffer.put_slice(&self.batch);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn run(form: &str, mut socket: WebSocket<Script, Server>) {
    match form {
        "recv_feed" => {
            while let Some(Ok(message)) = socket.recv().await {
                socket.feed(message).await.expect("queued");
            }
        }
        "recv_send" => {
            while let Some(Ok(message)) = socket.recv().await {
                socket.send(message).await.expect("sent");
            }
        }
        "stream_sink" => {
            let (mut sink, mut stream) = futures_util::StreamExt::split(socket);
            while let Some(Ok(message)) = stream.next().await {
                sink.feed(message).await.expect("queued");
            }
        }
        "serve" => {
            let echo = |message: Incoming<'_>, connection: &mut Connection<Server>| {
                let sent = match message {
                    Incoming::Text(text) => connection.send_text(text),
                    Incoming::Binary(bytes) => connection.send_binary(bytes),
                };
                sent.expect("room");
            };
            let _ = socket.serve(echo).await;
        }
        _ => {
            let (mut reader, writer) = socket.into_halves(tokio::io::split);
            let sender = writer.sender();
            tokio::spawn(writer.run());
            while let Some(Ok(message)) = reader.recv().await {
                sender.send(message).await.expect("sent");
            }
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [form, batches, messages] = &args[..] else {
        return eprintln!("usage: counted FORM BATCHES MESSAGES");
    };
    let (left, messages) =
        (batches.parse().expect("a number"), messages.parse().expect("a number"));
    let frame = [&b"\x82\x90\x01\x02\x03\x04"[..], &[7; 16]].concat();
    let script = Script { batch: frame.repeat(messages), left, pauses: false };
    let connection = Connection::server(Config::default());
    let socket = WebSocket::upgraded(script, connection, Config::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(run(form, socket));
}
