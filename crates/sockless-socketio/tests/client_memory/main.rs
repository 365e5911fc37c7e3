//! More than a client can take, on both transports: what it holds of that is bounded. The bounds are far above what it takes, and far below what
//! would be taken without a limit; the server's own memory is in them, because it is in the same process.

mod memory;
#[allow(dead_code, reason = "it does more elsewhere")]
#[path = "../hostile_server/server.rs"]
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use memory::Mark;
use sockless_socketio::client::{Builder, Client, ConnectError, Event};
use sockless_socketio::engine::client::{Config, Reason};
use sockless_socketio::socket::client::DisconnectReason;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(120);

/// Their memory is counted one after the other.
static TURN: Mutex<()> = Mutex::const_new(());

const MIB: i64 = 1 << 20;

/// A client of one transport.
fn way(at: SocketAddr, websocket: bool) -> Builder {
    let config = Config::default().with_connect_timeout(PATIENCE);
    let config = config.with_transports(!websocket, websocket).with_backlog(128, 4 << 20);
    Client::builder(&format!("http://{at}")).with_engine(config).without_reconnect()
}

async fn connect(builder: Builder) -> Client {
    timeout(PATIENCE, builder.connect()).await.expect("in time").expect("connected")
}

/// The name of the next event, which is the server's.
async fn named(client: &mut Client) -> String {
    match timeout(PATIENCE, client.recv()).await.expect("in time") {
        Some(Event::Message(message)) => message.name().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Waits until a number doesn't grow any more.
async fn settled(number: &AtomicUsize) {
    let mut last = usize::MAX;
    loop {
        let now = number.load(Ordering::SeqCst);
        if now > 0 && now == last {
            return;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test]
async fn a_body_of_a_million_short_packets_is_read_as_far_as_there_is_room() {
    let _turn = TURN.lock().await;
    let at = server::start(|mut talk| async move {
        talk.accept().await;
        talk.say("42[7]\x1e".repeat(700_000) + "42[8]").await;
        talk.stay().await;
    })
    .await;
    let mark = Mark::now();
    let mut client = connect(way(at, false)).await;
    for _ in 0..3_000 {
        assert_eq!(named(&mut client).await, "7");
    }
    let grown = mark.grown();
    assert!(grown < 32 * MIB, "{grown} bytes");
}

#[tokio::test]
async fn a_body_of_many_short_chunks_takes_its_length() {
    let _turn = TURN.lock().await;
    let at = server::streams(|mut stream| async move {
        if server::request(&mut stream).await.is_err() {
            return;
        }
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunks = b"1\r\nx\r\n".repeat(1_000);
        let mut written = stream.write_all(head).await;
        for _ in 0..100 {
            written = written.and(stream.write_all(&chunks).await);
        }
        let _ = written.and(stream.write_all(b"0\r\n\r\n").await);
    })
    .await;
    let mark = Mark::now();
    match timeout(PATIENCE, way(at, false).connect()).await.expect("in time") {
        Err(ConnectError::Session { reason, .. }) => {
            assert_eq!(reason, DisconnectReason::Engine(Reason::ParseError));
        }
        other => panic!("{other:?}"),
    }
    let grown = mark.grown();
    assert!(grown < 2 * MIB, "{grown} bytes");
}

#[tokio::test]
async fn long_events_that_nobody_receives_are_held_up_and_all_of_them_come() {
    let _turn = TURN.lock().await;
    const EVENTS: usize = 64;
    for websocket in [false, true] {
        let said = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&said);
        let at = server::start(move |mut talk| {
            let said = Arc::clone(&counted);
            async move {
                talk.accept().await;
                for number in 0..EVENTS {
                    talk.say(format!("42[{number},\"{}\"]", "x".repeat(1 << 20))).await;
                    said.fetch_add(1, Ordering::SeqCst);
                }
                talk.stay().await;
            }
        })
        .await;
        let mark = Mark::now();
        let mut client = connect(way(at, websocket)).await;
        settled(&said).await;
        let grown = mark.grown();
        assert!(grown < 48 * MIB, "WebSocket: {websocket}, {grown} bytes");
        for number in 0..EVENTS {
            assert_eq!(named(&mut client).await, number.to_string());
        }
    }
}

#[tokio::test]
async fn short_events_that_nobody_receives_are_held_up() {
    let _turn = TURN.lock().await;
    let said = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&said);
    let at = server::start(move |mut talk| {
        let said = Arc::clone(&counted);
        async move {
            talk.accept().await;
            while talk.is_heard() {
                talk.say(format!("42[7,\"{}\"]", "x".repeat(1_000))).await;
                said.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    for websocket in [false, true] {
        said.store(0, Ordering::SeqCst);
        let mark = Mark::now();
        let client = connect(way(at, websocket)).await;
        settled(&said).await;
        let grown = mark.grown();
        assert!(grown < 16 * MIB, "WebSocket: {websocket}, {grown} bytes");
        drop(client);
    }
}
