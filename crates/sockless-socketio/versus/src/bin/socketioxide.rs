//! The server on socketioxide. `serve-socketioxide THREADS`: 1 is tokio's runtime on one thread.

#[path = "../serving.rs"]
mod serving;

use axum::Router;
use socketioxide::SocketIo;
use socketioxide::extract::{Data, SocketRef};

fn main() -> std::io::Result<()> {
    let (layer, io) = SocketIo::builder()
        .ping_interval(serving::NEVER)
        .ping_timeout(serving::NEVER)
        .build_layer();
    io.ns("/", async |socket: SocketRef| {
        socket.on("echo", async |socket: SocketRef, Data(text): Data<String>| {
            // A client that doesn't read misses it.
            let _ = socket.emit("echo", &text);
        });
        socket.on("tell", async |io: SocketIo, Data(text): Data<String>| {
            let _ = io.emit("news", &text).await;
        });
    });
    serving::serve(Router::new().layer(layer))
}
