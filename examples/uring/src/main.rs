//! An echo server on io_uring, on one thread: `cargo run -p example-uring [ADDRESS]`, on Linux from version 5.19 on.
//!
//! The kernel is given work, and says what it has done; one call does both for all clients, and waits. What arrives it reads into buffers that it
//! chooses from the ring's, as long as a connection wants it, and there it is decoded in place. What waits to be written is written at once, out of the
//! connection: to hand it to the ring would mean to copy it, and a completion more to look at. Even Ctrl-C is a completion; every connection
//! then closes with code 1001.
//!
//! Before Linux 6.1 each read has to be asked for by itself. `cargo run -p example-uring ADDRESS 5.19` does so on any kernel.
//!
//! Who comes and goes is `server.rs`, one client is `client.rs`, what the kernel is given is `ring.rs`, the buffers that it reads to are
//! `buffers.rs`, and how it is written is `stream.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

#[cfg(target_os = "linux")]
mod buffers;
#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod stream;

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let ring = match std::env::args().nth(2).as_deref() {
        Some("5.19") => ring::Ring::of_linux_5_19(),
        _ => ring::Ring::new(),
    };
    let ring = match ring {
        Ok(ring) => ring,
        Err(error) => {
            eprintln!(
                "The kernel refuses io_uring: {error}. It needs Linux 5.19, sysctl kernel.io_uring_disabled=0, and a container whose \
                 seccomp profile allows it. example-mio does without."
            );
            std::process::exit(2);
        }
    };
    Ok(server::run(&address, ring)?)
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("io_uring is Linux's alone; example-mio runs here.");
    std::process::exit(2);
}
