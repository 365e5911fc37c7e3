//! An echo server on tungstenite in our loop on epoll, as its documentation advises for speed: messages are moved and not copied,
//! `write` for each, and one `flush` for all that arrived together.

use std::io::{self, ErrorKind};
use std::net::TcpStream;

use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, WebSocket, accept_with_config};

use super::epoll::{Link, Turn};

/// It fills its buffer with zeros before each read: a smaller one is faster where it is enough.
pub fn read_buffer(length: usize) -> usize {
    if length < 16 << 10 { 16 << 10 } else { 128 << 10 }
}

/// It owns its stream: a second handle of the link's.
pub struct Tungstenite(WebSocket<TcpStream>);

impl Tungstenite {
    pub fn open(stream: &mut TcpStream, length: usize) -> io::Result<Self> {
        let config = WebSocketConfig::default().read_buffer_size(read_buffer(length));
        let opened = accept_with_config(stream.try_clone()?, Some(config));
        opened.map(Self).map_err(|error| io::Error::other(error.to_string()))
    }
}

impl Turn for Tungstenite {
    fn turn(&mut self, _link: &mut Link, _buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            match self.0.read() {
                Ok(message) if message.is_text() || message.is_binary() => {
                    may_wait(self.0.write(message))?;
                }
                Ok(_) => {}
                Err(error) => {
                    may_wait(Err(error))?;
                    may_wait(self.0.flush())?;
                    return Ok(true);
                }
            }
        }
    }
}

/// What could not be written now it has kept, and what could not be read now will come.
fn may_wait(done: tungstenite::Result<()>) -> io::Result<()> {
    match done {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        done => done.map_err(io::Error::other),
    }
}
