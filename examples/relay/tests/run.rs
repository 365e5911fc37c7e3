//! The program as both sides meet it: messages in both directions, codes, pings, a refusal, a server that isn't there; and Ctrl-C.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket};

/// The program, which ends with the test.
struct Program(Child, String);

impl Program {
    fn start(to: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-relay"));
        command.args([&to.to_string(), "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self(child, address)
    }

    fn dial(&self) -> TcpStream {
        patient(TcpStream::connect(&self.1).unwrap())
    }

    fn open(&self) -> WebSocket<TcpStream> {
        tungstenite::client(format!("ws://{}/path?query", self.1), self.dial()).unwrap().0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// A server for one client, and what it does with it.
fn server<T: Send + 'static>(
    serve: impl FnOnce(WebSocket<TcpStream>) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let stream = patient(listener.accept().unwrap().0);
        serve(tungstenite::accept(stream).unwrap())
    });
    (address, thread)
}

/// Echoes until the end; what it was closed with.
fn echo(mut socket: WebSocket<TcpStream>) -> Option<CloseFrame> {
    loop {
        match socket.read().unwrap() {
            Message::Close(frame) => {
                let _ = socket.flush();
                return frame;
            }
            Message::Ping(_) | Message::Pong(_) => {}
            message => socket.send(message).unwrap(),
        }
    }
}

#[test]
fn messages_pings_and_the_end_pass() {
    let (address, server) = server(echo);
    let program = Program::start(address);
    let mut socket = program.open();
    let large = Message::binary(vec![7; 1 << 20]);
    for message in [Message::text("grüß"), Message::text(""), large, Message::text("after it")] {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
    // It is the server that answers.
    socket.send(Message::Ping("?".into())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong("?".into()));
    let frame = CloseFrame { code: CloseCode::Library(4321), reason: "enough".into() };
    socket.close(Some(frame.clone())).unwrap();
    let Message::Close(Some(answer)) = socket.read().unwrap() else { panic!("no Close frame") };
    assert_eq!(answer.code, frame.code);
    assert!(matches!(socket.read().unwrap_err(), Error::ConnectionClosed));
    assert_eq!(server.join().unwrap(), Some(frame));
}

#[test]
fn what_comes_with_the_answer_passes() {
    // The server greets in the packet of its answer.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = patient(listener.accept().unwrap().0);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("GET /path?query HTTP/1.1\r\n"), "{head}");
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(&[answer.as_bytes(), b"\x81\x07welcome"].concat()).unwrap();
        // A Close frame, since the client is gone.
        let _ = stream.read(&mut [0; 64]);
    });
    let program = Program::start(address);
    let mut socket = program.open();
    assert_eq!(socket.read().unwrap(), Message::text("welcome"));
    drop(socket);
    server.join().unwrap();
}

#[test]
fn who_breaks_a_rule_learns_which_and_the_other_side_is_closed() {
    let (address, server) = server(echo);
    let program = Program::start(address);
    let mut socket = program.open();
    // An unmasked frame: code 1002.
    socket.get_mut().write_all(b"\x81\x02hi").unwrap();
    let Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("no Close frame") };
    assert_eq!(u16::from(frame.code), 1002);
    assert_eq!(server.join().unwrap().unwrap().code, CloseCode::Away);
}

#[test]
fn who_asks_for_something_else_is_answered_and_so_is_who_asks_for_a_server_that_is_not_there() {
    // Nobody listens on port 1.
    let program = Program::start(SocketAddr::from(([127, 0, 0, 1], 1)));
    for (request, status) in [
        (&b"nonsense\r\n\r\n"[..], &b"HTTP/1.1 400 "[..]),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"HTTP/1.1 426 "),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            b"HTTP/1.1 502 ",
        ),
    ] {
        let mut stream = program.dial();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(status), "{}", answer.escape_ascii());
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_says_goodbye_to_both_sides() {
    let (address, server) = server(echo);
    let mut program = Program::start(address);
    let mut socket = program.open();
    let interrupt = Command::new("kill").args(["-INT", &program.0.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    let Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("no Close frame") };
    assert_eq!(frame.code, CloseCode::Away);
    let _ = socket.flush();
    assert_eq!(server.join().unwrap().unwrap().code, CloseCode::Away);
    assert!(program.0.wait().unwrap().success());
}
