//! What the same loads cost at least: a server that makes the system calls that the others have to make, and knows no protocol. It answers with
//! what it was sent first. `serve-floor THREADS`: 1 is tokio's runtime on one thread.

mod polling;
#[path = "../../running.rs"]
mod running;
mod websocket;

use std::sync::Arc;

use tokio::net::TcpStream;

fn main() -> std::io::Result<()> {
    running::run(async |listener| {
        let (places, all) = (Arc::default(), Arc::default());
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (places, all) = (Arc::clone(&places), Arc::clone(&all));
            tokio::spawn(async move {
                // A client that has gone is none of its business.
                match wants_websocket(&stream).await {
                    Ok(true) => drop(websocket::serve(stream, &all).await),
                    Ok(false) => polling::serve(stream, places).await,
                    Err(_) => {}
                }
            });
        }
    })
}

/// Whether its first request is for a WebSocket. All of the request stays in the stream.
async fn wants_websocket(stream: &TcpStream) -> std::io::Result<bool> {
    let mut head = [0; 1024];
    loop {
        let read = stream.peek(&mut head).await?;
        let head = &head[..read];
        if read == 0 || head.windows(4).any(|end| end == b"\r\n\r\n") {
            return Ok(head.windows(9).any(|word| word == b"websocket"));
        }
        tokio::task::yield_now().await;
    }
}
