//! Every echo server, started as a program and talked to by a client from elsewhere: tungstenite.

#[path = "../../tests/wire/frames.rs"]
mod frames;
mod server;

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use server::{Client, Server, is_end};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::{Error, Message};

/// The tests of one server.
macro_rules! echo_server {
    ($name:ident) => {
        mod $name {
            use super::Server;

            fn start(options: &[&str]) -> Option<Server> {
                Server::start(env!(concat!("CARGO_BIN_EXE_", stringify!($name))), options)
            }

            echo_server!(@ start echoes_messages_of_every_size);
            echo_server!(@ start echoes_many_messages_sent_at_once);
            echo_server!(@ start echoes_fragments_with_pings_in_between);
            echo_server!(@ start answers_pings);
            echo_server!(@ start answers_a_close_with_its_code);
            echo_server!(@ start echoes_what_comes_before_a_half_close);
            echo_server!(@ start survives_clients_killed_in_mid_message);
            echo_server!(@ start fails_a_client_that_breaks_the_rules);
            echo_server!(@ start waits_for_a_client_that_does_not_read);
            echo_server!(@ start answers_a_handshake_that_trickles_in);
            echo_server!(@ start gives_the_page);
            echo_server!(@ start refuses_bad_requests);
            echo_server!(@ start serves_many_clients_at_once);
            echo_server!(@ start says_1001_when_it_stops);
            echo_server!(@ start stops_without_clients_that_do_not_answer);
            echo_server!(@ start pings_and_drops_the_silent);
            echo_server!(@ start sends_away_the_idle);
            echo_server!(@ start refuses_messages_over_the_limit);
        }
    };
    (@ $start:ident $test:ident) => {
        #[test]
        fn $test() {
            super::$test(&$start);
        }
    };
}

echo_server!(echo_mio);
echo_server!(echo_std);
echo_server!(echo_tokio);
echo_server!(echo_tls);
echo_server!(echo_uring);

type Start<'s> = &'s dyn Fn(&[&str]) -> Option<Server>;

/// The server; skips the test where the system lacks what the program needs.
macro_rules! started {
    ($start:expr, $($option:expr),*) => {
        match $start(&[$($option),*]) {
            Some(server) => server,
            None => return,
        }
    };
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 31 % 251) as u8).collect()
}

fn text(len: usize) -> String {
    "ünï – 漢字 "
        .chars()
        .cycle()
        .scan(0, |sum, c| {
            *sum += c.len_utf8();
            (*sum <= len).then_some(c)
        })
        .collect()
}

/// The next message that is not a ping or pong.
fn next(client: &mut Client) -> Message {
    loop {
        match client.read() {
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(message) => return message,
            Err(error) => panic!("a message was expected: {error}"),
        }
    }
}

fn echoed(client: &mut Client, message: Message) {
    client.send(message.clone()).expect("the message is taken");
    assert!(next(client) == message, "what comes back is what was sent");
}

/// Reads to the end; the Close frame, if there was one.
fn to_the_end(client: &mut Client) -> Option<CloseFrame> {
    let mut close = None;
    loop {
        match client.read() {
            Ok(Message::Close(frame)) => close = frame,
            Ok(_) => {}
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => return close,
            // A client that reads on when both Close frames are through may find the stream reset.
            Err(Error::Io(_)) if close.is_some() => return close,
            Err(error) => panic!("an orderly end was expected: {error}"),
        }
    }
}

fn close(client: &mut Client, code: CloseCode) {
    client.close(Some(CloseFrame { code, reason: "enough".into() })).expect("the close is taken");
    let answer = to_the_end(client).expect("a Close frame");
    assert_eq!(answer.code, code);
}

fn echoes_messages_of_every_size(start: Start<'_>) {
    let server = started!(start,);
    let mut client = server.connect();
    for len in [0, 1, 125, 126, 127, 4095, 4096, 16_384, 65_535, 65_536, 262_144, 1 << 20, 16 << 20]
    {
        echoed(&mut client, Message::binary(bytes(len)));
        echoed(&mut client, Message::text(text(len)));
    }
    close(&mut client, CloseCode::Normal);
}

fn echoes_many_messages_sent_at_once(start: Start<'_>) {
    let server = started!(start,);
    let mut client = server.connect();
    let lens: Vec<usize> = (0..500).map(|n| if n % 50 == 49 { 50_000 } else { n % 300 }).collect();
    for len in &lens {
        client.write(Message::binary(bytes(*len))).expect("the message is taken");
    }
    client.flush().expect("the messages are taken");
    for len in &lens {
        assert!(next(&mut client) == Message::binary(bytes(*len)));
    }
    close(&mut client, CloseCode::Normal);
}

fn fragment(client: &mut Client, payload: &[u8], opcode: Data, last: bool) {
    let frame = Frame::message(payload.to_vec(), OpCode::Data(opcode), last);
    client.send(Message::Frame(frame)).expect("the fragment is taken");
}

fn echoes_fragments_with_pings_in_between(start: Start<'_>) {
    let server = started!(start,);
    let mut client = server.connect();
    for len in [3, 1000, 300_000] {
        let whole = text(len);
        let third = len / 3;
        fragment(&mut client, &whole.as_bytes()[..third], Data::Text, false);
        client.send(Message::Ping("between".into())).expect("the ping is taken");
        fragment(&mut client, b"", Data::Continue, false);
        fragment(&mut client, &whole.as_bytes()[third..], Data::Continue, true);
        assert_eq!(client.read().expect("a pong"), Message::Pong("between".into()));
        assert!(next(&mut client) == Message::text(whole));
    }
    close(&mut client, CloseCode::Normal);
}

fn answers_pings(start: Start<'_>) {
    let server = started!(start,);
    let mut client = server.connect();
    for len in [0, 1, 125] {
        client.send(Message::Ping(bytes(len).into())).expect("the ping is taken");
        assert_eq!(client.read().expect("a pong"), Message::Pong(bytes(len).into()));
    }
    close(&mut client, CloseCode::Normal);
}

fn answers_a_close_with_its_code(start: Start<'_>) {
    let server = started!(start,);
    for code in [CloseCode::Normal, CloseCode::Away, CloseCode::Library(3000), CloseCode::Bad(4999)]
    {
        let mut client = server.connect();
        echoed(&mut client, Message::text("before"));
        let code = CloseCode::from(u16::from(code));
        close(&mut client, code);
    }
    let mut client = server.connect();
    client.close(None).expect("the close is taken");
    assert_eq!(to_the_end(&mut client), None);
}

/// A masked frame, with a mask of zeros.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    frames::frame(first, Some([0; 4]), payload)
}

/// A WebSocket whose stream is spoken to directly; the server's answer has been read.
fn raw(server: &Server) -> Box<dyn server::Stream> {
    let mut stream = server.stream();
    stream.write_all(request(server).as_bytes()).expect("the request is taken");
    stream.flush().expect("the request is taken");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    stream
}

fn request(server: &Server) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        server.address
    )
}

fn echoes_what_comes_before_a_half_close(start: Start<'_>) {
    let server = started!(start,);
    let (mut incoming, mut outgoing) = server.halves();
    let large = bytes(1 << 20);
    outgoing.write_all(request(&server).as_bytes()).expect("taken");
    outgoing.write_all(&masked(0x81, b"first")).expect("taken");
    outgoing.write_all(&masked(0x82, &large)).expect("taken");
    outgoing.write_all(&masked(0x88, &[])).expect("taken");
    outgoing.finish().expect("half-closed");
    let mut answer = Vec::new();
    incoming.read_to_end(&mut answer).expect("an answer, and a clean end");
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head") + 4;
    let frames = &answer[head..];
    assert_eq!(&frames[..7], b"\x81\x05first");
    assert_eq!(&frames[7..9], b"\x82\x7F");
    assert!(frames[17..17 + large.len()] == large);
    assert_eq!(&frames[17 + large.len()..], b"\x88\x00");
}

fn survives_clients_killed_in_mid_message(start: Start<'_>) {
    let server = started!(start,);
    let frame = masked(0x82, &bytes(300_000));
    for cut in [1, 5, 13, 14, 1000, 70_000, frame.len() - 1] {
        let mut stream = raw(&server);
        stream.write_all(&frame[..cut]).expect("taken");
        stream.flush().expect("taken");
        drop(stream);
    }
    // And one that sends whole messages, and is gone when the answers come.
    for _ in 0..3 {
        let mut stream = raw(&server);
        stream.write_all(&frame).expect("taken");
        drop(stream);
    }
    let mut client = server.connect();
    echoed(&mut client, Message::text("still there"));
    close(&mut client, CloseCode::Normal);
}

fn fails_a_client_that_breaks_the_rules(start: Start<'_>) {
    let server = started!(start,);
    let cases: [(&[u8], u16); 4] = [
        (b"\x81\x05naked", 1002),
        (&masked(0x83, b"reserved opcode"), 1002),
        (&masked(0x81, b"\xFF\xFF"), 1007),
        (&masked(0x88, &[3]), 1002),
    ];
    for (frame, code) in cases {
        let mut stream = raw(&server);
        stream.write_all(&masked(0x81, b"good")).expect("taken");
        stream.write_all(frame).expect("taken");
        stream.flush().expect("taken");
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer[..6], b"\x81\x04good");
        assert_eq!(answer[6], 0x88);
        assert_eq!(u16::from_be_bytes([answer[8], answer[9]]), code);
        // The reason, nothing else, and the end, though we have not closed.
        let mut reason = vec![0; usize::from(answer[7]) - 2];
        stream.read_exact(&mut reason).expect("a reason");
        assert!(!reason.is_empty() && reason.is_ascii(), "{reason:?}");
        assert!(is_end(&stream.read(&mut answer)));
    }
}

fn waits_for_a_client_that_does_not_read(start: Start<'_>) {
    let server = started!(start,);
    let (mut incoming, mut outgoing) = server.halves();
    let (count, message) = (400, bytes(100_000));
    let request = request(&server);
    let frame = masked(0x82, &message);
    let sending = thread::spawn(move || {
        outgoing.write_all(request.as_bytes()).expect("taken");
        for _ in 0..count {
            outgoing.write_all(&frame).expect("taken, in the end");
        }
        outgoing.write_all(&masked(0x88, &[])).expect("taken");
        outgoing.flush().expect("taken");
    });
    // The server reads on only as far as its own output goes; nobody knows how far the kernels' buffers reach.
    thread::sleep(Duration::from_millis(500));
    let resident = server.memory("VmRSS");
    assert!(resident < 40 << 10, "the server keeps {resident} KiB");
    let mut answer = Vec::new();
    incoming.read_to_end(&mut answer).expect("an answer, and a clean end");
    sending.join().expect("all was sent");
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head") + 4;
    assert_eq!(answer.len() - head, count * (10 + message.len()) + 2);
}

fn answers_a_handshake_that_trickles_in(start: Start<'_>) {
    let server = started!(start,);
    let mut stream = server.stream();
    let mut sent = request(&server).into_bytes();
    sent.extend(masked(0x81, b"hello"));
    for piece in sent.chunks(7) {
        stream.write_all(piece).expect("taken");
        stream.flush().expect("taken");
        thread::sleep(Duration::from_millis(1));
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x05hello") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
}

fn gives_the_page(start: Start<'_>) {
    let server = started!(start,);
    let answer = server.ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("Content-Type: text/html"), "{answer}");
    assert!(answer.ends_with(sockless_autobahn::page::PAGE), "{answer}");
}

fn refuses_bad_requests(start: Start<'_>) {
    let server = started!(start,);
    let upgrade = request(&server);
    let cases = [
        (upgrade.replace("GET ", "POST "), 405),
        (upgrade.replace("HTTP/1.1", "HTTP/1.0"), 505),
        (upgrade.replace("Version: 13", "Version: 8"), 426),
        (upgrade.replace("Key: dGhl", "Key: dG"), 400),
        (upgrade.replace("Host: ", "Host : "), 400),
        ("GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n".into(), 426),
        (upgrade.replace("\r\n\r\n", &format!("\r\nX: {}\r\n\r\n", "x".repeat(20_000))), 431),
        ("nonsense\r\n\r\n".into(), 400),
    ];
    for (request, status) in cases {
        let answer = server.ask(&request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{answer}");
        assert!(answer.contains("Connection: close"), "{answer}");
    }
}

fn serves_many_clients_at_once(start: Start<'_>) {
    let server = started!(start,);
    let mut clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    for round in 0..3 {
        for (n, client) in clients.iter_mut().enumerate() {
            client.send(Message::text(format!("{round} of {n}"))).expect("taken");
        }
        for (n, client) in clients.iter_mut().enumerate() {
            assert_eq!(next(client), Message::text(format!("{round} of {n}")));
        }
    }
    for client in &mut clients {
        close(client, CloseCode::Normal);
    }
}

fn says_1001_when_it_stops(start: Start<'_>) {
    let mut server = started!(start,);
    let mut clients: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        echoed(client, Message::text("here"));
    }
    server.terminate();
    for client in &mut clients {
        assert_eq!(to_the_end(client).expect("a Close frame").code, CloseCode::Away);
    }
    let stopped = Instant::now();
    assert!(server.ended().success());
    assert!(stopped.elapsed() < Duration::from_secs(3), "nobody was left to wait for");
}

fn stops_without_clients_that_do_not_answer(start: Start<'_>) {
    let mut server = started!(start, "--grace", "0.5");
    let _open = raw(&server);
    let _opening = server.tcp();
    thread::sleep(Duration::from_millis(100));
    let stopped = Instant::now();
    server.terminate();
    assert!(server.ended().success());
    assert!(stopped.elapsed() < Duration::from_secs(5), "the grace is over");
}

fn pings_and_drops_the_silent(start: Start<'_>) {
    let server = started!(start, "--keepalive", "0.3");
    let mut stream = raw(&server);
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap_or_default();
    assert_eq!(received.first(), Some(&0x89), "a ping");
    assert_eq!(
        &received[10..],
        b"\x88\x17\x03\xF3ping was not answered",
        "and, unanswered, the end by 1011"
    );
}

fn sends_away_the_idle(start: Start<'_>) {
    let server = started!(start, "--idle", "0.4");
    let mut client = server.connect();
    echoed(&mut client, Message::text("busy"));
    assert_eq!(to_the_end(&mut client).expect("a Close frame").code, CloseCode::Away);
}

fn refuses_messages_over_the_limit(start: Start<'_>) {
    let server = started!(start, "--max-message", "1000");
    let mut client = server.connect();
    echoed(&mut client, Message::binary(bytes(1000)));
    client.send(Message::binary(bytes(1001))).expect("taken");
    assert_eq!(to_the_end(&mut client).expect("a Close frame").code, CloseCode::Size);
}
