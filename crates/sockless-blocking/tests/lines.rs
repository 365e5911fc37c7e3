//! How long the first programs are, in lines that are neither blank nor comments, as rustfmt lays them out.

/// Counts, without what only this repository's lints ask for.
fn lines(program: &str) -> usize {
    let counts = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("//") && !line.starts_with("#![allow(clippy::print")
    };
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
