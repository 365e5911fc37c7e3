//! The server as a layer before all routes.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sockless_socketio::client::Client;
use sockless_socketio::service::{Socket, SocketIo};
use sockless_socketio::socket::Payload;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(120);

async fn echo(mut socket: Socket) {
    while let Some(mut event) = socket.recv().await {
        let payload = event.payload().clone();
        event.reply(payload).expect("replied");
    }
}

/// A page, and Socket.IO at a path.
async fn serve(path: &str) -> SocketAddr {
    let io = SocketIo::builder().namespace("/", echo).build();
    let router = Router::new().route("/page", get(|| async { "a page" })).layer(io.layer(path));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    at
}

/// The answer to a GET, with its head.
async fn answer(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).await.expect("a server");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").expect("text");
    answer
}

#[tokio::test]
async fn clients_are_served_at_the_path_with_or_without_a_slash_at_its_end() {
    for served in ["/socket.io/", "/io"] {
        let at = serve(served).await;
        for asked in
            [served.trim_end_matches('/').to_owned(), format!("{}/", served.trim_end_matches('/'))]
        {
            for (polling, websocket) in [(true, false), (false, true)] {
                let builder = Client::builder(&format!("http://{at}")).with_path(&asked);
                let builder = builder.with_transports(polling, websocket).without_reconnect();
                let client = timeout(PATIENCE, builder.connect()).await.expect("in time");
                let client = client.expect("connected");
                let payload = Payload::new().with("hello").expect("JSON");
                let answer = client.emit_with_ack("ask", payload.clone(), PATIENCE).await;
                assert_eq!(answer, Ok(payload), "{asked}");
            }
        }
    }
}

#[tokio::test]
async fn all_other_paths_are_left_to_the_routes_below() {
    let at = serve("/socket.io/").await;
    assert!(answer(at, "/page").await.ends_with("\r\n\r\na page"));
    for path in ["/", "/socket.io/more", "/socket.io//", "/socket.iox", "/x/socket.io/", "/page/"] {
        let answer = answer(at, &format!("{path}?EIO=4&transport=polling")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    let opened = answer(at, "/socket.io/?EIO=4&transport=polling").await;
    assert!(opened.starts_with("HTTP/1.1 200"), "{opened}");
}
