//! An echo server on io_uring, on one thread: `cargo run -p example-uring [ADDRESS]`, on Linux from version 5.19 on.
//!
//! The kernel is given work, and says what it has done. The buffers that it reads to and writes from are the ring's meanwhile: so what
//! waits to be written is copied out of the connection, and the rest of a large message is read straight into its own memory. Even
//! Ctrl-C is a completion; every connection then closes with code 1001.
//!
//! Who comes and goes is `server.rs`, one client is `client.rs`, what the kernel is given is `ring.rs`, and
//! the buffers that it reads to are `buffers.rs`.

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
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let ring = match ring::Ring::new() {
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
