//! A bridge from WebSocket to TCP, so that brokers of MQTT and STOMP serve browsers: the bytes of messages go to the broker, its
//! bytes come back as binary messages.
//!
//! One task for each client waits for both streams at once. It reads from one only what the other takes: so a slow broker slows
//! its client down, and the other way round, and no more than a buffer in each direction is ever held.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use sockless::connection::SendError;
use sockless::handshake::{Acceptance, Acceptor, Asked, Refusal, Request, RequestError};
use sockless::message::Content;
use sockless::{
    CloseCode, Config, Connection, Delivery, Event, Input, Outcome, Receiver, Sender, Server, Want,
    endpoint, frame,
};
use sockless_autobahn::deadlines::Deadlines;
use sockless_autobahn::{listen, options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

const USAGE: &str = "\
usage: bridge --to HOST:PORT [OPTION]...

Listens for WebSockets, and connects each to a TCP server: an MQTT broker, say, which serves browsers then.

  --to HOST:PORT          the TCP server
  --listen ADDRESS:PORT   where to listen: a port of the system's choice by default
  --subprotocol NAME      speak this subprotocol with clients that offer it; may be repeated, the one most liked first.
                          Without this option: those of MQTT and STOMP
  --origin ORIGIN         serve the pages of this origin alone, and programs that are no browsers; may be repeated
  --max-message BYTES     the longest message; 256 MiB by default
  --grace SECONDS         how long clients have for closing when the bridge stops; 5 by default

How long a client may take for what: ";

const SUBPROTOCOLS: [&str; 5] = ["mqtt", "mqttv3.1", "v12.stomp", "v11.stomp", "v10.stomp"];
/// How much is read at once, and how much is held for each direction.
const BUFFER: usize = 64 << 10;
/// How long the TCP server may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a client that was answered otherwise may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);
/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

/// What the bridge is told.
struct Options {
    to: String,
    listen: SocketAddr,
    subprotocols: Vec<String>,
    origins: Vec<String>,
    config: Arc<Config>,
    deadlines: Deadlines,
    grace: Duration,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            to: String::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            subprotocols: Vec::new(),
            origins: Vec::new(),
            config: Arc::default(),
            deadlines: Deadlines::default(),
            grace: Duration::from_secs(5),
        };
        let mut longest = 256 << 20;
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--to" => options.to = value()?,
                "--listen" => options.listen = listen::address(&value()?)?,
                "--subprotocol" => options.subprotocols.push(value()?),
                "--origin" => options.origins.push(value()?),
                "--max-message" => longest = options::parse(&name, &value()?)?,
                "--grace" => options.grace = options::seconds(&name, &value()?)?,
                _ if options.deadlines.take(&name, value)? => {}
                _ => return Err(format!("unknown option {name}")),
            }
        }
        if !options.to.contains(':') {
            return Err("which TCP server? --to HOST:PORT".into());
        }
        if options.subprotocols.is_empty() {
            options.subprotocols = SUBPROTOCOLS.map(String::from).into();
        }
        let limits = frame::Limits::default().with_frame(longest).with_message(longest);
        let config = Config::default()
            .with_delivery(Delivery::Parts)
            .with_limits(limits)
            .with_output_limits(BUFFER, 16 * BUFFER);
        options.config = Arc::new(options.deadlines.config(config));
        Ok(Some(options))
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}{}", Deadlines::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("bridge: {problem}\n\n{USAGE}{}", Deadlines::USAGE);
            return ExitCode::from(2);
        }
    };
    let address = options.listen;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(run(options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bridge: {}", listen::problem(address, &error));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    println!("bridge listens on http://{address}/ for {} (Ctrl-C stops it)", options.to);
    let options = Arc::new(options);
    let (stop, stopping) = watch::channel(false);
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            client = listener.accept() => match client {
                Ok((client, _)) => {
                    let (options, stopping) = (Arc::clone(&options), stopping.clone());
                    clients.spawn(async move {
                        if let Err(error) = serve(client, &options, stopping).await {
                            eprintln!("bridge: {error}");
                        }
                    });
                }
                Err(error) => {
                    eprintln!("bridge: can't accept a client: {error}");
                    sleep_until(Instant::now() + RECOVER).await;
                }
            },
            Some(_) = clients.join_next() => {}
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    // Every task closes its connection with 1001; those whose client doesn't answer are left behind.
    let _ = stop.send(true);
    let _ = timeout(options.grace, async { while clients.join_next().await.is_some() {} }).await;
    Ok(())
}

async fn serve(
    mut client: TcpStream,
    options: &Options,
    stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let started = Instant::now();
    let mut buffer = vec![0; BUFFER];
    let answer = match open(&mut client, &mut buffer, options, started).await? {
        Opened::Open(connection, broker, first) => {
            let (receiver, sender) = connection.split();
            let bridge = Bridge {
                receiver,
                sender,
                started,
                shut: false,
                to_broker: Vec::new(),
                written: 0,
                broker_ended: false,
            };
            return bridge.run(client, broker, &mut buffer, first, stopping).await;
        }
        Opened::Answered(answer) => answer,
    };
    // The client reads the answer before it closes; what it still sends is read until then, so that nothing resets the stream.
    let _ = timeout(LINGER, async {
        client.write_all(&answer).await?;
        client.shutdown().await?;
        tokio::io::copy(&mut client, &mut tokio::io::sink()).await
    })
    .await;
    Ok(())
}

enum Opened {
    /// The connection, the broker's stream, and where in the buffer the client's first frames are.
    Open(Box<Connection<Server>>, TcpStream, Range<usize>),
    /// The client is to be answered otherwise.
    Answered(Vec<u8>),
}

/// The opening handshake. The broker is connected to before the client is answered: so its absence is an HTTP status.
async fn open(
    client: &mut TcpStream,
    buffer: &mut [u8],
    options: &Options,
    started: Instant,
) -> io::Result<Opened> {
    let mut acceptor = Acceptor::new(&options.deadlines.handshake(), started.elapsed());
    let (request, first) = loop {
        let deadline = started + acceptor.deadline().unwrap_or(CONNECT);
        let (mut input, count) = match timeout_at(deadline, client.read(buffer)).await {
            Ok(Ok(0)) => (Input::eof(), 0),
            Ok(Ok(count)) => (Input::new(&mut buffer[..count]), count),
            Ok(Err(error)) => return Err(error),
            Err(_) => (Input::none(), 0),
        };
        match acceptor.poll(&mut input, started.elapsed()) {
            None => {}
            Some(Asked::WebSocket(request)) => {
                break (request.into_owned(), count - input.len()..count);
            }
            Some(Asked::Plain(_)) => {
                return Ok(Opened::Answered(RequestError::PlainRequest.answer().to_vec()));
            }
            Some(Asked::Refused(error)) => return Ok(Opened::Answered(error.answer().to_vec())),
        }
    };
    if !is_expected(&request, options) {
        return Ok(Opened::Answered(refusal(403, "this origin is not served here")));
    }
    let broker = match timeout(CONNECT, TcpStream::connect(&options.to)).await {
        Ok(Ok(broker)) => broker,
        Ok(Err(error)) => {
            eprintln!("bridge: {} can't be reached: {error}", options.to);
            return Ok(Opened::Answered(refusal(502, "the server behind can't be reached")));
        }
        Err(_) => return Ok(Opened::Answered(refusal(504, "the server behind doesn't answer"))),
    };
    broker.set_nodelay(true)?;
    let subprotocols: Vec<&str> = options.subprotocols.iter().map(String::as_str).collect();
    let acceptance = Acceptance::new().with_subprotocol(request.choose_subprotocol(&subprotocols));
    let (connection, _) = endpoint::accept(&request, &acceptance, Arc::clone(&options.config))
        .map_err(io::Error::other)?;
    Ok(Opened::Open(Box::new(connection), broker, first))
}

/// Whether the origin is one that is served. Who sends none is no browser.
fn is_expected(request: &Request<'_>, options: &Options) -> bool {
    options.origins.is_empty()
        || request.origin().is_none_or(|origin| options.origins.iter().any(|one| one == origin))
}

fn refusal(status: u16, body: &str) -> Vec<u8> {
    Refusal::new(status, &[], body.as_bytes()).map(|refusal| refusal.to_vec()).unwrap_or_default()
}

/// A client and its broker. The client's connection is in its two halves: it is the broker that holds the receiving one up, and the
/// client that holds up the sending one.
struct Bridge {
    receiver: Receiver<Server>,
    sender: Sender<Server>,
    started: Instant,
    /// Whether the client's stream has been half-closed.
    shut: bool,
    /// What the broker is to get, and how much of it has been written.
    to_broker: Vec<u8>,
    written: usize,
    broker_ended: bool,
}

impl Bridge {
    async fn run(
        mut self,
        mut client: TcpStream,
        mut broker: TcpStream,
        buffer: &mut [u8],
        first: Range<usize>,
        mut stopping: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut from_broker = vec![0; BUFFER];
        let mut told = false;
        let (mut client_in, mut client_out) = client.split();
        let (mut broker_in, mut broker_out) = broker.split();
        let mut input = Input::new(&mut buffer[first]);
        while {
            // 1. Poll until there is nothing left in the input: then the buffer is ours again.
            self.poll(input);
            !self.is_over()
        } {
            input = Input::none();
            if self.receiver.end().failure().is_some()
                && !self.shut
                && self.sender.output().is_empty()
            {
                self.shut = true;
                let _ = client_out.shutdown().await;
            }
            let Want::Io { read, deadline, .. } = self.receiver.want() else { break };
            let deadline = deadline.into_iter().chain(self.sender.deadline()).min();
            let pending = &self.to_broker[self.written..];
            tokio::select! {
                biased;
                // 2. Write what waits, as far as the streams take it.
                written = client_out.write(self.sender.output()), if !self.sender.output().is_empty() => {
                    // What a client that is gone doesn't take is lost; that it is gone, reading tells.
                    self.sender.wrote(written.unwrap_or(usize::MAX));
                }
                written = broker_out.write(pending), if !pending.is_empty() => match written {
                    Ok(count) => self.written += count,
                    Err(_) => self.end(CloseCode::INTERNAL_ERROR, "the server behind is lost"),
                },
                // 3. Read where it is wanted, or wait until the deadline.
                count = client_in.read(buffer), if read => match count {
                    Ok(0) | Err(_) => input = Input::eof(),
                    Ok(count) => input = Input::new(&mut buffer[..count]),
                },
                // From the broker only as much as the client takes.
                read = broker_in.read(&mut from_broker), if !self.broker_ended && !self.sender.is_congested() => {
                    match read {
                        Ok(0) => self.end(CloseCode::NORMAL, "the server behind closed the connection"),
                        Ok(count) => self.give(&from_broker[..count]),
                        Err(_) => self.end(CloseCode::INTERNAL_ERROR, "the server behind is lost"),
                    }
                }
                () = sleep_until(self.started + deadline.unwrap_or_default()), if deadline.is_some() => {}
                _ = stopping.changed(), if !told => {
                    told = true;
                    self.close(CloseCode::GOING_AWAY, "the bridge stops");
                }
            }
        }
        // The client is done with; what it sent before is the broker's.
        drop(client);
        let pending = &self.to_broker[self.written..];
        let _ = timeout(CONNECT, broker_out.write_all(pending)).await;
        let _ = broker_out.shutdown().await;
        Ok(())
    }

    /// Takes what the client has sent, and lets the halves know of each other.
    fn poll(&mut self, mut input: Input<'_>) {
        let now = self.started.elapsed();
        self.sender.timeout(now);
        while let Some(notice) = self.sender.notice() {
            self.receiver.note(notice, now);
        }
        // As long as the broker has not taken what was read before, no more of it is.
        if self.written == self.to_broker.len() {
            self.to_broker.clear();
            self.written = 0;
        }
        self.receiver.hold(!self.to_broker.is_empty());
        while let Some(event) = self.receiver.poll(&mut input, now) {
            if let Event::Part(part) = event
                && !self.broker_ended
            {
                match part.content {
                    Content::Binary(bytes) => self.to_broker.extend_from_slice(&bytes),
                    // STOMP is text. MQTT must not be, but that is the broker's to say.
                    Content::Text(text) => self.to_broker.extend_from_slice(text.as_bytes()),
                }
            }
        }
        while let Some(reply) = self.receiver.reply() {
            self.sender.apply(reply, now);
        }
    }

    /// Whether nothing is left to be done: nothing can be written any more, or both have closed, or the client is gone.
    fn is_over(&self) -> bool {
        let (receiver, sender) = (self.receiver.end(), self.sender.end());
        let both = Outcome::join(receiver, sender).clean();
        let alone = self.receiver.is_over() && sender.is_ended();
        sender.is_over() || self.sender.output().is_empty() && (both || alone)
    }

    /// Gives the client what the broker has sent.
    fn give(&mut self, bytes: &[u8]) {
        match self.sender.send_binary(bytes) {
            // The client closes, and takes nothing any more.
            Ok(()) | Err(SendError::Misuse(_) | SendError::Failed) => {}
            Err(_) => self.close(CloseCode::INTERNAL_ERROR, "out of room"),
        }
    }

    /// There is no broker any more.
    fn end(&mut self, code: CloseCode, reason: &str) {
        self.broker_ended = true;
        self.to_broker.clear();
        self.written = 0;
        self.close(code, reason);
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        // It may be closing already.
        let _ = self.sender.close(code, reason, self.started.elapsed());
    }
}
