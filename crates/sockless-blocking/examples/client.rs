//! A client: sends each line of its input, and prints what comes back. `cargo run --example client -- ws://127.0.0.1:9001`
//!
//! A test counts its lines.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::error::Error;
use std::io::{BufRead, stdin};
use std::time::Duration;

use sockless_blocking::{Outcome, connect};

/// Says each line, and shows each answer; how the connection ended.
pub fn talk(url: &str, lines: impl BufRead) -> Result<Outcome, Box<dyn Error>> {
    let mut socket = connect(url)?;
    socket.set_timeout(Duration::from_secs(10));
    for line in lines.lines() {
        socket.send(line?)?;
        let Some(message) = socket.recv() else { break };
        println!("{}", message?.as_text().unwrap_or("bytes"));
    }
    Ok(socket.close(None, "")?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: client URL")?;
    println!("{:?}", talk(&url, stdin().lock())?.cause);
    Ok(())
}
