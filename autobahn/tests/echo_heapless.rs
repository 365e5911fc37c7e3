//! The echo server that allocates nothing: as a program, and its own code under an allocator that counts.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

#[path = "../../tests/allocations/mod.rs"]
mod allocations;
#[path = "../../examples/heapless/src/echo.rs"]
mod echo;
mod peer;
#[path = "../../examples/heapless/src/tcp.rs"]
mod tcp;

use std::io::Read;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use allocations::{Counting, Meter};
use peer::{noise, prose};
use tungstenite::Message;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn echo_heapless_serves_everything() {
    peer::echo::serves_everything(env!("CARGO_BIN_EXE_echo_heapless"));
}

#[test]
fn silent_clients_are_pinged_and_given_up_and_idle_ones_are_sent_away() {
    let path = env!("CARGO_BIN_EXE_echo_heapless");
    let server = peer::Program::start(path, &["--keepalive", "0.3"]);
    let mut socket = server.connect();
    assert!(socket.read().unwrap().is_ping());
    // The pong has not been written yet, and never is.
    assert_eq!(socket.get_mut().read_to_end(&mut Vec::new()).unwrap(), 0);

    let server = peer::Program::start(path, &["--idle", "0.3", "--keepalive", "0.1"]);
    let mut socket = server.connect();
    match peer::next(&mut socket) {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1000),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_allocated_for_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut memory = Box::new(echo::Memory::new());
        let terms = echo::Terms {
            limits: sockless::Limits::default(),
            handshake: sockless::handshake::HeadLimits::default(),
            keepalive: Some(Duration::from_secs(30)),
            idle: None,
            close: Duration::from_secs(5),
            page: None,
        };
        let (started, stopping) = (Instant::now(), || false);
        let meter = Meter::start();
        for _ in 0..2 {
            let (stream, _) = listener.accept().unwrap();
            let mut stream =
                tcp::Tcp::new(stream, started, &stopping, Duration::from_secs(60)).unwrap();
            echo::serve(&mut stream, &mut memory, &terms).unwrap();
        }
        meter.calls()
    });
    for _ in 0..2 {
        let stream = std::net::TcpStream::connect(address).unwrap();
        let config = peer::config();
        let request = format!("ws://{address}/path?query");
        let (mut socket, _) =
            tungstenite::client::client_with_config(request, stream, Some(config)).unwrap();
        for len in [0, 1, 126, 100_000, 1 << 20] {
            let messages = [Message::text(prose(len)), Message::binary(noise(len))];
            let sent = [messages[0].clone(), Message::Ping("ping".into()), messages[1].clone()];
            let mut returned = peer::echo::exchange(&mut socket, sent, 3);
            returned.retain(|message| !message.is_pong());
            assert!(returned == messages);
        }
        socket.close(None).unwrap();
        while socket.read().is_ok() {}
    }
    assert_eq!(server.join().unwrap(), 0);
}
