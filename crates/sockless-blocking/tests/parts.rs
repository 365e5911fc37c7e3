//! Messages in parts: in constant memory, in both directions, and what comes before and after them.

#![allow(clippy::print_stdout, reason = "the figures are of interest")]

#[path = "../../../tests/allocations/mod.rs"]
mod allocations;
mod ends;

use std::io::{ErrorKind, Read as _, Write, copy, repeat, sink};
use std::thread;
use std::time::Duration;

use allocations::{Counting, Meter};
use ends::{PATIENCE, pair, raw_client, within};
use sockless_blocking::{Config, Error, Kind, Limits, Message};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How long the long messages are: 1 GiB with `SOCKLESS_GIB` set.
fn long() -> u64 {
    if std::env::var_os("SOCKLESS_GIB").is_some() { 1 << 30 } else { 64 << 20 }
}

/// Sends a message of this length.
fn send<S: sockless_blocking::Stream, R: sockless_blocking::sockless::connection::Side>(
    socket: &mut sockless_blocking::WebSocket<S, R>,
    len: u64,
) {
    let mut upload = socket.send_writer();
    assert_eq!(copy(&mut repeat(7).take(len), &mut upload).expect("sent"), len);
    upload.finish().expect("ended");
}

/// Receives a message of this length.
fn receive<S: sockless_blocking::Stream, R: sockless_blocking::sockless::connection::Side>(
    socket: &mut sockless_blocking::WebSocket<S, R>,
    len: u64,
) {
    let mut download = socket.recv_reader().expect("a message").expect("no error");
    assert_eq!(download.kind(), Kind::Binary);
    assert_eq!(copy(&mut download, &mut sink()).expect("received"), len);
}

#[test]
fn a_long_message_passes_in_constant_memory_in_both_directions() {
    let len = long();
    let limits = Limits::default().with_frame(len).with_message(len);
    let config = Config::default().with_limits(limits);
    let (mut client, mut server) = pair(config.clone(), config);
    let serving = thread::spawn(move || {
        let meter = Meter::start();
        receive(&mut server, len);
        send(&mut server, len);
        assert!(server.recv().is_none());
        (meter.peak(), server.outcome())
    });
    let meter = Meter::start();
    send(&mut client, len);
    receive(&mut client, len);
    assert!(client.close(None, "").expect("closed").clean());
    let (peaks, outcome) = serving.join().expect("no panic");
    assert!(outcome.clean());
    println!("{} MiB each way, {} and {} KiB at most", len >> 20, meter.peak() >> 10, peaks >> 10);
    for peak in [meter.peak(), peaks] {
        assert!(peak < 2 << 20, "{peak} bytes");
    }
}

#[test]
fn messages_before_and_after_are_whole() {
    let (mut client, mut server) = pair((), ());
    let sending = thread::spawn(move || {
        client.send("first").expect("sent");
        let mut parts = client.send_writer();
        for n in 0..10_u8 {
            parts.write_all(&[n; 100]).expect("sent");
            parts.flush().expect("written");
        }
        parts.finish().expect("ended");
        client.send("third").expect("sent");
        client.send("fourth – 文").expect("sent");
        client.send(vec![5; 100_000]).expect("sent");
        client
    });
    assert_eq!(server.recv().expect("one").expect("no error"), "first".into());
    let mut parts = server.recv_reader().expect("one").expect("no error");
    let mut all = Vec::new();
    parts.read_to_end(&mut all).expect("received");
    assert_eq!(all, (0..10).flat_map(|n| [n; 100]).collect::<Vec<u8>>());
    drop(parts);
    assert_eq!(server.recv().expect("one").expect("no error"), "third".into());
    let mut text = server.recv_reader().expect("one").expect("no error");
    assert_eq!(text.kind(), Kind::Text);
    let mut read = String::new();
    text.read_to_string(&mut read).expect("text");
    assert_eq!(read, "fourth – 文");
    drop(text);
    assert_eq!(server.recv().expect("one").expect("no error"), vec![5; 100_000].into());
    sending.join().expect("no panic");
}

#[test]
fn what_is_not_read_to_its_end_is_thrown_away_and_nothing_else() {
    for by_recv in [false, true] {
        let (mut client, mut server) = pair((), ());
        let sending = thread::spawn(move || {
            for n in 0..6_u8 {
                let mut parts = client.send_writer();
                for _ in 0..50 {
                    parts.write_all(&[n; 3000]).expect("sent");
                }
                parts.finish().expect("ended");
            }
            client
        });
        for n in 0..6_u8 {
            if n % 3 == 1 && by_recv {
                let message = server.recv().expect("one").expect("no error");
                assert_eq!(message, Message::from(vec![n; 150_000]));
                continue;
            }
            let mut parts = server.recv_reader().expect("one").expect("no error");
            let mut first = [0; 100];
            parts.read_exact(&mut first).expect("a beginning");
            assert!(first.iter().all(|byte| *byte == n), "{n}: {first:?}");
            // Every second one is left there.
            if n % 2 == 1 {
                let mut all = first.to_vec();
                parts.read_to_end(&mut all).expect("the rest");
                assert_eq!(all, vec![n; 150_000]);
            }
        }
        sending.join().expect("no panic");
    }
}

/// The rest of a message that was left is thrown away by whoever takes the socket next: a send that has to read, and the reader of a socket that is split.
#[test]
fn the_rest_of_a_message_is_no_message() {
    for split in [false, true] {
        let (mut client, mut server) = pair((), ());
        let mut parts = client.send_writer();
        parts.write_all(b"one, ").expect("sent");
        parts.flush().expect("written");
        let mut first = [0; 5];
        let mut reader = server.recv_reader().expect("one").expect("no error");
        reader.read_exact(&mut first).expect("a beginning");
        drop(reader);
        parts.write_all(b"two").expect("sent");
        parts.finish().expect("ended");
        client.send("next").expect("sent");
        let next = if split {
            let (_sender, mut reader) = server.split().expect("a thread");
            reader.recv()
        } else {
            server.send("?").expect("sent");
            server.recv()
        };
        assert_eq!(next.expect("one").expect("no error"), "next".into());
    }
}

#[test]
fn a_message_that_is_left_open_is_gone_on_with() {
    let (mut client, mut server) = pair((), ());
    client.send_writer().write_all(b"one, ").expect("sent");
    assert!(matches!(client.send("inside"), Err(Error::Send(_))), "a message is open");
    let mut parts = client.send_writer();
    parts.write_all(b"two").expect("sent");
    parts.finish().expect("ended");
    client.send("after").expect("sent");
    assert_eq!(server.recv().expect("one").expect("no error"), b"one, two"[..].into());
    assert_eq!(server.recv().expect("one").expect("no error"), "after".into());
}

/// The beginning of a binary message as a client sends it: fourteen bytes are announced, masked with zeros.
const BEGINNING: &[u8] = b"\x82\x8E\0\0\0\0a begin";

#[test]
fn a_read_whose_time_is_over_loses_nothing() {
    let (mut peer, mut server) = raw_client(());
    let moment = Duration::from_millis(20);
    server.set_timeout(moment);
    assert!(matches!(server.recv_reader(), Some(Err(Error::TimedOut))));
    // Only a header: a message has begun in parts that `recv` gets whole.
    peer.write_all(b"\x82\x83\0\0\0\0").expect("written");
    assert!(matches!(server.recv_reader(), Some(Err(Error::TimedOut))));
    peer.write_all(b"abc").expect("written");
    peer.write_all(BEGINNING).expect("written");
    server.set_timeout(PATIENCE);
    assert_eq!(server.recv().expect("one").expect("no error"), b"abc".into());
    let mut parts = server.recv_reader().expect("one").expect("no error");
    let mut read = [0; 14];
    parts.read_exact(&mut read[..7]).expect("a beginning");
    drop(parts);
    peer.write_all(b"ning, e").expect("written");
    // And one of which `recv` gets a part, and a reader the whole.
    server.set_timeout(moment);
    assert!(matches!(server.recv_reader(), Some(Err(Error::TimedOut))));
    peer.write_all(b"\x82\x83\0\0\0\0").expect("written");
    assert!(matches!(server.recv_reader(), Some(Err(Error::TimedOut))));
    peer.write_all(b"de").expect("written");
    assert!(matches!(server.recv(), Some(Err(Error::TimedOut))));
    peer.write_all(b"f").expect("written");
    server.set_timeout(PATIENCE);
    let mut parts = server.recv_reader().expect("one").expect("no error");
    let mut all = Vec::new();
    parts.read_to_end(&mut all).expect("received");
    assert_eq!(all, b"def");
    drop(parts);
    peer.write_all(BEGINNING).expect("written");
    let mut parts = server.recv_reader().expect("one").expect("no error");
    parts.read_exact(&mut read[..7]).expect("a beginning");
    drop(parts);
    // Its rest is no message: it is thrown away.
    peer.write_all(b"ning, e").expect("written");
    peer.write_all(BEGINNING).expect("written");
    let mut parts = server.recv_reader().expect("one").expect("no error");
    parts.read_exact(&mut read[..7]).expect("a beginning");
    let late = thread::spawn(move || {
        thread::sleep(moment * 5);
        peer.write_all(b"ning, e").expect("written");
        peer
    });
    drop(parts);
    late.join().expect("no panic");
}

#[test]
fn a_reader_goes_on_after_a_time_that_is_over() {
    let (mut peer, mut server) = raw_client(());
    peer.write_all(BEGINNING).expect("written");
    server.set_timeout(Duration::from_millis(20));
    let mut parts = server.recv_reader().expect("one").expect("no error");
    let mut all = [0; 14];
    parts.read_exact(&mut all[..7]).expect("a beginning");
    assert_eq!(parts.read(&mut all).expect_err("nothing has come").kind(), ErrorKind::TimedOut);
    peer.write_all(b"ning, e").expect("written");
    parts.read_exact(&mut all[7..]).expect("the rest");
    assert_eq!(&all, b"a beginning, e");
    assert_eq!(parts.read(&mut [0; 9]).expect("the end"), 0);
}

#[test]
fn a_stream_that_ends_inside_a_message_is_an_error_of_its_reader() {
    let ((), _) = within(PATIENCE, || {
        let (mut peer, mut server) = raw_client(());
        peer.write_all(BEGINNING).expect("written");
        drop(peer);
        let mut parts = server.recv_reader().expect("one").expect("no error");
        let mut all = Vec::new();
        assert!(parts.read_to_end(&mut all).is_err());
        assert_eq!(all, b"a begin");
        assert!(parts.read_to_end(&mut Vec::new()).is_err());
        drop(parts);
        assert!(server.recv().is_none() && server.recv_reader().is_none());
    });
}

/// Whoever refuses in the middle is heard in the middle, by whoever writes.
#[test]
fn a_receiver_that_refuses_ends_the_writer() {
    let ((), _) = within(PATIENCE, || {
        // 16 MiB by default.
        let (mut client, mut server) = pair((), ());
        let serving = thread::spawn(move || server.recv().map(|end| end.map(drop)));
        let mut upload = client.send_writer();
        let sent = copy(&mut repeat(7).take(1 << 40), &mut upload);
        assert!(sent.is_err());
        assert!(client.counters().sent.payload_bytes < 200 << 20);
        while client.recv().is_some() {}
        assert_eq!(client.outcome().received.number(), 1009);
        assert!(matches!(serving.join().expect("no panic"), Some(Err(Error::Limit(_)))));
    });
}
