//! A WebSocket on a blocking stream: what is called waits until it has happened.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use sockless::handshake::{Answered, Connector, HeadLimits, Offer, Url};
use sockless::{Client, Config, Connection, Event, Input, Outcome, Want, endpoint};
use sockless_autobahn::options::deflate;

/// How long a read or write may hold up the other direction.
const TURN: Duration = Duration::from_millis(5);
/// How long a turn waits.
const LOOK: Duration = Duration::from_millis(250);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest message.
const LONGEST: u64 = 64 << 20;

/// What has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A Close frame, with its code.
    Closing(Option<u16>),
    /// The connection has failed, and why.
    Failed(String),
}

impl From<Event<'_>> for Arrived {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into_string()),
            Event::Binary(bytes) => Self::Binary(bytes.into_vec()),
            Event::Ping(payload) => Self::Ping(payload.into_vec()),
            Event::Pong(pong) => Self::Pong(pong.payload.into_vec()),
            Event::Closing(closing) => Self::Closing(closing.code.map(|code| code.get())),
            Event::Failed(failure) => Self::Failed(failure.to_string()),
            other => Self::Failed(format!("nobody has asked for {other:?}")),
        }
    }
}

/// A client.
pub(crate) struct Socket {
    pub(crate) connection: Connection<Client>,
    /// Whether messages may be compressed.
    pub(crate) compresses: bool,
    stream: TcpStream,
    buffer: Vec<u8>,
    started: Instant,
    arrived: VecDeque<Arrived>,
    outcome: Option<Outcome>,
}

impl Socket {
    /// Connects. `compress` offers `permessage-deflate`.
    pub(crate) fn connect(address: &str, compress: bool) -> io::Result<Self> {
        let started = Instant::now();
        let url = Url::parse(address).map_err(io::Error::other)?;
        let mut stream = TcpStream::connect((url.address(), url.port()))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut offer = Offer::new(url);
        if compress {
            offer = offer.with_extensions(deflate());
        }
        let mut connector = Connector::new(offer, &HeadLimits::default(), started.elapsed())
            .map_err(io::Error::other)?;
        stream.write_all(&connector.request().to_vec())?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = stream.read(&mut buffer)?;
            let mut input = match count {
                0 => Input::eof(),
                _ => Input::new(&mut buffer[..count]),
            };
            match connector.poll(&mut input, started.elapsed()) {
                None => {}
                Some(Answered::Open { established, .. }) => {
                    let limits =
                        sockless::Limits::default().with_frame(LONGEST).with_message(LONGEST);
                    let config = Config::default().with_limits(limits);
                    let first = count - input.len()..count;
                    let compresses = !established.extensions.is_empty();
                    let connection = endpoint::client(&established, config);
                    let (arrived, outcome) = (VecDeque::new(), None);
                    let mut socket =
                        Self { connection, compresses, stream, buffer, started, arrived, outcome };
                    socket.poll(Arrival::Bytes(first));
                    return Ok(socket);
                }
                Some(other) => {
                    return Err(io::Error::other(format!("the server did not accept: {other:?}")));
                }
            }
        }
    }

    /// The time, for the connection.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The next that arrives.
    pub(crate) fn next(&mut self) -> io::Result<Arrived> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(arrived) = self.arrived.pop_front() {
                return Ok(arrived);
            }
            if self.outcome.is_some() {
                return Err(io::Error::other("the connection has ended"));
            }
            self.turn(deadline)?;
        }
    }

    /// Waits for the end of the connection.
    pub(crate) fn end(&mut self) -> io::Result<Outcome> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.outcome {
                Some(outcome) => return Ok(outcome),
                None => self.turn(deadline)?,
            }
        }
    }

    /// A turn, which waits for a while if there is nothing to do.
    fn turn(&mut self, deadline: Instant) -> io::Result<()> {
        if Instant::now() > deadline {
            return Err(io::Error::other("nothing has arrived in time"));
        }
        // 2. Write what waits, as far as the stream takes it.
        self.stream.set_write_timeout(Some(TURN))?;
        while !self.connection.output().is_empty() {
            match self.stream.write(self.connection.output()) {
                Ok(count) => self.connection.wrote(count),
                Err(error) if is_timeout(&error) => break,
                // The server may be gone; what it has sent before is still to be read.
                Err(_) => self.connection.wrote(usize::MAX),
            }
        }
        // 3. Do what the connection wants.
        match self.connection.want() {
            Want::Done(outcome) => {
                // The server waits for this end, too. If it is gone already, it can't be told.
                let _ = self.stream.shutdown(Shutdown::Both);
                self.outcome = Some(outcome);
            }
            Want::ShutdownWrite => {
                // A server that is gone can't be told.
                let _ = self.stream.shutdown(Shutdown::Write);
                self.connection.shut();
            }
            Want::Io { read, write, deadline } => {
                let until = deadline.map_or(LOOK, |at| at.saturating_sub(self.now()).min(LOOK));
                let wait = if write { until.min(TURN) } else { until };
                if wait.is_zero() || !read {
                    self.poll(Arrival::Nothing);
                } else {
                    self.stream.set_read_timeout(Some(wait))?;
                    match self.stream.read(&mut self.buffer) {
                        Ok(count) if count > 0 => self.poll(Arrival::Bytes(0..count)),
                        Err(error) if is_timeout(&error) => self.poll(Arrival::Nothing),
                        Ok(_) | Err(_) => self.poll(Arrival::End),
                    }
                }
            }
        }
        Ok(())
    }

    /// 1. Poll until there is nothing left in the input: then the buffer is ours again.
    fn poll(&mut self, arrival: Arrival) {
        let now = self.now();
        let mut input = match arrival {
            Arrival::Bytes(range) => Input::new(&mut self.buffer[range]),
            Arrival::Nothing => Input::none(),
            Arrival::End => Input::eof(),
        };
        while let Some(event) = self.connection.poll(&mut input, now) {
            self.arrived.push_back(event.into());
        }
    }
}

/// What has come of a read.
enum Arrival {
    Bytes(std::ops::Range<usize>),
    Nothing,
    End,
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
