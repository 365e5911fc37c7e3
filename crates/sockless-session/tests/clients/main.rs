//! Clients in other languages, each in its own process, against sessions of this crate over real TCP.

#![allow(clippy::print_stdout, reason = "a test shows what its clients say")]

mod server;

use std::path::Path;
use std::process::Command;

use server::Server;

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
