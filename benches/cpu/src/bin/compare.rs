//! Starts the servers in turn, keeps a number of messages in flight on each of a few connections, and compares the processor time
//! of the server's process for a message.
//!
//! `compare ECHO_MIO [--rounds N] [--messages N]`, where ECHO_MIO is the program to be judged.
//!
//! tungstenite is compared with at its best by its own documentation: with the best of three sizes of its read buffer. One row more
//! shows it on a stream of ours that spares system calls, as echo_mio does by itself.
//!
//! Exit status: 0 if the judged server needs less than half of tungstenite's time, 1 if not, 2 if it can't be measured here.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// How many connections there are, and how many messages of which length are in flight on each.
const CONNECTIONS: usize = 10;
const IN_FLIGHT: usize = 64;
const LEN: usize = 16;
/// The masked frame, and the one that comes back.
const SENT: usize = 2 + 4 + LEN;
const ECHOED: usize = 2 + LEN;
/// What part of tungstenite's time the judged server may need.
const BOUND: f64 = 0.5;
/// How long the messages of one round may take. They take well under a second.
const PATIENCE: Duration = Duration::from_secs(60);

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct Contender {
    name: &'static str,
    program: PathBuf,
    args: &'static [&'static str],
    /// Whether it speaks WebSocket; otherwise every byte comes back as it was sent.
    websocket: bool,
    nanoseconds: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, program: PathBuf, args: &'static [&'static str]) -> Self {
        Self { name, program, args, websocket: true, nanoseconds: Vec::new() }
    }

    fn median(&self) -> f64 {
        let mut sorted = self.nanoseconds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        }
    }

    fn spread(&self) -> (f64, f64) {
        let least = self.nanoseconds.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.nanoseconds.iter().copied().fold(0.0, f64::max))
    }
}

fn main() -> ExitCode {
    match compare() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::from(2)
        }
    }
}

fn compare() -> io::Result<bool> {
    let (judged, rounds, messages) = arguments()?;
    let here = std::env::current_exe()?;
    let beside = |name: &str| here.parent().unwrap_or(Path::new(".")).join(name);
    let mut contenders = [
        Contender::new("echo_mio", judged, &[]),
        Contender::new("tungstenite", beside("echo_tungstenite"), &["131072"]),
        Contender::new("tungstenite, reads of 16 KiB", beside("echo_tungstenite"), &["16384"]),
        Contender::new("tungstenite, reads of 4 KiB", beside("echo_tungstenite"), &["4096"]),
        Contender::new(
            "tungstenite, 16 KiB, sparing",
            beside("echo_tungstenite"),
            &["16384", "sparing"],
        ),
        Contender::new("bytes back unseen", beside("echo_bare"), &[]),
    ];
    // By its documentation; with our help; the system alone.
    let (documented, helped, bare) = (1..4, 4, 5);
    contenders[bare].websocket = false;

    println!(
        "{CONNECTIONS} connections, {IN_FLIGHT} messages of {LEN} B in flight on each, {messages} messages, {rounds} rounds"
    );
    for round in 0..rounds {
        print!("round {} of {rounds}, ns a message:", round + 1);
        for turn in 0..contenders.len() {
            // The order rotates, so that what else the machine does falls on all of them.
            let contender = &mut contenders[(round + turn) % (bare + 1)];
            let nanoseconds = measure(contender, messages)?;
            contender.nanoseconds.push(nanoseconds);
            print!(" {nanoseconds:.0} ({})", contender.name);
            io::stdout().flush()?;
        }
        println!();
    }

    let (ours, system) = (contenders[0].median(), contenders[bare].median());
    println!(
        "\n| server, one thread | ns of CPU a message | least to most | above the system's | echo_mio / it |"
    );
    println!("|---|---|---|---|---|");
    for contender in &contenders {
        let (median, (least, most)) = (contender.median(), contender.spread());
        let (above, ratio, name) = (median - system, ours / median, contender.name);
        println!("| {name} | {median:.0} | {least:.0} to {most:.0} | {above:.0} | {ratio:.2} |");
    }
    let best = contenders[documented].iter().map(Contender::median).fold(f64::INFINITY, f64::min);
    let (ratio, holds) = (ours / best, ours / best < BOUND);
    let verdict = if holds { "holds" } else { "does NOT hold" };
    println!("\nless than {BOUND} of tungstenite at its best: {ratio:.3}, {verdict}");
    let ratio = ours / contenders[helped].median();
    println!("of tungstenite on a stream that spares system calls: {ratio:.3}");
    Ok(holds)
}

fn arguments() -> io::Result<(PathBuf, usize, usize)> {
    let wrong = |what: String| io::Error::new(ErrorKind::InvalidInput, what);
    let (mut judged, mut rounds, mut messages) = (None, 5, 1_000_000);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let number = match arg.as_str() {
            "--rounds" => &mut rounds,
            "--messages" => &mut messages,
            _ if judged.is_none() && !arg.starts_with('-') => {
                judged = Some(PathBuf::from(arg));
                continue;
            }
            _ => return Err(wrong(format!("unknown argument {arg}; see run.sh"))),
        };
        let value = args.next().and_then(|value| value.parse().ok()).filter(|value| *value > 0);
        *number = value.ok_or_else(|| wrong(format!("{arg} needs a number above zero")))?;
    }
    let judged = judged.ok_or_else(|| wrong("which server is judged? See run.sh".into()))?;
    Ok((judged, rounds, messages))
}

/// Nanoseconds of the server's processor time for a message.
fn measure(contender: &Contender, messages: usize) -> io::Result<f64> {
    let server = Server::start(contender)?;
    let mut load = Load::open(server.address, contender.websocket)?;
    // The server's buffers, caches and branches have met the work once.
    load.run(messages / 10)?;
    let before = server.cpu()?;
    load.run(messages)?;
    let spent = server.cpu()? - before;
    Ok(spent.as_nanos() as f64 / messages as f64)
}

/// A running server. Dropping it ends it.
struct Server {
    process: Child,
    _stdout: Box<dyn BufRead>,
    address: SocketAddr,
}

impl Server {
    fn start(contender: &Contender) -> io::Result<Self> {
        let program = contender.program.display();
        let mut command = Command::new(&contender.program);
        command.args(contender.args).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("{program}: {error}; see run.sh"))
        })?;
        let mut stdout: Box<dyn BufRead> = match process.stdout.take() {
            Some(stdout) => Box::new(BufReader::new(stdout)),
            None => Box::new(io::empty()),
        };
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            let _ = process.kill();
            let _ = process.wait();
            return Err(io::Error::other(format!("{program} doesn't say where it listens")));
        };
        Ok(Self { process, _stdout: stdout, address })
    }

    /// The processor time of all threads of the process so far, to the nanosecond.
    fn cpu(&self) -> io::Result<Duration> {
        let tasks = format!("/proc/{}/task", self.process.id());
        let told = |error: io::Error| {
            let what = format!("{tasks}/*/schedstat tells the CPU time, on Linux: {error}");
            io::Error::new(error.kind(), what)
        };
        let mut spent = 0;
        for task in std::fs::read_dir(&tasks).map_err(told)? {
            let text = std::fs::read_to_string(task?.path().join("schedstat")).map_err(told)?;
            let first = text.split_whitespace().next().and_then(|number| number.parse().ok());
            spent += first.unwrap_or(0u64);
        }
        if spent == 0 {
            return Err(told(io::Error::other("it tells nothing")));
        }
        Ok(Duration::from_nanos(spent))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The clients, on one thread. Their messages are made beforehand, and what comes back is compared to the byte.
struct Load {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    /// Two cycles of frames, so that any run of up to one cycle is one slice.
    frames: Vec<u8>,
    /// The same of what comes back, and how long one of it is.
    echoes: Vec<u8>,
    echo_len: usize,
    buffer: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    /// Bytes sent and received so far, of the cycles.
    sent: usize,
    received: usize,
    /// Bytes allowed to be sent by now.
    allowed: usize,
}

impl Load {
    fn open(address: SocketAddr, websocket: bool) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut clients = Vec::new();
        for index in 0..CONNECTIONS {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            if websocket {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.write_all(REQUEST)?;
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte)?;
                    head.push(byte[0]);
                }
                if !head.starts_with(b"HTTP/1.1 101 ") {
                    return Err(io::Error::other("the server opens no WebSocket"));
                }
            }
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(index), both)?;
            clients.push(Client { stream, sent: 0, received: 0, allowed: 0 });
        }
        let (mut frames, mut echoes) = (Vec::new(), Vec::new());
        for message in (0..IN_FLIGHT as u8).cycle().take(2 * IN_FLIGHT) {
            let key = [message, 0x5a ^ message, 0xc3, message.wrapping_mul(7)];
            let payload: [u8; LEN] =
                std::array::from_fn(|at| message ^ (at as u8).wrapping_mul(31));
            let masked: [u8; LEN] = std::array::from_fn(|at| payload[at] ^ key[at % 4]);
            frames.extend_from_slice(&[0x82, 0x80 | LEN as u8]);
            frames.extend_from_slice(&key);
            frames.extend_from_slice(&masked);
            echoes.extend_from_slice(&[0x82, LEN as u8]);
            echoes.extend_from_slice(&payload);
        }
        let echo_len = if websocket { ECHOED } else { SENT };
        if !websocket {
            echoes.clone_from(&frames);
        }
        let events = Events::with_capacity(CONNECTIONS);
        Ok(Self { poll, events, clients, frames, echoes, echo_len, buffer: vec![0; 64 << 10] })
    }

    /// Sends this many messages in all, and waits for every echo.
    fn run(&mut self, messages: usize) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let each = messages.div_ceil(CONNECTIONS);
        let done: Vec<usize> =
            self.clients.iter().map(|client| client.received / self.echo_len + each).collect();
        for (index, &done) in done.iter().enumerate() {
            self.turn(index, done)?;
        }
        let echo_len = self.echo_len;
        let is_done = |(client, done): (&Client, &usize)| client.received == done * echo_len;
        while !self.clients.iter().zip(&done).all(is_done) {
            if Instant::now() > deadline {
                return Err(io::Error::new(ErrorKind::TimedOut, "the server answers too slowly"));
            }
            match self.poll.poll(&mut self.events, Some(PATIENCE)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                polled => polled?,
            }
            let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
            for index in ready {
                self.turn(index, done[index])?;
            }
        }
        Ok(())
    }

    /// Takes what has come back, and sends as many new messages, up to `done` of them.
    fn turn(&mut self, index: usize, done: usize) -> io::Result<()> {
        let client = &mut self.clients[index];
        let cycle = self.echoes.len() / 2;
        loop {
            let count = match client.stream.read(&mut self.buffer) {
                Ok(0) => return Err(io::Error::other("the server has gone")),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                read => read?,
            };
            for piece in self.buffer[..count].chunks(cycle) {
                let at = client.received % cycle;
                if piece != &self.echoes[at..at + piece.len()] {
                    return Err(io::Error::other("what comes back is not what was sent"));
                }
                client.received += piece.len();
            }
            // A read that is not filled has emptied the stream.
            if count < self.buffer.len() {
                break;
            }
        }
        let answered = client.received / self.echo_len;
        client.allowed = (answered + IN_FLIGHT).min(done) * SENT;
        let cycle = self.frames.len() / 2;
        while client.sent < client.allowed {
            let (at, len) = (client.sent % cycle, (client.allowed - client.sent).min(cycle));
            match client.stream.write(&self.frames[at..at + len]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                written => client.sent += written?,
            }
        }
        Ok(())
    }
}
