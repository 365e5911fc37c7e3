//! A socket in one thread: messages, time, closing, the opening handshake.

mod ends;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use ends::{PATIENCE, frame, listener, pair, raw_client, within};
use sockless_blocking::handshake::{Refusal, ResponseError};
use sockless_blocking::sockless::Delivery;
use sockless_blocking::sockless::connection::{Cause, Failure};
use sockless_blocking::{
    AcceptError, ClientOptions, CloseCode, Config, ConnectError, Decision, Error, Limit, Message,
    Piped, ServerOptions, accept, accept_with, connect, connect_over, connect_with,
};

const MOMENT: Duration = Duration::from_millis(50);

#[test]
fn what_one_sends_the_other_receives_in_order_and_both_close() {
    let ((), _) = within(PATIENCE, || {
        let (mut client, mut server) = pair((), ());
        let echo = thread::spawn(move || {
            while let Some(message) = server.recv() {
                server.send(message.expect("no error")).expect("sent");
            }
            (server.outcome(), server.close_frame().cloned())
        });
        for len in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 1 << 20] {
            let sent = Message::binary(vec![len as u8; len]);
            client.send(&sent).expect("sent");
            assert_eq!(client.recv().transpose().expect("no error"), Some(sent));
        }
        client.send("grüß dich").expect("sent");
        let text = client.recv().expect("a message").expect("no error");
        assert_eq!(text.as_text(), Some("grüß dich"));
        let outcome = client.close(CloseCode::GOING_AWAY, "enough").expect("closed");
        assert!(outcome.clean());
        assert!(client.recv().is_none());
        assert!(matches!(client.send("late"), Err(Error::Closed)));
        let (outcome, frame) = echo.join().expect("no panic");
        assert!(outcome.clean());
        let frame = frame.expect("a code");
        assert_eq!((frame.code, &*frame.reason), (CloseCode::GOING_AWAY, "enough"));
    });
}

#[test]
fn a_call_that_takes_too_long_changes_nothing() {
    let (mut client, mut server) = pair((), ());
    let began = Instant::now();
    assert!(matches!(client.recv_timeout(MOMENT), Some(Err(Error::TimedOut))));
    assert!(began.elapsed() >= MOMENT);
    client.set_timeout(MOMENT);
    assert!(matches!(client.recv(), Some(Err(Error::TimedOut))));
    client.set_timeout(None);
    client.set_deadline(Instant::now() + MOMENT);
    assert!(matches!(client.recv(), Some(Err(Error::TimedOut))));
    assert!(matches!(client.recv_timeout(PATIENCE), Some(Err(Error::TimedOut))));
    // What has arrived already is there, even if no time is left.
    server.send("one").expect("sent");
    server.send("two").expect("sent");
    thread::sleep(MOMENT);
    let one = client.recv().expect("a message").expect("no error");
    assert_eq!(one, Message::text("one"));
    client.set_deadline(None);
    let two = client.recv_timeout(Duration::ZERO).expect("a message").expect("no error");
    assert_eq!(two, Message::text("two"));
    assert!(matches!(client.recv_timeout(Duration::ZERO), Some(Err(Error::TimedOut))));
}

#[test]
fn a_message_that_arrives_in_pieces_over_many_calls_is_whole() {
    let (mut peer, mut server) = raw_client(());
    let message = frame(1, b"in pieces");
    for byte in &message[..message.len() - 1] {
        peer.write_all(&[*byte]).expect("written");
        let waited = server.recv_timeout(Duration::from_millis(1));
        assert!(matches!(waited, Some(Err(Error::TimedOut))));
    }
    peer.write_all(&message[message.len() - 1..]).expect("written");
    assert_eq!(server.recv().expect("a message").expect("no error"), Message::text("in pieces"));
}

#[test]
fn a_send_without_time_says_whether_its_message_is_queued_and_nothing_is_sent_twice() {
    let ((), _) = within(PATIENCE, || {
        let limits = Config::default().with_output_limits(100_000, 1 << 20);
        let (mut client, mut server) = pair(limits, ());
        let mut queued = 0_u32;
        loop {
            let mut bytes = vec![0; 60_000];
            bytes[..4].copy_from_slice(&queued.to_be_bytes());
            match client.send_timeout(bytes, MOMENT) {
                Ok(()) | Err(Error::Unwritten) => queued += 1,
                Err(Error::TimedOut) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let receiving = thread::spawn(move || {
            let mut received = Vec::new();
            while let Some(message) = server.recv() {
                let message = message.expect("no error");
                if message.is_binary() {
                    let number = message.as_bytes()[..4].try_into().expect("four bytes");
                    received.push(u32::from_be_bytes(number));
                }
            }
            received
        });
        client.flush().expect("written");
        assert!(client.close(None, "").expect("closed").clean());
        let received = receiving.join().expect("no panic");
        assert_eq!(received, (0..queued).collect::<Vec<_>>());
    });
}

#[test]
fn two_that_both_send_before_they_receive_dont_wait_for_each_other() {
    let ((), _) = within(PATIENCE, || {
        // More than the system's buffers hold, and less than is put aside.
        let limits = || Config::default().with_output_limits(32 << 20, 64 << 20);
        let (mut client, mut server) = pair(limits(), limits());
        let other = thread::spawn(move || {
            server.send(vec![1; 12 << 20]).expect("sent");
            server.recv().expect("a message").expect("no error").as_bytes().len()
        });
        client.send(vec![2; 12 << 20]).expect("sent");
        assert_eq!(client.recv().expect("a message").expect("no error").as_bytes()[0], 1);
        assert_eq!(other.join().expect("no panic"), 12 << 20);
    });
}

#[test]
fn a_ping_that_arrives_while_a_send_waits_is_seen_then_and_answered_next() {
    let ((), _) = within(PATIENCE, || {
        let (mut peer, mut server) = raw_client(());
        peer.write_all(&frame(9, b"alive?")).expect("written");
        let sending = thread::spawn(move || {
            server.send(vec![0; 32 << 20]).expect("sent");
            let frames = server.counters().received.frames;
            (frames, server.recv())
        });
        // By then nothing more is taken, and so there is time to read.
        thread::sleep(10 * MOMENT);
        // All that the server sends, to the pong after its message.
        let mut header = [0; 10];
        peer.read_exact(&mut header).expect("a header");
        assert_eq!(header, [0x82, 127, 0, 0, 0, 0, 2, 0, 0, 0]);
        std::io::copy(&mut (&peer).take(32 << 20), &mut std::io::sink()).expect("read");
        let mut pong = [0; 8];
        peer.read_exact(&mut pong).expect("a pong");
        assert_eq!(&pong, b"\x8A\x06alive?");
        peer.write_all(&frame(8, b"")).expect("written");
        let (frames, end) = sending.join().expect("no panic");
        // The Close frame may have been seen as well.
        assert!(frames >= 1);
        assert!(end.is_none());
    });
}

#[test]
fn nobody_is_taken_for_silent_because_this_side_was_busy() {
    let keepalive = Config::default()
        .with_keepalive(Duration::from_millis(300), Duration::from_millis(300))
        .with_idle(Duration::from_millis(600));
    let (mut client, mut server) = pair((), keepalive);
    client.send("one").expect("sent");
    assert_eq!(server.recv().expect("a message").expect("no error"), Message::text("one"));
    // From here on its silence is timed.
    assert!(matches!(server.recv_timeout(Duration::ZERO), Some(Err(Error::TimedOut))));
    client.send("two").expect("sent");
    thread::sleep(Duration::from_millis(900));
    // Both deadlines have passed, and the message has waited all the time.
    assert_eq!(server.recv().expect("a message").expect("no error"), Message::text("two"));
    assert_eq!(server.outcome().cause, Cause::Open);
    server.send("still open").expect("sent");
}

#[test]
fn no_configuration_makes_a_message_disappear() {
    for config in [
        Config::default().with_delivery(Delivery::Parts),
        Config::default().with_auto_pong(false),
        Config::default().with_auto_close(false),
    ] {
        let (mut peer, mut server) = raw_client(config);
        let frames = b"\x01\x81\0\0\0\0a\x89\x80\0\0\0\0\x80\x81\0\0\0\0b\x88\x80\0\0\0\0";
        peer.write_all(frames).expect("written");
        within(PATIENCE, move || {
            let message = server.recv().expect("a message").expect("no error");
            assert_eq!(message.as_text(), Some("ab"));
            assert!(server.recv().is_none());
            assert!(server.outcome().clean());
        });
        let mut answers = Vec::new();
        peer.read_to_end(&mut answers).expect("the end");
        assert_eq!(answers, b"\x8A\0\x88\0");
    }
}

#[test]
fn a_message_over_the_limit_is_an_error_that_names_it() {
    let (mut client, mut server) = pair((), ServerOptions::new().with_max_message(10));
    client.send("longer than that").expect("sent");
    let client = thread::spawn(move || (client.recv(), client));
    assert!(matches!(server.recv(), Some(Err(Error::Limit(Limit::Frame)))));
    assert!(server.recv().is_none());
    let (end, client) = client.join().expect("no panic");
    assert!(end.is_none());
    assert_eq!(client.close_frame().map(|frame| frame.code), Some(CloseCode::MESSAGE_TOO_BIG));
}

#[test]
fn fragments_over_the_limit_together_are_an_error_that_names_it() {
    let (mut peer, mut server) = raw_client(ServerOptions::new().with_max_message(10));
    peer.write_all(b"\x01\x86\0\0\0\0sixsix\x80\x86\0\0\0\0sixsix").expect("written");
    assert!(matches!(server.recv(), Some(Err(Error::Limit(Limit::Message)))));
    drop(peer);
    assert!(server.recv().is_none());
}

#[test]
fn a_broken_rule_is_an_error_and_then_there_is_nothing() {
    let (mut peer, mut server) = raw_client(());
    peer.write_all(&[0x83, 0x80, 0, 0, 0, 0]).expect("written");
    drop(peer);
    assert!(matches!(server.recv(), Some(Err(Error::Failed(Failure::Violation(_))))));
    assert!(server.recv().is_none());
    assert!(server.send("late").is_err());
}

#[test]
fn a_reason_that_is_too_long_is_the_callers_and_nothing_is_closed() {
    let (mut client, mut server) = pair((), ());
    assert!(matches!(client.close(CloseCode::NORMAL, &"x".repeat(124)), Err(Error::Send(_))));
    client.send("still open").expect("sent");
    assert!(server.recv().expect("a message").is_ok());
}

#[test]
fn what_is_fed_goes_out_with_the_next_call_that_waits() {
    let (mut client, mut server) = pair((), ());
    for number in 0..100 {
        client.feed(format!("{number}")).expect("queued");
    }
    assert!(matches!(client.recv_timeout(Duration::ZERO), Some(Err(Error::TimedOut))));
    for number in 0..100 {
        let message = server.recv().expect("a message").expect("no error");
        assert_eq!(message.as_text(), Some(&*format!("{number}")));
    }
}

#[test]
#[cfg(feature = "deflate")]
fn compression_subprotocol_and_fields_are_agreed_on() {
    let client = ClientOptions::new().with_compression().with_subprotocols(["v2", "v1"]);
    let server = ServerOptions::new().with_compression().with_subprotocols(["v1"]);
    let (mut client, mut server) = pair(client, server);
    assert_eq!((client.subprotocol(), server.subprotocol()), (Some("v1"), Some("v1")));
    assert!(client.response().is_some_and(|response| response.status() == 101));
    client.send("a".repeat(100_000)).expect("sent");
    assert_eq!(server.recv().expect("a message").expect("no error").as_bytes().len(), 100_000);
    assert!(server.counters().received.wire_bytes < 1000);
}

#[test]
fn a_refusal_is_an_error_with_status_fields_and_body() {
    let (listener, url) = listener();
    let serving = thread::spawn(move || {
        let stream = listener.accept().expect("a client").0;
        accept_with(stream, (), |request| match request.path() {
            "/" => {
                let fields = [sockless_blocking::handshake::Field::new("X-Why", "because")];
                let refusal = Refusal::new(503, &fields, b"come back later");
                Decision::Answer(refusal.expect("it can be sent").to_vec())
            }
            _ => Decision::Accept,
        })
        .map(drop)
    });
    match connect(&url).expect_err("refused") {
        ConnectError::Refused(refused) => {
            assert_eq!(refused.status, 503);
            assert_eq!(refused.field("x-why"), Some("because"));
            assert_eq!(refused.body, b"come back later");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(serving.join().expect("no panic"), Err(AcceptError::Answered)));
}

#[test]
fn a_request_for_something_else_is_answered_and_is_an_error() {
    let (listener, _) = listener();
    let address = listener.local_addr().expect("an address");
    let serving =
        thread::spawn(move || accept(listener.accept().expect("a client").0, ()).map(drop));
    let mut browser = TcpStream::connect(address).expect("connected");
    browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("written");
    let mut answer = String::new();
    browser.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    drop(browser);
    assert!(matches!(serving.join().expect("no panic"), Err(AcceptError::Request(_))));
}

#[test]
fn an_origin_that_is_not_allowed_is_refused() {
    let (listener, url) = listener();
    let options = ServerOptions::new().with_origins(["https://example.com"]);
    let serving =
        thread::spawn(move || accept(listener.accept().expect("a client").0, options).map(drop));
    let options = ClientOptions::new().with_origin("https://evil.example");
    match connect_with(&url, options).expect_err("refused") {
        ConnectError::Refused(refused) => assert_eq!(refused.status, 403),
        other => panic!("{other:?}"),
    }
    assert!(matches!(serving.join().expect("no panic"), Err(AcceptError::Origin)));
}

#[test]
fn mistakes_in_what_is_asked_for_are_said_before_anything_is_opened() {
    assert!(matches!(connect("http://127.0.0.1:1/"), Err(ConnectError::Url(_))));
    let bad = ClientOptions::new().with_field("X\r\n", "y");
    assert!(matches!(connect_with("ws://127.0.0.1:1/", bad), Err(ConnectError::Misuse(_))));
}

#[test]
fn a_port_where_nobody_listens_is_an_error() {
    let (listener, url) = listener();
    drop(listener);
    assert!(matches!(connect(&url), Err(ConnectError::Connect(_))));
    // A name has both families' addresses, perhaps.
    let name = url.replace("127.0.0.1", "localhost");
    assert!(matches!(connect(&name), Err(ConnectError::Connect(_))));
}

#[test]
fn a_server_that_speaks_tls_is_told_apart() {
    let (listener, url) = listener();
    let serving = thread::spawn(move || {
        let mut stream = listener.accept().expect("a client").0;
        let _ = stream.read(&mut [0; 1024]).expect("a request");
        // A fatal alert: unexpected_message.
        stream.write_all(&[0x15, 3, 3, 0, 2, 2, 10]).expect("written");
    });
    let error = connect(&url).expect_err("no WebSocket");
    assert!(matches!(error, ConnectError::SpeaksTls), "{error:?}");
    assert!(error.to_string().contains("use a wss:// URL"));
    serving.join().expect("no panic");
}

#[test]
fn a_server_that_closes_instead_of_answering_is_an_error() {
    let (listener, url) = listener();
    let serving = thread::spawn(move || {
        let mut stream = listener.accept().expect("a client").0;
        let _ = stream.read(&mut [0; 1024]).expect("a request");
    });
    let error = connect(&url).expect_err("no WebSocket");
    assert!(matches!(error, ConnectError::Answer(ResponseError::Truncated)), "{error:?}");
    serving.join().expect("no panic");
}

#[test]
#[cfg(unix)]
fn it_runs_on_a_unix_stream_and_on_any_reader_and_writer() {
    use std::os::unix::net::UnixStream;
    let ((), _) = within(PATIENCE, || {
        let (near, far) = UnixStream::pair().expect("a pair");
        let echo = thread::spawn(move || {
            let mut socket = accept(far, ()).expect("open");
            while let Some(message) = socket.recv() {
                socket.send(message.expect("no error")).expect("sent");
            }
            socket.outcome()
        });
        let reader = near.try_clone().expect("cloned");
        let piped = Piped::new(reader, near).expect("threads");
        let mut socket = connect_over(piped, "ws://localhost/", ()).expect("open");
        assert!(matches!(socket.recv_timeout(MOMENT), Some(Err(Error::TimedOut))));
        for len in [0, 1000, 200_000] {
            socket.send(vec![7; len]).expect("sent");
            let back = socket.recv().expect("a message").expect("no error");
            assert_eq!(back.as_bytes().len(), len);
        }
        assert!(socket.close(None, "").expect("closed").clean());
        assert!(echo.join().expect("no panic").clean());
    });
}
