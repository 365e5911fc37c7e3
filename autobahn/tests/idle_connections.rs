//! What an idle connection costs the server that is made for thousands of them.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are of interest")]

mod server;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;

use server::Server;

/// How many connections are held at once.
const CONNECTIONS: usize = 10_000;
/// The most that one may cost, in bytes of the server's resident memory.
const EACH: u64 = 1024;

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// A masked text frame, and what comes back.
const HELLO: &[u8] = b"\x81\x85\x00\x00\x00\x00hello";
const ECHOED: &[u8] = b"\x81\x05hello";

/// How many streams this process, and so the server, may have open.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("the limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("the line");
    line.split_whitespace().nth(3).and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}

/// Runs this very test once more with as many open files as it needs, which the system may refuse.
fn again_with_more_files() {
    let test = std::env::current_exe().expect("this program");
    let script = "ulimit -n 11000 && exec \"$0\" --nocapture";
    let status = Command::new("sh").args(["-c", script]).arg(test).status().expect("a shell");
    assert!(status.success(), "it needs 11,000 open files: `ulimit -Hn 11000`, as root");
}

fn open(server: &Server) -> TcpStream {
    let mut stream = server.tcp();
    stream.write_all(REQUEST).expect("taken");
    let mut answer = [0; 129];
    stream.read_exact(&mut answer).expect("an answer");
    assert!(answer.ends_with(b"\r\n\r\n"), "{}", String::from_utf8_lossy(&answer));
    stream
}

fn echo_on_all(streams: &mut [TcpStream]) {
    for stream in &mut *streams {
        stream.write_all(HELLO).expect("taken");
    }
    for stream in streams {
        let mut answer = [0; ECHOED.len()];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(answer, ECHOED);
    }
}

#[test]
fn echo_mio_holds_ten_thousand_idle_connections_at_under_1_kib_each() {
    let count = CONNECTIONS;
    if open_files() < count + 100 {
        return again_with_more_files();
    }
    let server = Server::start(env!("CARGO_BIN_EXE_echo_mio"), &[]).expect("it starts");
    // What the server needs in any case is there once it has served a few.
    let mut streams: Vec<TcpStream> = (0..100).map(|_| open(&server)).collect();
    echo_on_all(&mut streams);
    let before = server.memory("VmRSS");
    let (some, started) = (streams.len(), Instant::now());
    streams.extend((some..count).map(|_| open(&server)));
    let idle = server.memory("VmRSS");
    echo_on_all(&mut streams);
    let served = server.memory("VmRSS");
    let each = |after: u64| (after - before) * 1024 / (count - some) as u64;
    println!(
        "{count} connections in {:?}: {} KiB in all, {} bytes each; {} bytes each after an echo on all",
        started.elapsed(),
        served,
        each(idle),
        each(served),
    );
    assert!(each(idle) < EACH && each(served) < EACH);
}
