//! An echo server that allocates nothing once it has started: `cargo run -p example-heapless [ADDRESS]`.
//!
//! `echo.rs` is the server as a microcontroller would run it: level 1 and the handshake, in buffers of a fixed size, with nothing of the
//! standard library. Here it is given TCP streams (`tcp.rs`), a clock, and a fixed number of threads. Clients beyond that number wait in
//! the system's queue.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod echo;
mod tcp;

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use sockless::frame::Limits;
use sockless::handshake::HeadLimits;

use echo::{Memory, Terms};
use tcp::Tcp;

/// How many clients are served at once.
const CLIENTS: usize = 32;
/// The stack of a thread.
const STACK: usize = 256 << 10;
/// How long a client may take none of what is written to it.
const WRITE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    let terms = Terms {
        limits: Limits::default(),
        handshake: HeadLimits::default(),
        keepalive: Some(Duration::from_secs(30)),
        idle: None,
        close: Duration::from_secs(10),
        page: None,
    };
    println!("ws://{}/ echoes what it gets. Ctrl-C stops it.", listener.local_addr()?);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let mut memory = Box::new(Memory::new());
            let work = {
                let (listener, terms) = (&listener, &terms);
                move || work(listener, terms, &mut memory)
            };
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        }
        Ok(())
    })
}

/// Serves one client after the other. From here on nothing is allocated.
fn work(listener: &TcpListener, terms: &Terms, memory: &mut Memory) {
    let started = Instant::now();
    loop {
        let served = listener
            .accept()
            .and_then(|(stream, _)| Tcp::new(stream, started, &|| false, WRITE))
            .and_then(|mut stream| echo::serve(&mut stream, memory, terms));
        if let Err(error) = served {
            eprintln!("a client was lost: {error}");
            // Too many open files, for example: at once it would be the same again.
            thread::sleep(Duration::from_millis(10));
        }
    }
}
