//! An echo server without a framework, which Ctrl-C stops gracefully. `cargo run --example server -- 127.0.0.1:9001`

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::future::Future;

use sockless_tokio::{Listener, NetStream, Server, WebSocket};

async fn echo(mut socket: WebSocket<NetStream, Server>) {
    while let Some(Ok(message)) = socket.recv().await {
        // Written before the socket sleeps: one call for all that has arrived at once.
        if socket.feed(message).await.is_err() {
            break;
        }
    }
}

/// Serves until `stop` is ready; then every client is closed with code 1001.
pub async fn serve(listener: Listener, stop: impl Future<Output = ()>) {
    listener.run(stop, |socket, _address| echo(socket)).await;
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = Listener::bind(&address).await?;
    println!("ws://{}/", listener.local_addr()?);
    serve(listener, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
    Ok(())
}
