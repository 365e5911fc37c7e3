//! Clients in other languages, each in its own process, against sessions of this crate over real TCP.

#![allow(clippy::print_stdout, reason = "a test shows what its clients say")]

mod server;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use server::Server;

/// What happens where a program is missing: the test fails, unless `SOCKLESS_SKIPPED=FILE` allows it, where it is written down.
fn is_missing(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if found {
        return false;
    }
    let file = std::env::var_os("SOCKLESS_SKIPPED").unwrap_or_else(|| panic!("no {program} here"));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).expect("it");
    writeln!(file, "clients of sessions: no {program} here").expect("written down");
    true
}

/// Runs a client, and sees that it is content.
fn run(program: &str, script: &str, server: &Server) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let mut command = Command::new(program);
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(path).arg(server.port().to_string());
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("passes"), "{script}: {}", output.status);
}

/// The specification is enough: this client was written from it alone.
#[test]
fn a_client_in_python() {
    let server = Server::start().expect("a free port");
    run("python3", "tests/clients/python/scenarios.py", &server);
}

/// The client for browsers, on a WebSocket and a store of the test's.
#[test]
fn a_client_in_javascript() {
    if is_missing("node") {
        return;
    }
    let server = Server::start().expect("a free port");
    run("node", "tests/clients/javascript/node.mjs", &server);
}

/// The same in a browser, with its WebSocket, IndexedDB and locks, and with pages that are reloaded and crash.
#[test]
fn a_client_in_chromium() {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = names.iter().any(|name| Command::new(name).arg("--version").output().is_ok());
    if !found && is_missing(names[0]) {
        return;
    }
    let server = Server::start().expect("a free port");
    run("python3", "tests/clients/javascript/browser.py", &server);
}
