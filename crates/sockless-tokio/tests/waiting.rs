//! What goes on while a socket waits for something else than a message: pings are answered, deadlines kept, and nothing is lost.

mod ends;

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ends::{Far, half, message, pair, run};
use futures_util::{FutureExt as _, Sink as _, Stream as _};
use sockless_tokio::sockless::connection::{Cause, Failure, Holding};
use sockless_tokio::{CloseCode, Config, Error, Message, TrySendError, connect_over};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn narrow() -> Config {
    Config::default().with_output_limits(1000, 1 << 20)
}

/// Queues more than may wait, even when the stream has taken what it can.
fn fill(server: &mut Far) {
    while server.try_send(vec![7; 900]).is_ok() {}
}

/// Reads what a server sends, until nothing has come for a second: the opcodes of its frames.
async fn opcodes(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut arrived = Vec::new();
    while let Ok(Ok(1..)) = timeout(SECOND, stream.read_buf(&mut arrived)).await {}
    let (mut at, mut opcodes) = (0, Vec::new());
    while at < arrived.len() {
        opcodes.push(arrived[at] & 15);
        let len = usize::from(arrived[at + 1]);
        at += match len {
            126 => 4 + usize::from(u16::from_be_bytes([arrived[at + 2], arrived[at + 3]])),
            len => 2 + len,
        };
    }
    assert_eq!(at, arrived.len(), "whole frames");
    opcodes
}

/// A socket of which two tasks poll a side each.
type Shared = Arc<Mutex<Far>>;

fn poll_next(socket: &Shared, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
    Pin::new(&mut *socket.lock().expect("no panic")).poll_next(cx)
}

#[test]
fn a_sink_whose_future_is_dropped_takes_no_wakeup_from_the_stream() {
    run(|| async {
        let (mut client, mut server) = half(100, narrow()).await;
        fill(&mut server);
        let socket = Arc::new(Mutex::new(server));
        let receives = Arc::clone(&socket);
        let receiving = tokio::spawn(poll_fn(move |cx| poll_next(&receives, cx)));
        sleep(SECOND).await;
        // Whoever sends looks once, with a waker that wakes nobody, and gives up.
        let mut nobody = Context::from_waker(Waker::noop());
        {
            let mut sink = socket.lock().expect("no panic");
            assert!(Pin::new(&mut *sink).poll_ready(&mut nobody).is_pending());
            assert!(Pin::new(&mut *sink).poll_flush(&mut nobody).is_pending());
        }
        let mut received = vec![0; 2 * 904];
        let read = timeout(SECOND, client.read_exact(&mut received)).await;
        read.expect("the stream writes on").expect("all of it");
        let asked = message(200);
        let writing = client.write_all(&asked);
        timeout(SECOND, writing).await.expect("the stream reads").expect("taken");
        assert!(receiving.await.expect("no panic").expect("a message").is_ok());
    });
}

#[test]
fn a_stream_that_waits_is_woken_when_the_sink_finds_a_message() {
    run(|| async {
        let (mut client, mut server) = half(100, narrow().with_holding(Holding::Independent)).await;
        fill(&mut server);
        let socket = Arc::new(Mutex::new(server));
        let receives = Arc::clone(&socket);
        let receiving = tokio::spawn(poll_fn(move |cx| poll_next(&receives, cx)));
        sleep(SECOND).await;
        // The sink's task looks first, and reads it; the message is the stream's.
        let mut nobody = Context::from_waker(Waker::noop());
        let mut far = Box::pin(client.write_all(b"\x82\x82\0\0\0\0hi"));
        assert!(far.as_mut().poll(&mut nobody).is_ready());
        {
            let mut sink = socket.lock().expect("no panic");
            assert!(Pin::new(&mut *sink).poll_ready(&mut nobody).is_pending());
        }
        assert!(timeout(SECOND, receiving).await.expect("woken").expect("no panic").is_some());
    });
}

#[test]
fn pings_are_answered_while_a_client_waits_for_room() {
    run(|| async {
        let (near, mut far) = duplex(200);
        let opening = tokio::spawn(connect_over(near, ends::URL, narrow()));
        let mut request = vec![0; 1000];
        let count = far.read(&mut request).await.expect("a request");
        let request = String::from_utf8_lossy(&request[..count]);
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = sockless_tokio::handshake::accept_key(key.expect("a key").as_bytes());
        let accept = String::from_utf8_lossy(&accept).into_owned();
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        far.write_all(answer.as_bytes()).await.expect("taken");
        let mut client = opening.await.expect("no panic").expect("open");
        let sending = tokio::spawn(async move {
            for _ in 0..20 {
                client.send(vec![7; 900]).await.expect("sent");
            }
            client.flush().await.expect("written");
            client
        });
        sleep(SECOND).await;
        // A ping, two messages, and a ping that has to wait for them.
        far.write_all(b"\x89\x00\x81\x01a\x81\x01b\x89\x00").await.expect("taken");
        let mut arrived = Vec::new();
        while let Ok(Ok(1..)) = timeout(SECOND, far.read_buf(&mut arrived)).await {}
        let mut client = sending.await.expect("no panic");
        // Masked: four bytes more for each frame.
        let (mut at, mut opcodes) = (0, Vec::new());
        while at < arrived.len() {
            opcodes.push(arrived[at] & 15);
            at += if arrived[at + 1] & 127 == 126 { 8 + 900 } else { 6 };
        }
        let messages = opcodes.iter().filter(|opcode| **opcode == 2).count();
        let pong = opcodes.iter().position(|opcode| *opcode == 10);
        let pong = pong.unwrap_or_else(|| panic!("{opcodes:?}"));
        assert!(pong < messages, "while it waited: {opcodes:?}");
        assert_eq!(messages, 20);
        assert_eq!(client.recv().await.expect("a message").expect("no error"), Message::text("a"));
        assert_eq!(client.recv().await.expect("a message").expect("no error"), Message::text("b"));
        assert!(client.recv().now_or_never().is_none());
        let mut last = [0; 6];
        timeout(SECOND, far.read_exact(&mut last)).await.expect("in time").expect("a pong");
        assert_eq!(last[0], 0x8A, "{last:?}");
    });
}

#[test]
fn silence_is_not_counted_while_a_message_waits_to_be_taken() {
    run(|| async {
        let keepalive = |config: Config| config.with_keepalive(5 * SECOND, 5 * SECOND);
        let (mut client, mut server) = pair(100, keepalive(narrow())).await;
        // Each has filled what is between them, and the client hasn't taken what has arrived.
        server.try_send("for the client").expect("room");
        let _ = server.flush().await;
        for _ in 0..2 {
            client.feed(vec![7; 900]).await.expect("queued");
        }
        let started = Instant::now();
        let sent = timeout(40 * SECOND, client.send(vec![7; 900])).await;
        assert!(sent.is_err(), "{sent:?}");
        // A server that reads again finds a client that is alive.
        let reading = tokio::spawn(async move {
            for _ in 0..2 {
                server.recv().await.expect("a message").expect("no error");
            }
            server
        });
        client.send("last").await.expect("room again");
        assert_eq!(client.recv().await.expect("one").expect("no error"), "for the client".into());
        assert_eq!(started.elapsed().as_secs(), 40);
        let mut server = reading.await.expect("no panic");
        assert_eq!(server.recv().await.expect("one").expect("no error"), "last".into());
    });
}

#[test]
fn a_peer_that_never_reads_ends_every_wait_at_its_deadline() {
    run(|| async {
        for wait in ["send", "flush", "recv", "close", "ping"] {
            let (_client, mut server) = half(100, narrow()).await;
            let started = Instant::now();
            fill(&mut server);
            let error = match wait {
                "send" => server.send("more").await.expect_err("no room"),
                "flush" => server.flush().await.expect_err("nothing taken"),
                "recv" => server.recv().await.expect("an end").expect_err("nothing taken"),
                "ping" => server.ping(b"").await.expect_err("no room"),
                _ => {
                    // The closing handshake has a time of its own, which is shorter.
                    let outcome = server.close(None, "").await.expect("over");
                    assert_eq!(outcome.cause, Cause::TimedOut);
                    assert_eq!(started.elapsed().as_secs(), 10);
                    continue;
                }
            };
            assert!(matches!(error, Error::Failed(Failure::Stalled)), "{wait}: {error:?}");
            assert_eq!(started.elapsed().as_secs(), 60, "{wait}");
            assert_eq!(server.outcome().cause, Cause::Failed(Failure::Stalled));
            // Who receives hears of it once, too.
            if wait != "recv" {
                let end = server.recv().await;
                let stalled = matches!(end, Some(Err(Error::Failed(Failure::Stalled))));
                assert!(stalled, "{wait}: {end:?}");
            }
            assert!(server.recv().await.is_none());
            let sent = server.send("late").await;
            assert!(matches!(sent, Err(Error::Failed(Failure::Stalled))), "{wait}: {sent:?}");
            assert!(matches!(server.try_send("late"), Err(TrySendError::Closed(_))));
        }
    });
}

#[test]
fn a_program_that_takes_its_time_does_not_fail_a_peer_that_is_well() {
    run(|| async {
        let config = Config::default().with_keepalive(5 * SECOND, 5 * SECOND);
        let (mut client, mut server) = half(1 << 16, config).await;
        client.write_all(&[message(200), message(200)].concat()).await.expect("taken");
        assert!(server.recv().await.expect("one").is_ok());
        // Ten minutes with a message: what waits in the meantime, and what is sent after it, have all their time.
        sleep(600 * SECOND).await;
        server.feed("done").await.expect("queued");
        client.write_all(&message(200)).await.expect("taken");
        assert!(server.recv().await.expect("one").is_ok());
        sleep(600 * SECOND).await;
        assert!(server.recv().await.expect("one").is_ok());
        assert!(server.recv().now_or_never().is_none());
        assert_eq!(opcodes(&mut client).await, [1], "no ping for a peer that has spoken");
    });
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    run(|| async {
        let (mut client, mut server) = half(1000, Config::default().with_idle(30 * SECOND)).await;
        let started = Instant::now();
        let closing = tokio::spawn(async move {
            let mut close = [0; 8];
            client.read_exact(&mut close).await.expect("a Close frame");
            client.write_all(b"\x88\x80\0\0\0\0").await.expect("taken");
            client
        });
        assert!(server.recv().await.is_none());
        assert_eq!(started.elapsed().as_secs(), 30);
        assert_eq!(server.outcome().sent.code(), Some(CloseCode::GOING_AWAY));
        closing.await.expect("no panic");
    });
}

#[test]
fn what_is_fed_is_written_when_the_socket_is_dropped() {
    run(|| async {
        let (mut client, mut server) = half(1000, Config::default()).await;
        server.feed("first").await.expect("queued");
        server.feed("second").await.expect("queued");
        drop(server);
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("an end");
        assert_eq!(received, b"\x81\x05first\x81\x06second");
    });
}

#[test]
fn a_send_that_is_dropped_has_sent_nothing() {
    run(|| async {
        let (mut client, mut server) = half(100, narrow()).await;
        fill(&mut server);
        for _ in 0..3 {
            assert!(timeout(SECOND, server.send("dropped")).await.is_err());
        }
        let reading = tokio::spawn(async move { (opcodes(&mut client).await, client) });
        server.flush().await.expect("written");
        assert_eq!(reading.await.expect("no panic").0, [2, 2]);
    });
}

/// The pong for the ping that a server has sent.
async fn pong(client: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin)) {
    let mut head = [0; 2];
    client.read_exact(&mut head).await.expect("a ping");
    assert_eq!(head[0], 0x89);
    let mut payload = vec![0; usize::from(head[1])];
    client.read_exact(&mut payload).await.expect("all of it");
    let pong = [&[0x8A, 0x80 | head[1], 0, 0, 0, 0][..], &payload].concat();
    client.write_all(&pong).await.expect("taken");
}

#[test]
fn a_pong_that_waited_while_nobody_received_was_there_in_time() {
    run(|| async {
        let config = Config::default().with_keepalive(SECOND, SECOND);
        let (mut client, mut server) = half(1000, config).await;
        // The ping is out, and whoever received turns to something else that takes long.
        assert!(timeout(SECOND * 3 / 2, server.recv()).await.is_err());
        pong(&mut client).await;
        sleep(SECOND * 10).await;
        let received = timeout(SECOND / 2, server.recv()).await;
        assert!(received.is_err(), "{received:?}");
    });
}

#[test]
fn a_pong_that_waited_while_nobody_received_was_there_in_time_for_halves_too() {
    run(|| async {
        let config = Config::default().with_keepalive(SECOND, SECOND);
        let (mut client, server) = half(1000, config).await;
        let (_sender, mut reader) = server.split();
        assert!(timeout(SECOND * 3 / 2, reader.recv()).await.is_err());
        pong(&mut client).await;
        sleep(SECOND * 10).await;
        let received = timeout(SECOND / 2, reader.recv()).await;
        assert!(received.is_err(), "{received:?}");
    });
}
