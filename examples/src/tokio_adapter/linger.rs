//! Reading on when nothing is awaited any more: a stream that is closed with something unread is reset, and the peer may lose what
//! it has not read yet.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Reads to the end of the stream, but for no longer than this.
pub(super) async fn read_to_end(reader: &mut (impl AsyncRead + Unpin), limit: Duration) {
    let mut thrown_away = [0; 4096];
    let end = async { while matches!(reader.read(&mut thrown_away).await, Ok(1..)) {} };
    // Whether it ends or is left, the stream is closed next.
    let _ = tokio::time::timeout(limit, end).await;
}
