//! Serving, and commands.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

mod program;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use program::{PATIENCE, Running, serve, ws};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn connect(address: SocketAddr) -> WebSocket<TcpStream> {
    tungstenite::client(format!("ws://{address}/"), dial(address)).unwrap().0
}

fn get(address: SocketAddr, head: &str) -> String {
    let mut stream = dial(address);
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_prints_what_clients_send_and_sends_its_lines_to_all() {
    let (mut server, address) = Running::listen(&[]);
    let (mut one, mut other) = (connect(address), connect(address));
    one.send(Message::text("from one")).unwrap();
    assert_eq!(server.line(), "from one");
    other.send(Message::binary(vec![1, 2])).unwrap();
    assert_eq!(server.line(), "0x0102");
    server.type_line("to all");
    for client in [&mut one, &mut other] {
        assert_eq!(client.read().unwrap(), Message::text("to all"));
    }
    // The end of the input is not the end.
    drop(server.stdin.take());
    one.send(Message::text("still there")).unwrap();
    assert_eq!(server.line(), "still there");
    // A signal says goodbye to all.
    program::signal(&server.child, "-INT");
    for client in [&mut one, &mut other] {
        let close = CloseFrame { code: CloseCode::Away, reason: "".into() };
        assert_eq!(client.read().unwrap(), Message::Close(Some(close)));
        while client.read().is_ok() {}
    }
    let (status, rest, err) = server.end();
    assert_eq!((status, rest.as_str()), (Some(0), ""), "{err}");
    assert!(err.contains("client 1 from 127.0.0.1:"), "{err}");
    assert!(err.contains(" at /: no subprotocol, no compression"), "{err}");
}

#[test]
fn two_of_the_program_talk_compressed_and_say_so() {
    let (mut server, address) = Running::listen(&["--deflate", "-s", "b", "-s", "a", "-H", "X: y"]);
    let url = format!("ws://{address}/here?now");
    let ran = ws(&["--deflate", "-s", "a", "-s", "b", "-w", "0.1", &url], b"hello\n");
    assert_eq!(server.line(), "hello");
    assert!(ran.err.contains("subprotocol b, compression permessage-deflate"), "{}", ran.err);
    program::signal(&server.child, "-INT");
    let (_, _, err) = server.end();
    assert!(err.contains("at /here?now: subprotocol b, compression permessage-deflate"), "{err}");
}

#[test]
fn what_is_no_websocket_is_answered() {
    let (server, address) = Running::listen(&[]);
    let answer = get(address, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    let answer = get(address, "SSH-2.0-x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    program::signal(&server.child, "-INT");
    let (_, _, err) = server.end();
    assert!(err.contains("client 1: it asked for /page, and for no WebSocket"), "{err}");
}

#[test]
fn a_page_is_accepted_only_if_its_origin_was_named() {
    let (server, address) = Running::listen(&["--origin", "https://mine.example"]);
    let with = |origin: &str| {
        let mut request = format!("ws://{address}/").into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        tungstenite::client(request, dial(address))
    };
    match with("https://evil.example") {
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            assert_eq!(answer.status(), 403);
        }
        other => panic!("{other:?}"),
    }
    assert!(with("https://mine.example").is_ok());
    drop(server);
}

#[test]
fn each_client_has_a_command_for_itself() {
    let (server, address) =
        Running::listen(&["--exec", "while read line; do echo \"$line!\"; done"]);
    let (mut one, mut other) = (connect(address), connect(address));
    one.send(Message::text("a")).unwrap();
    other.send(Message::text("b")).unwrap();
    assert_eq!(one.read().unwrap(), Message::text("a!"));
    assert_eq!(other.read().unwrap(), Message::text("b!"));
    one.close(None).unwrap();
    while one.read().is_ok() {}
    other.send(Message::text("c")).unwrap();
    assert_eq!(other.read().unwrap(), Message::text("c!"));
    drop(server);
}

#[test]
fn the_end_of_a_command_is_the_end_of_its_client() {
    let (mut server, address) = Running::listen(&["--json", "--exec", "echo one; echo two"]);
    let mut client = connect(address);
    assert_eq!(client.read().unwrap(), Message::text("one"));
    assert_eq!(client.read().unwrap(), Message::text("two"));
    let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    assert_eq!(client.read().unwrap(), Message::Close(Some(close)));
    while client.read().is_ok() {}
    let opened =
        r#"{"event":"opened","client":1,"target":"/","subprotocol":null,"compression":null}"#;
    assert_eq!(server.line(), opened);
    let closed = server.line();
    assert!(closed.starts_with(r#"{"event":"closed","client":1,"code":1000,"#), "{closed}");
}

#[cfg(unix)]
#[test]
fn a_command_that_goes_on_after_its_client_is_ended_with_all_that_it_started() {
    let (server, address) = Running::listen(&["--exec", "sleep 1000 & echo $!; wait"]);
    let mut client = connect(address);
    let id = client.read().unwrap().into_text().unwrap().to_string();
    let lives = || {
        let found = std::process::Command::new("kill").args(["-0", &id]).output().unwrap();
        // Somebody has to ask for the status of what has ended; until then it is there, and dead.
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        found.status.success() && !state.contains(") Z ")
    };
    assert!(lives());
    drop(client);
    let until = std::time::Instant::now() + PATIENCE;
    while lives() {
        assert!(std::time::Instant::now() < until, "it still runs");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(server);
}

#[test]
fn a_command_that_does_not_read_does_not_keep_what_it_says() {
    // It closes its input when more waits for it than any pipe and the queue hold.
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        let message = Message::text("x".repeat(1 << 16));
        for _ in 0..64 {
            socket.send(message.clone()).unwrap();
        }
        socket.send(Message::text("y".repeat(1 << 20))).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("said"));
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        socket.close(Some(close)).unwrap();
        while socket.read().is_ok() {}
    });
    let talk = "sleep 0.5; exec <&-; echo said; sleep 30";
    let ran = ws(&["-q", "--exec", talk, "--max-time", "25", &format!("ws://{address}/")], b"");
    assert_eq!((ran.status, ran.text()), (0, ""), "{}", ran.err);
}

#[test]
fn a_client_has_a_command_too_and_tells_how_it_ended() {
    let answers = || {
        serve(|stream| {
            let mut socket = tungstenite::accept(stream).unwrap();
            while let Ok(message) = socket.read() {
                if message.is_text() {
                    socket.send(Message::text(format!("<{message}>"))).unwrap();
                }
            }
        })
    };
    let talk = "echo one; read a; echo \"$a\"; read b; echo \"$b\" >&2; exit $STATUS";
    for (status, expected) in [("0", 0), ("3", 7)] {
        let mut program = program::command(&["--exec", talk, &format!("ws://{}/", answers())]);
        let ran = program::finish(
            {
                program.env("STATUS", status);
                program
            },
            b"",
        );
        assert_eq!((ran.status, ran.text()), (expected, ""), "{}", ran.err);
        assert!(ran.err.contains("<<one>>"), "{}", ran.err);
        assert_eq!(
            ran.err.contains("the command ended with exit status: 3"),
            expected == 7,
            "{}",
            ran.err
        );
    }
}

#[test]
fn a_command_is_not_to_blame_for_a_signal() {
    let (seen, sees) = std::sync::mpsc::channel();
    let address = serve(move |stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        seen.send(socket.read().unwrap()).unwrap();
        while socket.read().is_ok() {}
    });
    let talk = "echo here; cat >/dev/null; exit 3";
    let running = Running::start(&["--exec", talk, &format!("ws://{address}/")]);
    assert_eq!(sees.recv().unwrap(), Message::text("here"));
    program::signal(&running.child, "-INT");
    let (status, _, err) = running.end();
    assert_eq!(status, Some(0), "{err}");
}
