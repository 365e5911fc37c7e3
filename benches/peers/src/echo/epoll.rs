//! A loop on epoll, for servers that do their own reading and writing.

use std::io::{self, ErrorKind, IoSlice, Write as _};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);
/// How much is read at once: as much as `echo_mio` does.
const READ: usize = 256 << 10;

/// What a server does with a client that has become readable.
pub trait Turn {
    /// Reads what there is, and writes the answer. Returns whether the stream is empty now. `buffer` is for whoever needs one.
    fn turn(&mut self, link: &mut Link, buffer: &mut [u8]) -> io::Result<bool>;
}

/// A stream, and what the system has not taken yet.
pub struct Link {
    pub stream: TcpStream,
    rest: Vec<u8>,
}

impl Link {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, rest: Vec::new() }
    }

    /// Writes, and keeps what the system doesn't take.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if !self.rest.is_empty() {
            self.rest.extend_from_slice(bytes);
            return Ok(());
        }
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.rest = bytes.to_vec();
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes two slices by one call.
    pub fn write_both(&mut self, header: &[u8], payload: &[u8]) -> io::Result<()> {
        let mut count = 0;
        if self.rest.is_empty() {
            count = match self.stream.write_vectored(&[header, payload].map(IoSlice::new)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                count => count?,
            };
        }
        self.write(&header[count.min(header.len())..])?;
        self.write(&payload[count.saturating_sub(header.len())..])
    }
}

/// Serves until the process is ended. `open` has the stream while it still blocks, for a handshake.
pub fn serve<T: Turn>(
    tell: impl FnOnce(SocketAddr),
    open: impl Fn(&mut std::net::TcpStream) -> io::Result<T>,
) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    listener.set_nonblocking(true)?;
    tell(listener.local_addr()?);
    let mut registered = TcpListener::from_std(listener.try_clone()?);
    poll.registry().register(&mut registered, LISTENER, Interest::READABLE)?;
    let (mut events, mut clients) = (Events::with_capacity(1024), Vec::<(Link, T)>::new());
    let mut buffer = vec![0; READ];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => {
                    while let Ok((mut stream, _)) = listener.accept() {
                        stream.set_nonblocking(false)?;
                        stream.set_nodelay(true)?;
                        let client = open(&mut stream)?;
                        stream.set_nonblocking(true)?;
                        let mut stream = TcpStream::from_std(stream);
                        let both = Interest::READABLE | Interest::WRITABLE;
                        poll.registry().register(&mut stream, Token(clients.len()), both)?;
                        clients.push((Link::new(stream), client));
                    }
                }
                Token(place) => {
                    let (link, client) = &mut clients[place];
                    // One that is lost isn't heard of again.
                    let _ = turn(link, client, &mut buffer);
                }
            }
        }
    }
}

fn turn<T: Turn>(link: &mut Link, client: &mut T, buffer: &mut [u8]) -> io::Result<()> {
    let rest = std::mem::take(&mut link.rest);
    link.write(&rest)?;
    while link.rest.is_empty() {
        match client.turn(link, buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
            Ok(true) => break,
            Ok(false) => {}
        }
    }
    Ok(())
}
