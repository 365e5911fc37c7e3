//! What the servers share that are compared with: the loop of one thread over epoll, and a stream that asks the system for
//! nothing it knows already. `echo_mio` does both in the same way, so that what differs is what stands on top.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

/// A stream, which can spare the system the question whether there is more.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    sparing: bool,
    readable: bool,
    ended: bool,
}

impl Link {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, sparing: false, readable: true, ended: false })
    }

    /// From now on it does not wait. With `sparing`, a read that was not filled is taken to have emptied the stream, and the next
    /// one fails without asking the system, until the poll tells of something new.
    pub fn stop_waiting(&mut self, sparing: bool) -> io::Result<()> {
        self.sparing = sparing;
        self.stream.set_nonblocking(true)
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.sparing && !self.readable {
            return Err(ErrorKind::WouldBlock.into());
        }
        let read = self.stream.read(buffer);
        match &read {
            Ok(count) => self.readable = *count == buffer.len() || self.ended,
            Err(error) => self.readable = error.kind() != ErrorKind::WouldBlock,
        }
        read
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client of such a server.
pub trait Client: Sized {
    /// Opens it, on a stream that waits.
    fn open(link: Link) -> io::Result<Self>;
    /// Its stream.
    fn link(&mut self) -> &mut Link;
    /// Does what can be done without waiting; `Ok` if it goes on.
    fn turn(&mut self) -> io::Result<()>;
}

/// Serves on a port of the system's choice, until the process is ended. Prints the address.
pub fn serve<C: Client>(program: &str, sparing: bool) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{program} listens on http://{}/", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut SourceFd(&listener.as_raw_fd()), LISTENER, Interest::READABLE)?;
    listener.set_nonblocking(true)?;
    let mut clients: Slab<C> = Slab::new();
    let mut events = Events::with_capacity(1024);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(false)?;
                    let Ok(mut client) = C::open(Link::new(stream)?) else { continue };
                    client.link().stop_waiting(sparing)?;
                    let entry = clients.vacant_entry();
                    poll.registry().register(
                        &mut SourceFd(&client.link().stream.as_raw_fd()),
                        Token(entry.key()),
                        Interest::READABLE | Interest::WRITABLE,
                    )?;
                    entry.insert(client);
                }
                continue;
            }
            let key = event.token().0;
            let Some(client) = clients.get_mut(key) else { continue };
            let link = client.link();
            link.ended |= event.is_read_closed() || event.is_error();
            link.readable |= event.is_readable() || link.ended;
            if client.turn().is_err() {
                clients.remove(key);
            }
        }
    }
}
