//! A socket in two halves, for two threads or more.

mod ends;

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use ends::{PATIENCE, frame, pair, raw_client, within};
use sockless_blocking::sockless::connection::{Cause, Failure};
use sockless_blocking::{CloseCode, Config, Error, Message};

const SHORT: Duration = Duration::from_millis(300);
const LATE: Duration = Duration::from_secs(60);

#[test]
fn many_threads_send_while_one_receives() {
    const THREADS: usize = 8;
    const EACH: u32 = 200;
    let ((), _) = within(PATIENCE, || {
        let (client, server) = pair((), ());
        let (sender, mut reader) = client.split().expect("a thread");
        let (answers, mut requests) = server.split().expect("a thread");
        let echo = thread::spawn(move || {
            while let Some(message) = requests.recv() {
                answers.feed(message.expect("no error")).expect("queued");
            }
            requests.outcome()
        });
        let sending: Vec<_> = (0..THREADS)
            .map(|thread| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for number in 0..EACH {
                        let mut bytes = vec![thread as u8];
                        bytes.extend_from_slice(&number.to_be_bytes());
                        sender.send(bytes).expect("sent");
                    }
                })
            })
            .collect();
        let mut next = [0_u32; THREADS];
        for _ in 0..THREADS as u32 * EACH {
            let message = reader.recv().expect("a message").expect("no error");
            let bytes = message.as_bytes();
            let place = &mut next[usize::from(bytes[0])];
            assert_eq!(bytes[1..], place.to_be_bytes());
            *place += 1;
        }
        sending.into_iter().for_each(|thread| thread.join().expect("no panic"));
        sender.close(CloseCode::NORMAL, "done").expect("open");
        assert!(matches!(sender.send("late"), Err(Error::Closed)));
        assert!(reader.recv().is_none());
        assert!(reader.outcome().clean());
        assert!(echo.join().expect("no panic").clean());
    });
}

#[test]
fn a_pong_does_not_wait_behind_a_sender_that_blocks() {
    let ((), _) = within(PATIENCE, || {
        let (mut peer, server) = raw_client(());
        let (sender, mut reader) = server.split().expect("a thread");
        let blocked = {
            let sender = sender.clone();
            thread::spawn(move || sender.send(vec![0; 32 << 20]))
        };
        // The reader goes on, and the time of its calls is kept.
        thread::sleep(SHORT);
        assert!(!blocked.is_finished());
        peer.write_all(&frame(9, b"alive?")).expect("written");
        peer.write_all(&frame(1, b"hello")).expect("written");
        let message = reader.recv_timeout(LATE).expect("a message").expect("no error");
        assert_eq!(message, Message::text("hello"));
        let mut header = [0; 10];
        peer.read_exact(&mut header).expect("a header");
        std::io::copy(&mut (&peer).take(32 << 20), &mut std::io::sink()).expect("read");
        let mut pong = [0; 8];
        peer.read_exact(&mut pong).expect("a pong");
        assert_eq!(&pong, b"\x8A\x06alive?");
        blocked.join().expect("no panic").expect("sent");
    });
}

#[test]
fn a_peer_that_never_reads_ends_both_halves_by_the_write_timeout() {
    let (peer, server) = raw_client(Config::default().with_write_timeout(SHORT));
    let (sender, mut reader) = server.split().expect("a thread");
    let ((), took) = within(LATE, move || {
        // The reader waits without end, and nobody sends anything to it.
        let reading = thread::spawn(move || (reader.recv(), reader.recv()));
        let error = loop {
            if let Err(error) = sender.send(vec![0; 1 << 20]) {
                break error;
            }
        };
        assert!(matches!(error, Error::Failed(Failure::Stalled)), "{error:?}");
        let (error, end) = reading.join().expect("no panic");
        assert!(matches!(error, Some(Err(Error::Failed(Failure::Stalled)))), "{error:?}");
        assert!(end.is_none());
    });
    assert!(took >= SHORT);
    drop(peer);
}

#[test]
fn a_send_that_takes_too_long_says_so_while_its_message_is_still_written() {
    let ((), _) = within(PATIENCE, || {
        let (mut peer, server) = raw_client(());
        let (sender, reader) = server.split().expect("a thread");
        let mut queued = 0;
        loop {
            match sender.send_timeout(vec![queued; 100_000], SHORT) {
                Ok(()) | Err(Error::Unwritten) => queued += 1,
                Err(Error::TimedOut) => break,
                Err(error) => panic!("{error}"),
            }
        }
        // No call runs from now on but the writing thread's.
        for number in 0..queued {
            let mut all = vec![0; 10 + 100_000];
            peer.read_exact(&mut all).expect("a frame");
            assert!(all[10..].iter().all(|byte| *byte == number));
        }
        sender.send("once more").expect("sent");
        let mut last = [0; 11];
        peer.read_exact(&mut last).expect("a frame");
        assert_eq!(&last[2..], b"once more");
        drop(reader);
    });
}

#[test]
fn one_that_vanishes_is_found_by_keepalive() {
    let (peer, server) =
        raw_client(Config::default().with_keepalive(SHORT, SHORT).with_close(SHORT));
    let (_sender, mut reader) = server.split().expect("a thread");
    let (error, took) = within(LATE, move || reader.recv());
    assert!(matches!(error, Some(Err(Error::Failed(Failure::Unresponsive)))), "{error:?}");
    assert!(took >= 2 * SHORT);
    drop(peer);
}

#[test]
fn one_that_never_answers_the_close_ends_both_halves_by_its_deadline() {
    let (peer, server) = raw_client(Config::default().with_close(SHORT));
    let (sender, mut reader) = server.split().expect("a thread");
    let (cause, took) = within(LATE, move || {
        let reading = thread::spawn(move || {
            assert!(reader.recv().is_none());
            reader.outcome().cause
        });
        sender.close(None, "").expect("open");
        reading.join().expect("no panic")
    });
    assert_eq!(cause, Cause::TimedOut);
    assert!(took >= SHORT);
    drop(peer);
}

#[test]
fn one_whose_stream_ends_ends_both_halves() {
    let (mut peer, server) = raw_client(());
    let (sender, mut reader) = server.split().expect("a thread");
    peer.write_all(&frame(1, b"last words")).expect("written");
    drop(peer);
    let ((), _) = within(LATE, move || {
        assert_eq!(
            reader.recv().expect("a message").expect("no error"),
            Message::text("last words")
        );
        let error = reader.recv();
        assert!(matches!(error, Some(Err(Error::Failed(Failure::EndOfStream)))), "{error:?}");
        assert!(reader.recv().is_none());
        assert!(sender.send("late").is_err());
    });
}

#[test]
fn once_nobody_is_left_the_connection_is_closed() {
    let ((), _) = within(LATE, || {
        let (mut client, server) = pair((), ());
        let (sender, reader) = server.split().expect("a thread");
        sender.feed("the last").expect("queued");
        drop((sender, reader));
        assert_eq!(client.recv().expect("a message").expect("no error"), Message::text("the last"));
        assert!(client.recv().is_none());
        assert_eq!(client.close_frame().map(|frame| frame.code), Some(CloseCode::GOING_AWAY));
    });
}

#[test]
fn calls_of_both_halves_keep_their_time() {
    let (peer, server) = raw_client(());
    let (mut sender, mut reader) = server.split().expect("a thread");
    let ((), took) = within(LATE, move || {
        reader.set_timeout(SHORT);
        assert!(matches!(reader.recv(), Some(Err(Error::TimedOut))));
        reader.set_timeout(None);
        reader.set_deadline(Instant::now());
        assert!(matches!(reader.recv(), Some(Err(Error::TimedOut))));
        sender.set_timeout(SHORT);
        // Until nothing moves any more: on a slow machine a call may be over before.
        let is_over = |result| match result {
            Ok(()) => false,
            Err(Error::TimedOut) => true,
            Err(error) => panic!("{error}"),
        };
        while !is_over(sender.feed(vec![0; 1 << 20])) || !is_over(sender.flush()) {}
    });
    assert!(took >= 3 * SHORT);
    drop(peer);
}

#[test]
fn what_was_put_aside_before_the_halves_were_apart_comes_first() {
    let ((), _) = within(PATIENCE, || {
        let (mut peer, mut server) = raw_client(());
        peer.write_all(&frame(1, b"one")).expect("written");
        peer.write_all(&frame(1, b"two")).expect("written");
        let reading = thread::spawn(move || {
            std::io::copy(&mut (&peer).take((32 << 20) + 10), &mut std::io::sink()).expect("read");
            peer.write_all(&frame(1, b"three")).expect("written");
            peer
        });
        server.send(vec![0; 32 << 20]).expect("sent");
        let (_sender, mut reader) = server.split().expect("a thread");
        for text in ["one", "two", "three"] {
            assert_eq!(reader.recv().expect("a message").expect("no error"), Message::text(text));
        }
        drop(reading.join().expect("no panic"));
    });
}
