//! Uploads 1 GiB, or the number of MiB in its argument, as one message, and downloads as much again: both in constant memory, with the progress.
//! `cargo run --release --example transfer -- serve 127.0.0.1:9001`, and `... -- ws://127.0.0.1:9001 100`

#![allow(clippy::print_stderr, reason = "a program talks to its user")]

use sockless_tokio::{
    ClientOptions, Listener, NetStream, Server, ServerOptions, WebSocket, connect_with,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, repeat, sink};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How much is shown of the progress: its name, what is done, and all.
pub type Progress = fn(&str, u64, u64);

/// The longest message that the server takes.
const LONGEST: u64 = 4 << 30;

/// Takes messages, in parts, and sends back as many bytes as each had.
async fn serve(mut socket: WebSocket<NetStream, Server>) -> Result<()> {
    loop {
        let length = match socket.recv_reader().await {
            Some(upload) => copy(&mut upload?, &mut sink()).await?,
            None => return Ok(()),
        };
        let mut download = socket.send_writer();
        copy(&mut repeat(7).take(length), &mut download).await?;
        download.shutdown().await?;
    }
}

/// A server that takes messages up to 4 GiB, until it is dropped.
pub async fn run(listener: Listener) {
    let options = ServerOptions::new().with_max_message(LONGEST);
    let each = |socket, _address| async move {
        if let Err(error) = serve(socket).await {
            eprintln!("transfer: {error}");
        }
    };
    listener.with_options(options).run(std::future::pending(), each).await;
}

/// Uploads `all` bytes, and downloads what comes back: how many bytes that is.
pub async fn transfer(url: &str, all: u64, progress: Progress) -> Result<u64> {
    let options = ClientOptions::new().with_max_message(all);
    let mut socket = connect_with(url, options).await?;
    let mut buffer = vec![7; 64 << 10];

    let (mut upload, mut done) = (socket.send_writer(), 0);
    while done < all {
        let next = buffer.len().min((all - done) as usize);
        done += upload.write(&buffer[..next]).await? as u64;
        progress("up", done, all);
    }
    upload.shutdown().await?;

    let mut download = socket.recv_reader().await.ok_or("it closed")??;
    let mut done = 0;
    loop {
        match download.read(&mut buffer).await? {
            0 => break,
            count => done += count as u64,
        }
        progress("down", done, all);
    }
    drop(download);
    socket.close(None, "").await?;
    Ok(done)
}

/// Draws a bar over the one before.
fn draw(name: &str, done: u64, all: u64) {
    let tenths = (done * 20 / all.max(1)) as usize;
    eprint!("\r{name:>4} [{:<20}] {:3} %", "=".repeat(tenths), done * 100 / all.max(1));
    if done == all {
        eprintln!();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let first = args.next().ok_or("usage: transfer URL [MiB] | transfer serve [ADDRESS:PORT]")?;
    if first == "serve" {
        let address = args.next().unwrap_or_else(|| "127.0.0.1:9001".into());
        run(Listener::bind(address).await?).await;
        return Ok(());
    }
    let all: u64 = args.next().map_or(Ok(1024), |mib| mib.parse())? << 20;
    transfer(&first, all, draw).await?;
    Ok(())
}
