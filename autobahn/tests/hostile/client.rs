//! A client that does what no client should, on a stream that never blocks.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Server, Stream};
use super::{WRITE, frames, system};

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
    /// How many bytes have been taken from the stream itself.
    taken: usize,
    /// Few may send much at a time: what is measured is not how fast this machine is.
    permit: Option<Permit>,
}

/// A masked frame, with a mask of zeros.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    frames::frame(first, Some([0; 4]), payload)
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
        let (servers_end, taken, permit) = (String::new(), 0, None);
        let mut client = Self { server, stream, tcp, servers_end, taken, permit };
        // A process has to have a stream before it can have closed it.
        let started = Instant::now();
        while client.servers_end.is_empty() {
            assert!(started.elapsed() < PATIENCE, "the server accepts nobody");
            thread::sleep(Duration::from_millis(5));
            let inode = client.system().and_then(|[servers, _]| servers.inode);
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

    /// Sends this again and again until the server takes nothing more.
    pub(crate) fn flood(&mut self, frames: &[u8]) {
        let (mut at, mut last) = (0, Instant::now());
        let started = last;
        while last.elapsed() < PAUSE {
            match self.stream.write(&frames[at..]) {
                Ok(count) => (at, last) = ((at + count) % frames.len(), Instant::now()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(2));
                }
                // It has not read what came back first, for so long.
                Err(_) if started.elapsed() > WRITE => break,
                Err(error) => panic!("the flood is cut short: {error}"),
            }
            assert!(started.elapsed() < PATIENCE, "the server reads for ever");
        }
        self.has_sent_much();
    }

    /// Sends what the server takes at once of this, if it is still there.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        // What comes of it, the server's end tells.
        let _ = self.stream.write(bytes).and_then(|_| self.stream.flush());
    }

    /// Sends more messages than the server reads as long as their echoes are not read, over so many streams there and back; and nothing
    /// half.
    pub(crate) fn send_too_much(&mut self, streams: usize) {
        let message = masked(0x82, &[7; 10_000]);
        // The last half stays with the system, on its way to the server.
        let bytes = system::room() * streams + (256 << 10) + system::room() / 2;
        for _ in 0..bytes / message.len() {
            self.send(&message);
        }
        self.has_sent_much();
    }

    /// Sends messages until what comes back has filled what the system holds for a stream, and little more than that.
    pub(crate) fn fill(&mut self) {
        let message = masked(0x82, &[7; 50_000]);
        let mut sent = 0;
        loop {
            self.send(&message.repeat(4));
            sent += 200_000;
            // A server may take its time to send it back.
            let (mut echoed, mut last) = (self.echoed(), Instant::now());
            while echoed + 20_000 < sent {
                if last.elapsed() > PAUSE {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
                let now = self.echoed();
                if now != echoed {
                    (echoed, last) = (now, Instant::now());
                }
            }
        }
    }

    /// Lets others send much.
    pub(crate) fn has_sent_much(&mut self) {
        self.permit = None;
    }

    /// Takes so many bytes from the stream itself, or those that are there.
    pub(crate) fn take(&mut self, count: usize) {
        let started = Instant::now();
        let end = self.taken + count;
        while self.taken < end && started.elapsed() < PAUSE {
            match self.tcp.read(&mut vec![0; (end - self.taken).min(64 << 10)]) {
                Ok(count) => self.taken += count,
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
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

    /// How many bytes the system holds of what comes back: not sent yet, or not read.
    fn echoed(&self) -> usize {
        let [servers, ours] = self.system().unwrap_or_default();
        servers.unsent + ours.unread
    }

    /// What the system knows of the server's end of the stream, and of ours.
    fn system(&self) -> Option<[system::End; 2]> {
        system::ends(self.server.address.port(), self.tcp.local_addr().unwrap().port())
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

    /// How long after the last that the server has written it has let it go, which it has to within `limit`.
    #[track_caller]
    pub(crate) fn gone_since_it_wrote(
        &mut self,
        limit: Duration,
        mut meanwhile: impl FnMut(&mut Self),
    ) -> Duration {
        // What is known of a stream is a little older than what has been taken from it.
        thread::sleep(PAUSE);
        let (started, mut since, mut written) = (Instant::now(), Instant::now(), 0);
        while self.is_held() {
            let all = self.echoed() + self.taken;
            if all.abs_diff(written) > 64 {
                (written, since) = (all, Instant::now());
            }
            assert!(since.elapsed() < limit, "still there after {:.2?}", since.elapsed());
            assert!(started.elapsed() < PATIENCE, "the server writes for ever");
            meanwhile(self);
            thread::sleep(Duration::from_millis(10));
        }
        since.elapsed()
    }

    /// How long after `since` the server has let it go, though it does nothing.
    #[track_caller]
    pub(crate) fn gone(&mut self, since: Instant, limit: Duration) -> Duration {
        self.gone_while(since, limit, |_| {})
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
