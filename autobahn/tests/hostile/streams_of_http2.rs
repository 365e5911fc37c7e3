//! The streams of one connection of HTTP/2: those that are not read are dropped like any client, and must not starve the others
//! meanwhile. And the connection itself, which may say nothing either.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use sockless_autobahn::h2_stream::H2Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::client::masked;
use super::server::Server;
use super::{ECHO, HANDSHAKE, LATE, SHORT, WRITE};

fn server() -> Server {
    Server::start(env!("CARGO_BIN_EXE_echo_h2"), &SHORT).unwrap()
}

/// A connection whose window has room for what is not read of its streams.
async fn connect(server: &Server) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut client = h2::client::Builder::new();
    let (requests, connection) =
        client.initial_connection_window_size(16 << 20).handshake(stream).await.unwrap();
    tokio::spawn(connection);
    while !requests.is_extended_connect_protocol_enabled() {
        sleep(Duration::from_millis(1)).await;
    }
    requests
}

async fn open(requests: &SendRequest<Bytes>) -> H2Stream {
    let request = http::Request::connect("http://localhost/").body(());
    let mut request = request.unwrap();
    request.extensions_mut().insert(h2::ext::Protocol::from_static("websocket"));
    request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
    let mut requests = requests.clone().ready().await.unwrap();
    let (answer, send) = requests.send_request(request, false).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    H2Stream::new(send, answer.into_body())
}

/// Sends as much as is taken, reads nothing, and returns once the stream has been reset: how long after the last that was taken.
async fn flood(mut stream: H2Stream) -> Duration {
    let (message, mut at, mut last) = (masked(0x82, &[7; 60_000]), 0, Instant::now());
    loop {
        match timeout(Duration::from_millis(10), stream.write(&message[at..])).await {
            Ok(Ok(count)) => (at, last) = ((at + count) % message.len(), Instant::now()),
            Ok(Err(_)) => return last.elapsed(),
            Err(_) => assert!(last.elapsed() < WRITE + LATE, "a stream that isn't read stays"),
        }
    }
}

#[tokio::test]
async fn that_are_not_read_are_dropped_and_starve_no_other() {
    let server = server();
    let requests = connect(&server).await;
    let mut behaving = open(&requests).await;
    let mut floods = Vec::new();
    for _ in 0..3 {
        floods.push(tokio::spawn(flood(open(&requests).await)));
    }
    let mut worst = Duration::ZERO;
    while !floods.iter().all(tokio::task::JoinHandle::is_finished) {
        let sent = Instant::now();
        behaving.write_all(&masked(0x82, b"echo")).await.unwrap();
        let mut echo = [0; 6];
        let read = timeout(Duration::from_secs(5), behaving.read_exact(&mut echo)).await;
        read.expect("it is starved").unwrap();
        assert_eq!(&echo, b"\x82\x04echo");
        worst = worst.max(sent.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    for flood in floods {
        println!("echo_h2: a stream is gone after {:.2?}", flood.await.unwrap());
    }
    println!("echo_h2: the longest echo of another stream {worst:.1?}");
    assert!(worst < ECHO + super::delay_of_this_machine());
}

#[tokio::test]
async fn that_nobody_opens_are_not_waited_for() {
    let server = server();
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let started = Instant::now();
    // The preface, and settings without a word; then nothing.
    silent.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    timeout(HANDSHAKE + LATE, silent.read_to_end(&mut Vec::new())).await.expect("an end").unwrap();
    println!("echo_h2: a connection without a stream is gone after {:.2?}", started.elapsed());
}
