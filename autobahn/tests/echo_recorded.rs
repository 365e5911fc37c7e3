//! The server that records, from a client's side: its traces replay.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod server;

use std::path::Path;
use std::time::{Duration, Instant};

use server::{PATIENCE, Server};
use sockless::Event;
use sockless_autobahn::trace::{Damage, Mismatch, Step, replay};
use tungstenite::Message;

#[test]
fn server_leaves_a_trace_of_every_connection_that_replays() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded");
    let _ = std::fs::remove_dir_all(&directory);
    let options = ["--record", directory.to_str().unwrap()];
    let server = Server::start(env!("CARGO_BIN_EXE_echo_recorded"), &options).unwrap();
    let mut client = server.connect();
    for message in [Message::text("hello"), Message::binary(vec![7; 70_000])] {
        client.send(message.clone()).unwrap();
        assert_eq!(client.read().unwrap(), message);
    }
    // While it goes on, its trace is there, without an end.
    let file = directory.join("1.trace");
    let unfinished = replay(&std::fs::read(&file).unwrap(), |_| {});
    assert_eq!(unfinished, Err(Mismatch::Damaged(Damage::Truncated)));
    client.close(None).unwrap();
    while client.read().is_ok() {}

    let started = Instant::now();
    let (outcome, heard, output) = loop {
        let (mut heard, mut output) = (0, Vec::new());
        let replayed = replay(&std::fs::read(&file).unwrap(), |step| match step {
            Step::Event(Event::Text(_) | Event::Binary(_)) => heard += 1,
            Step::Wrote(bytes) => output.extend_from_slice(bytes),
            _ => {}
        });
        match replayed {
            Ok(outcome) => break (outcome, heard, output),
            Err(Mismatch::Damaged(Damage::Truncated)) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert!(outcome.clean());
    assert_eq!(heard, 2);
    assert!(output.starts_with(b"\x81\x05hello\x82\x7F\0\0\0\0\0\x01\x11\x70\x07\x07"));
    assert_eq!(output.len(), 7 + 10 + 70_000 + 2);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn server_goes_on_when_the_system_gave_no_more_streams() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded without streams");
    let script = format!(
        "ulimit -n 16; exec {} --record '{}' \"$@\"",
        env!("CARGO_BIN_EXE_echo_recorded"),
        directory.to_str().unwrap()
    );
    let server = Server::start("sh", &["-c", &script, "sh"]).unwrap();
    let many: Vec<_> = (0..30).map(|_| server.tcp()).collect();
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.files().count() >= 15, "the system has given all that were asked for");
    drop(many);
    let mut client = server.connect();
    client.send(Message::text("still there")).unwrap();
    assert_eq!(client.read().unwrap(), Message::text("still there"));
    std::fs::remove_dir_all(&directory).unwrap();
}
