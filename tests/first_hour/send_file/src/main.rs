//! Sends a file as one message, and stores it at the other side, both in constant memory: `send_file serve ADDRESS PATH`, then
//! `send_file URL PATH`.

use std::error::Error;

use sockless_tokio::{ServerOptions, accept, connect};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};

/// The longest file that is taken. By default it is 16 MiB, for messages in parts as well.
const LONGEST: u64 = 1 << 40;

/// Stores a client's message, and answers with its length.
pub async fn store(
    stream: TcpStream,
    file: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, Box<dyn Error>> {
    let options = ServerOptions::new().with_max_message(LONGEST);
    let mut socket = accept(stream, options).await?;
    let mut upload = socket.recv_reader().await.ok_or("it closed")??;
    let count = copy(&mut upload, file).await?;
    file.shutdown().await?;
    drop(upload); // it borrows the socket
    socket.send(count.to_string()).await?;
    socket.close(None, "").await?;
    Ok(count)
}

/// Sends all that can be read as one message; how many bytes the other side has stored.
pub async fn send(url: &str, file: &mut (impl AsyncRead + Unpin)) -> Result<u64, Box<dyn Error>> {
    let mut socket = connect(url).await?;
    let mut upload = socket.send_writer();
    copy(file, &mut upload).await?;
    upload.shutdown().await?;
    let answer = socket.recv().await.ok_or("it closed")??;
    let count = answer.as_text().ok_or("no number")?.parse()?;
    socket.close(None, "").await?;
    Ok(count)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let count = match arguments[..] {
        ["serve", address, path] => {
            let listener = TcpListener::bind(address).await?;
            println!("ws://{}/", listener.local_addr()?);
            let (stream, _) = listener.accept().await?;
            store(stream, &mut File::create(path).await?).await?
        }
        [url, path] => send(url, &mut File::open(path).await?).await?,
        _ => return Err("usage: send_file serve ADDRESS PATH | send_file URL PATH".into()),
    };
    println!("{count} bytes");
    Ok(())
}
