//! The echo, on the adapter to tokio, for servers whose streams something else has upgraded.

use std::time::Duration;

use sockless::{CloseCode, Connection, Event, Outcome, Server};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::answer::answer;
use crate::tokio_adapter::WebSocket;

/// Sends back every message until the connection has ended. Begins to close with 1001 once `stopped` is true.
pub async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocket<S, Server>,
    mut stopped: watch::Receiver<bool>,
) -> Outcome {
    let answer = |event: Event<'_>, connection: &mut Connection<Server>| {
        if answer(event, connection).is_err() {
            // The answer is longer than what may wait. Whoever has closed already has heard why.
            let _ = connection.close(CloseCode::INTERNAL_ERROR, "out of room", Duration::ZERO);
        }
    };
    tokio::select! {
        // It has closed, or it has failed and been told why.
        _ = socket.serve(answer) => return socket.outcome(),
        () = told(&mut stopped) => {}
    }
    // A connection that has ended has nobody left to tell.
    let _ = socket.start_close(CloseCode::GOING_AWAY, "the server stops");
    let _ = socket.serve(answer).await;
    socket.outcome()
}

/// Waits until the server stops.
pub async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
