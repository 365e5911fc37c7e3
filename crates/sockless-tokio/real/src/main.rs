//! The side of `sockless-tokio` in the runs against programs that others wrote; `run.sh` starts both. Each command is in a module.
//!
//! ```text
//! real certificates FOLDER             writes an authority and certificates by it: good ones, expired ones, ones for another name
//! real echo [options]                  an echo server
//! real pages CERTIFICATE KEY           a server of a page and a WebSocket, over HTTP/2 and TLS, by axum
//! real reach URL [options]             opens a connection, has some messages echoed, and says how it went
//! real client URL on|off whole|halves  runs the scenarios against a peer's server, with compression or without
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod certificates;
mod client;
mod echo;
mod options;
mod pages;
mod peer;
mod reach;

use std::error::Error;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let done: Result<(), Box<dyn Error>> = match args.next().as_deref() {
        Some("certificates") => certificates::run(args),
        Some("echo") => echo::run(args).await,
        Some("pages") => pages::run(args).await,
        Some("reach") => reach::run(args).await,
        Some("client") => client::run(args).await,
        _ => Err("a command is needed: certificates, echo, pages, reach or client".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("real: {error}");
            ExitCode::FAILURE
        }
    }
}
