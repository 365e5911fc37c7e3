//! Peers that don't read, don't close or don't answer, in memory, and with time that passes when all wait.

mod ends;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ends::{REQUEST, half as opened, message, run};
use futures_util::{SinkExt as _, StreamExt as _};
use sockless_tokio::handshake::Refusal;
use sockless_tokio::sockless::Connection;
use sockless_tokio::sockless::connection::{Cause, Failure};
use sockless_tokio::{
    AcceptError, Config, Decision, Error, Incoming, Message, Server, WebSocket, accept_with,
};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio::time::{Instant, sleep, timeout};

/// A Close frame, and the beginning of another one.
const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xE8\x82";

fn echo(message: Incoming<'_>, connection: &mut Connection<Server>) {
    if let Incoming::Binary(bytes) = message {
        connection.send_binary(bytes).expect("room");
    }
}

#[test]
fn a_close_with_a_tail_ends_a_server_by_events_at_every_mark() {
    for soft in [1003, 1004, 1005] {
        run(move || async move {
            let (mut client, mut server) =
                opened(100, Config::default().with_output_limits(soft, 1 << 20)).await;
            // Its echo is 1,004 bytes long.
            let sent = [message(1000), CLOSE.to_vec()].concat();
            let served = tokio::spawn(async move { server.serve(echo).await });
            client.write_all(&sent).await.expect("taken");
            let mut received = Vec::new();
            client.read_to_end(&mut received).await.expect("an end");
            assert_eq!(received.len(), 1004 + 4);
            assert!(served.await.expect("no panic").expect("no error").clean());
        });
    }
}

#[test]
fn a_peer_that_never_reads_ends_a_server_by_events_at_its_deadline() {
    for pings in [false, true] {
        run(move || async move {
            let mut config = Config::default().with_output_limits(1000, 1 << 20);
            if pings {
                config = config.with_keepalive(Duration::from_secs(2), Duration::from_secs(2));
            }
            let (mut client, mut server) = opened(100, config).await;
            let started = Instant::now();
            let flood =
                tokio::spawn(async move { while client.write_all(&message(500)).await.is_ok() {} });
            let served = server.serve(echo).await;
            assert!(matches!(served, Err(Error::Failed(Failure::Stalled))), "{served:?}");
            assert_eq!(started.elapsed().as_secs(), 60);
            drop(server);
            flood.await.expect("no panic");
        });
    }
}

#[test]
fn a_peer_that_never_reads_ends_stream_and_sink_at_its_deadline() {
    run(|| async {
        let config = Config::default().with_output_limits(1000, 1 << 20);
        let (_client, mut server) = opened(100, config).await;
        let started = Instant::now();
        while server.feed(Message::from(vec![7; 500])).await.is_ok() {}
        assert_eq!(started.elapsed().as_secs(), 60);
        assert_eq!(server.outcome().cause, Cause::Failed(Failure::Stalled));
    });
}

#[test]
fn a_sink_in_a_task_of_its_own_is_woken_by_what_the_stream_has_written() {
    run(|| async {
        let config = Config::default().with_output_limits(1000, 1 << 20);
        let (mut client, server) = opened(100, config).await;
        let (mut sink, mut stream) = futures_util::StreamExt::split(server);
        let sending = tokio::spawn(async move {
            for _ in 0..10 {
                sink.send(Message::from(vec![7; 500])).await.expect("sent");
            }
        });
        let receiving = tokio::spawn(async move { stream.next().await.expect("a message") });
        // The sink waits for room; then the stream is woken, and waits for room as well.
        sleep(Duration::from_secs(1)).await;
        client.write_all(b"\x89\x80\0\0\0\0").await.expect("taken");
        sleep(Duration::from_secs(1)).await;
        let mut received = vec![0; 10 * 504 + 2];
        let read = timeout(Duration::from_secs(10), client.read_exact(&mut received)).await;
        read.expect("the sink goes on").expect("all of it");
        timeout(Duration::from_secs(10), sending).await.expect("the sink ends").expect("no panic");
        client.write_all(b"\x82\x80\0\0\0\0").await.expect("taken");
        receiving.await.expect("no panic").expect("a message");
    });
}

#[test]
fn a_client_that_never_reads_its_answer_is_left() {
    run(|| async {
        let (mut client, far) = duplex(50);
        let accepting = tokio::spawn(accept_with(far, Config::default(), |_| {
            Decision::Answer(Refusal::new(404, &[], b"not here").expect("one").to_vec())
        }));
        client.write_all(REQUEST).await.expect("taken");
        let started = Instant::now();
        let accepted = accepting.await.expect("no panic");
        assert!(matches!(accepted, Err(AcceptError::Answered)));
        assert_eq!(started.elapsed().as_secs(), 1);
    });
}

/// A stream whose writing side can't be closed, as one of TLS whose peer doesn't read.
struct Unclosable(DuplexStream);

impl AsyncRead for Unclosable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Unclosable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

#[test]
fn a_stream_that_can_not_be_closed_is_left() {
    for (sent, fails) in [(&CLOSE[..8], false), (b"\x81\x02no", true)] {
        run(move || async move {
            let (mut client, far) = duplex(1000);
            let connection = Connection::server(Config::default());
            let mut server = WebSocket::upgraded(Unclosable(far), connection, Config::default());
            client.write_all(sent).await.expect("taken");
            let started = Instant::now();
            assert_eq!(server.serve(echo).await.is_err(), fails);
            assert_eq!(started.elapsed().as_secs(), 10);
        });
    }
}
