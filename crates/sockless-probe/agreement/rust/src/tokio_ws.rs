//! tokio-websockets.

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{ClientBuilder, Limits, ServerBuilder};

pub(crate) fn server(port: u16) {
    super::runtime().block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                let builder = ServerBuilder::new().limits(Limits::unlimited());
                let Ok((_, mut socket)) = builder.accept(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if (message.is_text() || message.is_binary())
                        && socket.send(message).await.is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
}

pub(crate) fn visit(url: &str, echoes: bool) -> String {
    super::runtime().block_on(async move {
        let address = url.trim_start_matches("ws://").split('/').next().expect("an address");
        let Ok(stream) = TcpStream::connect(address).await else { return String::new() };
        let _ = stream.set_nodelay(true);
        let builder = ClientBuilder::new().limits(Limits::unlimited());
        let builder = builder.uri(url).expect("a URL");
        let Ok((mut socket, _)) = builder.connect_on(stream).await else { return String::new() };
        let mut told = String::new();
        while let Some(Ok(message)) = socket.next().await {
            if !message.is_text() && !message.is_binary() {
                continue;
            }
            if echoes {
                if socket.send(message).await.is_err() {
                    break;
                }
            } else {
                told.push_str(message.as_text().unwrap_or_default());
            }
        }
        told
    })
}
