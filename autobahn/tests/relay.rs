//! The relay, between clients and servers that others wrote.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

mod peer;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use peer::{PATIENCE, Program, next, noise, prose};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::{Error, Message, WebSocket};

/// A server, the WebSockets that it has accepted, and the requests for them.
fn server() -> (SocketAddr, Receiver<(WebSocket<TcpStream>, Request)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, sockets) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_nodelay(true).unwrap();
            let mut seen = None;
            let answer = |request: &Request, mut response: Response| {
                seen = Some(request.clone());
                if request.uri().path() == "/no" {
                    let mut refusal = ErrorResponse::new(Some("not here".into()));
                    *refusal.status_mut() = http::StatusCode::IM_A_TEAPOT;
                    return Err(refusal);
                }
                let fields = response.headers_mut();
                if request.headers().contains_key("sec-websocket-protocol") {
                    fields.insert("sec-websocket-protocol", "chat".parse().unwrap());
                }
                fields.insert("set-cookie", "a=b".parse().unwrap());
                Ok(response)
            };
            let config = Some(peer::config());
            if let Ok(socket) = tungstenite::accept_hdr_with_config(stream, answer, config) {
                let _ = accepted.send((socket, seen.unwrap()));
            }
        }
    });
    (address, sockets)
}

fn relay(to: SocketAddr) -> Program {
    Program::start(env!("CARGO_BIN_EXE_relay"), &["--to", &to.to_string(), "--grace", "3"])
}

/// Both ends of a WebSocket by the relay.
fn both(
    relay: &Program,
    sockets: &Receiver<(WebSocket<TcpStream>, Request)>,
) -> (WebSocket<TcpStream>, WebSocket<TcpStream>) {
    let client = relay.connect();
    (client, sockets.recv_timeout(PATIENCE).unwrap().0)
}

#[track_caller]
fn closed(socket: &mut WebSocket<TcpStream>) -> Option<CloseFrame> {
    match next(socket) {
        Message::Close(frame) => frame,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_request_and_the_answer_pass() {
    let (address, sockets) = server();
    let relay = relay(address);
    let mut request = format!("ws://{}/path?query", relay.address).into_client_request().unwrap();
    for (name, value) in [
        ("origin", "https://example.com"),
        ("sec-websocket-protocol", "v2.chat, chat"),
        ("authorization", "Bearer x"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (_client, answer) = tungstenite::client(request, relay.dial()).unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "chat");
    assert_eq!(answer.headers()["set-cookie"], "a=b");
    let (_server, seen) = sockets.recv_timeout(PATIENCE).unwrap();
    assert_eq!(seen.uri().to_string(), "/path?query");
    assert_eq!(seen.headers()["origin"], "https://example.com");
    assert_eq!(seen.headers()["authorization"], "Bearer x");
    assert_eq!(seen.headers()["host"], address.to_string());

    let refused = tungstenite::client(format!("ws://{}/no", relay.address), relay.dial());
    match refused {
        Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => {
            assert_eq!(response.status(), 418);
        }
        other => panic!("{other:?}"),
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = self::relay(free);
    match tungstenite::client(nowhere.url(), nowhere.dial()) {
        Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => {
            assert_eq!(response.status(), 502);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_pass_in_both_directions() {
    let (address, sockets) = server();
    let relay = relay(address);
    let (mut client, mut server) = both(&relay, &sockets);
    let echo = thread::spawn(move || {
        while let Ok(message) = server.read() {
            if message.is_text() || message.is_binary() {
                server.send(message).unwrap();
            }
        }
    });
    for len in [0, 1, 125, 126, 65535, 65536, 1 << 20, 16 << 20] {
        for message in [Message::binary(noise(len)), Message::text(prose(len))] {
            client.send(message.clone()).unwrap();
            assert!(next(&mut client) == message, "{len} bytes");
        }
    }
    let frame = |text: &str, code, last| {
        Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(code), last))
    };
    client.send(frame("Hel", Data::Text, false)).unwrap();
    client.send(Message::Ping("?".into())).unwrap();
    client.send(frame("lo", Data::Continue, true)).unwrap();
    // It is the server that has answered the ping.
    assert_eq!(client.read().unwrap(), Message::Pong("?".into()));
    assert_eq!(client.read().unwrap(), Message::text("Hello"));
    client.close(None).unwrap();
    assert_eq!(closed(&mut client), None);
    assert!(matches!(client.read(), Err(Error::ConnectionClosed)));
    echo.join().unwrap();
}

#[test]
fn closing_passes_in_both_directions() {
    let (address, sockets) = server();
    let relay = relay(address);
    let frame = Some(CloseFrame { code: CloseCode::Library(4321), reason: "enough".into() });
    let (mut client, mut server) = both(&relay, &sockets);
    client.close(frame.clone()).unwrap();
    assert_eq!(closed(&mut server), frame);
    let _ = server.flush();
    assert_eq!(closed(&mut client).unwrap().code, CloseCode::Library(4321));

    let (mut client, mut server) = both(&relay, &sockets);
    server.close(frame.clone()).unwrap();
    assert_eq!(closed(&mut client), frame);
    let _ = client.flush();
    assert_eq!(closed(&mut server).unwrap().code, CloseCode::Library(4321));
}

#[test]
fn failure_passes_in_both_directions() {
    let (address, sockets) = server();
    let relay = relay(address);

    // A client that breaks the rules between frames.
    let (mut client, mut server) = both(&relay, &sockets);
    client.get_mut().write_all(b"\x81\x02hi").unwrap();
    assert_eq!(closed(&mut client).unwrap().code, CloseCode::Protocol);
    assert_eq!(closed(&mut server).unwrap().code, CloseCode::Away);

    // A client whose text is broken inside a frame, which the server has a part of.
    let (mut client, mut server) = both(&relay, &sockets);
    client.get_mut().write_all(b"\x81\x85\0\0\0\0abc\xFFd").unwrap();
    assert_eq!(closed(&mut client).unwrap().code, CloseCode::Invalid);
    assert!(server.read().is_err());

    // A client that vanishes in the middle of a message, and one that vanishes in the middle of a frame.
    let (mut client, mut server) = both(&relay, &sockets);
    client.get_mut().write_all(b"\x01\x83\0\0\0\0abc").unwrap();
    drop(client);
    assert_eq!(closed(&mut server).unwrap().code, CloseCode::Away);
    let (mut client, mut server) = both(&relay, &sockets);
    client.get_mut().write_all(b"\x82\x8A\0\0\0\0half").unwrap();
    drop(client);
    assert!(server.read().is_err());

    // A server that breaks the rules, and one that vanishes.
    let (mut client, mut server) = both(&relay, &sockets);
    server.get_mut().write_all(b"\x83\0").unwrap();
    assert_eq!(closed(&mut client).unwrap().code, CloseCode::Error);
    assert_eq!(closed(&mut server).unwrap().code, CloseCode::Protocol);
    let (mut client, server) = both(&relay, &sockets);
    drop(server);
    assert_eq!(closed(&mut client).unwrap().code, CloseCode::Error);
}

#[test]
fn stops_with_1001() {
    let (address, sockets) = server();
    let mut relay = relay(address);
    let (mut client, mut server) = both(&relay, &sockets);
    relay.interrupt();
    assert_eq!(closed(&mut client).unwrap().code, CloseCode::Away);
    assert_eq!(closed(&mut server).unwrap().code, CloseCode::Away);
    let _ = (client.flush(), server.flush());
    assert!(relay.wait().success());
}

/// A server that answers every request with the same bytes, and closes; and the requests.
fn refusing(answer: Vec<u8>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            let _ = stream.write_all(&answer);
            let _ = seen.send(String::from_utf8(request).unwrap());
        }
    });
    (address, requests)
}

/// What a client gets from the relay that sends these fields with its request.
fn asked(relay: &Program, fields: &str) -> String {
    let mut stream = relay.dial();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n{fields}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn fields_of_one_connection_do_not_pass() {
    let answer = "HTTP/1.1 403 Forbidden\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\
        Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
    let (address, requests) = refusing(answer.into());
    let answer = asked(
        &relay(address),
        "Connection: keep-alive, x-private ,Upgrade\r\nX-Private: secret\r\nX-Public: open\r\n\
         Proxy-Authorization: Basic bWU6cEBzcw==\r\n",
    );
    let request = requests.recv_timeout(PATIENCE).unwrap().to_ascii_lowercase();
    for (name, passes) in [("x-private", false), ("x-public", true), ("proxy-authorization", false)]
    {
        assert_eq!(request.contains(name), passes, "{name}: {request}");
    }
    let answer = answer.to_ascii_lowercase();
    for (name, passes) in [("x-hop", false), ("x-end: 2", true), ("proxy-authenticate", false)] {
        assert_eq!(answer.contains(name), passes, "{name}: {answer}");
    }
}

#[test]
fn a_refusal_passes_whole_or_without_its_body() {
    let long = "x".repeat(70_000);
    for (framed, body) in [
        ("Content-Length: 5\r\n\r\nhello, and more".to_owned(), "hello"),
        (
            "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\n"
                .to_owned(),
            "hello",
        ),
        ("\r\nto the end".to_owned(), "to the end"),
        // Cut short, too long, or not to be understood.
        ("Content-Length: 50\r\n\r\nhello".to_owned(), ""),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n".to_owned(), ""),
        (format!("Content-Length: {}\r\n\r\n{long}", long.len()), ""),
        (format!("\r\n{long}"), ""),
        ("Transfer-Encoding: gzip\r\n\r\nhello".to_owned(), ""),
    ] {
        let (address, _requests) =
            refusing(format!("HTTP/1.1 401 No\r\nX-Why: a\r\n{framed}").into());
        let answer = asked(&relay(address), "Connection: Upgrade\r\n");
        let (head, passed) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 401 ") && head.contains("X-Why: a"), "{head}");
        let length = format!("Content-Length: {}", body.len());
        assert!(head.contains(&length) && !head.contains("Transfer-Encoding"), "{head}");
        assert_eq!(passed, body);
    }
}
