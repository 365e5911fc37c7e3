//! Connecting again: when, how often, and when not.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

mod program;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use program::{Running, answer_once, serve_each, ws};
use tungstenite::Message;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;

#[test]
fn a_lost_connection_is_opened_again_and_the_messages_sent_again() {
    let address = serve_each(|number, stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        let message = socket.read().unwrap().into_text().unwrap();
        socket.send(Message::text(format!("{number}: {message}"))).unwrap();
        if number < 2 {
            // It vanishes without a word.
            return;
        }
        let line = socket.read().unwrap();
        socket.send(line).unwrap();
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        socket.close(Some(close)).unwrap();
        while socket.read().is_ok() {}
    });
    let mut running = Running::start(&["--reconnect", &format!("ws://{address}/"), "subscribe"]);
    for number in 0..3 {
        assert_eq!(running.line(), format!("{number}: subscribe"));
    }
    running.type_line("typed later");
    assert_eq!(running.line(), "typed later");
    // A normal closure is the end.
    let (status, rest, err) = running.end();
    assert_eq!((status, rest.as_str()), (Some(0), ""), "{err}");
    assert_eq!(err.matches("trying again in ").count(), 2, "{err}");
}

#[test]
fn what_would_end_in_the_same_way_is_not_tried_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let address = serve_each(move |_, stream| {
        count.fetch_add(1, Ordering::SeqCst);
        answer_once(stream, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    });
    ws(&["--reconnect", "-n", &format!("ws://{address}/")], b"").failed(4, "401");
    assert_eq!(tries.load(Ordering::SeqCst), 1);

    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let address = serve_each(move |_, stream| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut socket = tungstenite::accept(stream).unwrap();
        let close = CloseFrame { code: CloseCode::Policy, reason: "no".into() };
        socket.close(Some(close)).unwrap();
        while socket.read().is_ok() {}
    });
    let ran = ws(&["--reconnect", "-nq", &format!("ws://{address}/")], b"");
    ran.failed(1, "1008");
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[test]
fn what_may_get_better_is_tried_as_often_as_is_wanted() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let address = serve_each(move |_, stream| {
        count.fetch_add(1, Ordering::SeqCst);
        answer_once(stream, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    });
    let ran =
        ws(&["--reconnect", "--tries", "3", "--json", "-n", &format!("ws://{address}/")], b"");
    ran.failed(4, "502");
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    let events: Vec<_> = ran.text().lines().map(|line| &line[..20]).collect();
    assert_eq!(events.iter().filter(|event| event.contains("retrying")).count(), 2, "{events:?}");
    assert_eq!(events.iter().filter(|event| event.contains("refused")).count(), 3, "{events:?}");
}

#[test]
fn a_signal_between_two_tries_ends_it_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut running = Running::start(&["--reconnect", "--json", "-n", &format!("ws://{free}/")]);
    while !running.line().contains("retrying") {}
    program::signal(&running.child, "-INT");
    assert_eq!(running.end().0, Some(130));
}

#[test]
fn the_time_of_max_time_counts_for_all_tries_together() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begun = std::time::Instant::now();
    let ran = ws(&["--reconnect", "--max-time", "0.5", "-n", &format!("ws://{free}/")], b"");
    ran.failed(6, "--max-time");
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}
