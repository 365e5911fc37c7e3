//! The server on socketioxide. `serve-socketioxide THREADS`: 1 is tokio's runtime on one thread.

#[path = "../serving.rs"]
mod serving;

use std::convert::Infallible;

use axum::Router;
use socketioxide::SocketIo;
use socketioxide::extract::{Data, SocketRef};
use socketioxide::handler::ConnectHandler as _;

/// Says what is done with events. This is called before the client is told that it is connected: what is done after that, in a task of its own,
/// comes too late on more than one thread for an event that the client sends at once, and that is lost.
async fn prepare(socket: SocketRef) -> Result<(), Infallible> {
    socket.on("echo", async |socket: SocketRef, Data(text): Data<String>| {
        // A client that doesn't read misses it.
        let _ = socket.emit("echo", &text);
    });
    socket.on("tell", async |io: SocketIo, Data(text): Data<String>| {
        let _ = io.emit("news", &text).await;
    });
    Ok(())
}

async fn connected(_: SocketRef) {}

fn main() -> std::io::Result<()> {
    let (layer, io) = SocketIo::builder()
        .ping_interval(serving::NEVER)
        .ping_timeout(serving::NEVER)
        .build_layer();
    io.ns("/", connected.with(prepare));
    serving::serve(Router::new().layer(layer))
}
