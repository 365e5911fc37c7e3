//! The subscribers: many connections, of which the first one publishes.

use std::io::{self, ErrorKind, Read, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

use crate::echo::load;
use crate::frames;

/// As long as this without anything, and a server is taken for dead.
const DEAD: Duration = Duration::from_secs(10);
/// What servers may still do with a client after the opening handshake.
const SETTLE: Duration = Duration::from_millis(200);
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                     client_no_context_takeover\r\n";
/// FIN, RSV1 and the opcode of a text.
const TEXT: u8 = 0x81;
const COMPRESSED_TEXT: u8 = 0xC1;
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

pub struct Audience {
    poll: Poll,
    streams: Vec<TcpStream>,
    /// How much of the message each of them has.
    got: Vec<usize>,
    buffer: Box<[u8]>,
    compressed: bool,
    /// What is sent to publish, and how long it is when it comes.
    publication: Vec<u8>,
    length: usize,
}

impl Audience {
    pub fn gather(address: SocketAddr, count: usize, compressed: bool) -> io::Result<Self> {
        let poll = Poll::new()?;
        let offer = if compressed { OFFER } else { "" };
        let streams = (0..count).map(|place| {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(DEAD))?;
            load::open(&mut stream, offer)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(place), Interest::READABLE)?;
            Ok(stream)
        });
        let streams = streams.collect::<io::Result<_>>()?;
        std::thread::sleep(SETTLE);
        Ok(Self {
            poll,
            streams,
            got: vec![0; count],
            buffer: vec![0; 64 << 10].into_boxed_slice(),
            compressed,
            publication: Vec::new(),
            length: 0,
        })
    }

    /// Publishes a text once, and looks at what comes. A bare server is sent the frame itself.
    pub fn learn(&mut self, text: &str, bare: bool) -> io::Result<()> {
        self.publication = match (bare, self.compressed) {
            (false, _) => frames::frame(TEXT, Some([0x37, 0xFA, 0x21, 0x3D]), text.as_bytes()),
            (true, false) => frames::frame(TEXT, None, text.as_bytes()),
            (true, true) => frames::frame(COMPRESSED_TEXT, None, &compress(text)),
        };
        self.length = usize::MAX;
        let first = self.publish()?;
        let (wanted, payload) = match frames::split_frame(&first) {
            Some((frame, [])) if frame.first == TEXT && !self.compressed => (text, frame.payload),
            Some((frame, [])) if frame.first == COMPRESSED_TEXT && self.compressed => {
                (text, inflate(&frame.payload, text.len()))
            }
            _ => return Err(io::Error::other("no frame, or one that isn't compressed as agreed")),
        };
        if payload != wanted.as_bytes() {
            return Err(io::Error::other("another message came"));
        }
        // Once more, now that its length is known.
        self.publish().map(drop)
    }

    /// Publishes again and again for so long. Returns how often.
    pub fn publish_for(&mut self, duration: Duration) -> io::Result<u64> {
        let (start, mut count) = (Instant::now(), 0);
        while count == 0 || start.elapsed() < duration {
            self.publish()?;
            count += 1;
        }
        Ok(count)
    }

    /// Publishes, and waits until all have it. Returns what the first one got, if the length wasn't known.
    fn publish(&mut self) -> io::Result<Vec<u8>> {
        let (mut events, mut first) = (Events::with_capacity(1024), Vec::new());
        self.got.fill(0);
        let mut missing = self.streams.len();
        self.streams[0].write_all(&self.publication)?;
        while missing > 0 {
            match self.poll.poll(&mut events, Some(DEAD)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                return Err(io::Error::other(format!("{missing} get nothing")));
            }
            for event in &events {
                let place = event.token().0;
                let count = read(&mut self.streams[place], &mut self.buffer)?;
                self.got[place] += count;
                if self.length == usize::MAX && place == 0 {
                    first.extend_from_slice(&self.buffer[..count]);
                    if let Some((_, rest)) = frames::split_frame(&first) {
                        self.length = first.len() - rest.len();
                        missing = self.got.iter().filter(|got| **got < self.length).count();
                    }
                } else if count > 0 && self.got[place] == self.length {
                    missing -= 1;
                }
                if self.got[place] > self.length {
                    return Err(io::Error::other("more came than was published"));
                }
            }
        }
        Ok(first)
    }
}

/// Reads all that there is, which is less than the buffer holds.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    match stream.read(buffer) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        read => read,
    }
}

fn compress(text: &str) -> Vec<u8> {
    let mut payload = vec![0; text.len() + 100];
    let mut deflate = Deflate::new(6, false, 15);
    deflate.compress(text.as_bytes(), &mut payload, DeflateFlush::SyncFlush).expect("room");
    payload.truncate(deflate.total_out() as usize - TAIL.len());
    payload
}

fn inflate(payload: &[u8], length: usize) -> Vec<u8> {
    let (mut inflate, mut text) = (Inflate::new(false, 15), vec![0; length + 100]);
    let whole = [payload, &TAIL].concat();
    let _ = inflate.decompress(&whole, &mut text, InflateFlush::NoFlush);
    text.truncate(inflate.total_out() as usize);
    text
}
