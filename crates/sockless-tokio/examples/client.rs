//! A client: sends each line of its input, and prints what arrives. `cargo run --example client -- wss://example.com/feed`

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::time::Duration;

use sockless_tokio::{ClientOptions, Outcome, connect_with};
use tokio::sync::mpsc;

/// Talks to a server until one of the two closes; how that was.
pub async fn talk(
    url: &str,
    mut lines: mpsc::Receiver<String>,
    mut show: impl FnMut(&[u8]),
) -> Result<Outcome, Box<dyn std::error::Error>> {
    let second = Duration::from_secs(1);
    let options =
        ClientOptions::new().with_proxy_from_environment().with_keepalive(30 * second, 10 * second);
    let mut socket = connect_with(url, options).await?;
    let mut more = true;
    loop {
        // Both futures may be dropped, whichever is ready first.
        tokio::select! {
            message = socket.recv() => match message {
                Some(message) => show(message?.as_bytes()),
                None => return Ok(socket.outcome()),
            },
            line = lines.recv(), if more => match line {
                Some(line) => socket.send(line).await?,
                None => {
                    // What the server has still to say is received before it closes, too.
                    more = false;
                    // One that closes already needs no more.
                    let _ = socket.start_close(None, "");
                }
            },
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: client URL")?;
    let show = |message: &[u8]| println!("{}", String::from_utf8_lossy(message));
    let (said, lines) = mpsc::channel(1);
    // Reading what is typed blocks: it has a thread.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if said.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let outcome = talk(&url, lines, show).await?;
    println!("closed: {:?}", outcome.cause);
    Ok(())
}
