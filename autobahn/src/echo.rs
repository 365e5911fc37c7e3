//! The echo, for servers on tokio.

use sockless::{Outcome, Server};
use sockless_tokio::WebSocket;
use tokio::io::{AsyncRead, AsyncWrite};

/// Sends back every message until the connection has ended. A socket that takes part in a shutdown closes by itself when it begins.
pub async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocket<S, Server>) -> Outcome {
    // It has closed, or it has failed and the client knows why.
    while let Some(Ok(message)) = socket.recv().await {
        // Written before the socket sleeps. We have said perhaps that we go: messages may still arrive, and none is answered.
        let _ = socket.feed(message).await;
    }
    socket.outcome()
}
