//! Peers that do what they should not: none of them keeps the program, or makes it grow.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

mod program;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use program::{PATIENCE, Running, serve, ws};
use tungstenite::Message;

/// Opens a connection, and gives the stream.
fn opened(stream: TcpStream) -> TcpStream {
    tungstenite::accept(stream).unwrap().into_inner()
}

#[test]
fn a_server_that_never_answers_the_close_is_left() {
    let address = serve(|stream| {
        let mut stream = opened(stream);
        // It reads all, and says nothing, until the program is gone.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let begun = Instant::now();
    let ran = ws(&["-w", "0.1", &format!("ws://{address}/")], b"hello\n");
    ran.failed(6, "did not answer the closing");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_is_silent_is_found_by_pings() {
    let address = serve(|stream| {
        let mut stream = opened(stream);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let ran = ws(&["-n", "--keepalive", "0.2", &format!("ws://{address}/")], b"");
    ran.failed(6, "the connection was lost");
}

#[test]
fn a_server_that_never_reads_ends_with_max_time() {
    let (done, is_done) = mpsc::channel::<()>();
    let address = serve(move |stream| {
        let stream = opened(stream);
        let _ = is_done.recv_timeout(PATIENCE);
        drop(stream);
    });
    let input = vec![b'x'; 64 << 20];
    let begun = Instant::now();
    let ran = ws(&["--max-time", "0.5", &format!("ws://{address}/")], &input);
    drop(done);
    ran.failed(6, "--max-time");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn an_answer_that_trickles_in_is_not_awaited_for_ever() {
    let address = serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]).unwrap();
        for byte in b"HTTP/1.1 101 Switching Protocols\r\n".iter().cycle() {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    ws(&["-t", "0.5", &format!("ws://{address}/")], b"").failed(6, "--timeout");
}

#[test]
fn a_server_that_floods_a_reader_who_is_slow_is_held_back() {
    let (sent, sends) = mpsc::channel();
    let address = serve(move |stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.get_mut().set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        let message = Message::text("x".repeat(1 << 20));
        let mut count = 0u32;
        while count < 200 && socket.send(message.clone()).is_ok() {
            count += 1;
        }
        sent.send(count).unwrap();
    });
    // Nobody reads the output.
    let running = Running::start(&["-n", "--keepalive", "0", &format!("ws://{address}/")]);
    let count = sends.recv_timeout(PATIENCE).unwrap();
    assert!(count < 100, "the server could send {count} MiB that nobody read");
    drop(running);
}

#[test]
fn a_client_that_never_reads_does_not_keep_the_others_waiting() {
    let (mut server, address) = Running::listen(&[]);
    let dial = || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        tungstenite::client(format!("ws://{address}/"), stream).unwrap().0
    };
    let (lazy, mut eager) = (dial(), dial());
    eager.send(Message::text("here")).unwrap();
    assert_eq!(server.line(), "here");
    let line = "x".repeat(1 << 20);
    for _ in 0..40 {
        server.type_line(&line);
        assert_eq!(eager.read().unwrap().len(), line.len());
    }
    // It misses what doesn't fit, and hears why; it ends with the server.
    program::signal(&server.child, "-INT");
    while eager.read().is_ok() {}
    let (status, _, err) = server.end();
    assert_eq!(status, Some(0), "{err}");
    assert!(err.contains("client 1: it reads too slowly"), "{err}");
    drop(lazy);
}

#[test]
fn clients_that_say_nothing_or_nonsense_are_sent_away() {
    let (mut server, address) = Running::listen(&["-t", "2"]);
    let mut silent = TcpStream::connect(address).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    silent.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    // An unmasked frame breaks the protocol.
    let stream = TcpStream::connect(address).unwrap();
    let mut socket = tungstenite::client(format!("ws://{address}/"), stream).unwrap().0;
    socket.get_mut().write_all(b"\x81\x02hi").unwrap();
    assert!(
        matches!(socket.read().unwrap(), Message::Close(Some(close)) if u16::from(close.code) == 1002)
    );
    drop(socket);
    // The next one is served.
    let stream = TcpStream::connect(address).unwrap();
    let mut socket = tungstenite::client(format!("ws://{address}/"), stream).unwrap().0;
    socket.send(Message::text("well")).unwrap();
    assert_eq!(server.line(), "well");
}
