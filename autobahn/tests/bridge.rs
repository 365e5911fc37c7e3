//! The bridge, between clients that others wrote and TCP servers: those of this test, and a real MQTT broker.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod peer;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use peer::{PATIENCE, Program, next, noise, prose};
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::{Error, Message, WebSocket};

/// A TCP server, and the streams that it has accepted.
fn broker() -> (SocketAddr, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, streams) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            if accepted.send(stream).is_err() {
                break;
            }
        }
    });
    (address, streams)
}

fn bridge(to: SocketAddr, args: &[&str]) -> Program {
    let to = to.to_string();
    Program::start(env!("CARGO_BIN_EXE_bridge"), &[&["--to", &to], args].concat())
}

fn stream(broker: &Receiver<TcpStream>) -> TcpStream {
    broker.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn bytes_pass_in_both_directions() {
    let (address, streams) = broker();
    let bridge = bridge(address, &[]);
    let mut socket = bridge.connect();
    let mut broker = stream(&streams);
    for len in [0, 1, 125, 126, 65536, 1 << 20, 16 << 20] {
        let sent = noise(len);
        let message = Message::binary(sent.clone());
        let mut reader = broker.try_clone().unwrap();
        let echo = thread::spawn(move || {
            let mut bytes = vec![0; len];
            reader.read_exact(&mut bytes).unwrap();
            reader.write_all(&bytes).unwrap();
        });
        socket.send(message).unwrap();
        let mut received = Vec::new();
        while received.len() < len {
            match socket.read().unwrap() {
                Message::Binary(bytes) => received.extend_from_slice(&bytes),
                other => panic!("{other:?}"),
            }
        }
        echo.join().unwrap();
        assert!(received == sent, "{len} bytes");
    }
    // Text is bytes as well, fragments are joined, pings answered in between.
    let frame = |bytes: &[u8], code, last| {
        Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(code), last))
    };
    socket.send(Message::text("text")).unwrap();
    for (opcode, len) in [(Data::Text, 3), (Data::Binary, 300_000)] {
        let sent = prose(len);
        // Inside a code point, too.
        let (first, rest) = sent.as_bytes().split_at(len / 3);
        socket.send(frame(first, opcode, false)).unwrap();
        socket.send(Message::Ping("?".into())).unwrap();
        socket.send(frame(b"", Data::Continue, false)).unwrap();
        socket.send(frame(rest, Data::Continue, true)).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong("?".into()));
    }
    let expected = ["text", &prose(3), &prose(300_000)].concat();
    let mut received = vec![0; expected.len()];
    broker.read_exact(&mut received).unwrap();
    assert!(received == expected.as_bytes());
}

#[test]
fn the_subprotocol_is_the_one_both_know() {
    let (address, _streams) = broker();
    let bridge = bridge(address, &[]);
    for (offered, chosen) in [
        ("mqtt", Some("mqtt")),
        ("v10.stomp, v11.stomp, v12.stomp", Some("v12.stomp")),
        ("chat", None),
    ] {
        let mut request = bridge.url().into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
        let answered = tungstenite::client(request, bridge.dial());
        match chosen {
            Some(name) => {
                let (_, response) = answered.unwrap();
                assert_eq!(response.headers()["sec-websocket-protocol"], name);
            }
            // A client that insists goes away by itself.
            None => assert!(answered.is_err()),
        }
    }
}

#[test]
fn who_can_not_be_served_is_told_by_a_status() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let status = |bridge: &Program, origin: &str| {
        let mut request = bridge.url().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match tungstenite::client(request, bridge.dial()) {
            Ok(_) => 101,
            Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => {
                response.status().as_u16()
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(status(&bridge(free, &[]), "https://example.com"), 502);
    let (address, _streams) = broker();
    let picky = bridge(address, &["--origin", "https://example.com"]);
    assert_eq!(status(&picky, "https://example.com"), 101);
    assert_eq!(status(&picky, "https://example.com.evil.example"), 403);
    assert!(peer::get(picky.dial(), "/").starts_with("HTTP/1.1 426 "));
}

#[test]
fn the_end_of_one_is_the_end_of_the_other() {
    let (address, streams) = broker();
    let bridge = bridge(address, &[]);
    let closed = |socket: &mut WebSocket<TcpStream>| match next(socket) {
        Message::Close(Some(frame)) => frame.code,
        other => panic!("{other:?}"),
    };

    // The broker ends, with last words.
    let mut socket = bridge.connect();
    let mut broker = stream(&streams);
    broker.write_all(b"last words").unwrap();
    drop(broker);
    assert_eq!(next(&mut socket), Message::binary(&b"last words"[..]));
    assert_eq!(closed(&mut socket), CloseCode::Normal);

    // The client closes, with last words.
    let mut socket = bridge.connect();
    let mut broker = stream(&streams);
    socket.send(Message::binary(noise(100_000))).unwrap();
    socket.close(None).unwrap();
    let mut bytes = Vec::new();
    broker.read_to_end(&mut bytes).unwrap();
    assert!(bytes == noise(100_000));
    assert_eq!(next(&mut socket), Message::Close(None));

    // The client vanishes in the middle of a message.
    let mut socket = bridge.connect();
    let mut broker = stream(&streams);
    socket.get_mut().write_all(b"\x82\x8A\0\0\0\0half").unwrap();
    drop(socket);
    let mut bytes = Vec::new();
    broker.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"half");

    // The client breaks the rules.
    let mut socket = bridge.connect();
    let mut broker = stream(&streams);
    socket.get_mut().write_all(b"\x82\x01x").unwrap();
    assert_eq!(closed(&mut socket), CloseCode::Protocol);
    drop(socket);
    assert_eq!(broker.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn a_slow_side_slows_the_other_down() {
    let (address, streams) = broker();
    let bridge = bridge(address, &[]);
    let mut socket = bridge.connect();
    let mut broker = stream(&streams);
    let message = [&b"\x82\xFF\0\0\0\0\0\x10\0\0\0\0\0\0"[..], &vec![7; 1 << 20]].concat();

    // The broker doesn't read: the client can't write for ever.
    let client = socket.get_mut();
    let written = fill(client, &message);
    let megabytes = written / message.len() + 1;
    // Once it reads, everything is there.
    let mut reader = broker.try_clone().unwrap();
    let counted = thread::spawn(move || {
        let mut bytes = vec![0; megabytes << 20];
        reader.read_exact(&mut bytes).unwrap();
        bytes.iter().all(|byte| *byte == 7)
    });
    client.write_all(&message[written % message.len()..]).unwrap();
    assert!(counted.join().unwrap());

    // The client doesn't read: the broker can't write for ever.
    let written = fill(&mut broker, &[9; 1 << 20]);
    broker.shutdown(Shutdown::Write).unwrap();
    let mut read = 0;
    while read < written {
        match socket.read().unwrap() {
            Message::Binary(bytes) => read += bytes.len(),
            other => panic!("{other:?}"),
        }
    }
}

/// Writes again and again until the stream takes nothing more for a while; how much it took.
fn fill(stream: &mut TcpStream, bytes: &[u8]) -> usize {
    stream.set_nonblocking(true).unwrap();
    let (mut written, mut last) = (0, Instant::now());
    while last.elapsed() < Duration::from_millis(500) {
        match stream.write(&bytes[written % bytes.len()..]) {
            Ok(count) => (written, last) = (written + count, Instant::now()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("{error}"),
        }
        assert!(written < 256 << 20, "nothing slowed the writer down");
    }
    stream.set_nonblocking(false).unwrap();
    written
}

#[test]
fn stops_with_1001() {
    let (address, streams) = broker();
    let mut bridge = bridge(address, &["--grace", "2"]);
    let (mut socket, _silent) = (bridge.connect(), bridge.connect());
    let mut broker = stream(&streams);
    bridge.interrupt();
    match next(&mut socket) {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("{other:?}"),
    }
    let _ = socket.flush();
    assert!(bridge.wait().success());
    assert_eq!(broker.read_to_end(&mut Vec::new()).unwrap(), 0);
}

/// A mosquitto, ended when this is dropped.
struct Mosquitto(Child);

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn mosquitto_serves_mqtt_clients_over_websocket() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let started = ["mosquitto", "/usr/sbin/mosquitto"].iter().find_map(|path| {
        let mut command = Command::new(path);
        command.args(["-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().ok()
    });
    let Some(_mosquitto) = started.map(Mosquitto) else {
        return peer::skipped::skip("the test of the bridge needs mosquitto");
    };
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "mosquitto does not listen");
        thread::sleep(Duration::from_millis(50));
    }
    let bridge = bridge(address, &[]);
    let args = [bridge.address.ip().to_string(), bridge.address.port().to_string()];
    let args = args.each_ref().map(String::as_str);
    if let Some(mut script) = peer::script::python("mqtt.py", &["paho-mqtt==2.1.0"], &args) {
        let output = script.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        assert_eq!(output.stdout, b"5 messages in each of two versions of MQTT\n");
    }
}

#[test]
fn a_broker_that_pauses_does_not_cost_a_client_its_connection() {
    let (address, streams) = broker();
    let bridge = bridge(address, &["--keepalive", "1"]);
    let mut socket = bridge.connect();
    let mut broker = stream(&streams);
    // More than the streams hold, and than a client sends between two pings. Each is masked as a whole before anything of it is sent, which must not
    // take longer than a ping may remain unanswered.
    let sent = noise(24 << 20);
    let messages: Vec<_> = sent.chunks(1 << 20).map(<[u8]>::to_vec).collect();
    let client = thread::spawn(move || {
        messages.into_iter().for_each(|message| socket.send(Message::binary(message)).unwrap());
        next(&mut socket)
    });
    thread::sleep(Duration::from_secs(3));
    let mut received = vec![0; sent.len()];
    broker.read_exact(&mut received).unwrap();
    assert!(received == sent);
    broker.write_all(b"still there").unwrap();
    assert_eq!(client.join().unwrap(), Message::binary(&b"still there"[..]));
}
