//! The program as its clients meet it: two sockets on one connection, one that asks for nothing, one that half-closes, and nonsense.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use h2::ext::Protocol;
use h2::{RecvStream, SendStream};
use http::{Method, Request};

/// The program, which ends with the test.
struct Program(Child, String);

impl Program {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-h2"));
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self(child, address)
    }

    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.1).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// A connection of HTTP/2.
    async fn http(&self) -> SendRequest<Bytes> {
        let stream = tokio::net::TcpStream::connect(&self.1).await.unwrap();
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut requests = requests.ready().await.unwrap();
        while !requests.is_extended_connect_protocol_enabled() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            requests = requests.ready().await.unwrap();
        }
        requests
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks for a WebSocket: a stream of it, after the status that is expected.
async fn open(
    requests: &mut SendRequest<Bytes>,
    protocol: &'static str,
    status: u16,
) -> (SendStream<Bytes>, RecvStream) {
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = "http://localhost/".parse().unwrap();
    request.extensions_mut().insert(Protocol::from_static(protocol));
    request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
    let (response, send) = requests.send_request(request, false).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.status(), status);
    (send, response.into_body())
}

/// What comes next, as much as this.
async fn next(stream: &mut RecvStream, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < len {
        let more = stream.data().await.unwrap().unwrap();
        stream.flow_control().release_capacity(more.len()).unwrap();
        bytes.extend_from_slice(&more);
    }
    bytes
}

/// Whether nothing follows but the end, which is a frame without data.
async fn ends(stream: &mut RecvStream) -> bool {
    let mut empty = true;
    while let Some(more) = stream.data().await {
        empty &= more.unwrap().is_empty();
    }
    empty
}

#[tokio::test]
async fn messages_come_back_on_every_stream() {
    let program = Program::start();
    let mut http = program.http().await;
    let mut one = open(&mut http, "websocket", 200).await;
    let mut two = open(&mut http, "websocket", 200).await;
    two.0.send_data(Bytes::from_static(b"\x81\x83\0\0\0\0two"), false).unwrap();
    one.0.send_data(Bytes::from_static(b"\x82\x83\0\0\0\0one"), false).unwrap();
    assert_eq!(next(&mut one.1, 5).await, b"\x82\x03one");
    assert_eq!(next(&mut two.1, 5).await, b"\x81\x03two");
    one.0.send_data(Bytes::from_static(b"\x88\x82\0\0\0\0\x03\xE8"), false).unwrap();
    assert_eq!(next(&mut one.1, 4).await, b"\x88\x02\x03\xE8");
    assert!(ends(&mut one.1).await);
    // The other one goes on.
    two.0.send_data(Bytes::from_static(b"\x81\x85\0\0\0\0still"), false).unwrap();
    assert_eq!(next(&mut two.1, 7).await, b"\x81\x05still");
}

#[tokio::test]
async fn who_half_closes_gets_what_it_has_asked_for_and_the_end() {
    let program = Program::start();
    let mut http = program.http().await;
    let (mut send, mut recv) = open(&mut http, "websocket", 200).await;
    send.send_data(Bytes::from_static(b"\x81\x82\0\0\0\0hi"), true).unwrap();
    assert_eq!(next(&mut recv, 4).await, b"\x81\x02hi");
    assert!(ends(&mut recv).await);
}

#[tokio::test]
async fn nonsense_is_answered() {
    let program = Program::start();
    let mut http = program.http().await;
    drop(open(&mut http, "nonsense", 501).await);
    // An unmasked frame: code 1002.
    let (mut send, mut recv) = open(&mut http, "websocket", 200).await;
    send.send_data(Bytes::from_static(b"\x81\x02hi"), false).unwrap();
    let close = next(&mut recv, 4).await;
    assert!(matches!(close[..], [0x88, _, 0x03, 0xEA, ..]), "{close:?}");
    // No HTTP/2 at all.
    let mut stream = program.dial();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn who_asks_for_nothing_is_left_in_time() {
    let (program, started) = (Program::start(), Instant::now());
    let _ = program.dial().read_to_end(&mut Vec::new());
    assert!((10..30).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}
