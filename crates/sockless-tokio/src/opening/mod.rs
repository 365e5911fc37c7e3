//! The opening handshake, in both roles.

mod accept;
mod client_options;
mod connect_error;
mod connect_over;
mod server_options;

pub use accept::{AcceptError, Decision, Opening, accept, accept_with, receive};
pub use client_options::ClientOptions;
pub(crate) use client_options::Through;
pub use connect_error::{ConnectError, Refused, Stage};
pub use connect_over::connect_over;
pub(crate) use connect_over::{check, open};
pub use server_options::ServerOptions;

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::buffer::Buffer;
use crate::clock::Clock;

/// Reads once; `None` if the time is over.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Buffer,
    clock: Clock,
    deadline: Option<Duration>,
) -> io::Result<Option<usize>> {
    tokio::select! {
        biased;
        count = poll_fn(|cx| buffer.poll_read(stream, cx)) => count.map(Some),
        () = clock.sleep_until(deadline) => Ok(None),
    }
}

/// Reads to the end of the stream, but for no longer than this: a stream that is closed with something unread is reset, and the peer may
/// lose what it has not read yet.
async fn read_to_end(reader: &mut (impl AsyncRead + Unpin), limit: Duration) {
    let mut thrown_away = vec![0; 4096];
    let end = async { while matches!(reader.read(&mut thrown_away).await, Ok(1..)) {} };
    // Whether it ends or is left, the stream is closed next.
    let _ = tokio::time::timeout(limit, end).await;
}
