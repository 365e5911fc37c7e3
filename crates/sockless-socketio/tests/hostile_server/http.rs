//! What comes instead of an answer: to a request of long-polling, and to that of a WebSocket.

use std::time::Duration;

use sockless_socketio::client::Builder;
use sockless_socketio::engine::client::{Config, Reason};
use sockless_socketio::socket::client::DisconnectReason;
use sockless_tokio::ClientOptions;
use sockless_tokio::handshake::accept_key;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::server::{HELLO, request, streams};
use super::{AGES, connect, failure, patient, ways};

/// How much a server writes that doesn't end.
const FAR_TOO_MUCH: usize = 64 << 20;

/// What a server writes when it has read a request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// This, and then it closes the connection.
    Whole(&'static str),
    /// This, and then this again and again, until nobody takes it or it is far more than anybody should. Then nothing more comes.
    Endless(&'static str, &'static str),
    /// This, and then this again and again, slowly.
    Dripping(&'static str, &'static str),
}

impl Answer {
    async fn write(self, mut stream: TcpStream) -> std::io::Result<()> {
        request(&mut stream).await?;
        match self {
            Self::Whole(text) => stream.write_all(text.as_bytes()).await,
            Self::Endless(first, more) => {
                stream.write_all(first.as_bytes()).await?;
                let more = more.repeat(1_000);
                for _ in 0..FAR_TOO_MUCH / more.len() {
                    stream.write_all(more.as_bytes()).await?;
                }
                while stream.read(&mut [0; 256]).await? > 0 {}
                Ok(())
            }
            Self::Dripping(first, more) => {
                stream.write_all(first.as_bytes()).await?;
                loop {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    stream.write_all(more.as_bytes()).await?;
                }
            }
        }
    }
}

/// Clients of a server that answers so, and has this long for it.
async fn answered(answer: Answer, time: Duration) -> [(&'static str, Builder); 2] {
    let at = streams(move |stream| async move {
        // It is written until the client goes.
        let _ = answer.write(stream).await;
    })
    .await;
    let config = Config::default().with_connect_timeout(time).with_max_input(64 << 10);
    // The WebSocket's own time is none of this.
    let options = ClientOptions::default().with_timeout(AGES);
    ways(at, &config).map(|(name, builder)| (name, builder.with_options(options.clone())))
}

#[tokio::test]
async fn what_is_no_answer_opens_no_session() {
    let answers = [
        Answer::Whole(""),
        Answer::Whole("0{\"sid\":\"s1\",\"pingInterval\":1000,\"pingTimeout\":1000}"),
        Answer::Whole("HTTP/1.1 200 OK"),
        Answer::Whole("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0{\"sid\""),
        Answer::Whole("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n0"),
        Answer::Whole(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        ),
        Answer::Whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0{"),
        Answer::Endless("", "\0"),
        Answer::Endless("HTTP/1.1 200 OK\r\n", "a: b\r\n"),
        Answer::Endless("HTTP/1.1 200 OK\r\na: ", "b"),
        Answer::Endless("HTTP/1.1 200 OK\r\n\r\n0{\"sid\":\"", "x"),
        Answer::Endless("HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", "2\u{1e}"),
        Answer::Endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n0\r\n"),
        Answer::Endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"),
    ];
    for answer in answers {
        unanswered(answer, AGES).await;
    }
}

#[tokio::test]
async fn an_answer_that_goes_on_and_on_is_given_up_when_the_time_is_up() {
    let answers = [
        Answer::Endless("", "HTTP/1.1 100 Continue\r\n\r\n"),
        Answer::Endless("", "HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n"),
        Answer::Dripping("", "H"),
        Answer::Dripping("HTTP/1.1 200 OK\r\n", "a"),
        Answer::Dripping("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0", "{"),
    ];
    for answer in answers {
        unanswered(answer, Duration::from_secs(1)).await;
    }
}

/// No session is opened by this answer.
async fn unanswered(answer: Answer, time: Duration) {
    for (name, builder) in answered(answer, time).await {
        let reason = failure(name, builder).await;
        let refused = DisconnectReason::Engine(Reason::Refused(200));
        let unreachable = DisconnectReason::Engine(Reason::Unreachable);
        // A WebSocket is refused by what is an answer to something else.
        let expected = reason == unreachable || (name == "websocket" && reason == refused);
        assert!(expected, "{name}, {answer:?}: {reason}");
    }
}

#[tokio::test]
async fn another_status_is_said() {
    for (status, text) in [
        (204, "HTTP/1.1 204 No Content\r\n\r\n"),
        (301, "HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
        (400, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        (
            503,
            "HTTP/1.1 503 Later\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
        ),
    ] {
        for (name, builder) in answered(Answer::Whole(text), AGES).await {
            let reason = failure(name, builder).await;
            assert_eq!(reason, DisconnectReason::Engine(Reason::Refused(status)), "{name}");
        }
    }
}

/// Switches to a WebSocket with these fields, and is a server of Socket.IO on it whatever they say. Where they want the answer to the key,
/// it is the right one.
async fn switched(fields: &'static str) -> [(&'static str, Builder); 2] {
    let at = streams(move |stream| async move {
        // It talks until the client goes.
        let _ = switch(stream, fields).await;
    })
    .await;
    ways(at, &patient())
}

async fn switch(mut stream: TcpStream, fields: &str) -> std::io::Result<()> {
    let (head, _) = request(&mut stream).await?;
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let key = lines.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let answer = accept_key(key.map_or("", |(_, value)| value).as_bytes());
    let fields = fields.replace("RIGHT", &String::from_utf8_lossy(&answer));
    let head = format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    write_text(&mut stream, HELLO).await?;
    // The client asks for the namespace.
    stream.read_u8().await?;
    write_text(&mut stream, r#"40{"sid":"c1"}"#).await?;
    while stream.read(&mut [0; 256]).await? > 0 {}
    Ok(())
}

/// One frame, which the server doesn't mask.
async fn write_text(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    let len = u8::try_from(text.len()).expect("a short text");
    stream.write_all(&[&[0x81, len], text.as_bytes()].concat()).await
}

#[tokio::test]
async fn a_websocket_that_nobody_asked_for_or_that_is_none_is_not_used() {
    let switches = [
        "Upgrade: websocket\r\nConnection: Upgrade",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA",
        "Upgrade: other\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: RIGHT",
        "Connection: Upgrade\r\nSec-WebSocket-Accept: RIGHT",
        "Upgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Accept: RIGHT",
        "Upgrade: websocket\r\nSec-WebSocket-Accept: RIGHT",
    ];
    for fields in switches {
        for (name, builder) in switched(fields).await {
            unused(name, builder, fields).await;
        }
    }
    // With all of them it is one, for whoever has asked.
    let right = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: RIGHT";
    let [(name, polling), (_, websocket)] = switched(right).await;
    unused(name, polling, right).await;
    connect(websocket).await.expect("connected");
    let endless = Answer::Endless(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n",
        "x",
    );
    for (name, builder) in answered(endless, AGES).await {
        unused(name, builder, "endless").await;
    }
}

/// The client isn't connected, by what it was answered.
async fn unused(name: &str, builder: Builder, what: &str) {
    match failure(name, builder).await {
        DisconnectReason::Engine(Reason::Unreachable | Reason::Refused(101)) => {}
        other => panic!("{name}, {what}: {other}"),
    }
}
