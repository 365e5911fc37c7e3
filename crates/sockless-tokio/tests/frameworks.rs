//! The extractor for axum, and hyper's upgrades below it, over both versions of HTTP.

#![cfg(feature = "axum")]

use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderValue, Request};
use sockless_tokio::axum::{Message, WebSocket, WebSocketUpgrade};
use sockless_tokio::{ClientOptions, CloseCode, ConnectError, Shutdown, connect, connect_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn answer(upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .protocols(["chat", "v1.chat"])
        .max_message_size(100_000)
        .with_origins(["https://example.com"])
        .on_failed_upgrade(|error| panic!("{error}"))
        .with_compression()
        .on_upgrade(echo)
}

/// Serves, and says where.
async fn serve(shutdown: &Shutdown) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let address = listener.local_addr().expect("an address").to_string();
    let shutdown = shutdown.clone();
    let stops = move |upgrade: WebSocketUpgrade| async move {
        upgrade.with_shutdown(&shutdown).on_upgrade(echo)
    };
    let selects = |mut upgrade: WebSocketUpgrade| async move {
        let first = upgrade.requested_protocols().next().cloned();
        upgrade.set_selected_protocol(first.unwrap_or(HeaderValue::from_static("none")));
        upgrade.on_upgrade(echo)
    };
    let router = Router::new()
        .route("/", any(answer))
        .route("/stops", any(stops))
        .route("/selects", any(selects));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn the_extractor_answers_as_its_methods_say() {
    let address = serve(&Shutdown::new()).await;
    let options = ClientOptions::new()
        .with_compression()
        .with_subprotocols(["v1.chat", "chat"])
        .with_origin("https://example.com");
    let mut socket = connect_with(&format!("ws://{address}/"), options).await.expect("open");
    assert_eq!(socket.subprotocol(), Some("chat"));
    let answer = socket.response().expect("an answer");
    let extensions = answer.field("sec-websocket-extensions").unwrap_or_default();
    assert!(extensions.starts_with(b"permessage-deflate"), "{extensions:?}");
    let text = "compressible ".repeat(1000);
    socket.send(text.as_str()).await.expect("sent");
    assert_eq!(socket.recv().await.expect("one").expect("no error"), Message::text(text));
    assert!(socket.counters().sent.wire_bytes < 2000);
    socket.send(vec![7; 100_001]).await.expect("sent");
    assert!(socket.recv().await.is_none());
    assert_eq!(socket.close_frame().map(|frame| frame.code), Some(CloseCode::MESSAGE_TOO_BIG));
}

#[tokio::test]
async fn what_is_no_websocket_is_answered_otherwise() {
    let address = serve(&Shutdown::new()).await;
    let evil = ClientOptions::new().with_origin("https://evil.example");
    let refused = connect_with(&format!("ws://{address}/"), evil).await;
    assert!(matches!(refused, Err(ConnectError::Refused(refused)) if refused.status == 403));
    let refused = connect(&format!("ws://{address}/selects")).await;
    assert!(matches!(refused, Err(ConnectError::Refused(refused)) if refused.status == 500));
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "426"),
        ("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "405"),
    ] {
        let mut stream = TcpStream::connect(&address).await.expect("a server");
        stream.write_all(request.as_bytes()).await.expect("taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn a_subprotocol_may_be_selected() {
    let address = serve(&Shutdown::new()).await;
    let options = ClientOptions::new().with_subprotocols(["x", "y"]);
    let socket = connect_with(&format!("ws://{address}/selects"), options).await.expect("open");
    assert_eq!(socket.subprotocol(), Some("x"));
}

#[tokio::test]
async fn a_shutdown_reaches_the_connections_of_a_framework() {
    let shutdown = Shutdown::new();
    let address = serve(&shutdown).await;
    let mut socket = connect(&format!("ws://{address}/stops")).await.expect("open");
    socket.send("there").await.expect("sent");
    assert!(socket.recv().await.is_some_and(|message| message.is_ok()));
    assert_eq!(shutdown.connections(), 1);
    assert!(timeout(SECOND / 10, shutdown.ended()).await.is_err());
    shutdown.begin();
    assert!(socket.recv().await.is_none());
    assert_eq!(socket.close_frame().map(|frame| frame.code), Some(CloseCode::GOING_AWAY));
    timeout(SECOND, shutdown.ended()).await.expect("all have gone");
}

#[tokio::test]
async fn a_stream_of_http2_is_a_websocket() {
    let address = serve(&Shutdown::new()).await;
    let stream = TcpStream::connect(&address).await.expect("a server");
    let (requests, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut requests = requests.ready().await.expect("HTTP/2");
    while !requests.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let ask = |protocol| {
        let mut request = Request::builder()
            .method("CONNECT")
            .uri(format!("http://{address}/"))
            .header("sec-websocket-version", "13")
            .header("sec-websocket-protocol", "a, chat")
            .body(())
            .expect("a request");
        request.extensions_mut().insert(h2::ext::Protocol::from_static(protocol));
        request
    };
    let (answer, mut send) = requests.send_request(ask("websocket"), false).expect("sent");
    let mut answer = answer.await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["sec-websocket-protocol"], "chat");
    send.send_data(Bytes::from_static(b"\x81\x85\0\0\0\0hello\x88\x80\0\0\0\0"), false)
        .expect("sent");
    let mut received = Vec::new();
    while let Some(data) = answer.body_mut().data().await {
        received.extend_from_slice(&data.expect("no error"));
    }
    assert_eq!(received, b"\x81\x05hello\x88\x00");
    let (answer, _) = requests.send_request(ask("other"), false).expect("sent");
    assert_eq!(answer.await.expect("an answer").status(), 501);
}
