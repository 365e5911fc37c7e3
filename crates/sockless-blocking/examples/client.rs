//! A client: sends each line of its input, and prints what comes back. `cargo run --example client -- ws://127.0.0.1:9001`
//!
//! A test counts its lines.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::time::Duration;

use sockless_blocking::connect;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: client URL")?;
    let mut socket = connect(&url)?;
    socket.set_timeout(Duration::from_secs(10));
    for line in std::io::stdin().lines() {
        socket.send(line?)?;
        let Some(message) = socket.recv() else { break };
        println!("{}", message?.as_text().unwrap_or("bytes"));
    }
    println!("{:?}", socket.close(None, "")?.cause);
    Ok(())
}
