//! Two ends of a connection: ours on both, or ours and a peer that is nothing but bytes.

#![allow(unreachable_pub, reason = "a module of tests")]
#![allow(dead_code, reason = "not every test needs all of it")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sockless_blocking::{
    Client, ClientOptions, NetStream, Server, ServerOptions, WebSocket, accept, connect_with,
};

/// Longer than anything takes that works, on a machine with other things to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A listener, and its URL.
pub fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    (listener, url)
}

/// The two ends of a connection.
pub fn pair(
    client: impl Into<ClientOptions>,
    server: impl Into<ServerOptions> + Send + 'static,
) -> (WebSocket<NetStream, Client>, WebSocket<TcpStream, Server>) {
    let (listener, url) = listener();
    let accepting =
        thread::spawn(move || accept(listener.accept().expect("a client").0, server.into()));
    let client = connect_with(&url, client).expect("open");
    (client, accepting.join().expect("no panic").expect("open"))
}

/// A server of ours, and its client as a stream on which the handshake has been done.
pub fn raw_client(
    server: impl Into<ServerOptions> + Send + 'static,
) -> (TcpStream, WebSocket<TcpStream, Server>) {
    let (listener, _) = listener();
    let address = listener.local_addr().expect("an address");
    let accepting =
        thread::spawn(move || accept(listener.accept().expect("a client").0, server.into()));
    let mut stream = TcpStream::connect(address).expect("connected");
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
        .expect("written");
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    (stream, accepting.join().expect("no panic").expect("open"))
}

/// A frame as a client sends it, masked with zeroes.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        len @ ..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(len).expect("a short one").to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Does this in a thread: within this time, or the test fails.
pub fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> (T, Duration) {
    let began = Instant::now();
    let working: JoinHandle<T> = thread::spawn(work);
    while !working.is_finished() {
        assert!(began.elapsed() < limit, "it still runs after {limit:?}");
        thread::sleep(Duration::from_millis(2));
    }
    let took = began.elapsed();
    (working.join().expect("no panic"), took)
}
