//! The server on sockless-socketio. `serve-sockless THREADS`: 1 is tokio's runtime on one thread.

#[path = "../serving.rs"]
mod serving;

use axum::Router;
use sockless_socketio::engine::Config;
use sockless_socketio::service::{Data, Events, Sender, SocketIo};
use sockless_socketio::socket::{Payload, Target};

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn echo(socket: Sender, Data(text): Data<String>) -> Done {
    Ok(socket.emit("echo", Payload::new().with(&text)?)?)
}

async fn tell_all(socket: Sender, Data(text): Data<String>) -> Done {
    let target = Target::all(socket.namespace().clone());
    socket.io().broadcast(&target, "news", Payload::new().with(&text)?)?;
    Ok(())
}

fn main() -> std::io::Result<()> {
    let config = Config::default().with_ping(serving::NEVER, serving::NEVER);
    let io = SocketIo::builder()
        .with_engine(config)
        .on("/", |_| Events::new().on("echo", echo).on("tell", tell_all))
        .build();
    serving::serve(Router::new().route_service("/socket.io/", io))
}
