//! The client: messages, the opening, the end, against servers that others wrote.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

mod program;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use program::{
    PATIENCE, Running, answer, command, echo, echo_server, noise, prose, serve, until_printed, ws,
};
use tungstenite::Message;
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;

#[test]
fn lines_are_sent_and_messages_printed() {
    let url = format!("ws://{}/", echo_server());
    let ran = ws(&["--quiet", &url], "one\r\n\nзвёзды\nlast without end".as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(ran.text(), "one\n\nзвёзды\nlast without end\n");
}

#[test]
fn many_and_large_lines_pass() {
    let url = format!("ws://{}/", echo_server());
    let mut input = String::new();
    for len in [0, 1, 125, 126, 65535, 65536, 16 << 20] {
        input += &prose(len);
        input += "\n";
    }
    input += &"many\n".repeat(10_000);
    let ran = until_printed(command(&["-q", &url]), input.as_bytes(), input.len());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.text() == input);
}

#[test]
fn binary_lines_pass_as_they_are() {
    let url = format!("ws://{}/", echo_server());
    let mut line: Vec<u8> = noise(100_000).into_iter().filter(|byte| *byte != b'\n').collect();
    line.push(b'!');
    line.push(b'\n');
    let ran = ws(&["-q", "--binary", &url], &line);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out == line);
}

#[test]
fn binary_messages_are_printed_in_hexadecimal() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::binary(vec![0, 0xFF, 0x1B])).unwrap();
        close(socket);
    });
    ws(&["-nq", &format!("ws://{address}/")], b"").printed("0x00ff1b\n");
}

#[test]
fn headers_subprotocols_and_origin_are_sent() {
    let (seen, heads) = mpsc::channel();
    let address = serve(move |stream| {
        let socket =
            tungstenite::accept_hdr(stream, |request: &Request, mut response: Response| {
                let field =
                    |name| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
                let fields =
                    ["x-one", "authorization", "origin", "sec-websocket-protocol"].map(field);
                seen.send((request.uri().to_string(), fields)).unwrap();
                response.headers_mut().insert("sec-websocket-protocol", "chat".parse().unwrap());
                Ok(response)
            });
        echo(socket.unwrap());
    });
    let url = format!("ws://{address}/path?query=1");
    let args =
        ["-H", "X-One: 1", "--header", "Authorization:Bearer x", "-s", "v2.chat", "-s", "chat"];
    let ran = ws(&[&args[..], &["--origin", "https://example.com", &url]].concat(), b"");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.err.contains("subprotocol chat"), "{}", ran.err);
    let fields = ["1", "Bearer x", "https://example.com", "v2.chat, chat"].map(String::from);
    assert_eq!(heads.recv().unwrap(), ("/path?query=1".into(), fields));
}

#[test]
fn pings_are_answered_and_timed() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::Ping("are you there?".into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong("are you there?".into()));
        echo(socket);
    });
    let mut running = Running::start(&["--json", "--ping", "0.1", &format!("ws://{address}/")]);
    let mut event = String::new();
    while !event.contains(r#""event":"pong""#) {
        event = running.line();
    }
    assert!(event.starts_with(r#"{"event":"pong","base64":"d3M=","seconds":0."#), "{event}");
    drop(running.stdin.take());
    let (status, _, err) = running.end();
    assert_eq!(status, Some(0), "{err}");
    assert!(err.contains("pong after "), "{err}");
}

#[test]
fn fragments_are_joined_with_a_ping_in_between() {
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::{Data, OpCode};
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        let frame = |text: &str, code, last| {
            Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(code), last))
        };
        socket.send(frame("Hel", Data::Text, false)).unwrap();
        socket.send(Message::Ping("".into())).unwrap();
        socket.send(frame("lo", Data::Continue, true)).unwrap();
        close(socket);
    });
    ws(&["-nq", &format!("ws://{address}/")], b"").printed("Hello\n");
}

/// Closes as one does who is done.
fn close<S: std::io::Read + std::io::Write>(mut socket: tungstenite::WebSocket<S>) {
    socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).unwrap();
    while socket.read().is_ok() {}
}

fn closing_server(code: CloseCode) -> SocketAddr {
    serve(move |stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.close(Some(CloseFrame { code, reason: "because".into() })).unwrap();
        while socket.read().is_ok() {}
    })
}

#[test]
fn the_close_code_is_told_by_the_status() {
    // The input stays open: it is the server that ends this.
    for (code, status) in [(CloseCode::Normal, 0), (CloseCode::Away, 0), (CloseCode::Policy, 1)] {
        let url = format!("ws://{}/", closing_server(code));
        let mut child = command(&[&url]).spawn().unwrap();
        let stdin = child.stdin.take();
        assert_eq!(program::wait(&mut child).code(), Some(status), "{code}");
        drop(stdin);
    }
    let ran = ws(&["-n", &format!("ws://{}/", closing_server(CloseCode::Policy))], b"");
    let words = "the server closed the connection with code 1008 (policy violation), \"because\"";
    assert!(ran.err.contains(words), "{}", ran.err);
}

#[test]
fn a_lost_connection_has_a_status_of_its_own() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        // Half a frame, then nothing any more.
        socket.get_mut().write_all(b"\x81\x7Ehalf").unwrap();
    });
    ws(&["-n", &format!("ws://{address}/")], b"").failed(6, "lost");
}

#[test]
fn a_server_that_breaks_the_protocol_has_a_status_of_its_own() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.get_mut().write_all(b"\x81\x81maskx").unwrap();
        while socket.get_mut().read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
    });
    ws(&["-n", &format!("ws://{address}/")], b"").failed(5, "masked");
}

#[test]
fn refusals_say_what_to_do() {
    for (head, words) in [
        ("401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0", "Bearer"),
        ("302 Found\r\nLocation: wss://example.com/\r\nContent-Length: 0", "wss://example.com/"),
        ("404 Not Found\r\nContent-Length: 0", "another path"),
        ("200 OK\r\nContent-Length: 0", "no WebSocket at this path"),
    ] {
        let text = Box::leak(format!("HTTP/1.1 {head}\r\n\r\n").into_boxed_str());
        ws(&[&format!("ws://{}/", answer(text.as_bytes()))], b"").failed(4, words);
    }
}

#[test]
fn a_refusal_is_shown_with_its_fields_and_the_start_of_its_body_and_commands_no_terminal() {
    let address = serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let head = b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nX-Trace: \xc2\x9b31m\r\nContent-Length: 26\r\n\r\n";
        stream.write_all(head).unwrap();
        // The body comes later than the head.
        thread::sleep(Duration::from_millis(50));
        stream.write_all(b"first line\n\x1b[2Jsecond line").unwrap();
        let _ = stream.read(&mut [0; 16]);
    });
    let ran = ws(&[&format!("ws://{address}/")], b"");
    ran.failed(4, "refused with status 503: try again after 7\n");
    assert!(ran.err.contains("\n  Retry-After: 7\n  X-Trace: \\u{9b}31m\n"), "{}", ran.err);
    assert!(ran.err.contains("\n  | first line\n  | \\u{1b}[2Jsecond line\n"), "{}", ran.err);
    assert!(!ran.err.contains('\x1b'), "{}", ran.err);
}

#[test]
fn what_is_no_websocket_is_told() {
    let tls = b"\x15\x03\x03\0\x02\x02\x16";
    let address = answer(tls);
    ws(&[&format!("ws://{address}/a?b")], b"").failed(5, &format!("try wss://{address}/a?b"));
    let plain =
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let address = answer(plain);
    ws(&[&format!("ws://{address}")], b"").failed(4, &format!("try wss://{address}/\n"));
    let url = format!("ws://{}/", answer(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"));
    ws(&[&url], b"").failed(5, "is the port right?");
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: AAAA\r\n\r\n";
    ws(&[&format!("ws://{}/", answer(switch.as_bytes()))], b"").failed(5, "key");
    ws(&[&format!("ws://{}/", answer(b""))], b"").failed(6, "is the scheme right");
    let silent = serve(|stream| {
        thread::sleep(PATIENCE);
        drop(stream);
    });
    ws(&["-t", "0.3", &format!("ws://{silent}/")], b"").failed(6, "--timeout");
}

#[test]
fn what_can_not_be_reached_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    ws(&[&format!("ws://{free}/")], b"").failed(3, "Is it running");
    ws(&["ws://no-such-host.invalid/"], b"").failed(3, "Is the name right?");
}

#[test]
fn what_is_not_text_is_said_with_its_line() {
    let url = format!("ws://{}/", echo_server());
    ws(&["-q", &url], b"fine\n\xFF\n").failed(2, "line 2 of the input is not UTF-8");
}

#[test]
fn messages_of_the_command_line_are_sent_before_the_input() {
    let url = format!("ws://{}/", echo_server());
    ws(&["-q", &url, "--", "first", "-second"], b"third\n").printed("first\n-second\nthird\n");
}

#[test]
fn the_input_is_sent_though_it_ends_at_once_and_the_close_code_is_ours_to_choose() {
    let (seen, sees) = mpsc::channel();
    let address = serve(move |stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        while let Ok(message) = socket.read() {
            seen.send(message).unwrap();
        }
    });
    // Nobody answers: after the wait it is over.
    let ran =
        ws(&["-w", "0.1", "--close", "4001:enough", &format!("ws://{address}/")], b"one\ntwo");
    assert_eq!((ran.status, ran.text()), (0, ""), "{}", ran.err);
    assert!(ran.err.contains("closed with code 4001"), "{}", ran.err);
    let close = CloseFrame { code: CloseCode::from(4001), reason: "enough".into() };
    let expected = [Message::text("one"), Message::text("two"), Message::Close(Some(close))];
    assert_eq!(sees.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_was_agreed_on_is_said() {
    let ran = ws(&["--deflate", &format!("ws://{}/", echo_server())], b"");
    assert!(ran.err.contains("no subprotocol, no compression"), "{}", ran.err);
}

#[test]
fn a_longer_message_than_is_wanted_is_refused() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::text("x".repeat(1025))).unwrap();
        while socket.read().is_ok() {}
    });
    let ran = ws(&["--max-message", "1K", "-n", &format!("ws://{address}/")], b"");
    ran.failed(5, "--max-message BYTES receives longer ones");
}

#[test]
fn the_input_may_stay_unread() {
    let url = format!("ws://{}/", closing_server(CloseCode::Normal));
    ws(&["-n", "-q", &url], b"never sent\n").printed("");
}

#[test]
fn a_signal_closes_in_order() {
    let (seen, sees) = mpsc::channel();
    let address = serve(move |stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::text("open")).unwrap();
        seen.send(socket.read().unwrap()).unwrap();
        while socket.read().is_ok() {}
    });
    let mut running = Running::start(&["-n", &format!("ws://{address}/")]);
    assert_eq!(running.line(), "open");
    program::signal(&running.child, "-TERM");
    let (status, _, err) = running.end();
    assert_eq!(status, Some(0), "{err}");
    assert!(
        matches!(sees.recv().unwrap(), Message::Close(Some(close)) if close.code == CloseCode::Normal)
    );
}

#[test]
fn a_signal_before_the_connection_is_open_ends_it_at_once() {
    let (seen, sees) = mpsc::channel();
    let silent = serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]).unwrap();
        seen.send(()).unwrap();
        thread::sleep(PATIENCE);
    });
    let running = Running::start(&["-t", "20", &format!("ws://{silent}/")]);
    sees.recv().unwrap();
    program::signal(&running.child, "-INT");
    assert_eq!(running.end().0, Some(130));
}
