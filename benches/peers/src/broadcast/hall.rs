//! A loop on epoll in which what one client sends goes to all of them.

use std::io::{self, ErrorKind, Read as _};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use sockless::extension::Supported;
use sockless::extension::deflate::{Compression, Terms, WindowBits};
use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits};
use sockless::{Config, Connection, Event, Input, Prepared, Server, endpoint};

use crate::echo::epoll::Link;
use crate::echo::opening;

const LISTENER: Token = Token(usize::MAX);

/// What a server does with a client.
pub trait Member: Sized {
    type Message;

    /// The opening handshake, on a stream that still blocks.
    fn open(stream: &mut std::net::TcpStream, compressed: bool) -> io::Result<Self>;
    /// What is to be published of what was read.
    fn arrived(&mut self, bytes: &mut [u8]) -> io::Result<Option<Self::Message>>;
    fn deliver(&mut self, link: &mut Link, message: &Self::Message) -> io::Result<()>;
}

/// Serves until the process is ended.
pub fn serve<M: Member>(tell: impl FnOnce(SocketAddr), compressed: bool) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    listener.set_nonblocking(true)?;
    tell(listener.local_addr()?);
    let mut registered = TcpListener::from_std(listener.try_clone()?);
    poll.registry().register(&mut registered, LISTENER, Interest::READABLE)?;
    let (mut events, mut clients) = (Events::with_capacity(1024), Vec::<(Link, M)>::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => {
                    while let Ok((mut stream, _)) = listener.accept() {
                        stream.set_nonblocking(false)?;
                        stream.set_nodelay(true)?;
                        let client = M::open(&mut stream, compressed)?;
                        stream.set_nonblocking(true)?;
                        let mut stream = TcpStream::from_std(stream);
                        let token = Token(clients.len());
                        poll.registry().register(&mut stream, token, Interest::READABLE)?;
                        clients.push((Link::new(stream), client));
                    }
                }
                Token(place) => {
                    let (link, client) = &mut clients[place];
                    let count = match link.stream.read(&mut buffer) {
                        Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                        count => count?,
                    };
                    if let Some(message) = client.arrived(&mut buffer[..count])? {
                        for (link, client) in &mut clients {
                            client.deliver(link, &message)?;
                        }
                    }
                }
            }
        }
    }
}

/// Knows nothing of WebSocket: what is read is written to all.
pub struct Bare;

impl Member for Bare {
    type Message = Vec<u8>;

    fn open(stream: &mut std::net::TcpStream, _: bool) -> io::Result<Self> {
        opening::answer(stream)?;
        Ok(Self)
    }

    fn arrived(&mut self, bytes: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(Some(bytes.to_vec()))
    }

    fn deliver(&mut self, link: &mut Link, message: &Vec<u8>) -> io::Result<()> {
        link.write(message)
    }
}

/// Ours: a message is prepared once, and queued and written for each.
pub struct Sockless {
    connection: Connection<Server>,
    compressed: bool,
}

impl Member for Sockless {
    type Message = Prepared;

    fn open(stream: &mut std::net::TcpStream, compressed: bool) -> io::Result<Self> {
        let mut head = vec![0; 4096];
        let count = stream.read(&mut head)?;
        let mut acceptor = Acceptor::new(&HeadLimits::default(), Duration::ZERO);
        let mut input = Input::new(&mut head[..count]);
        let Some(Asked::WebSocket(request)) = acceptor.poll(&mut input, Duration::ZERO) else {
            return Err(ErrorKind::InvalidData.into());
        };
        let supported = match compressed {
            true => Supported::default().with_deflate(Terms::default()),
            false => Supported::default(),
        };
        let acceptance = Acceptance::new().with_extensions(supported);
        let (mut connection, _) =
            endpoint::accept(&request, &acceptance, Config::default()).map_err(io::Error::other)?;
        io::Write::write_all(stream, connection.output())?;
        connection.wrote(usize::MAX);
        Ok(Self { connection, compressed })
    }

    fn arrived(&mut self, bytes: &mut [u8]) -> io::Result<Option<Prepared>> {
        let mut input = if bytes.is_empty() { Input::eof() } else { Input::new(bytes) };
        let mut message = None;
        while let Some(event) = self.connection.poll(&mut input, Duration::ZERO) {
            if let Event::Text(text) = event {
                let prepared = Prepared::text(&text);
                message = Some(match self.compressed {
                    true => prepared.compressed(WindowBits::MAX, &Compression::default()),
                    false => prepared,
                });
            }
        }
        Ok(message)
    }

    fn deliver(&mut self, link: &mut Link, message: &Prepared) -> io::Result<()> {
        self.connection.send_prepared(message).map_err(io::Error::other)?;
        link.write(self.connection.output())?;
        self.connection.wrote(usize::MAX);
        Ok(())
    }
}
