//! The server's side: from a stream of bytes to a WebSocket, or to an answer that says why not.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use sockless::handshake::{
    Acceptance, Acceptor, Asked, HandshakeMisuse, Refusal, Request, RequestError,
};
use sockless::{Input, Server, endpoint};

use super::Handshaking;
use super::server_options::ServerOptions;
use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::error::Error;
use crate::socket::{Opened, WebSocket};
use crate::stream::Stream;
use crate::timed::LastWait;

/// How long a client that was answered otherwise may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);

/// Opens a WebSocket as a server, for whatever resource a client asks for.
///
/// # Errors
///
/// If the client asked for something else than a WebSocket, against the rules or too slowly: it has been answered. If the stream failed.
pub fn accept<S: Stream>(
    stream: S,
    options: impl Into<ServerOptions>,
) -> Result<WebSocket<S, Server>, AcceptError> {
    accept_with(stream, options, |_| Decision::Accept)
}

/// Opens a WebSocket as a server, if the request pleases. `decide` sees the requests for a WebSocket, and those for something else
/// ([`Request::is_upgrade`] tells them apart); those that break the rules are answered without it.
///
/// ```
/// # use sockless_blocking::{AcceptError, Decision, NetStream, Server, WebSocket, accept_with, handshake::Refusal};
/// # fn chat(stream: std::net::TcpStream) -> Result<WebSocket<std::net::TcpStream, Server>, AcceptError> {
/// accept_with(stream, (), |request| match request.path() {
///     "/chat" => Decision::Accept,
///     _ => Decision::Answer(Refusal::new(404, &[], b"no such thing").map_or(Vec::new(), |refusal| refusal.to_vec())),
/// })
/// # }
/// ```
///
/// # Errors
///
/// As for [`accept`]; and if the decision does not fit the request, which is answered with status 500.
pub fn accept_with<'a, S: Stream>(
    stream: S,
    options: impl Into<ServerOptions>,
    decide: impl FnOnce(&Request<'_>) -> Decision<'a>,
) -> Result<WebSocket<S, Server>, AcceptError> {
    let (options, clock) = (options.into(), Clock::start());
    stream.prepare()?;
    let mut acceptor = Acceptor::new(&options.handshake, clock.now());
    let ends = acceptor.deadline();
    let mut buffer = Buffer::default();
    let mut over = Handshaking { stream: &stream, clock, ends, reads: LastWait::default() };
    let request = loop {
        let arrived = over.read(&mut buffer)?;
        let mut input = match arrived {
            Some(0) => Input::eof(),
            _ => buffer.input(),
        };
        match acceptor.poll(&mut input, clock.now()) {
            None => buffer.keep_last(0),
            Some(Asked::WebSocket(request) | Asked::Plain(request)) => {
                let (request, left) = (request.into_owned(), input.len());
                buffer.keep_last(left);
                break request;
            }
            Some(Asked::Refused(error)) => {
                over.answer(error.answer());
                return Err(AcceptError::Request(error));
            }
        }
    };
    let decision = decide(&request);
    let acceptance = match decision {
        Decision::Answer(answer) => {
            over.answer(&answer);
            return Err(AcceptError::Answered);
        }
        _ if !request.is_upgrade() => {
            let error = RequestError::PlainRequest;
            over.answer(error.answer());
            return Err(AcceptError::Request(error));
        }
        _ if !options.allows(request.origin()) => {
            over.refuse(403);
            return Err(AcceptError::Origin);
        }
        Decision::Accept => options.acceptance(&request),
        Decision::With(acceptance) => acceptance,
    };
    let config = Arc::clone(&options.config);
    let (connection, established) = match endpoint::accept(&request, &acceptance, config) {
        Ok(accepted) => accepted,
        Err(misuse) => {
            over.refuse(500);
            return Err(AcceptError::Misuse(misuse));
        }
    };
    let subprotocol = established.subprotocol.map(Into::into);
    let opened = Opened { subprotocol, response: None };
    let config = Arc::clone(&options.config);
    let mut socket = WebSocket::new(stream, connection, config, buffer, clock, opened);
    // Who has taken long to decide doesn't leave the client less time to read.
    let least = clock.now() + options.handshake.timeout.unwrap_or(LINGER);
    match socket.flush_by(ends.map(|at| at.max(least))) {
        Ok(()) => Ok(socket),
        Err(Error::Io(error)) => Err(AcceptError::Io(error)),
        Err(Error::TimedOut) => Err(AcceptError::TimedOut),
        Err(error) => Err(AcceptError::Io(io::Error::other(error))),
    }
}

/// What to do with a request that follows the rules.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Open the connection, as the options say. A plain request is answered with status 426.
    Accept,
    /// Open the connection with this: other fields, another subprotocol.
    With(Acceptance<'a>),
    /// Answer with this, and close: a [`Refusal`], a page.
    Answer(Vec<u8>),
}

impl<S: Stream> Handshaking<'_, S> {
    /// Writes an answer after which the stream is closed. A client that doesn't read it is left.
    fn answer(&mut self, answer: &[u8]) {
        self.ends = Some(self.clock.now() + LINGER);
        let mut thrown_away = Buffer::default();
        if matches!(self.write_all(answer), Ok(true)) && self.stream.shutdown_write().is_ok() {
            // A stream that is closed with something unread is reset, and the client may lose what it has not read yet.
            while !self.is_over() && matches!(self.read(&mut thrown_away), Ok(None | Some(1..))) {}
        }
    }

    fn refuse(&mut self, status: u16) {
        if let Ok(refusal) = Refusal::new(status, &[], &[]) {
            self.answer(&refusal.to_vec());
        }
    }
}

/// Why no connection was opened for a client. Where there was something to be answered, it has been.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// The stream failed.
    Io(io::Error),
    /// The client's request breaks the rules, came too slowly, or is for no WebSocket.
    Request(RequestError),
    /// The client's origin is not among those that are allowed.
    Origin,
    /// The client was answered, as was decided.
    Answered,
    /// The acceptance does not fit the request, or a field of an answer can't be sent: a mistake of ours.
    Misuse(HandshakeMisuse),
    /// The client did not take the answer in time.
    TimedOut,
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stream failed: {error}"),
            Self::Request(error) => error.fmt(f),
            Self::Origin => f.write_str("the client's origin is not allowed"),
            Self::Answered => f.write_str("the client was answered, and no WebSocket was opened"),
            Self::Misuse(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the client did not take the answer in time"),
        }
    }
}

impl std::error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Request(error) => Some(error),
            Self::Misuse(error) => Some(error),
            Self::Origin | Self::Answered | Self::TimedOut => None,
        }
    }
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
