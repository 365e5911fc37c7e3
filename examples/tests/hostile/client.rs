//! A client that does what no client should, on a stream that never blocks.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Server, Stream};

/// How long a server takes nothing more before it has stopped reading.
const PAUSE: Duration = Duration::from_millis(150);
/// How long anything may take that isn't measured.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client.
pub(crate) struct Hostile<'s> {
    server: &'s Server,
    stream: Box<dyn Stream>,
    pub(crate) tcp: TcpStream,
    /// The server's end, as the system calls it.
    servers_end: String,
    /// Few may send much at a time: what is measured is not how fast this machine is.
    permit: Option<Permit>,
}

/// A masked frame, with a mask of zeros.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..65_536 => {
            frame.push(0xFE);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0xFF);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The request for a WebSocket.
pub(crate) const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

impl<'s> Hostile<'s> {
    /// A TCP stream to the server, on which nothing is said: not even TLS.
    pub(crate) fn dial(server: &'s Server) -> Self {
        let tcp = server.tcp();
        Self::new(server, Box::new(tcp.try_clone().unwrap()), tcp)
    }

    /// A stream to the server, with TLS if it wants that, on which no request has been made.
    pub(crate) fn connect(server: &'s Server) -> Self {
        let (mut stream, tcp) = server.stream_and_tcp();
        // The handshake of TLS.
        stream.flush().unwrap();
        Self::new(server, stream, tcp)
    }

    fn new(server: &'s Server, stream: Box<dyn Stream>, tcp: TcpStream) -> Self {
        tcp.set_nonblocking(true).unwrap();
        let (servers_end, permit) = (String::new(), None);
        let mut client = Self { server, stream, tcp, servers_end, permit };
        // A process has to have a stream before it can have closed it.
        let started = Instant::now();
        while client.servers_end.is_empty() {
            assert!(started.elapsed() < PATIENCE, "the server accepts nobody");
            thread::sleep(Duration::from_millis(5));
            let inode = client.figure(9).filter(|inode| inode != "0");
            client.servers_end =
                inode.map_or_else(String::new, |inode| format!("socket:[{inode}]"));
        }
        client
    }

    /// An open WebSocket.
    pub(crate) fn open(server: &'s Server) -> Self {
        let mut client = Self::connect(server);
        client.send(REQUEST);
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.extend(client.read(1).expect("an answer"));
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        client
    }

    /// The same, for one that is going to send much: it waits until it may.
    pub(crate) fn open_to_send_much(server: &'s Server) -> Self {
        let permit = Some(Permit::get());
        Self { permit, ..Self::open(server) }
    }

    /// The same, without the request.
    pub(crate) fn connect_to_send_much(server: &'s Server) -> Self {
        let permit = Some(Permit::get());
        Self { permit, ..Self::connect(server) }
    }

    /// Sends all of it.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) {
        let started = Instant::now();
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(started.elapsed() < PATIENCE, "the server doesn't read");
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("it can't be sent: {error}"),
            }
        }
        self.flush();
    }

    /// With TLS, what has been encrypted.
    fn flush(&mut self) {
        let started = Instant::now();
        while let Err(error) = self.stream.flush() {
            if error.kind() != ErrorKind::WouldBlock || started.elapsed() > PAUSE {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Sends this again and again until the server takes nothing more; when it did the last of all.
    pub(crate) fn flood(&mut self, frames: &[u8]) -> Instant {
        let (mut at, mut last) = (0, Instant::now());
        let started = last;
        let mut queues = None;
        while last.elapsed() < PAUSE {
            // A server may have much to do when it has read the last.
            if queues != self.figures() {
                (queues, last) = (self.figures(), Instant::now());
            }
            match self.stream.write(&frames[at..]) {
                Ok(count) => (at, last) = ((at + count) % frames.len(), Instant::now()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(2));
                }
                Err(error) => panic!("the flood is cut short: {error}"),
            }
            assert!(started.elapsed() < PATIENCE, "the server reads for ever");
        }
        self.has_sent_much();
        last
    }

    /// Sends what the server takes at once of this, if it is still there.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        // What comes of it, the server's end tells.
        let _ = self.stream.write(bytes).and_then(|_| self.stream.flush());
    }

    /// Sends this again and again until the server leaves it unread.
    pub(crate) fn send_until_unread(&mut self, frames: &[u8]) {
        let (mut read, started) = (Instant::now(), Instant::now());
        while read.elapsed() < PAUSE {
            assert!(started.elapsed() < PATIENCE, "the server reads for ever");
            if self.is_unread() {
                thread::sleep(Duration::from_millis(5));
            } else {
                self.send(frames);
                read = Instant::now();
            }
        }
        self.has_sent_much();
    }

    /// Sends messages until what comes back has filled what the system holds for a stream, and no more than that; or until nothing
    /// more is taken.
    pub(crate) fn fill(&mut self) {
        let message = masked(0x82, &[7; 50_000]);
        let mut sent = 0;
        loop {
            self.send(&message.repeat(4));
            sent += 200_000;
            // A server may take its time to send it back.
            let mut held = None;
            while held != self.figures() {
                held = self.figures();
                thread::sleep(PAUSE);
            }
            let held = self.queue(true, 0) + self.queue(false, 1);
            if held + 20_000 < sent || self.is_unread() {
                return self.has_sent_much();
            }
        }
    }

    /// Lets others send much.
    pub(crate) fn has_sent_much(&mut self) {
        self.permit = None;
    }

    /// Takes a byte from the stream itself.
    pub(crate) fn read_a_byte(&mut self) {
        let _ = self.tcp.read(&mut [0]);
    }

    /// The next bytes, up to so many; nothing at the end of the stream. An error if none come.
    pub(crate) fn read(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let (started, mut bytes) = (Instant::now(), vec![0; most]);
        loop {
            match self.stream.read(&mut bytes) {
                Ok(count) => {
                    bytes.truncate(count);
                    return Ok(bytes);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if started.elapsed() > PATIENCE {
                        return Err(ErrorKind::TimedOut.into());
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// All bytes to the end of the stream.
    pub(crate) fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match self.read(64 << 10)? {
                bytes if bytes.is_empty() => return Ok(all),
                bytes => all.extend(bytes),
            }
        }
    }

    /// Whether the server's process still has its end of the stream.
    pub(crate) fn is_held(&self) -> bool {
        self.server.files().any(|file| file.as_os_str() == self.servers_end.as_str())
    }

    /// Whether something has arrived that the server has not read.
    fn is_unread(&self) -> bool {
        self.queue(true, 1) > 0
    }

    /// How many bytes the system holds for the server's end of the stream, or ours: to be sent (0), or to be read (1).
    fn queue(&self, servers: bool, queue: usize) -> usize {
        let queues = self.figure_of(servers, 4).unwrap_or_default();
        let hex = queues.split(':').nth(queue).unwrap_or("0");
        usize::from_str_radix(hex, 16).unwrap()
    }

    /// What the system holds for the stream.
    fn figures(&self) -> Option<(String, String)> {
        Some((self.figure_of(true, 4)?, self.figure_of(false, 4)?))
    }

    /// A figure that the system has of the server's end of the stream, by its column.
    fn figure(&self, column: usize) -> Option<String> {
        self.figure_of(true, column)
    }

    fn figure_of(&self, servers: bool, column: usize) -> Option<String> {
        let ports = (self.server.address.port(), self.tcp.local_addr().unwrap().port());
        let (near, far) = if servers { ports } else { (ports.1, ports.0) };
        let ends = format!(" 0100007F:{near:04X} 0100007F:{far:04X} ");
        let line = streams().lines().find(|line| line.contains(&ends))?.to_owned();
        line.split_whitespace().nth(column).map(str::to_owned)
    }

    /// How long after `since` the server has let it go, which it has to within `limit`; meanwhile it does this.
    #[track_caller]
    pub(crate) fn gone_while(
        &mut self,
        since: Instant,
        limit: Duration,
        mut meanwhile: impl FnMut(&mut Self),
    ) -> Duration {
        while self.is_held() {
            assert!(since.elapsed() < limit, "still there after {:.2?}", since.elapsed());
            meanwhile(self);
            thread::sleep(Duration::from_millis(10));
        }
        since.elapsed()
    }

    /// The same, for one that does nothing.
    #[track_caller]
    pub(crate) fn gone(&mut self, since: Instant, limit: Duration) -> Duration {
        self.gone_while(since, limit, |_| {})
    }
}

/// The system's table of streams. It takes long to make, and serves all for a while.
fn streams() -> Arc<str> {
    static TABLE: Mutex<Option<(Instant, Arc<str>)>> = Mutex::new(None);
    let mut table = TABLE.lock().unwrap();
    match &*table {
        Some((at, table)) if at.elapsed() < Duration::from_millis(30) => Arc::clone(table),
        _ => {
            let read: Arc<str> = std::fs::read_to_string("/proc/net/tcp").unwrap().into();
            *table = Some((Instant::now(), Arc::clone(&read)));
            read
        }
    }
}

/// A permit to send much.
struct Permit;

static PERMITS: Mutex<u8> = Mutex::new(3);
static RETURNED: Condvar = Condvar::new();

impl Permit {
    fn get() -> Self {
        let mut left = RETURNED.wait_while(PERMITS.lock().unwrap(), |left| *left == 0).unwrap();
        *left -= 1;
        Self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *PERMITS.lock().unwrap() += 1;
        RETURNED.notify_one();
    }
}
