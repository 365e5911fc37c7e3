//! The program as its user meets it: the page, an echo, and an end that both sides agree on; and how little it takes to build it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server's process, which ends with the test.
struct Running(Child, SocketAddr);

impl Running {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_minimal"))
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
        Self(child, address.parse().unwrap())
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.1).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read_to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn page_echo_and_end() {
    let server = Running::start();

    let mut browser = server.connect();
    browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let page = String::from_utf8(read_to_end(browser)).unwrap();
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("new WebSocket("), "{page}");

    let mut socket = server.connect();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    // The first frames come with the request: "hello", and a Close frame with 1000.
    let frames = b"\x81\x85\0\0\0\0hello\x88\x82\0\0\0\0\x03\xE8";
    socket.write_all(&[request.as_bytes(), frames].concat()).unwrap();
    let answer = read_to_end(socket);
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    assert!(answer.ends_with(b"\r\n\r\n\x81\x05hello\x88\x02\x03\xE8"));
}

#[test]
fn other_requests_are_answered() {
    let server = Running::start();
    for (request, status) in [
        ("GET /elsewhere HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 426 "),
        ("nonsense\r\n\r\n", "HTTP/1.1 400 "),
    ] {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let answer = String::from_utf8(read_to_end(stream)).unwrap();
        assert!(answer.starts_with(status), "{answer}");
    }
}

#[test]
fn who_asks_for_nothing_is_answered_in_time() {
    let server = Running::start();
    let started = Instant::now();
    let answer = String::from_utf8(read_to_end(server.connect())).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    // Ten seconds are the default of `HeadLimits`; the rest is for a machine that does other things.
    assert!((10..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

/// The first command of the README builds no more than this.
#[test]
fn few_packages_are_built() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--package",
            "minimal",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let packages: std::collections::BTreeSet<_> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.is_empty())
        .collect();
    assert!((2..=25).contains(&packages.len()), "{packages:#?}");
}
