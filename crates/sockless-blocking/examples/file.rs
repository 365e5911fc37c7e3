//! Sends a file as one message, and stores it at the other side, both in constant memory: `file serve ADDRESS PATH`, then `file URL PATH`.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write, copy};
use std::net::{TcpListener, TcpStream};

use sockless_blocking::{ServerOptions, accept, connect};

/// The longest file that is taken. By default it is 16 MiB, for messages in parts as well.
const LONGEST: u64 = 1 << 40;

/// Stores a client's message, and answers with its length.
pub fn store(stream: TcpStream, file: &mut impl Write) -> Result<u64, Box<dyn Error>> {
    let mut socket = accept(stream, ServerOptions::new().with_max_message(LONGEST))?;
    let mut upload = socket.recv_reader().ok_or("it closed")??;
    let count = copy(&mut upload, file)?;
    drop(upload); // it borrows the socket
    socket.send(count.to_string())?;
    socket.close(None, "")?;
    Ok(count)
}

/// Sends all that can be read as one message; how many bytes the other side has stored.
pub fn send(url: &str, file: &mut impl Read) -> Result<u64, Box<dyn Error>> {
    let mut socket = connect(url)?;
    let mut upload = socket.send_writer();
    copy(file, &mut upload)?;
    upload.finish()?;
    let answer = socket.recv().ok_or("it closed")??;
    let count = answer.as_text().ok_or("no number")?.parse()?;
    socket.close(None, "")?;
    Ok(count)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let count = match arguments[..] {
        ["serve", address, path] => {
            let (stream, _) = TcpListener::bind(address)?.accept()?;
            store(stream, &mut File::create(path)?)?
        }
        [url, path] => send(url, &mut File::open(path)?)?,
        _ => return Err("usage: file serve ADDRESS PATH | file URL PATH".into()),
    };
    println!("{count} bytes");
    Ok(())
}
