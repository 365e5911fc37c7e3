//! Running the program, and servers for it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

pub(crate) const PROBE: &str = env!("CARGO_BIN_EXE_sockless-probe");

pub(crate) fn probe(args: &[&str]) -> Output {
    Command::new(PROBE).args(args).output().expect("the probe runs")
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server that does this with every stream: its address.
pub(crate) fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    url
}

/// One that opens every connection rightly, and then does nothing but answer Close frames.
pub(crate) fn opening(stream: &mut (impl Read + Write)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        if !matches!(stream.read(&mut octet), Ok(1)) {
            return;
        }
        head.push(octet[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let key = head.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let accept = sockless::handshake::accept_key(key.unwrap_or_default().as_bytes());
    let accept = String::from_utf8_lossy(&accept).into_owned();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let _ = stream.write_all(answer.as_bytes());
}

/// Gives each Ping its Pong, if it is to be answered, and the Close frame its answer, which is the end. The key is the client's, so that the
/// payload is what it was.
pub(crate) fn answering(stream: &mut (impl Read + Write), answers: impl Fn() -> bool) {
    let mut header = [0; 6];
    while stream.read_exact(&mut header).is_ok() {
        let mut payload = vec![0; usize::from(header[1] & 0x7F)];
        let _ = stream.read_exact(&mut payload);
        for (octet, key) in payload.iter_mut().zip(header[2..].iter().cycle()) {
            *octet ^= key;
        }
        let is_ping = header[0] == 0x89;
        if is_ping && !answers() {
            continue;
        }
        let first = if is_ping { 0x8A } else { header[0] };
        let _ = stream.write_all(&[&[first, payload.len() as u8][..], &payload].concat());
        if first == 0x88 {
            return;
        }
    }
}

pub(crate) fn file(name: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("sockless-probe-{}-{number}-{name}", std::process::id()))
}
