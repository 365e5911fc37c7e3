//! The adapter to tokio with peers that don't read, don't close or don't answer, in memory, and with time that passes when all wait.
//! A task that spins lets no time pass: so every test runs in a thread of its own, and has to be through in a while.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use sockless::connection::{Cause, Failure};
use sockless::handshake::{Limits, Refusal};
use sockless::{Config, Event, Message, Server};
use sockless_examples::tokio_adapter::{self as adapter, Decision, Error, WebSocket};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio::time::{Instant, sleep, timeout};

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Runs a test, on one thread and with time that passes by itself.
fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let (done, through) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(test());
        done.send(()).expect("somebody waits");
    });
    match through.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it spins, or waits for ever"),
        _ => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// A server's end, and the stream of a client that does as it likes; the answer has been read. So many bytes are between them.
async fn opened(room: usize, config: Config) -> (DuplexStream, WebSocket<DuplexStream, Server>) {
    let (mut near, far) = duplex(room);
    let accepting = tokio::spawn(adapter::accept(far, config));
    near.write_all(REQUEST).await.expect("taken");
    let mut answer = [0; 129];
    near.read_exact(&mut answer).await.expect("an answer");
    (near, accepting.await.expect("no panic").expect("the server's end"))
}

/// A masked message, with a mask of zeros.
fn message(len: u16) -> Vec<u8> {
    let mut frame = vec![0x82, 0xFE];
    frame.extend(len.to_be_bytes());
    frame.resize(8 + usize::from(len), 0);
    frame
}

/// A Close frame, and the beginning of another one.
const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xE8\x82";

fn echo(event: Event<'_>, connection: &mut sockless::Connection<Server>) {
    if let Event::Binary(bytes) = event {
        connection.send_binary(&bytes).expect("room");
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
        let (mut sink, mut stream) = server.split();
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
fn halves_hear_of_a_peer_that_never_reads_with_their_channel_full() {
    for pings in [false, true] {
        run(move || async move {
            let mut config = Config::default().with_output_limits(1000, 1 << 20);
            if pings {
                config = config.with_keepalive(Duration::from_secs(2), Duration::from_secs(2));
            }
            let (_client, server) = opened(100, config).await;
            let (mut incoming, outgoing) = server.into_halves(tokio::io::split);
            let (handle, started) = (outgoing.handle(), Instant::now());
            let writing = tokio::spawn(outgoing.run());
            let sending = tokio::spawn(async move {
                while handle.send(Message::from(vec![7; 500])).await.is_ok() {}
            });
            let end = incoming.next().await;
            assert!(matches!(end, Some(Err(Error::Failed(Failure::Stalled)))), "{end:?}");
            sending.await.expect("no panic");
            let sent = writing.await.expect("no panic").expect("no error");
            assert_eq!(incoming.outcome(sent).cause, Cause::Failed(Failure::Stalled));
            assert_eq!(started.elapsed().as_secs(), 60);
        });
    }
}

#[test]
fn halves_keep_their_deadlines_with_their_channel_full() {
    run(|| async {
        let config = Config::default()
            .with_output_limits(1000, 1 << 20)
            .with_keepalive(Duration::from_secs(2), Duration::from_secs(2));
        let (client, server) = opened(100, config).await;
        let (mut incoming, outgoing) = server.into_halves(tokio::io::split);
        let (handle, started) = (outgoing.handle(), Instant::now());
        tokio::spawn(outgoing.run());
        tokio::spawn(
            async move { while handle.send(Message::from(vec![7; 500])).await.is_ok() {} },
        );
        // It reads, so that pings arrive, and slowly, so that the channel stays full; and it says nothing.
        let (mut reading, _writing) = tokio::io::split(client);
        tokio::spawn(async move {
            while reading.read(&mut [0; 100]).await.is_ok_and(|count| count > 0) {
                sleep(Duration::from_millis(5)).await;
            }
        });
        let end = incoming.next().await;
        assert!(matches!(end, Some(Err(Error::Failed(Failure::Unresponsive)))), "{end:?}");
        assert!(started.elapsed() < Duration::from_secs(2 + 2 + 10 + 5), "{:?}", started.elapsed());
    });
}

#[test]
fn a_half_that_nobody_sends_with_any_more_closes() {
    run(|| async {
        let (mut client, server) = opened(100, Config::default()).await;
        let (incoming, outgoing) = server.into_halves(tokio::io::split);
        drop(incoming);
        let sent = outgoing.run().await.expect("no error");
        assert!(sent.is_ended());
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("an end");
        assert_eq!(received, b"\x88\x02\x03\xE9");
    });
}

#[test]
fn a_client_that_never_reads_its_answer_is_left() {
    run(|| async {
        let (mut client, far) = duplex(50);
        let accepting =
            tokio::spawn(adapter::accept_with(far, Config::default(), Limits::default(), |_| {
                Decision::Answer(Refusal::new(404, &[], b"not here").expect("one").to_vec())
            }));
        client.write_all(REQUEST).await.expect("taken");
        let started = Instant::now();
        let accepted = accepting.await.expect("no panic");
        assert!(matches!(accepted, Err(Error::Answered)));
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
            let connection = sockless::Connection::server(Config::default());
            let mut server =
                WebSocket::upgraded(Unclosable(far), connection, Duration::from_secs(10));
            client.write_all(sent).await.expect("taken");
            let started = Instant::now();
            assert_eq!(server.serve(echo).await.is_err(), fails);
            assert_eq!(started.elapsed().as_secs(), 10);
        });
    }
}
