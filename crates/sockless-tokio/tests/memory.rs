//! What a socket takes of memory: nothing for a small message, and at most 2 KiB while it is idle, its task included. Counted by an allocator,
//! on one thread, over streams that need none themselves.

#![allow(clippy::print_stdout, reason = "the figures are of interest")]

#[path = "../../../tests/allocations/mod.rs"]
mod allocations;
mod ends;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use allocations::{Counting, Meter};
use ends::REQUEST;
use sockless_tokio::{Config, Message, Server, ServerOptions, WebSocket, accept};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A stream that gives out a beginning, then a batch of frames as often as it says, then nothing more; it takes everything.
struct Script {
    begin: &'static [u8],
    batch: &'static [u8],
    times: usize,
    /// How much is expected back for each batch, and has come.
    echoed: usize,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.begin.is_empty() {
            buffer.put_slice(std::mem::take(&mut self.begin));
            return Poll::Ready(Ok(()));
        }
        if self.times == 0 {
            return Poll::Pending;
        }
        self.times -= 1;
        buffer.put_slice(self.batch);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.echoed += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Two messages, text and binary, of the greatest length that is small.
fn batch(len: usize) -> &'static [u8] {
    let mut frames = Vec::new();
    for opcode in [0x81, 0x82] {
        frames.extend([opcode, 0x80 | len as u8, 0, 0, 0, 0]);
        frames.resize(frames.len() + len, b'a');
    }
    frames.leak()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

async fn opened(script: Script) -> WebSocket<Script, Server> {
    accept(script, Config::default()).await.expect("a client")
}

#[derive(Clone, Copy, Debug)]
enum By {
    Feed,
    Send,
    SendText,
    TrySend,
}

async fn echo(socket: &mut WebSocket<Script, Server>, count: usize, by: By) {
    for _ in 0..count {
        let message = socket.recv().await.expect("a message").expect("no error");
        match (by, &message) {
            (By::Feed, _) => socket.feed(message).await,
            (By::Send, _) => socket.send(message).await,
            (By::SendText, Message::Text(text)) => socket.send_text(text).await,
            (By::SendText, other) => socket.send_binary(other.as_bytes()).await,
            (By::TrySend, _) => {
                socket.try_send(message).expect("room");
                Ok(())
            }
        }
        .expect("sent");
    }
}

#[test]
fn an_echoed_message_that_is_small_allocates_nothing() {
    for by in [By::Feed, By::Send, By::SendText, By::TrySend] {
        for len in [0, 1, 16, 46] {
            runtime().block_on(async move {
                let batch = batch(len);
                let mut socket =
                    opened(Script { begin: REQUEST, batch, times: 600, echoed: 0 }).await;
                // The thread's buffers are there afterwards.
                echo(&mut socket, 200, by).await;
                let counted = Meter::start();
                echo(&mut socket, 1000, by).await;
                assert_eq!(counted.calls(), 0, "{by:?}, {len} bytes");
                socket.flush().await.expect("written");
                assert_eq!(socket.get_ref().echoed, ends::ANSWER + 600 * 2 * (2 + len));
            });
        }
    }
}

#[test]
fn an_idle_socket_and_its_task_take_at_most_2_kib() {
    const COUNT: usize = 10_000;
    println!("a socket has {} bytes", size_of::<WebSocket<Script, Server>>() - size_of::<Script>());
    for (name, options) in [
        ("the defaults", ServerOptions::new()),
        ("pings after silence", {
            let second = std::time::Duration::from_secs(1);
            ServerOptions::new().with_keepalive(30 * second, 10 * second)
        }),
        ("a subprotocol and origins", {
            ServerOptions::new().with_subprotocols(["chat"]).with_origins(["https://example.com"])
        }),
    ] {
        runtime().block_on(async {
            let serve = |options: ServerOptions| async move {
                let script = Script { begin: REQUEST, batch: batch_of_16(), times: 1, echoed: 0 };
                let mut socket = accept(script, options).await.expect("a client");
                while let Some(message) = socket.recv().await {
                    socket.feed(message.expect("no error")).await.expect("queued");
                }
            };
            // What the thread and the runtime need in any case is there afterwards.
            let tasks: Vec<_> = (0..100).map(|_| tokio::spawn(serve(options.clone()))).collect();
            settle().await;
            let mut kept = Vec::with_capacity(COUNT);
            let counted = Meter::start();
            for _ in 0..COUNT {
                kept.push(tokio::spawn(serve(options.clone())));
                tokio::task::yield_now().await;
            }
            settle().await;
            let each = counted.live() as f64 / COUNT as f64;
            println!("{name}: {each:.0} bytes for each idle socket with its task");
            assert!(each <= 2048.0, "{name}: {each} bytes");
            assert!(tasks.iter().chain(&kept).all(|task| !task.is_finished()));
        });
    }
}

fn batch_of_16() -> &'static [u8] {
    static BATCH: std::sync::OnceLock<&'static [u8]> = std::sync::OnceLock::new();
    BATCH.get_or_init(|| batch(16))
}

/// Lets all tasks get as far as they can.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
