//! The echo server over HTTP/2, with the client of `h2`, and frames made and read by tungstenite.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod peer;

use std::io::{self, Read, Write};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use peer::{PATIENCE, Program, noise, prose};
use sockless_autobahn::h2_stream::H2Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tungstenite::protocol::Role;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket};

/// A connection of HTTP/2 to the server.
struct Http2 {
    runtime: Runtime,
    requests: SendRequest<Bytes>,
}

impl Http2 {
    fn connect(server: &Program) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let address = server.address;
        let requests = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let mut client = h2::client::Builder::new();
            client.initial_window_size(1 << 20).initial_connection_window_size(1 << 20);
            let (requests, connection) = client.handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let allowed = async {
                while !requests.is_extended_connect_protocol_enabled() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            timeout(PATIENCE, allowed).await.unwrap();
            requests
        });
        Self { runtime, requests }
    }

    /// Sends a request; the status and the body of the answer, or the stream that it has opened.
    fn ask(&self, method: &str, path: &str, protocol: Option<&'static str>) -> (u16, Answer) {
        let uri = format!("http://localhost{path}");
        let mut request = http::Request::builder().method(method).uri(uri).body(()).unwrap();
        if let Some(protocol) = protocol {
            request.extensions_mut().insert(h2::ext::Protocol::from_static(protocol));
            let version = "13".parse().unwrap();
            request.headers_mut().insert("sec-websocket-version", version);
        }
        self.runtime.block_on(async {
            let mut requests = self.requests.clone().ready().await.unwrap();
            let (answer, send) = requests.send_request(request, protocol.is_none()).unwrap();
            let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
            let status = answer.status().as_u16();
            let stream = H2Stream::new(send, answer.into_body());
            (status, Answer { stream, runtime: self.runtime.handle().clone() })
        })
    }

    fn open(&self) -> WebSocket<Answer> {
        let (status, stream) = self.ask("CONNECT", "/", Some("websocket"));
        assert_eq!(status, 200);
        WebSocket::from_raw_socket(stream, Role::Client, Some(peer::config()))
    }
}

/// The stream of an answer, which can be read and written by blocking calls.
struct Answer {
    stream: H2Stream,
    runtime: tokio::runtime::Handle,
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self { stream, runtime } = self;
        runtime.block_on(async { timeout(PATIENCE, stream.read(buffer)).await })?
    }
}

impl Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { stream, runtime } = self;
        runtime.block_on(async { timeout(PATIENCE, stream.write(bytes)).await })?
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn server() -> Program {
    Program::start(env!("CARGO_BIN_EXE_echo_h2"), &[])
}

#[test]
fn messages_fragments_and_pings_pass_over_http2() {
    let server = server();
    let http2 = Http2::connect(&server);
    let mut socket = http2.open();
    for len in [0, 1, 125, 126, 65535, 65536, 1 << 20, 16 << 20] {
        for message in [Message::binary(noise(len)), Message::text(prose(len))] {
            socket.send(message.clone()).unwrap();
            assert!(socket.read().unwrap() == message, "{len} bytes");
        }
    }
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::{Data, OpCode};
    let frame = |text: &str, code, last| {
        Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(code), last))
    };
    socket.send(frame("Hel", Data::Text, false)).unwrap();
    socket.send(Message::Ping("?".into())).unwrap();
    socket.send(frame("lo", Data::Continue, true)).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong("?".into()));
    assert_eq!(socket.read().unwrap(), Message::text("Hello"));
    socket.close(None).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Close(None));
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
}

#[test]
fn streams_of_a_connection_live_and_die_by_themselves() {
    let server = server();
    let http2 = Http2::connect(&server);
    let mut sockets: Vec<_> = (0..20).map(|_| http2.open()).collect();
    // One vanishes in the middle of a message, one breaks the rules.
    let mut vanishing = sockets.pop().unwrap();
    vanishing.get_mut().write_all(b"\x82\x8A\0\0\0\0half").unwrap();
    drop(vanishing);
    let mut breaking = sockets.pop().unwrap();
    breaking.get_mut().write_all(b"\x81\x82\0\0\0\0\xC3\x28").unwrap();
    match breaking.read().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Invalid),
        other => panic!("{other:?}"),
    }
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.send(Message::text(number.to_string())).unwrap();
    }
    for (number, socket) in sockets.iter_mut().enumerate().rev() {
        assert_eq!(socket.read().unwrap(), Message::text(number.to_string()));
    }
}

#[test]
fn other_requests_are_answered() {
    let server = server();
    let http2 = Http2::connect(&server);
    let (status, mut page) = http2.ask("GET", "/", None);
    let mut text = String::new();
    page.read_to_string(&mut text).unwrap();
    assert!(status == 200 && text.contains("new WebSocket("), "{status} {text}");
    assert_eq!(http2.ask("GET", "/elsewhere", None).0, 405);
    assert_eq!(http2.ask("CONNECT", "/", Some("chat")).0, 501);
}

#[test]
fn http_1_is_spoken_as_well() {
    peer::echo::serves_everything(env!("CARGO_BIN_EXE_echo_h2"));
}

#[test]
fn stops_with_1001() {
    let mut server = server();
    let http2 = Http2::connect(&server);
    let mut socket = http2.open();
    let _silent = http2.open();
    server.interrupt();
    match socket.read().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("{other:?}"),
    }
    let _ = socket.flush();
    assert!(server.wait().success());
}
