//! A socket in two tasks, and any number that send.

mod ends;

use std::time::Duration;

use ends::{half, message, pair, run};
use futures_util::{FutureExt as _, SinkExt, StreamExt as _};
use sockless_tokio::sockless::connection::{Cause, Failure, Initiator};
use sockless_tokio::{CloseCode, Config, Error, Message, Prepared, TrySendError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn narrow() -> Config {
    Config::default().with_output_limits(1000, 1 << 20)
}

#[test]
fn two_tasks_echo_in_order_and_reply_to_the_close_last() {
    for capacity in [100, 1 << 16] {
        run(move || async move {
            let (client, server) = pair(capacity, Config::default()).await;
            let (sender, mut reader) = server.split();
            let echoing = tokio::spawn(async move {
                while let Some(message) = reader.recv().await {
                    sender.send(message.expect("no error")).await.expect("sent");
                }
                reader
            });
            let (sending, mut receiving) = client.split();
            let sent = tokio::spawn(async move {
                for n in 0..3000_u32 {
                    sending.send(format!("{n}")).await.expect("sent");
                }
                sending.close(CloseCode::NORMAL, "done").expect("begun");
                assert!(matches!(sending.send("late").await, Err(Error::Closed) | Ok(())));
            });
            for n in 0..3000_u32 {
                let message = receiving.recv().await.expect("a message").expect("no error");
                assert_eq!(message, Message::from(format!("{n}")));
            }
            assert!(receiving.recv().await.is_none() && receiving.recv().await.is_none());
            sent.await.expect("no panic");
            let reader = echoing.await.expect("no panic");
            for outcome in [reader.outcome(), receiving.outcome()] {
                assert!(outcome.clean(), "{outcome:?}");
            }
            assert_eq!(reader.outcome().initiator, Some(Initiator::Remote));
            assert_eq!(reader.close_frame().map(|frame| &*frame.reason), Some("done"));
        });
    }
}

#[test]
fn many_send_and_each_keeps_its_order() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (mut client, server) = pair(1000, narrow()).await;
        let (sender, mut reader) = server.split();
        for number in 0..8_u8 {
            let sender = sender.clone();
            tokio::spawn(async move {
                for n in 0..500_u16 {
                    let [high, low] = n.to_be_bytes();
                    sender.send(vec![number, high, low]).await.expect("sent");
                }
            });
        }
        drop(sender);
        let mut next = [0_u16; 8];
        for _ in 0..8 * 500 {
            // Who is not woken is found out by a deadline otherwise.
            let message = timeout(20 * SECOND, client.recv()).await.expect("woken");
            let message = message.expect("a message").expect("no error");
            let [number, high, low] = message.as_bytes() else { panic!("{message:?}") };
            let expected = &mut next[usize::from(*number)];
            assert_eq!(u16::from_be_bytes([*high, *low]), *expected);
            *expected += 1;
        }
        // Nobody sends any more; the reader reads on.
        client.send("still there").await.expect("sent");
        let message = reader.recv().await.expect("a message").expect("no error");
        assert_eq!(message, "still there".into());
    });
}

#[test]
fn a_violation_reaches_the_reader_once_the_peer_has_been_told() {
    run(|| async {
        let (mut peer, server) = half(1000, Config::default()).await;
        let (sender, mut reader) = server.split();
        peer.write_all(b"\x81\x81\0\0\0\0\xFF").await.expect("taken");
        let told = tokio::spawn(async move {
            let mut answer = [0; 21];
            peer.read_exact(&mut answer).await.expect("a Close frame");
            answer
        });
        let end = reader.recv().await;
        assert!(matches!(end, Some(Err(Error::Failed(Failure::Violation(_))))), "{end:?}");
        assert!(reader.recv().await.is_none());
        assert_eq!(&told.await.expect("no panic"), b"\x88\x13\x03\xEFtext is not UTF-8");
        // Who sends hears why.
        assert!(matches!(sender.send("late").await, Err(Error::Failed(Failure::Violation(_)))));
    });
}

#[test]
fn a_closing_handshake_that_is_not_answered_ends_in_time() {
    run(|| async {
        let (_peer, server) = half(1000, Config::default()).await;
        let (sender, mut reader) = server.split();
        let started = Instant::now();
        sender.close(CloseCode::GOING_AWAY, "").expect("begun");
        assert!(reader.recv().await.is_none());
        assert_eq!(started.elapsed().as_secs(), 10);
        assert_eq!(reader.outcome().cause, Cause::TimedOut);
        assert!(sender.is_closed());
    });
}

#[test]
fn a_peer_that_never_reads_ends_both_halves_at_its_deadline() {
    for pings in [false, true] {
        run(move || async move {
            let mut config = narrow();
            if pings {
                config = config.with_keepalive(2 * SECOND, 2 * SECOND);
            }
            let (_client, server) = half(100, config).await;
            let (sender, mut reader) = server.split();
            let started = Instant::now();
            let sending = tokio::spawn(async move {
                let error = loop {
                    if let Err(error) = sender.send(vec![7; 500]).await {
                        break error;
                    }
                };
                assert!(matches!(error, Error::Failed(Failure::Stalled)), "{error:?}");
            });
            let end = reader.recv().await;
            assert!(matches!(end, Some(Err(Error::Failed(Failure::Stalled)))), "{end:?}");
            sending.await.expect("no panic");
            assert_eq!(reader.outcome().cause, Cause::Failed(Failure::Stalled));
            assert_eq!(started.elapsed().as_secs(), 60);
            assert!(reader.recv().await.is_none());
        });
    }
}

#[test]
fn a_silent_peer_is_dropped_in_time_though_the_queue_is_full() {
    run(|| async {
        let (client, server) = half(100, narrow().with_keepalive(2 * SECOND, 2 * SECOND)).await;
        let (sender, mut reader) = server.split();
        let started = Instant::now();
        tokio::spawn(async move { while sender.send(vec![7; 500]).await.is_ok() {} });
        // It reads, so that pings arrive, and slowly, so that the queue stays full; and it says nothing.
        let (mut reading, _writing) = tokio::io::split(client);
        tokio::spawn(async move {
            while reading.read(&mut [0; 100]).await.is_ok_and(|count| count > 0) {
                sleep(Duration::from_millis(5)).await;
            }
        });
        let end = reader.recv().await;
        assert!(matches!(end, Some(Err(Error::Failed(Failure::Unresponsive)))), "{end:?}");
        assert!(started.elapsed() < (2 + 2 + 10 + 5) * SECOND, "{:?}", started.elapsed());
    });
}

#[test]
fn a_flood_of_pings_that_are_not_read_needs_no_more_than_its_place() {
    run(|| async {
        let (client, server) = half(100, narrow()).await;
        let (sender, mut reader) = server.split();
        let (mut reading, mut writing) = tokio::io::split(client);
        let flood = tokio::spawn(async move {
            for n in 0..10_000_u32 {
                let ping = [&b"\x89\x84\0\0\0\0"[..], &n.to_be_bytes()].concat();
                writing.write_all(&ping).await.expect("taken");
            }
            writing.write_all(b"\x81\x80\0\0\0\0").await.expect("taken");
            writing
        });
        assert_eq!(reader.recv().await.expect("a message").expect("no error"), "".into());
        let _writing = flood.await.expect("no panic");
        sender.send("after the flood").await.expect("sent");
        tokio::spawn(async move { while let Some(Ok(_)) = reader.recv().await {} });
        let mut pongs = 0_usize;
        let last = loop {
            let mut header = [0; 2];
            reading.read_exact(&mut header).await.expect("a frame");
            let mut payload = vec![0; usize::from(header[1])];
            reading.read_exact(&mut payload).await.expect("its payload");
            match header[0] {
                0x8A => pongs += 1,
                _ => continue,
            }
            if payload == 9_999_u32.to_be_bytes() {
                break payload;
            }
        };
        // What may wait: in the channel, in the queue, and in the reader's place; and always the latest.
        assert!(pongs < 1000, "{pongs} pongs");
        assert_eq!(last, 9_999_u32.to_be_bytes());
    });
}

#[test]
fn a_reader_that_is_dropped_leaves_what_was_sent_to_be_written() {
    run(|| async {
        let (mut client, server) = half(100, Config::default()).await;
        let (sender, reader) = server.split();
        for _ in 0..10 {
            sender.send(vec![7; 100]).await.expect("sent");
        }
        drop((sender, reader));
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("an end");
        assert_eq!(received.len(), 10 * 102 + 4);
        assert!(received.ends_with(b"\x88\x02\x03\xE9"));
    });
}

#[test]
fn a_writer_that_is_dropped_wakes_those_who_wait_for_room() {
    for polls in [0, 1, 5] {
        run(move || async move {
            let (_client, server) = half(100, narrow()).await;
            let (mut reader, writer) = server.into_halves(tokio::io::split);
            let sender = writer.sender();
            while sender.try_send(vec![7; 200]).is_ok() {}
            let waiting = tokio::spawn(async move {
                while sender.send(vec![7; 200]).await.is_ok() {}
                sender
            });
            sleep(SECOND).await;
            // It is given up before it runs, or in the middle.
            let mut running = Box::pin(writer.run());
            for _ in 0..polls {
                assert!(running.as_mut().now_or_never().is_none());
                tokio::task::yield_now().await;
            }
            drop(running);
            let sender = timeout(SECOND, waiting).await.expect("it is woken").expect("no panic");
            assert!(sender.is_closed() && matches!(sender.send("late").await, Err(Error::Closed)));
            let end = timeout(SECOND, reader.recv()).await.expect("it is woken");
            assert!(matches!(end, Some(Err(Error::Io(_)))), "{end:?}");
        });
    }
}

#[test]
fn there_is_room_for_so_much_and_who_waits_is_woken() {
    run(|| async {
        let (client, server) = half(100, narrow()).await;
        let (mut sender, _reader) = server.split();
        let mut taken = 0;
        while sender.try_send(vec![7; 200]).is_ok() {
            taken += 1;
            if taken % 4 == 0 {
                sleep(SECOND).await;
            }
            assert!(taken < 30, "there is a limit");
        }
        let error = sender.try_send("the message").expect_err("no room");
        assert!(matches!(&error, TrySendError::Full(message) if *message == "the message".into()));
        // Futures that were dropped take no place and no wakeup.
        for _ in 0..5 {
            assert!(sender.send("dropped").now_or_never().is_none());
            assert!(SinkExt::send(&mut sender, "dropped".into()).now_or_never().is_none());
        }
        let prepared = Prepared::text("prepared");
        assert!(!sender.try_send_prepared(&prepared));
        let waiting = sender.clone();
        let waits = tokio::spawn(async move { waiting.send_prepared(&prepared).await });
        sleep(SECOND).await;
        let (mut reading, _writing) = tokio::io::split(client);
        let mut received = vec![0; taken * 204 + 10];
        let read = timeout(SECOND, reading.read_exact(&mut received)).await;
        read.expect("in time").expect("all of it");
        assert!(received.ends_with(b"\x81\x08prepared"));
        waits.await.expect("no panic").expect("sent");
    });
}

#[test]
fn reader_and_sender_are_stream_and_sink() {
    run(|| async {
        let (client, server) = pair(100, Config::default()).await;
        let (sender, reader) = server.split();
        tokio::spawn(reader.forward(sender));
        let (mut sink, mut stream) = client.split();
        for n in 0..100 {
            SinkExt::send(&mut sink, Message::from(format!("{n}"))).await.expect("sent");
            let message = stream.next().await.expect("a message").expect("no error");
            assert_eq!(message, Message::from(format!("{n}")));
        }
        SinkExt::close(&mut sink).await.expect("begun");
        assert!(stream.next().await.is_none());
        assert!(stream.outcome().clean());
    });
}

#[test]
fn a_stream_that_breaks_ends_both_halves() {
    run(|| async {
        let (mut client, server) = half(1000, Config::default()).await;
        let (sender, mut reader) = server.split();
        client.write_all(&message(200)).await.expect("taken");
        drop(client);
        sender.send("nobody hears it").await.expect("queued");
        assert!(reader.recv().await.expect("what came before").is_ok());
        let end = timeout(15 * SECOND, reader.recv()).await.expect("in time");
        assert!(matches!(end, Some(Err(_))), "{end:?}");
        assert!(reader.recv().await.is_none());
        sleep(15 * SECOND).await;
        assert!(sender.is_closed());
    });
}

#[test]
fn pings_of_a_half_have_their_round_trip_time() {
    run(|| async {
        let (client, mut server) = pair(1000, Config::default()).await;
        let (sender, mut reader) = client.split();
        reader.show_control_frames(true);
        tokio::spawn(async move { while let Some(Ok(_)) = server.recv().await {} });
        sender.send(Message::Ping(b"ping".into())).await.expect("sent");
        let pong = reader.recv().await.expect("a pong").expect("no error");
        assert_eq!(pong, Message::Pong(b"ping".into()));
        assert!(reader.round_trip().is_some());
    });
}

/// A ping that arrives together with messages is answered before what is sent because of the messages after it.
#[test]
fn pong_is_ahead_of_what_later_messages_cause() {
    run(|| async {
        let (mut near, far) = half(1 << 16, Config::default()).await;
        let (sender, mut reader) = far.split();
        let ping = [0x89, 0x80, 0, 0, 0, 0];
        let bytes = [&message(200)[..], &ping, &message(300), &ping, &message(400)].concat();
        near.write_all(&bytes).await.expect("taken");
        for len in [200, 300, 400] {
            let message = reader.recv().await.expect("a message").expect("no error");
            assert_eq!(message.as_bytes().len(), len);
            sender.send(message).await.expect("sent");
        }
        let mut order = Vec::new();
        while order.len() < 5 {
            let mut header = [0; 2];
            near.read_exact(&mut header).await.expect("a header");
            if header[1] == 126 {
                let mut len = [0; 2];
                near.read_exact(&mut len).await.expect("a length");
                let len = u16::from_be_bytes(len);
                near.read_exact(&mut vec![0; len.into()]).await.expect("a payload");
                order.push(len);
            } else {
                assert_eq!(header, [0x8A, 0]);
                order.push(0);
            }
        }
        assert_eq!(order, [200, 0, 300, 0, 400]);
    });
}
