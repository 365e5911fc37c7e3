//! The first programs: that they do what they say, and how long they are, in lines that are neither blank nor comments, as rustfmt lays them out.

#![allow(dead_code, reason = "an example's `main` is for its user")]
#![allow(unreachable_pub, reason = "an example is a crate elsewhere")]

#[path = "../examples/client.rs"]
mod client;
mod ends;
#[path = "../examples/file.rs"]
mod file;
#[path = "../examples/server.rs"]
mod server;

use std::thread;

use ends::{PATIENCE, listener, within};
use sockless_blocking::ServerOptions;

fn lines(program: &str) -> usize {
    let counts = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    program.lines().filter(counts).count()
}

#[test]
fn a_complete_client_takes_at_most_25_lines() {
    let count = lines(include_str!("../examples/client.rs"));
    assert!(count <= 25, "{count} lines");
}

#[test]
fn an_echo_server_takes_at_most_30_lines() {
    let count = lines(include_str!("../examples/server.rs"));
    assert!(count <= 30, "{count} lines");
}

/// What the guide and the README say.
#[test]
fn a_file_in_parts_takes_as_many_lines_as_the_documentation_says() {
    let count = lines(include_str!("../examples/file.rs"));
    let guide = include_str!("../../../src/guide/large.md");
    assert!(guide.contains(&format!("/examples/file.rs`, {count} lines")), "{count}");
    let readme = include_str!("../README.md");
    assert!(readme.contains(&format!("(examples/file.rs), {count} lines")), "{count}");
}

#[test]
fn a_file_passes_from_side_to_side() {
    let (listener, url) = listener();
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let sent = content.clone();
    let sending =
        thread::spawn(move || file::send(&url, &mut &sent[..]).map_err(|error| error.to_string()));
    let mut stored = Vec::new();
    let (stream, _) = listener.accept().expect("a client");
    assert_eq!(file::store(stream, &mut stored).expect("stored"), 3_000_000);
    assert_eq!(sending.join().expect("no panic").expect("sent"), 3_000_000);
    assert!(stored == content);
}

#[test]
fn the_client_talks_to_the_server() {
    let (listener, url) = listener();
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        server::serve(stream, &ServerOptions::new()).map_err(|error| error.to_string())
    });
    let talk = move || client::talk(&url, &b"one\ntwo\n"[..]).map_err(|error| error.to_string());
    let (outcome, _) = within(PATIENCE, talk);
    assert!(outcome.expect("no error").clean());
    serving.join().expect("no panic").expect("no error");
}
