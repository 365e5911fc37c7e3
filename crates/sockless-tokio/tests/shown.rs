//! What a socket shows: control frames for those who want to see them, limits by their name, how it ended and why, what was agreed on.

mod ends;

use ends::{half, pair};
use sockless_tokio::sockless::Delivery;
use sockless_tokio::{
    ClientOptions, CloseCode, Config, ConnectError, Decision, Error, Limit, Limits, Message,
    ServerOptions, TrySendError, accept, accept_with, connect_over, handshake,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

#[tokio::test]
async fn control_frames_are_shown_to_those_who_want_to_see_them() {
    let (mut client, mut server) = pair(1000, Config::default()).await;
    server.show_control_frames(true);
    client.show_control_frames(true);
    client.ping(b"are you there?").await.expect("sent");
    let echo = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(message) = server.recv().await {
            seen.push(message.expect("no error"));
        }
        (seen, server)
    });
    let pong = client.recv().await.expect("a pong").expect("no error");
    assert_eq!(pong, Message::Pong(b"are you there?".into()));
    assert!(client.counters().round_trip.is_some());
    client.close(CloseCode::GOING_AWAY, "bye").await.expect("closed");
    let (seen, server) = echo.await.expect("no panic");
    let [Message::Ping(ping), Message::Close(Some(close))] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(&**ping, b"are you there?");
    assert_eq!((close.code, &*close.reason), (CloseCode::GOING_AWAY, "bye"));
    assert_eq!(server.close_frame(), Some(close));
    assert_eq!(server.counters().received.pings, 1);
}

#[tokio::test]
async fn control_frames_are_sent_as_messages_too() {
    let (mut client, mut server) = pair(1000, Config::default()).await;
    client.show_control_frames(true);
    client.send(Message::Ping(b"1".into())).await.expect("sent");
    client.send(Message::Pong(b"2".into())).await.expect("sent");
    client.send(Message::Close(None)).await.expect("sent");
    assert!(matches!(client.send("late").await, Err(Error::Closed)));
    assert!(matches!(client.try_send("late"), Err(TrySendError::Closed(_))));
    let (seen, end) = tokio::join!(client.recv(), server.recv());
    assert_eq!(seen.expect("a pong").expect("no error"), Message::Pong(b"1".into()));
    assert!(end.is_none() && server.close_frame().is_none());
    assert!(server.outcome().clean());
}

#[tokio::test]
async fn a_message_over_a_limit_is_an_error_with_its_name() {
    let limits = Limits::default();
    for (limits, limit, frames) in [
        (
            limits.with_message(10),
            Limit::Message,
            &b"\x02\x86\0\0\0\0abcdef\x80\x86\0\0\0\0abcdef"[..],
        ),
        (limits.with_frame(5), Limit::Frame, b"\x82\x86\0\0\0\0abcdef"),
    ] {
        let (mut client, mut server) = half(1000, Config::default().with_limits(limits)).await;
        client.write_all(frames).await.expect("taken");
        client.shutdown().await.expect("shut");
        let error = server.recv().await.expect("an end").expect_err("too much");
        assert!(matches!(error, Error::Limit(found) if found == limit), "{error:?}");
        assert!(error.to_string().contains(if limit == Limit::Frame {
            "Limits::frame"
        } else {
            "Limits::message"
        }));
        assert!(server.recv().await.is_none());
        // Who sends hears the same.
        let error = server.send("late").await.expect_err("it has failed");
        assert!(matches!(error, Error::Limit(found) if found == limit), "{error:?}");
        drop(server);
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("an end");
        assert_eq!(received[2..4], [0x03, 0xF1]);
        let reason: &[u8] = match limit {
            Limit::Frame => b"frame exceeds 5 bytes",
            _ => b"message exceeds 10 bytes",
        };
        assert_eq!(&received[4..], reason);
    }
}

#[tokio::test]
async fn no_configuration_makes_a_message_disappear() {
    for config in [
        Config::default().with_delivery(Delivery::Parts),
        Config::default().with_auto_pong(false),
        Config::default().with_auto_close(false),
    ] {
        let (mut client, mut server) = half(1000, config).await;
        client
            .write_all(b"\x01\x81\0\0\0\0a\x89\x80\0\0\0\0\x80\x81\0\0\0\0b")
            .await
            .expect("taken");
        client.write_all(b"\x88\x80\0\0\0\0").await.expect("taken");
        let mut seen = Vec::new();
        loop {
            match server.recv().await.transpose().expect("no error") {
                Some(Message::Ping(_)) => {
                    server.send(Message::Pong(b"".into())).await.expect("sent")
                }
                Some(Message::Close(_)) => {
                    server.start_close(CloseCode::NORMAL, "").expect("answered")
                }
                Some(message) => seen.push(message),
                None => break,
            }
        }
        assert_eq!(seen, [Message::text("ab")]);
        assert!(server.outcome().clean());
        drop(server);
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("an end");
        assert_eq!(received[..2], [0x8A, 0]);
        assert_eq!(received[2], 0x88);
    }
}

#[tokio::test]
async fn a_full_queue_gives_the_message_back() {
    let (mut client, _server) =
        pair(100, Config::default().with_output_limits(1000, 1 << 20)).await;
    client.try_send(vec![1; 1000]).expect("room");
    let error = client.try_send("the message").expect_err("no room");
    assert!(matches!(error, TrySendError::Full(_)));
    assert_eq!(error.into_message(), "the message".into());
}

#[tokio::test]
async fn what_was_agreed_on_is_there() {
    let (near, far) = duplex(4096);
    let client = ClientOptions::new()
        .with_subprotocols(["v2.chat", "chat"])
        .with_origin("https://example.com")
        .with_field("X-Token", "secret");
    let server = ServerOptions::new()
        .with_subprotocols(["chat", "v1.chat"])
        .with_origins(["https://example.com"]);
    let cookie = [handshake::Field::new("Set-Cookie", "seen=1")];
    let (client, server) = tokio::join!(
        connect_over(near, "ws://localhost/room?1", &client),
        accept_with(far, &server, |request| {
            assert_eq!((request.path(), request.query()), ("/room", Some("1")));
            assert_eq!(request.field("x-token"), Some(&b"secret"[..]));
            Decision::With(server.acceptance(request).with_fields(&cookie))
        }),
    );
    let (client, server) = (client.expect("open"), server.expect("open"));
    assert_eq!((client.subprotocol(), server.subprotocol()), (Some("chat"), Some("chat")));
    let response = client.response().expect("an answer");
    assert_eq!(response.field("set-cookie"), Some(&b"seen=1"[..]));
    assert!(server.response().is_none());
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_refused() {
    let (near, far) = duplex(4096);
    let client = ClientOptions::new().with_origin("https://evil.example");
    let server = ServerOptions::new().with_origins(["https://example.com"]);
    let (client, server) =
        tokio::join!(connect_over(near, ends::URL, &client), accept(far, &server));
    let Err(ConnectError::Refused(refused)) = client else { panic!("{client:?}") };
    assert_eq!(refused.status, 403);
    assert!(matches!(server, Err(sockless_tokio::AcceptError::Origin)));
}

#[tokio::test]
async fn a_refusal_carries_status_fields_and_body() {
    let (near, far) = duplex(50);
    let body = "x".repeat(5000);
    let fields = [handshake::Field::new("WWW-Authenticate", "Bearer")];
    let answer = handshake::Refusal::new(401, &fields, body.as_bytes()).expect("one").to_vec();
    let (client, _) = tokio::join!(
        connect_over(near, ends::URL, ()),
        accept_with(far, (), |_| Decision::Answer(answer.clone())),
    );
    let Err(ConnectError::Refused(refused)) = client else { panic!("{client:?}") };
    assert_eq!((refused.status, refused.field("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(refused.body, body.as_bytes());
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_named() {
    for (said, tls) in [
        (&b"\x15\x03\x03\x00\x02\x02\x46"[..], true),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00\x00\x05\x00\xff\xff\xff", false),
    ] {
        let (near, mut far) = duplex(1000);
        far.write_all(said).await.expect("taken");
        let answering = tokio::spawn(async move {
            let mut request = [0; 50];
            far.read_exact(&mut request).await.expect("a request");
        });
        let error = connect_over(near, ends::URL, ()).await.expect_err("no answer");
        match tls {
            true => assert!(matches!(error, ConnectError::SpeaksTls), "{error:?}"),
            false => assert!(matches!(error, ConnectError::SpeaksHttp2), "{error:?}"),
        }
        answering.await.expect("no panic");
    }
}

#[tokio::test]
async fn what_can_not_be_sent_is_refused_before_anything_is_written() {
    for (url, options) in [
        ("http://localhost/", ClientOptions::new()),
        (ends::URL, ClientOptions::new().with_field("X", "a\r\nY: b")),
        (ends::URL, ClientOptions::new().with_field("Sec-WebSocket-Key", "mine")),
        (ends::URL, ClientOptions::new().with_subprotocols(["a b"])),
        (ends::URL, ClientOptions::new().with_origin("a\r\nb")),
    ] {
        let (near, mut far) = duplex(1000);
        let error = connect_over(near, url, options).await.expect_err("refused");
        assert!(matches!(error, ConnectError::Url(_) | ConnectError::Misuse(_)), "{error:?}");
        let mut written = Vec::new();
        far.read_to_end(&mut written).await.expect("an end");
        assert!(written.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_reads_or_answers_is_left_in_time() {
    for room in [10, 1000] {
        let (near, _far) = duplex(room);
        let started = tokio::time::Instant::now();
        let error = connect_over(near, ends::URL, ()).await.expect_err("no answer");
        assert!(
            matches!(error, ConnectError::Answer(handshake::ResponseError::Timeout)),
            "{error:?}"
        );
        assert_eq!(started.elapsed().as_secs(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_that_it_is_accepted_is_left_in_time() {
    let (mut near, far) = duplex(100);
    let accepting = tokio::spawn(accept(far, ()));
    near.write_all(ends::REQUEST).await.expect("taken");
    let started = tokio::time::Instant::now();
    let error = accepting.await.expect("no panic").expect_err("never read");
    assert!(matches!(error, sockless_tokio::AcceptError::TimedOut), "{error:?}");
    assert_eq!(started.elapsed().as_secs(), 10);
}
