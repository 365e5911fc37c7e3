//! A WebSocket over a real HTTP/2 connection in memory, with extended CONNECT (RFC 8441): sockless at both ends, `h2` between.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use sockless::connection::Initiator;
use sockless::handshake::{Acceptance, Field, Offer, Url, connect};
use sockless::{Client, CloseCode, Config, Server, endpoint};
use sockless_autobahn::h2_stream::{self, H2Stream};
use sockless_tokio::{Message, WebSocket};
use tokio::sync::mpsc;

fn closing() -> Config {
    Config::default().with_close(Duration::from_secs(5))
}

type Requests = h2::client::SendRequest<Bytes>;
type Accepted = mpsc::UnboundedReceiver<WebSocket<H2Stream, Server>>;

/// A connection of HTTP/2 in memory: where a client asks, and what the server has accepted.
async fn http2() -> (Requests, Accepted) {
    let (near, far) = tokio::io::duplex(4096);
    let (accepted, sockets) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut server = h2::server::Builder::new();
        let mut connection = server.enable_connect_protocol().handshake(far).await.unwrap();
        while let Some(asked) = connection.accept().await {
            let (request, respond) = asked.unwrap();
            if let Some(socket) = answer(request, respond) {
                let _ = accepted.send(socket);
            }
        }
    });
    let (requests, connection) = h2::client::handshake(near).await.unwrap();
    tokio::spawn(connection);
    (requests, sockets)
}

/// The server's answer to a request.
fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
) -> Option<WebSocket<H2Stream, Server>> {
    let asked = match connect::ConnectRequest::decode(h2_stream::request_fields(&request)) {
        Ok(asked) => asked,
        Err(error) => {
            let refusal = Response::builder().status(error.status()).body(()).unwrap();
            respond.send_response(refusal, true).unwrap();
            return None;
        }
    };
    assert_eq!((asked.authority(), asked.target()), ("example.com", "/chat?room=1"));
    assert_eq!(asked.field("x-token"), Some(&b"secret"[..]));
    let subprotocol = asked.choose_subprotocol(&["chat"]);
    let accepted = asked.accept(&Acceptance::new().with_subprotocol(subprotocol)).unwrap();
    let head = h2_stream::response(&accepted).unwrap();
    assert_eq!(head.status(), 200);
    let send = respond.send_response(head, false).unwrap();
    let connection = endpoint::server(&accepted.established(), Config::default());
    Some(WebSocket::upgraded(H2Stream::new(send, request.into_body()), connection, closing()))
}

/// The client's end of a new WebSocket.
async fn open(requests: &Requests) -> WebSocket<H2Stream, Client> {
    let mut requests = requests.clone().ready().await.unwrap();
    assert!(requests.is_extended_connect_protocol_enabled());
    let fields = [Field::new("x-token", "secret")];
    let offer = Offer::new(Url::parse("ws://example.com/chat?room=1").unwrap())
        .with_subprotocols(&["v2.chat", "chat"])
        .with_fields(&fields);
    let opening = connect::ConnectOpening::new(offer).unwrap();
    let request = h2_stream::request(&opening).unwrap();
    let (answer, send) = requests.send_request(request, false).unwrap();
    let answer = answer.await.unwrap();
    match opening.check(answer.status().as_u16(), h2_stream::fields(answer.headers())) {
        connect::ConnectAnswered::Open(established) => {
            assert_eq!(established.subprotocol, Some("chat"));
            let connection = endpoint::client(&established, Config::default());
            WebSocket::upgraded(H2Stream::new(send, answer.into_body()), connection, closing())
        }
        other => panic!("{other:?}"),
    }
}

/// Both ends of a new WebSocket, once the server's settings have arrived.
async fn both() -> (WebSocket<H2Stream, Client>, WebSocket<H2Stream, Server>, Requests) {
    let (requests, mut accepted) = http2().await;
    while !requests.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let client = open(&requests).await;
    (client, accepted.recv().await.unwrap(), requests)
}

fn messages() -> Vec<Message> {
    let text = "grüß dich, 世界 😀 ".repeat(1000);
    let sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
    let binary = sizes.map(|size| Message::from(vec![size as u8; size]));
    [Message::from(""), Message::from(text)].into_iter().chain(binary).collect()
}

#[tokio::test]
async fn messages_pass_in_both_directions_and_the_client_closes() {
    let (mut client, mut server, _requests) = both().await;
    let echo = tokio::spawn(async move {
        while let Some(message) = server.recv().await {
            server.send(message.unwrap()).await.unwrap();
        }
        server.outcome()
    });
    for message in messages() {
        client.send(message.clone()).await.unwrap();
        assert_eq!(client.recv().await.unwrap().unwrap(), message);
    }
    client.start_close(CloseCode::NORMAL, "enough").unwrap();
    assert!(client.recv().await.is_none());
    let (near, far) = (client.outcome(), echo.await.unwrap());
    assert!(near.clean() && far.clean());
    assert_eq!(far.received.code(), Some(CloseCode::NORMAL));
    assert_eq!((near.initiator, far.initiator), (Some(Initiator::Local), Some(Initiator::Remote)));
}

#[tokio::test]
async fn the_server_speaks_first_and_closes() {
    let (mut client, mut server, _requests) = both().await;
    let greeting = tokio::spawn(async move {
        for message in messages() {
            server.send(message).await.unwrap();
        }
        server.close(CloseCode::NORMAL, "").await.unwrap();
        server.outcome()
    });
    for message in messages() {
        assert_eq!(client.recv().await.unwrap().unwrap(), message);
    }
    assert!(client.recv().await.is_none());
    assert!(client.outcome().clean());
    assert_eq!(client.outcome().initiator, Some(Initiator::Remote));
    assert!(greeting.await.unwrap().clean());
}

#[tokio::test]
async fn many_websockets_share_a_connection() {
    let (requests, mut accepted) = http2().await;
    while !requests.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let (mut clients, mut servers) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        clients.push(open(&requests).await);
        servers.push(accepted.recv().await.unwrap());
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(Message::from(format!("{number}"))).await.unwrap();
    }
    for (number, server) in servers.iter_mut().enumerate().rev() {
        assert_eq!(server.recv().await.unwrap().unwrap(), Message::from(format!("{number}")));
    }
}

#[tokio::test]
async fn a_reset_stream_is_a_lost_connection() {
    let (client, mut server, _requests) = both().await;
    drop(client);
    assert!(server.recv().await.unwrap().is_err());
    assert!(!server.outcome().clean());
}

#[tokio::test]
async fn an_unknown_protocol_is_answered_with_501() {
    let (requests, _accepted) = http2().await;
    while !requests.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let offer = Offer::new(Url::parse("ws://example.com/").unwrap());
    let mut request = h2_stream::request(&connect::ConnectOpening::new(offer).unwrap()).unwrap();
    request.extensions_mut().insert(h2::ext::Protocol::from_static("chat"));
    let (answer, _send) = requests.clone().send_request(request, false).unwrap();
    assert_eq!(answer.await.unwrap().status(), 501);
    let plain = http::Request::builder().uri("http://example.com/").body(()).unwrap();
    let (answer, _send) = requests.clone().send_request(plain, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 405);
}
