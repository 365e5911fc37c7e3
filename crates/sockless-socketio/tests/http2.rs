//! The service over HTTP/2: long-polling, and a WebSocket by extended CONNECT (RFC 8441), on one connection: in memory, and over TLS, where
//! both ends agree on `h2` by ALPN.

mod certificates;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use certificates::Authority;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sockless_socketio::service::{AnswerBody, Socket, SocketIo};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
const POLLING: &str = "EIO=4&transport=polling";

async fn echo(mut socket: Socket) {
    while let Some(event) = socket.recv().await {
        let name = event.name().to_owned();
        let _ = socket.emit(&name, event.into_payload());
    }
}

/// Serves a connection until it ends.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let io = SocketIo::builder().namespace("/", echo).build();
    let service = service_fn(move |request| {
        let serving = io.serve(request);
        async move { Ok::<Response<AnswerBody>, Infallible>(serving.await) }
    });
    let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let serving = server.enable_connect_protocol().serve_connection(TokioIo::new(stream), service);
    // The client goes when its test has ended.
    let _ = serving.await;
}

/// A client on a connection.
async fn client(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> SendRequest<Full<Bytes>> {
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sends, connection) = shaken.await.expect("a connection");
    tokio::spawn(connection);
    sends
}

/// A client's end of a connection in memory.
async fn in_memory() -> SendRequest<Full<Bytes>> {
    let (here, there) = tokio::io::duplex(64 << 10);
    tokio::spawn(serve(there));
    client(here).await
}

/// A client's end of a connection over TLS, whose server speaks HTTP/1.1, too.
async fn over_tls() -> SendRequest<Full<Bytes>> {
    let authority = Authority::new("ours");
    let acceptor = authority.acceptor(&["h2", "http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let stream = acceptor.accept(stream).await.expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        serve(stream).await;
    });
    let stream = TcpStream::connect(at).await.expect("a server");
    let name = "localhost".try_into().expect("a name");
    let stream = authority.connector(&["h2"]).connect(name, stream).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    client(stream).await
}

fn request(method: Method, query: &str, body: &'static str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method);
    let request = request.uri(format!("http://localhost/socket.io/?{query}"));
    request.body(Full::from(body)).expect("a request")
}

/// The body of an answer.
async fn answer(
    sends: &mut SendRequest<Full<Bytes>>,
    method: Method,
    query: &str,
    body: &'static str,
) -> String {
    let response = timeout(PATIENCE, sends.send_request(request(method, query, body)));
    let response = response.await.expect("in time").expect("an answer");
    assert_eq!(response.status(), 200, "{query}");
    let body = response.into_body().collect().await.expect("whole").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

#[tokio::test]
async fn long_polling_goes_over_one_connection() {
    poll_and_post(in_memory().await).await;
}

#[tokio::test]
async fn long_polling_goes_over_one_connection_with_tls() {
    poll_and_post(over_tls().await).await;
}

async fn poll_and_post(mut sends: SendRequest<Full<Bytes>>) {
    let hello = answer(&mut sends, Method::GET, POLLING, "").await;
    let sid = hello.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let query = format!("{POLLING}&sid={}", sid.expect("an id"));
    assert_eq!(answer(&mut sends, Method::POST, &query, "40").await, "ok");
    assert!(answer(&mut sends, Method::GET, &query, "").await.starts_with("40{"));
    // The poll waits while another request is answered.
    let mut polls = sends.clone();
    let poll = query.clone();
    let polled = tokio::spawn(async move { answer(&mut polls, Method::GET, &poll, "").await });
    assert_eq!(answer(&mut sends, Method::POST, &query, "42[\"say\",1]").await, "ok");
    assert_eq!(polled.await.expect("polled"), "42[\"say\",1]");
}

#[tokio::test]
async fn a_websocket_is_opened_by_extended_connect() {
    open_and_talk(in_memory().await).await;
}

#[tokio::test]
async fn a_websocket_is_opened_by_extended_connect_with_tls() {
    open_and_talk(over_tls().await).await;
}

async fn open_and_talk(mut sends: SendRequest<Full<Bytes>>) {
    // With the first answer, the server's settings have come.
    answer(&mut sends, Method::GET, POLLING, "").await;
    let mut connect = request(Method::CONNECT, "EIO=4&transport=websocket", "");
    connect.extensions_mut().insert(Protocol::from_static("websocket"));
    connect.headers_mut().insert("sec-websocket-version", "13".parse().expect("a value"));
    let response = timeout(PATIENCE, sends.send_request(connect)).await.expect("in time");
    let response = response.expect("an answer");
    assert_eq!(response.status(), 200);
    let upgraded = hyper::upgrade::on(response).await.expect("a stream");
    let mut stream = TokioIo::new(upgraded);
    for (says, hears) in
        [(None, "0{"), (Some("40"), "40{"), (Some("42[\"say\",1]"), "42[\"say\",1]")]
    {
        if let Some(text) = says {
            // The key is zero.
            let head = [0x81, 0x80 | u8::try_from(text.len()).expect("short"), 0, 0, 0, 0];
            stream.write_all(&[&head, text.as_bytes()].concat()).await.expect("written");
        }
        let mut head = [0; 2];
        timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("in time").expect("a frame");
        let len = match head[1] {
            126 => timeout(PATIENCE, stream.read_u16()).await.expect("in time").expect("a length"),
            len => len.into(),
        };
        let mut heard = vec![0; len.into()];
        timeout(PATIENCE, stream.read_exact(&mut heard)).await.expect("in time").expect("whole");
        let heard = String::from_utf8(heard).expect("text");
        assert!(head[0] == 0x81 && heard.starts_with(hears), "{heard}");
    }
}
