//! An echo server on io_uring, on one thread: the kernel is given work, and says what it has done.
//!
//! The loop is `server`: what is completed, who is due, who comes and goes. One client is `client`. What the kernel is given is `ring` with its `buffers`, and how it is
//! written is `stream`, which are the example's. Linux from version 5.19 on.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

#[cfg(target_os = "linux")]
#[path = "../../../../examples/uring/src/buffers.rs"]
mod buffers;
#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
#[path = "../../../../examples/uring/src/ring.rs"]
mod ring;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
#[path = "../../../../examples/uring/src/stream.rs"]
mod stream;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let options = match sockless_autobahn::options::Options::from_args("echo_uring") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let ring = match ring::Ring::new() {
        Ok(ring) => ring,
        Err(error) => {
            eprintln!(
                "echo_uring: the kernel refuses io_uring: {error}. It needs Linux 5.19, sysctl kernel.io_uring_disabled=0, \
                 and a container whose seccomp profile allows it. echo_mio does without."
            );
            return ExitCode::from(2);
        }
    };
    match server::run(&options, ring) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_uring: {}", sockless_autobahn::listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("echo_uring: io_uring is Linux's alone; echo_mio runs here");
    ExitCode::from(2)
}
