//! The example programs, between clients and servers of this test.

#![allow(dead_code, reason = "an example's `main` is for its user")]
#![allow(unreachable_pub, reason = "an example is a crate elsewhere")]

#[path = "../../../tests/allocations/mod.rs"]
mod allocations;
#[cfg(feature = "axum")]
#[path = "../examples/chat.rs"]
mod chat;
#[path = "../examples/client.rs"]
mod client;
#[path = "../examples/server.rs"]
mod server;
#[cfg(feature = "rustls")]
#[path = "../examples/tls.rs"]
mod tls;
#[path = "../examples/transfer.rs"]
mod transfer;

use std::time::Duration;

use allocations::{Counting, Meter};
#[cfg(feature = "axum")]
use sockless_tokio::{Client, NetStream, WebSocket};
use sockless_tokio::{CloseCode, Listener, connect};
#[cfg(feature = "axum")]
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(120);

async fn listener() -> (Listener, String) {
    let listener = Listener::bind("127.0.0.1:0").await.expect("an address");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    (listener, url)
}

#[tokio::test]
async fn a_client_says_what_it_reads_and_shows_what_comes_back() {
    let (listener, url) = listener().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server::serve(listener, async { drop(stopped.await) }));
    let (said, lines) = mpsc::channel(2);
    for line in ["one", "two"] {
        said.send(line.to_owned()).await.expect("room");
    }
    drop(said);
    let mut shown = Vec::new();
    let talk = client::talk(&url, lines, |message| shown.push(message.to_vec()));
    let outcome = timeout(PATIENCE, talk).await.expect("in time").expect("no error");
    assert!(outcome.clean());
    assert_eq!(shown, [b"one", b"two"]);
    // One that says nothing hears of the end.
    let mut silent = connect(&url).await.expect("open");
    stop.send(()).expect("it serves");
    assert!(silent.recv().await.is_none());
    assert_eq!(silent.close_frame().map(|frame| frame.code), Some(CloseCode::GOING_AWAY));
    timeout(PATIENCE, serving).await.expect("in time").expect("no panic");
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_server_and_its_client_speak_tls() {
    let answer = timeout(PATIENCE, tls::hello()).await.expect("in time").expect("no error");
    assert_eq!(answer.as_text(), Some("hello"));
}

/// Receives until this has been said.
#[cfg(feature = "axum")]
async fn hears(socket: &mut WebSocket<NetStream, Client>, text: &str) {
    let receives = async {
        while socket.recv().await.expect("a message").expect("no error").as_text() != Some(text) {}
    };
    timeout(PATIENCE, receives).await.expect("in time");
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn what_one_says_in_a_chat_all_hear() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let url = format!("ws://{}/chat", listener.local_addr().expect("an address"));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(chat::serve(listener, async { drop(stopped.await) }));
    let mut one = connect(&url).await.expect("open");
    let mut two = connect(&url).await.expect("open");
    // Whoever hears what he has said himself is in the room.
    two.send("0").await.expect("sent");
    hears(&mut two, "0").await;
    one.send("1").await.expect("sent");
    hears(&mut one, "1").await;
    hears(&mut two, "1").await;
    // Messages that are too long are none of the others' business.
    one.send("x".repeat(10_001)).await.expect("sent");
    assert!(timeout(PATIENCE, one.recv()).await.expect("in time").is_none_or(|end| end.is_err()));
    stop.send(()).expect("it serves");
    assert!(timeout(PATIENCE, two.recv()).await.expect("in time").is_none());
    assert_eq!(two.close_frame().map(|frame| frame.code), Some(CloseCode::GOING_AWAY));
    timeout(PATIENCE, serving).await.expect("in time").expect("no panic");
}

#[tokio::test]
async fn a_message_of_any_length_goes_up_and_down_in_constant_memory() {
    const ALL: u64 = 16 << 20;
    let (listener, url) = listener().await;
    let serving = tokio::spawn(transfer::run(listener));
    let meter = Meter::start();
    let transfer = transfer::transfer(&url, ALL, |_, done, all| assert!(done <= all));
    let done = timeout(PATIENCE, transfer).await.expect("in time").expect("no error");
    assert_eq!(done, ALL);
    assert!(meter.peak() < 4 << 20, "{} bytes", meter.peak());
    serving.abort();
}
