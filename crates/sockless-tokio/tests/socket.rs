//! The socket, in memory: both ends on a pair of streams that hold few bytes, and time that passes when all wait.

mod ends;

use std::time::Duration;

use ends::{Far, half as half_of, pair};
use futures_util::{FutureExt as _, StreamExt as _};
use sockless_tokio::handshake::{Refusal, RequestError};
use sockless_tokio::sockless::connection::{Cause, Failure, Initiator};
use sockless_tokio::{
    AcceptError, CloseCode, Config, ConnectError, Decision, Error, Incoming, Message, accept,
    accept_with, connect_over,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::timeout;

async fn half(config: Config) -> (DuplexStream, Far) {
    half_of(1 << 16, config).await
}

fn echo(mut server: Far) -> tokio::task::JoinHandle<Result<sockless_tokio::Outcome, Error>> {
    tokio::spawn(async move {
        while let Some(message) = server.recv().await {
            server.send(message?).await?;
        }
        Ok(server.outcome())
    })
}

#[tokio::test]
async fn messages_come_back_whole_through_a_narrow_stream() {
    let (mut client, server) = pair(100, Config::default()).await;
    let server = echo(server);
    for len in [0, 1, 125, 126, 5000, 70_000, 300_000] {
        let message = Message::from(vec![7; len]);
        client.send(message.clone()).await.expect("sent");
        assert!(client.recv().await.expect("a message").expect("an echo") == message);
    }
    client.send(Message::from("text – 文")).await.expect("sent");
    assert_eq!(client.recv().await.expect("a message").expect("an echo"), "text – 文".into());
    client.close(CloseCode::NORMAL, "").await.expect("closed");
    assert!(client.outcome().clean());
    let outcome = server.await.expect("no panic").expect("no error");
    assert!(outcome.clean());
    assert_eq!(outcome.initiator, Some(Initiator::Remote));
}

#[tokio::test]
async fn messages_that_are_kept_stay_as_they_were() {
    let (mut client, mut server) = pair(1 << 20, Config::default()).await;
    let lengths = [40_000, 100, 70_000, 0, 32_768, 32_767, 5, 140_000, 40_000];
    let sent: Vec<Message> =
        lengths.iter().zip(1..).map(|(len, n)| Message::from(vec![n; *len])).collect();
    // Several in one read, and some of which a read ends in the middle.
    for message in sent.iter().chain(&sent) {
        client.feed(message.clone()).await.expect("queued");
    }
    client.flush().await.expect("flushed");
    let mut kept = Vec::new();
    for _ in 0..2 * sent.len() {
        kept.push(server.recv().await.expect("a message").expect("no error"));
        // Reads of another connection go to the same buffer.
        let (mut one, mut other) = pair(1 << 20, Config::default()).await;
        one.send(Message::from(vec![0xFF; 100_000])).await.expect("sent");
        other.recv().await.expect("a message").expect("no error");
    }
    assert!(kept[..sent.len()] == sent && kept[sent.len()..] == sent);
}

#[tokio::test]
async fn a_server_by_events_answers_in_order_and_to_the_end() {
    // Little fits between the two, and little may wait: the server has to stop looking at its input again and again.
    let config = Config::default().with_output_limits(3000, 1 << 20);
    let (client, mut server) = pair(100, config).await;
    let server = tokio::spawn(async move {
        let mut most = 0;
        let served = server.serve(|message, connection| {
            most = most.max(connection.queued());
            match message {
                Incoming::Text(text) => connection.send_text(text).expect("room"),
                Incoming::Binary(bytes) => connection.send_binary(bytes).expect("room"),
            }
        });
        (served.await.expect("no violation"), most)
    });
    let messages: Vec<Message> = (0..100).map(|n| Message::from(vec![n; 500])).collect();
    let (mut sink, mut stream) = futures_util::StreamExt::split(client);
    let sending = async {
        for message in &messages {
            futures_util::SinkExt::send(&mut sink, message.clone()).await.expect("sent");
        }
    };
    let receiving = async {
        for message in &messages {
            assert!(stream.next().await.expect("a message").expect("an echo") == *message);
        }
    };
    tokio::join!(sending, receiving);
    let mut client = sink.reunite(stream).expect("the same");
    client.close(CloseCode::NORMAL, "").await.expect("closed");
    let (outcome, most) = server.await.expect("no panic");
    assert!(outcome.clean() && client.outcome().clean());
    assert!(most < 4000, "{most} bytes waited");
}

#[tokio::test]
async fn a_server_by_events_hears_of_a_violation() {
    let (mut client, mut server) = half(Config::default()).await;
    // A frame that is not masked.
    client.write_all(b"\x81\x02hi").await.expect("taken");
    client.shutdown().await.expect("shut");
    let served = server.serve(|message, _| panic!("{message:?}")).await;
    assert!(matches!(served, Err(Error::Failed(_))));
    assert!(server.recv().await.is_none());
}

#[tokio::test]
async fn what_follows_the_close_is_delivered_when_it_is_read() {
    let (mut client, mut server) = pair(1 << 16, Config::default()).await;
    client.start_close(CloseCode::new(4000), "enough").expect("begun");
    client.flush().await.expect("flushed");
    server.send(Message::from("one more")).await.expect("sent");
    let (seen, end) = tokio::join!(client.recv(), server.recv());
    assert_eq!(seen.expect("a message").expect("no error"), "one more".into());
    assert!(end.is_none());
    assert!(client.recv().await.is_none() && client.recv().await.is_none());
    assert_eq!(server.outcome().received.number(), 4000);
    assert!(client.outcome().clean() && server.outcome().clean());
    assert!(matches!(client.send(Message::from("late")).await, Err(Error::Closed)));
}

#[tokio::test]
async fn futures_may_be_dropped_at_any_time() {
    let (mut client, mut server) = pair(64, Config::default()).await;
    let messages: Vec<Message> = (0..20).map(|n| Message::from(vec![n; 5000])).collect();
    let sent = messages.clone();
    let sending = tokio::spawn(async move {
        for message in sent {
            client.feed(message).await.expect("queued");
            // A flush that is tried once and dropped, many times.
            while client.flush().now_or_never().is_none() {
                tokio::task::yield_now().await;
            }
        }
        client
    });
    let mut received = Vec::new();
    while received.len() < messages.len() {
        match server.recv().now_or_never() {
            Some(message) => received.push(message.expect("a message").expect("no error")),
            None => tokio::task::yield_now().await,
        }
    }
    assert!(received == messages);
    sending.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn the_sink_waits_for_a_peer_that_does_not_read() {
    let config = Config::default().with_output_limits(10_000, 20_000);
    let (mut client, mut server) = pair(64, config).await;
    let mut sent = 0;
    while timeout(Duration::from_secs(1), client.feed(Message::from(vec![1; 1000]))).await.is_ok() {
        sent += 1;
        assert!(sent < 20, "the soft limit holds");
    }
    assert!(sent >= 10);
    let reading = tokio::spawn(async move {
        let mut count = 0;
        while let Some(message) = server.recv().await {
            assert_eq!(message.expect("no error").as_bytes().len(), 1000);
            count += 1;
        }
        count
    });
    client.close(CloseCode::NORMAL, "").await.expect("closed");
    assert_eq!(reading.await.expect("no panic"), sent);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_dropped() {
    let config = Config::default().with_keepalive(Duration::from_secs(20), Duration::from_secs(5));
    let (mut peer, mut server) = half(config).await;
    let started = tokio::time::Instant::now();
    let end = server.recv().await;
    assert!(matches!(end, Some(Err(Error::Failed(Failure::Unresponsive)))), "{end:?}");
    assert!(server.recv().await.is_none());
    // Silence, the ping's time, and the time that the peer has to close.
    assert_eq!(started.elapsed().as_secs(), 20 + 5 + 10);
    drop(server);
    let mut received = Vec::new();
    peer.read_to_end(&mut received).await.expect("the end");
    assert_eq!(
        (received[0], &received[10..]),
        (0x89, &b"\x88\x17\x03\xF3ping was not answered"[..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_busy_peer_is_not_pinged() {
    let config = Config::default().with_keepalive(Duration::from_secs(20), Duration::from_secs(5));
    let (mut peer, mut server) = half(config).await;
    let sending = tokio::spawn(async move {
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_secs(19)).await;
            peer.write_all(b"\x81\x80\x00\x00\x00\x00").await.expect("taken");
        }
        peer.write_all(b"\x88\x80\x00\x00\x00\x00").await.expect("taken");
        let mut received = Vec::new();
        peer.read_to_end(&mut received).await.expect("the end");
        received
    });
    let mut count = 0;
    while let Some(message) = server.recv().await {
        assert_eq!(message.expect("no error"), "".into());
        count += 1;
    }
    drop(server);
    assert_eq!(count, 50);
    assert_eq!(sending.await.expect("no panic"), b"\x88\x00");
}

#[tokio::test(start_paused = true)]
async fn a_closing_handshake_that_is_not_answered_ends_in_time() {
    let (_peer, mut server) = half(Config::default()).await;
    let started = tokio::time::Instant::now();
    server.close(CloseCode::NORMAL, "").await.expect("over");
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(server.outcome().cause, Cause::TimedOut);
}

#[tokio::test]
async fn a_violation_is_an_error_once_the_peer_has_been_told() {
    let (mut peer, mut server) = half(Config::default()).await;
    peer.write_all(b"\x81\x82\x00\x00\x00\x00ok\x81\x02no").await.expect("taken");
    let peer = tokio::spawn(async move {
        let mut received = Vec::new();
        peer.read_to_end(&mut received).await.expect("the end");
        received
    });
    assert_eq!(server.recv().await.expect("a message").expect("no error"), "ok".into());
    let end = server.recv().await;
    assert!(matches!(end, Some(Err(Error::Failed(Failure::Violation(_))))), "{end:?}");
    assert!(server.recv().await.is_none());
    drop(server);
    assert_eq!(peer.await.expect("no panic"), b"\x88\x15\x03\xEAframe is not masked");
}

#[tokio::test]
async fn a_stream_that_ends_early_is_an_error() {
    let (mut peer, mut server) = half(Config::default()).await;
    peer.write_all(b"\x82\xFE\x40\x00\x00\x00\x00\x00only the beginning").await.expect("taken");
    drop(peer);
    let end = server.recv().await;
    assert!(matches!(end, Some(Err(Error::Failed(Failure::EndOfStream)))), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_come_is_answered_in_time() {
    let (mut near, far) = duplex(1 << 10);
    let accepting = accept(far, Config::default()).await;
    assert!(matches!(accepting, Err(AcceptError::Request(RequestError::Timeout))));
    let mut answer = String::new();
    near.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_refusal_reaches_the_client() {
    let (near, far) = duplex(1 << 10);
    let (client, server) = tokio::join!(
        connect_over(near, ends::URL, Config::default()),
        accept_with(far, Config::default(), |request| {
            assert_eq!(request.path(), "/");
            Decision::Answer(Refusal::new(404, &[], b"").expect("a refusal").to_vec())
        }),
    );
    assert!(matches!(client, Err(ConnectError::Refused(refused)) if refused.status == 404));
    assert!(matches!(server, Err(AcceptError::Answered)));
}
