//! A chat on axum: what one says, all hear. `cargo run --example chat --features axum`, then `ws://127.0.0.1:3000/chat` with any client.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::future::Future;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::{Router, routing::any};
use sockless_tokio::axum::{Message, WebSocket, WebSocketUpgrade};
use sockless_tokio::{Broadcast, Prepared, Shutdown, Slow};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Room {
    all: Broadcast,
    shutdown: Shutdown,
}

async fn join(State(room): State<Room>, upgrade: WebSocketUpgrade) -> Response {
    let second = Duration::from_secs(1);
    upgrade
        .max_message_size(10_000)
        .with_keepalive(30 * second, 10 * second)
        .with_shutdown(&room.shutdown)
        .on_upgrade(|socket| talk(socket, room.all))
}

async fn talk(socket: WebSocket, all: Broadcast) {
    let (sender, mut reader) = socket.split();
    all.join(sender);
    while let Some(Ok(message)) = reader.recv().await {
        if let Message::Text(text) = message {
            // Encoded once; those who read too slowly are closed.
            all.send(&Prepared::text(&text));
        }
    }
}

/// Serves until `stop` is ready; then every client is closed with code 1001.
pub async fn serve(listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) {
    let room = Room { all: Broadcast::new(Slow::Close), shutdown: Shutdown::new() };
    let (shutdown, router) = (room.shutdown.clone(), Router::new().route("/chat", any(join)));
    let stop = async move {
        stop.await;
        shutdown.begin();
        shutdown.ended().await;
    };
    let served = axum::serve(listener, router.with_state(room)).with_graceful_shutdown(stop);
    served.await.unwrap_or_default();
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("ws://{}/chat", listener.local_addr()?);
    serve(listener, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
    Ok(())
}
