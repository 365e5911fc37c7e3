//! What a broadcast costs: one message to many connections, each with its writing task, on one thread and in memory.
//!
//! ```sh
//! cargo bench -p sockless-tokio --bench broadcast
//! ```
//!
//! Each line says how long a delivered message takes from `Broadcast::send` to the write to its stream, which does nothing: the least of many
//! rounds. What the kernel takes for a write comes on top. Beside it is how much heap a connection takes while it is idle, its task included.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use sockless_tokio::sockless::Connection;
use sockless_tokio::{Broadcast, Config, Prepared, Sent, Slow, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a line is measured.
const TIME: Duration = Duration::from_millis(500);

/// Counts what is allocated and not freed.
struct Counting;

static HEAP: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

#[allow(unsafe_code, reason = "an allocator that counts")]
// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HEAP.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the rules.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HEAP.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the rules.
        unsafe { System.dealloc(at, layout) }
    }
}

/// A stream on which nothing arrives, and which counts what is written.
struct Quiet(Arc<AtomicUsize>);

impl AsyncRead for Quiet {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Quiet {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn measure(connections: usize) {
    let (written, before) = (Arc::new(AtomicUsize::new(0)), HEAP.load(Ordering::Relaxed));
    let config = Arc::new(Config::default());
    let group = Broadcast::new(Slow::Close);
    let mut readers = Vec::new();
    for _ in 0..connections {
        let connection = Connection::server(Arc::clone(&config));
        let stream = Quiet(Arc::clone(&written));
        let socket = WebSocket::upgraded(stream, connection, Arc::clone(&config));
        let (mut reader, writer) = socket.into_halves(tokio::io::split);
        group.join(writer.sender());
        tokio::spawn(writer.run());
        readers.push(tokio::spawn(async move { while let Some(Ok(_)) = reader.recv().await {} }));
    }
    tokio::task::yield_now().await;
    let heap = (HEAP.load(Ordering::Relaxed) - before) / connections;
    for len in [64, 1 << 10, 16 << 10] {
        let message = Prepared::binary(&vec![7; len]);
        let (started, mut least) = (Instant::now(), Duration::MAX);
        while started.elapsed() < TIME {
            let (all, round) = (connections * message.frame().len(), Instant::now());
            written.store(0, Ordering::Relaxed);
            let sent = group.send(&message);
            assert_eq!(sent, Sent { receivers: connections, slow: 0, gone: 0 });
            while written.load(Ordering::Relaxed) < all {
                tokio::task::yield_now().await;
            }
            least = least.min(round.elapsed());
        }
        let nanos = least.as_nanos() / connections as u128;
        println!("{connections:>6} connections of {heap} B: {len:>5} B in {nanos} ns each");
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}

fn main() {
    for connections in [1, 100, 1_000, 10_000] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(measure(connections));
    }
}
