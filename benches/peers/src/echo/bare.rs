//! Echo servers that know nothing of WebSocket: what it costs to read and to write.

use std::io::{self, Read as _};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::epoll::{Link, Turn};

/// On epoll.
pub struct Bare;

impl Turn for Bare {
    fn turn(&mut self, link: &mut Link, buffer: &mut [u8]) -> io::Result<bool> {
        let count = link.stream.read(buffer)?;
        link.write(&buffer[..count])?;
        // A read that is not filled has emptied the stream.
        Ok(count < buffer.len())
    }
}

/// On tokio, with a task and a buffer for each.
pub async fn on_tokio(mut stream: tokio::net::TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
}
