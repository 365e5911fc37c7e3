//! A client's WebSocket: opened while nothing else happens, then one of many in a loop.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::frames::{Counter, text};
use super::wrong;

/// A connection to the main namespace.
pub struct Client {
    stream: TcpStream,
    counter: Counter,
    /// What the stream hasn't taken yet.
    unsent: Vec<u8>,
}

impl Client {
    /// Opens it, and waits until it is connected to the namespace.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             User-Agent: versus\r\nAccept: */*\r\nAccept-Language: en\r\nOrigin: http://{address}\r\n\r\n"
        )?;
        let head = read_until(&mut stream, b"\r\n\r\n")?;
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(wrong(String::from_utf8_lossy(&head)));
        }
        // The first message is of Engine.IO; the answer to the second is that of the namespace.
        read_until(&mut stream, b"}")?;
        stream.write_all(&text("40"))?;
        let connected = read_until(&mut stream, b"}")?;
        if !connected.windows(3).any(|window| window == b"40{") {
            return Err(wrong(String::from_utf8_lossy(&connected)));
        }
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self { stream, counter: Counter::default(), unsent: Vec::new() })
    }

    /// Lets a loop wait for it.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Takes it out of the loop again.
    pub fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut self.stream)
    }

    /// Sends this, and what couldn't be sent before.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(bytes);
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads all that is there: how many messages end in it. Each has to have this length.
    pub fn receive(&mut self, buffer: &mut [u8], length: usize) -> io::Result<usize> {
        let (mut count, mut other) = (0, None);
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(wrong("the server has closed a connection")),
                Ok(read) => {
                    count += self.counter.count(&buffer[..read], |its| {
                        other = other.or((its != length).then_some(its));
                    });
                    if read < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        for _ in 0..self.counter.take_beats() {
            self.send(&text("3"))?;
        }
        match other {
            Some(its) => Err(wrong(format!("a message of {its} bytes instead of {length}"))),
            None => Ok(count),
        }
    }
}

/// Reads until what was read ends so.
fn read_until(stream: &mut std::net::TcpStream, end: &[u8]) -> io::Result<Vec<u8>> {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(end) {
        stream.read_exact(&mut byte)?;
        read.push(byte[0]);
    }
    Ok(read)
}
