//! What an echo server has to do, whatever it runs on.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::{Error, Message, WebSocket};

use super::{PATIENCE, Program, get, next, noise, prose};

const LENGTHS: [usize; 9] = [0, 1, 125, 126, 65535, 65536, 100_000, 1 << 20, 16 << 20];

/// Everything below.
pub(crate) fn serves_everything(path: &str) {
    let mut server = Program::start(path, &[]);
    gives_the_page(&server);
    returns_messages_of_all_lengths(&server);
    returns_fragments_with_pings_in_between(&server);
    answers_the_close(&server);
    fails_what_breaks_the_rules(&server);
    survives_clients_that_vanish(&server);
    serves_several_at_once(&server);
    assert!(server.is_running());
    stops_with_1001(&mut server);
}

/// Sends messages while it receives: so many, pongs among them.
pub(crate) fn exchange(
    socket: &mut WebSocket<TcpStream>,
    messages: impl IntoIterator<Item = Message>,
    count: usize,
) -> Vec<Message> {
    let is_idle =
        |error: &Error| matches!(error, Error::Io(error) if error.kind() == ErrorKind::WouldBlock);
    let deadline = Instant::now() + PATIENCE;
    let mut messages = messages.into_iter().peekable();
    let mut received = Vec::new();
    socket.get_mut().set_nonblocking(true).unwrap();
    while received.len() < count || messages.peek().is_some() {
        assert!(Instant::now() < deadline, "{} of {count} came back", received.len());
        match socket.flush() {
            Ok(()) => match messages.next().map_or(Ok(()), |message| socket.write(message)) {
                Ok(()) => {}
                Err(error) => assert!(is_idle(&error), "{error}"),
            },
            Err(error) => assert!(is_idle(&error), "{error}"),
        }
        match socket.read() {
            Ok(message) => received.push(message),
            Err(error) if is_idle(&error) => thread::sleep(Duration::from_micros(100)),
            Err(error) => panic!("{error}"),
        }
    }
    socket.get_mut().set_nonblocking(false).unwrap();
    received
}

pub(crate) fn gives_the_page(server: &Program) {
    let page = get(server.dial(), "/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("new WebSocket("), "{page}");
    let other = get(server.dial(), "/elsewhere");
    assert!(other.starts_with("HTTP/1.1 4"), "{other}");
}

pub(crate) fn returns_messages_of_all_lengths(server: &Program) {
    let mut socket = server.connect();
    for len in LENGTHS {
        for message in [Message::binary(noise(len)), Message::text(prose(len))] {
            let returned = exchange(&mut socket, [message.clone()], 1);
            assert!(returned == [message], "{len} bytes");
        }
    }
    let many: Vec<_> = (0..2000).map(|number| Message::text(format!("number {number}"))).collect();
    assert!(exchange(&mut socket, many.clone(), many.len()) == many);
}

pub(crate) fn returns_fragments_with_pings_in_between(server: &Program) {
    let mut socket = server.connect();
    for len in [0, 5, 1000, 200_000] {
        let text = prose(len);
        let size = len / 7 + 1;
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let mut sent = vec![frame(b"", Data::Text, false)];
        for piece in &pieces {
            sent.push(frame(piece, Data::Continue, false));
            sent.push(Message::Ping("still there?".into()));
        }
        sent.push(frame(b"", Data::Continue, true));
        let mut received = exchange(&mut socket, sent, pieces.len() + 1);
        assert_eq!(received.pop().unwrap(), Message::text(text));
        assert!(received.iter().all(|message| *message == Message::Pong("still there?".into())));
    }
}

fn frame(payload: &[u8], code: Data, last: bool) -> Message {
    Message::Frame(Frame::message(payload.to_vec(), OpCode::Data(code), last))
}

pub(crate) fn answers_the_close(server: &Program) {
    let frame = |code| CloseFrame { code, reason: "".into() };
    for sent in [None, Some(frame(CloseCode::Normal)), Some(frame(CloseCode::Library(4321)))] {
        let mut socket = server.connect();
        socket.send(Message::text("before")).unwrap();
        socket.close(sent.clone()).unwrap();
        assert_eq!(next(&mut socket), Message::text("before"));
        assert_eq!(next(&mut socket), Message::Close(sent));
        // The server closes the connection.
        assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    }
}

pub(crate) fn fails_what_breaks_the_rules(server: &Program) {
    // Masked with zeros.
    for (bytes, code) in [
        (&b"\x81\x82\0\0\0\0\xC3\x28"[..], CloseCode::Invalid),
        (b"\x81\x81\0\0\0\0\xC3", CloseCode::Invalid),
        (b"\x01\x81\0\0\0\0\xC3\x80\x81\0\0\0\0\x28", CloseCode::Invalid),
        (b"\x81\x02hi", CloseCode::Protocol),
        (b"\x83\x80\0\0\0\0", CloseCode::Protocol),
        (b"\x80\x80\0\0\0\0", CloseCode::Protocol),
        (b"\x88\x81\0\0\0\0\x03", CloseCode::Protocol),
        (b"\x88\x82\0\0\0\0\x03\xED", CloseCode::Protocol),
        (b"\x82\xFF\0\0\x01\0\0\0\0\0\0\0\0\0", CloseCode::Size),
    ] {
        let mut socket = server.connect();
        socket.send(Message::text("before")).unwrap();
        socket.get_mut().write_all(bytes).unwrap();
        assert_eq!(next(&mut socket), Message::text("before"), "{bytes:X?}");
        match next(&mut socket) {
            Message::Close(Some(frame)) => assert_eq!(frame.code, code, "{bytes:X?}"),
            other => panic!("{other:?} after {bytes:X?}"),
        }
    }
}

pub(crate) fn survives_clients_that_vanish(server: &Program) {
    // In the middle of the request, of a header, of a message; and without reading what comes back.
    server.dial().write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    for bytes in [&b"\x82"[..], b"\x82\xFE\x10\0\0\0\0\0abc", b"\x01\x83\0\0\0\0abc"] {
        server.connect().get_mut().write_all(bytes).unwrap();
    }
    let mut socket = server.connect();
    for _ in 0..50 {
        socket.send(Message::binary(noise(1000))).unwrap();
    }
    drop(socket);
    // Half-closed: what was sent before comes back all the same.
    let mut socket = server.connect();
    socket.send(Message::text("last words")).unwrap();
    assert_eq!(next(&mut socket), Message::text("last words"));
    socket.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    let _ = socket.get_mut().read_to_end(&mut Vec::new());
}

pub(crate) fn serves_several_at_once(server: &Program) {
    let mut sockets: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.send(Message::text(number.to_string())).unwrap();
    }
    for (number, socket) in sockets.iter_mut().enumerate().rev() {
        assert_eq!(next(socket), Message::text(number.to_string()));
    }
}

/// The last test: the server ends.
pub(crate) fn stops_with_1001(server: &mut Program) {
    let mut socket = server.connect();
    let mut silent = server.connect();
    silent.send(Message::text("never answers the close")).unwrap();
    assert_eq!(next(&mut silent), Message::text("never answers the close"));
    let started = Instant::now();
    server.interrupt();
    match next(&mut socket) {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("{other:?}"),
    }
    let _ = socket.flush();
    assert!(server.wait().success());
    // The grace that the silent client has, and some time for a machine that has much to do.
    assert!(started.elapsed() < Duration::from_secs(15));
}
