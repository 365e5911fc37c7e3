//! Both ends of a connection in memory, or one of them and the stream of a peer that does as it likes.

#![allow(dead_code, reason = "not every chapter needs all of it")]

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use sockless_tokio::{Client, Config, Server, WebSocket, accept, connect_over};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

pub(crate) const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// How long the answer is to a request for nothing but a WebSocket.
pub(crate) const ANSWER: usize = 129;
pub(crate) const URL: &str = "ws://localhost/";

pub(crate) type Near = WebSocket<DuplexStream, Client>;
pub(crate) type Far = WebSocket<DuplexStream, Server>;

/// Both ends, with room for this number of bytes between them.
pub(crate) async fn pair(capacity: usize, config: Config) -> (Near, Far) {
    let (near, far) = duplex(capacity);
    let (client, server) =
        tokio::join!(connect_over(near, URL, config.clone()), accept(far, config));
    (client.expect("the client's end"), server.expect("the server's end"))
}

/// A server's end, and the stream of a client that does as it likes; the answer has been read. There is room for this number of bytes
/// between them.
pub(crate) async fn half(capacity: usize, config: Config) -> (DuplexStream, Far) {
    let (mut near, far) = duplex(capacity);
    let accepting = tokio::spawn(accept(far, config));
    near.write_all(REQUEST).await.expect("taken");
    near.read_exact(&mut [0; ANSWER]).await.expect("an answer");
    (near, accepting.await.expect("no panic").expect("the server's end"))
}

/// A masked message, with a mask of zeros.
pub(crate) fn message(len: u16) -> Vec<u8> {
    let mut frame = vec![0x82, 0xFE];
    frame.extend(len.to_be_bytes());
    frame.resize(8 + usize::from(len), 0);
    frame
}

/// Runs a test on one thread, with time that passes by itself when all wait. A task that spins lets no time pass: so the test has to be through
/// in a while.
pub(crate) fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let (done, through) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(test());
        done.send(()).expect("somebody waits");
    });
    match through.recv_timeout(Duration::from_secs(30)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it spins, or waits for ever"),
        _ => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}
