//! The load generator: a number of connections, and of messages in flight on each.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::frames;

/// As long as this without an answer, and a server is taken for dead.
const DEAD: Duration = Duration::from_secs(5);

pub struct Load {
    poll: Poll,
    connections: Vec<Connection>,
    /// As many frames as may be in flight.
    frames: Vec<u8>,
    buffer: Box<[u8]>,
    in_flight: u64,
    /// The length of a frame, as it is sent and as it comes back.
    sent_len: u64,
    back_len: u64,
}

struct Connection {
    stream: TcpStream,
    sent: u64,
    back: u64,
}

impl Load {
    /// Opens connections. `raw` if the server sends back what it gets, without a handshake.
    pub fn new(
        address: SocketAddr,
        raw: bool,
        connections: usize,
        in_flight: usize,
        length: usize,
    ) -> io::Result<Self> {
        let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let frame = frames::frame(0x82, Some([0x37, 0xFA, 0x21, 0x3D]), &payload);
        let back_len = match raw {
            true => frame.len(),
            false => frames::frame(0x82, None, &payload).len(),
        };
        let poll = Poll::new()?;
        let connections = (0..connections).map(|place| {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(DEAD))?;
            if !raw {
                open(&mut stream, "")?;
            }
            check(&mut stream, &frame, back_len, &payload)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(place), both)?;
            Ok(Connection { stream, sent: 0, back: 0 })
        });
        let connections = connections.collect::<io::Result<_>>()?;
        Ok(Self {
            poll,
            connections,
            frames: frame.repeat(in_flight),
            buffer: vec![0; 256 << 10].into_boxed_slice(),
            in_flight: in_flight as u64,
            sent_len: frame.len() as u64,
            back_len: back_len as u64,
        })
    }

    /// Keeps the server busy for so long, and lets it come to rest. Returns how many messages came back.
    pub fn run(&mut self, duration: Duration) -> io::Result<u64> {
        let before = self.back();
        let start = Instant::now();
        let mut events = Events::with_capacity(256);
        for place in 0..self.connections.len() {
            self.turn(place, true)?;
        }
        loop {
            let go_on = start.elapsed() < duration;
            if !go_on && self.connections.iter().all(|connection| self.is_at_rest(connection)) {
                return Ok((self.back() - before) / self.back_len);
            }
            match self.poll.poll(&mut events, Some(DEAD)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                return Err(ErrorKind::TimedOut.into());
            }
            for event in &events {
                self.turn(event.token().0, go_on)?;
            }
        }
    }

    fn back(&self) -> u64 {
        self.connections.iter().map(|connection| connection.back).sum()
    }

    fn is_at_rest(&self, connection: &Connection) -> bool {
        connection.sent / self.sent_len == connection.back / self.back_len
            && connection.sent.is_multiple_of(self.sent_len)
            && connection.back.is_multiple_of(self.back_len)
    }

    /// Reads what has come back, and sends as much anew.
    fn turn(&mut self, place: usize, go_on: bool) -> io::Result<()> {
        let connection = &mut self.connections[place];
        loop {
            match connection.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    connection.back += count as u64;
                    if count < self.buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        // What has been begun is completed in any case.
        let whole = connection.sent.next_multiple_of(self.sent_len);
        let wanted = match go_on {
            true => (connection.back / self.back_len + self.in_flight) * self.sent_len,
            false => whole,
        };
        while connection.sent < wanted.max(whole) {
            let from = connection.sent % self.sent_len;
            let to = (from + wanted.max(whole) - connection.sent).min(self.frames.len() as u64);
            match connection.stream.write(&self.frames[from as usize..to as usize]) {
                Ok(count) => connection.sent += count as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The opening handshake, with more header fields.
pub fn open(stream: &mut std::net::TcpStream, fields: &str) -> io::Result<()> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{fields}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet)?;
        head.extend(octet);
    }
    match head.starts_with(b"HTTP/1.1 101 ") {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&head).into_owned())),
    }
}

/// That one message comes back as it is.
fn check(
    stream: &mut std::net::TcpStream,
    frame: &[u8],
    back_len: usize,
    payload: &[u8],
) -> io::Result<()> {
    // A large one may have to be read before it can be written.
    let mut writer = stream.try_clone()?;
    let mut back = vec![0; back_len];
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || writer.write_all(frame));
        stream.read_exact(&mut back)?;
        writing.join().expect("it doesn't panic")
    })?;
    match frames::split_frame(&back) {
        Some((frame, [])) if frame.pair() == (0x82, payload) => Ok(()),
        _ => Err(io::Error::other("another message came back")),
    }
}
