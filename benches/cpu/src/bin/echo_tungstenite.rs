//! An echo server on tungstenite, on one thread over epoll, as its documentation advises for speed: messages are moved and not
//! copied, `write` for each, one `flush` for all that arrived together.
//!
//! Its arguments are the size of its read buffer in bytes, and `sparing` for a stream that spares the system the question whether
//! there is more to read.

use std::io::{self, ErrorKind};

use echo_cpu::{Client, Link, serve};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, WebSocket, accept_with_config};

struct Echo(WebSocket<Link>);

impl Client for Echo {
    fn open(link: Link) -> io::Result<Self> {
        let size = std::env::args().nth(1).unwrap_or_default();
        let size = size.parse().map_err(io::Error::other)?;
        let config = WebSocketConfig::default().read_buffer_size(size);
        let opened = accept_with_config(link, Some(config));
        Ok(Self(opened.map_err(|error| io::Error::other(error.to_string()))?))
    }

    fn link(&mut self) -> &mut Link {
        self.0.get_mut()
    }

    fn turn(&mut self) -> io::Result<()> {
        loop {
            match self.0.read() {
                Ok(message) if message.is_text() || message.is_binary() => {
                    may_wait(self.0.write(message))?;
                }
                Ok(_) => {}
                error => {
                    may_wait(error.map(drop))?;
                    return may_wait(self.0.flush());
                }
            }
        }
    }
}

/// What could not be written now has been kept, and what could not be read now will come.
fn may_wait(done: tungstenite::Result<()>) -> io::Result<()> {
    match done {
        Ok(()) => Ok(()),
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn main() -> io::Result<()> {
    serve::<Echo>("echo_tungstenite", std::env::args().nth(2).as_deref() == Some("sparing"))
}
