//! The driver on smol: its length, that it serves, and that it gets rid of clients that say nothing or take nothing.

#![allow(dead_code, reason = "a program's `main` is for its user")]
#![allow(unreachable_pub, reason = "a program is a crate elsewhere")]

#[path = "../../lines.rs"]
mod lines;
#[path = "../src/main.rs"]
mod smol_driver;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{io, thread};

use smol::net::TcpListener;
use sockless::connection::{Cause, Failure};
use sockless::frame::Violation;
use sockless::{Config, Outcome};

/// How long a test waits before it gives up; none waits so long where all is well.
const PATIENCE: Duration = Duration::from_secs(60);

type Ends = mpsc::Receiver<io::Result<Outcome>>;

/// A server for one client: its address, and how it ends.
fn server(config: Config) -> (String, Ends) {
    let (ended, ends) = mpsc::channel();
    let (told, address) = mpsc::channel();
    thread::spawn(move || {
        smol::block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            told.send(listener.local_addr().expect("an address").to_string())
                .expect("a reader");
            let (stream, _) = listener.accept().await.expect("a client");
            // As `main` does: the future has to be `Send`, whichever thread goes on with it.
            let serving = smol::spawn(smol_driver::serve(stream, Arc::new(config)));
            let _ = ended.send(serving.await);
        });
    });
    (address.recv().expect("an address"), ends)
}

/// A client's request to open a connection.
fn request(address: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// A client that has opened its connection by hand.
fn opened(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a server");
    let request = request(address);
    // In two pieces, so that the acceptor has to put the head together.
    let (first, rest) = request.as_bytes().split_at(40);
    stream.write_all(first).expect("it is read");
    stream.write_all(rest).expect("it is read");
    let mut head = [0; 129];
    stream.read_exact(&mut head).expect("an answer");
    assert!(head.starts_with(b"HTTP/1.1 101 ") && head.ends_with(b"\r\n\r\n"));
    stream
}

fn outcome(ends: &Ends) -> Outcome {
    ends.recv_timeout(PATIENCE)
        .expect("it ends")
        .expect("an outcome")
}

#[test]
fn it_has_as_many_lines_as_the_table_says() {
    lines::check("smol_driver", include_str!("../src/main.rs"));
}

#[test]
fn the_guide_shows_this_program_word_for_word() {
    let (chapter, program) = (
        include_str!("../../../../src/guide/asynchronous.md"),
        include_str!("../src/main.rs"),
    );
    let (_, code) = program.split_once("\n\n").expect("a head and code");
    assert!(
        chapter.contains(&format!("```rust,ignore\n{code}```\n")),
        "not in the chapter `asynchronous`:\n{code}"
    );
    let lines = lines::count(program);
    assert!(chapter.contains(&format!("in {lines} lines")), "{lines}");
}

#[test]
fn messages_short_and_long_come_back_and_the_end_is_clean() {
    let (address, ends) = server(Config::default());
    let mut socket = sockless_blocking::connect(&format!("ws://{address}/")).expect("open");
    socket.set_timeout(PATIENCE);
    // Longer than what the streams of both sides take without a reader: the server has to read while it writes.
    let long: Vec<u8> = (0..8 << 20).map(|at: u32| (at % 251) as u8).collect();
    for _ in 0..2 {
        socket.send("hello").expect("sent");
        socket.send(&long[..]).expect("sent");
    }
    for _ in 0..2 {
        let text = socket.recv().expect("a message").expect("a message");
        assert_eq!(text.as_text(), Some("hello"));
        assert!(
            socket
                .recv()
                .expect("a message")
                .expect("a message")
                .as_bytes()
                == long
        );
    }
    assert!(socket.close(None, "").expect("closed").clean());
    assert!(outcome(&ends).clean());
}

#[test]
fn a_client_that_says_nothing_is_asked_and_given_up() {
    let keepalive =
        Config::default().with_keepalive(Duration::from_millis(50), Duration::from_millis(50));
    let (address, ends) = server(keepalive.with_close(Duration::from_millis(50)));
    let _silent = opened(&address);
    assert_eq!(outcome(&ends).cause, Cause::Failed(Failure::Unresponsive));
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    let (address, ends) = server(Config::default().with_write_timeout(Duration::from_millis(100)));
    let mut greedy = opened(&address);
    greedy
        .set_write_timeout(Some(Duration::from_secs(1)))
        .expect("a timeout");
    // Frames of 64 KiB, masked with zeros, until nobody reads them any more.
    let mut frame = b"\x82\xFF\0\0\0\0\0\x01\0\0\0\0\0\0".to_vec();
    frame.resize(frame.len() + (64 << 10), 7);
    while greedy.write_all(&frame).is_ok() {}
    assert_eq!(outcome(&ends).cause, Cause::Failed(Failure::Stalled));
}

#[test]
fn a_request_for_a_page_is_answered() {
    let (address, ends) = server(Config::default());
    let mut stream = TcpStream::connect(&address).expect("a server");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        .expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    drop(stream);
    assert_eq!(outcome(&ends).cause, Cause::Failed(Failure::Refused));
}

/// It breaks a rule and is gone: what the server writes is answered with a reset, and then the system has nothing left that could be shut down.
#[test]
fn a_client_that_has_gone_without_hearing_why_is_an_outcome() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let mut client = TcpStream::connect(&address).expect("a server");
    let unmasked = [request(&address).as_bytes(), b"\x81\x02no"].concat();
    client.write_all(&unmasked).expect("it is kept");
    drop(client);
    let (stream, _) = listener.accept().expect("a client");
    let stream = stream.try_into().expect("a stream");
    let serving = smol_driver::serve(stream, Arc::new(Config::default()));
    let outcome = smol::block_on(serving).expect("an outcome");
    let broken = Failure::Violation(Violation::UnmaskedFrame);
    assert_eq!(outcome.cause, Cause::Failed(broken));
}
