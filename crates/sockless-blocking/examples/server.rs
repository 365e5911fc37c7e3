//! An echo server, with a thread for each client. `cargo run --example server -- 127.0.0.1:9001`
//!
//! A test counts its lines.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use sockless_blocking::{ServerOptions, accept};

/// Sends back what one client sends, to the end.
pub fn serve(stream: TcpStream, options: &ServerOptions) -> Result<(), Box<dyn std::error::Error>> {
    let mut socket = accept(stream, options)?;
    while let Some(message) = socket.recv() {
        socket.send(message?)?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let second = Duration::from_secs(1);
    let options = ServerOptions::new().with_keepalive(30 * second, 10 * second);
    let listener = TcpListener::bind(std::env::args().nth(1).ok_or("usage: server ADDRESS")?)?;
    println!("ws://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        let (Ok(stream), options) = (stream, options.clone()) else {
            thread::sleep(second); // too many open files, say
            continue;
        };
        thread::spawn(move || serve(stream, &options).map_err(|error| eprintln!("{error}")));
    }
    Ok(())
}
