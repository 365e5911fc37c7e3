//! Messages in parts: in constant memory, in both directions, and what comes after them.

#![allow(clippy::print_stdout, reason = "the figures are of interest")]

#[path = "../../../tests/allocations/mod.rs"]
mod allocations;
mod ends;

use allocations::{Counting, Meter};
use ends::{half, pair};
use futures_util::FutureExt as _;
use sockless_tokio::{Config, Error, Kind, Limits, Message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, repeat, sink};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How long the long messages are: 1 GiB with `SOCKLESS_GIB` set.
fn long() -> u64 {
    if std::env::var_os("SOCKLESS_GIB").is_some() { 1 << 30 } else { 64 << 20 }
}

#[tokio::test]
async fn a_long_message_passes_in_constant_memory_in_both_directions() {
    let len = long();
    let limits = Limits::default().with_frame(len).with_message(len);
    let (mut client, mut server) = pair(64 << 10, Config::default().with_limits(limits)).await;
    let meter = Meter::start();
    let sending = async {
        let mut upload = client.send_writer();
        copy(&mut repeat(7).take(len), &mut upload).await.expect("sent");
        upload.shutdown().await.expect("ended");
        // And what comes back.
        let mut download = client.recv_reader().await.expect("a message").expect("no error");
        copy(&mut download, &mut sink()).await.expect("received")
    };
    let receiving = async {
        let mut upload = server.recv_reader().await.expect("a message").expect("no error");
        assert_eq!(upload.kind(), Kind::Binary);
        let arrived = copy(&mut upload, &mut sink()).await.expect("received");
        drop(upload);
        let mut download = server.send_writer();
        copy(&mut repeat(7).take(len), &mut download).await.expect("sent");
        download.shutdown().await.expect("ended");
        arrived
    };
    let (down, up) = tokio::join!(sending, receiving);
    assert_eq!((down, up), (len, len));
    println!("{} MiB each way, {} KiB at most", len >> 20, meter.peak() >> 10);
    assert!(meter.peak() < 2 << 20, "{} bytes", meter.peak());
}

#[tokio::test]
async fn messages_before_and_after_are_whole() {
    let (mut client, mut server) = pair(100, Config::default()).await;
    let sending = tokio::spawn(async move {
        client.send("first").await.expect("sent");
        let mut parts = client.send_writer();
        for n in 0..10_u8 {
            parts.write_all(&[n; 100]).await.expect("sent");
        }
        parts.shutdown().await.expect("ended");
        client.send("third").await.expect("sent");
        client.send("fourth – 文").await.expect("sent");
        client.send(vec![5; 1000]).await.expect("sent");
        client.flush().await.expect("written");
        client
    });
    assert_eq!(server.recv().await.expect("one").expect("no error"), "first".into());
    let mut parts = server.recv_reader().await.expect("one").expect("no error");
    let mut all = Vec::new();
    while let Some(part) = parts.part().await {
        all.extend_from_slice(&part.expect("no error"));
    }
    assert_eq!(all, (0..10).flat_map(|n| [n; 100]).collect::<Vec<u8>>());
    drop(parts);
    assert_eq!(server.recv().await.expect("one").expect("no error"), "third".into());
    let mut text = server.recv_reader().await.expect("one").expect("no error");
    assert_eq!(text.kind(), Kind::Text);
    let mut read = String::new();
    text.read_to_string(&mut read).await.expect("text");
    assert_eq!(read, "fourth – 文");
    drop(text);
    assert_eq!(server.recv().await.expect("one").expect("no error"), vec![5; 1000].into());
    sending.await.expect("no panic");
}

#[tokio::test]
async fn what_is_not_read_to_its_end_is_thrown_away_and_nothing_else() {
    for by_recv in [false, true] {
        let (mut client, mut server) = pair(100, Config::default()).await;
        let sending = tokio::spawn(async move {
            for n in 0..4_u8 {
                let mut parts = client.send_writer();
                parts.write_all(&[n; 300]).await.expect("sent");
                parts.write_all(&[n; 300]).await.expect("sent");
                parts.shutdown().await.expect("ended");
            }
            client
        });
        for n in 0..4_u8 {
            // Every second one is left after its first part.
            if n % 2 == 1 && by_recv {
                let message = server.recv().await.expect("one").expect("no error");
                assert_eq!(message, Message::from(vec![n; 600]));
                continue;
            }
            let mut parts = server.recv_reader().await.expect("one").expect("no error");
            let first = parts.part().await.expect("a part").expect("no error");
            assert!(!first.is_empty() && first.iter().all(|byte| *byte == n));
            if n % 2 == 1 {
                let mut all = first.to_vec();
                parts.read_to_end(&mut all).await.expect("the rest");
                assert_eq!(all, [n; 600]);
            }
        }
        sending.await.expect("no panic");
    }
}

#[tokio::test]
async fn a_message_that_is_left_open_is_gone_on_with() {
    let (mut client, mut server) = pair(1000, Config::default()).await;
    client.send_writer().write_all(b"one, ").await.expect("sent");
    assert!(matches!(client.send("inside").await, Err(Error::Send(_))), "a message is open");
    client.ping(b"").await.expect("control frames pass");
    let mut parts = client.send_writer();
    parts.write_all(b"two").await.expect("sent");
    parts.shutdown().await.expect("ended");
    client.send("after").await.expect("sent");
    assert_eq!(server.recv().await.expect("one").expect("no error"), b"one, two"[..].into());
    assert_eq!(server.recv().await.expect("one").expect("no error"), "after".into());
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_message_is_an_error_of_its_reader() {
    let (mut client, mut server) = half(1000, Config::default()).await;
    client.write_all(b"\x82\xFE\x40\x00\x00\x00\x00\x00only the beginning").await.expect("taken");
    let mut parts = server.recv_reader().await.expect("one").expect("no error");
    assert_eq!(&parts.part().await.expect("a part").expect("no error")[..], b"only the beginning");
    assert!(parts.part().now_or_never().is_none());
    drop(client);
    let end = parts.part().await;
    assert!(matches!(end, Some(Err(Error::Failed(_)))), "{end:?}");
    assert!(parts.read_to_end(&mut Vec::new()).await.is_err());
    drop(parts);
    assert!(server.recv().await.is_none() && server.recv_reader().await.is_none());
}
