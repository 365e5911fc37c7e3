//! What an idle session takes of memory on a server, with the connection that carries it and the task of that: counted by an allocator, on one
//! thread, over streams that need none themselves.

#![allow(clippy::print_stdout, reason = "the figure is of interest")]

#[path = "../../../tests/allocations/mod.rs"]
mod allocations;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use allocations::{Counting, Meter};
use sockless_tokio::session::{Event, Options, Reliable, SUBPROTOCOL, Sessions, SessionsServer};
use sockless_tokio::{ServerOptions, accept};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A stream that brings a client's opening, then nothing more; it takes everything.
struct Quiet(Vec<u8>);

impl AsyncRead for Quiet {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(&std::mem::take(&mut self.0));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Quiet {
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

/// What a client sends that opens a session and says something, masked with zeros.
fn opening(number: usize) -> Quiet {
    let mut bytes = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    )
    .into_bytes();
    for text in [format!("\u{10}h{number:032x} 1 64 65536"), "hello".into()] {
        bytes.extend([0x81, 0x80 | text.len() as u8, 0, 0, 0, 0]);
        bytes.extend(text.as_bytes());
    }
    Quiet(bytes)
}

async fn serve(server: SessionsServer, number: usize) {
    let second = Duration::from_secs(1);
    let options = ServerOptions::new().with_subprotocols([SUBPROTOCOL]);
    let options = options.with_keepalive(25 * second, 20 * second);
    let socket = accept(opening(number), options).await.expect("a client");
    server.serve_as(socket, "somebody").await;
}

/// Hears what the client says first, and waits for more.
async fn listen(mut session: Reliable) {
    while let Some(event) = session.recv().await {
        if let Event::Message { message, .. } = event {
            assert_eq!(message.as_text(), Some("hello"));
        }
    }
}

#[test]
fn an_idle_session_its_connection_and_both_tasks_take_at_most_4_kib() {
    const COUNT: usize = 2_000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let mut sessions = Sessions::new(Options::new());
        let mut kept = Vec::with_capacity(2 * (COUNT + 100));
        let mut open = async |numbers: std::ops::Range<usize>| {
            for number in numbers {
                kept.push(tokio::spawn(serve(sessions.clone_server(), number)));
                kept.push(tokio::spawn(listen(sessions.accept().await.expect("a session"))));
            }
            // Acks are held back for a moment.
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        // What the thread, the runtime and the table need in any case is there afterwards.
        open(0..100).await;
        let counted = Meter::start();
        open(100..100 + COUNT).await;
        let each = counted.live() as f64 / COUNT as f64;
        println!("{each:.0} bytes for each idle session with its connection and its tasks");
        assert!(each <= 4096.0, "{each} bytes");
        assert!(kept.iter().all(|task| !task.is_finished()));
    });
}
