//! What comes instead of an answer: to a request of long-polling, and to that of a WebSocket.

use std::time::Duration;

use sockless_socketio::client::Builder;
use sockless_socketio::engine::client::{Config, Reason};
use sockless_socketio::socket::client::DisconnectReason;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::server::{request, streams};
use super::{failure, ways};

/// What a server writes when it has read a request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// This, and then it closes the connection.
    Whole(&'static str),
    /// This, and then this again and again, until nobody takes it.
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
                loop {
                    stream.write_all(more.as_bytes()).await?;
                }
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

/// Clients of a server that answers so. What never ends is given up after a second.
async fn answered(answer: Answer) -> [(&'static str, Builder); 2] {
    let at = streams(move |stream| async move {
        // It is written until the client goes.
        let _ = answer.write(stream).await;
    })
    .await;
    let config = Config::default().with_connect_timeout(Duration::from_secs(1));
    ways(at, &config.with_max_input(64 << 10))
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
        Answer::Endless("", "HTTP/1.1 100 Continue\r\n\r\n"),
        Answer::Endless("", "HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n"),
        Answer::Endless("HTTP/1.1 200 OK\r\n\r\n0{\"sid\":\"", "x"),
        Answer::Endless("HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", "2\u{1e}"),
        Answer::Endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n0\r\n"),
        Answer::Endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"),
        Answer::Dripping("", "H"),
        Answer::Dripping("HTTP/1.1 200 OK\r\n", "a"),
        Answer::Dripping("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0", "{"),
    ];
    for answer in answers {
        for (name, builder) in answered(answer).await {
            let reason = failure(name, builder).await;
            let refused = DisconnectReason::Engine(Reason::Refused(200));
            let unreachable = DisconnectReason::Engine(Reason::Unreachable);
            // A WebSocket is refused by what is an answer to something else.
            let expected = reason == unreachable || (name == "websocket" && reason == refused);
            assert!(expected, "{name}, {answer:?}: {reason}");
        }
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
        for (name, builder) in answered(Answer::Whole(text)).await {
            let reason = failure(name, builder).await;
            assert_eq!(reason, DisconnectReason::Engine(Reason::Refused(status)), "{name}");
        }
    }
}

#[tokio::test]
async fn a_websocket_that_nobody_asked_for_or_that_is_none_is_not_used() {
    let answers = [
        Answer::Whole(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        ),
        Answer::Whole(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        ),
        Answer::Endless(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n",
            "x",
        ),
    ];
    for answer in answers {
        for (name, builder) in answered(answer).await {
            match failure(name, builder).await {
                DisconnectReason::Engine(Reason::Unreachable | Reason::Refused(101)) => {}
                other => panic!("{name}, {answer:?}: {other}"),
            }
        }
    }
}
