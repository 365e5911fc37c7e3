//! The echo, on the adapter to tokio, for servers whose streams something else has upgraded.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream as _;
use futures_sink::Sink as _;
use sockless::{CloseCode, Message, Outcome, Server};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::tokio_adapter::{Error, WebSocket};

/// How long a client may leave the echo unread before it is dropped. Nothing more is read from it meanwhile.
const STALL: Duration = Duration::from_secs(60);

/// Sends back every message until the connection has ended. Begins to close with 1001 once `stopped` is true.
pub async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocket<S, Server>,
    mut stopped: watch::Receiver<bool>,
) -> Outcome {
    let mut leaving = false;
    loop {
        tokio::select! {
            message = next(&mut socket) => {
                // It has closed, or it has failed and been told why.
                let Some(Ok(message)) = message else { break };
                match timeout(STALL, send(&mut socket, message)).await {
                    Ok(true) => {}
                    Ok(false) | Err(_) => break,
                }
            }
            () = told(&mut stopped), if !leaving => {
                leaving = true;
                // A connection that has ended has nobody left to tell.
                let _ = socket.start_close(CloseCode::GOING_AWAY, "the server stops");
            }
        }
    }
    socket.outcome()
}

/// Waits until the server stops.
pub async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn next<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocket<S, Server>,
) -> Option<Result<Message, Error>> {
    poll_fn(|cx| Pin::new(&mut *socket).poll_next(cx)).await
}

/// Queues a message once there is room; whether the connection goes on.
async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocket<S, Server>,
    message: Message,
) -> bool {
    let ready = poll_fn(|cx| Pin::new(&mut *socket).poll_ready(cx)).await;
    // Once the server has said that it goes, nothing goes back any more.
    let _ = Pin::new(socket).start_send(message);
    ready.is_ok()
}
