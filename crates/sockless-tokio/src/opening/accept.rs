//! The server's side: from a stream of bytes to a WebSocket, or to an answer that says why not.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::{fmt, io};

use sockless::handshake::{
    Acceptance, Acceptor, Asked, HandshakeMisuse, Refusal, Request, RequestError,
};
use sockless::{Input, Server, endpoint};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::server_options::ServerOptions;
use super::{read, read_to_end};
use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::socket::{Opened, WebSocket};

/// How long a client that was answered otherwise may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);

/// Opens a WebSocket as a server, for whatever resource a client asks for.
///
/// # Errors
///
/// If the client asked for something else than a WebSocket, or against the rules: it has been answered. If the stream failed.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    options: impl Into<ServerOptions>,
) -> Result<WebSocket<S, Server>, AcceptError> {
    accept_with(stream, options, |_| Decision::Accept).await
}

/// Opens a WebSocket as a server, if the request pleases. `decide` sees the requests for a WebSocket, and those for something else
/// ([`Request::is_upgrade`] tells them apart); those that break the rules are answered without it. To decide later, [`receive`] the request.
///
/// # Errors
///
/// As for [`accept`].
pub async fn accept_with<'a, S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    options: impl Into<ServerOptions>,
    decide: impl FnOnce(&Request<'_>) -> Decision<'a>,
) -> Result<WebSocket<S, Server>, AcceptError> {
    // In memory of its own: the task that goes on with the socket would keep room for all of this.
    let opening = async move {
        let opening = receive_here(stream, options.into()).await?;
        match decide(opening.request()) {
            Decision::Accept => opening.accept_here().await,
            Decision::With(acceptance) => opening.accept_with_here(&acceptance).await,
            Decision::Answer(answer) => Err(opening.answer(&answer).await),
        }
    };
    Box::pin(opening).await
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

/// Receives a client's request. It follows the rules, and is to be answered.
///
/// ```
/// # async fn admit(_: &str) -> bool { true }
/// # async fn serve(stream: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// let opening = sockless_tokio::receive(stream, ()).await?;
/// let mut socket = match admit(opening.request().path()).await {
///     true => opening.accept().await?,
///     false => return Err(opening.refuse(403, "not for you").await.into()),
/// };
/// # drop(socket); Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the client asked against the rules, or too slowly: it has been answered. If the stream failed.
pub async fn receive<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    options: impl Into<ServerOptions>,
) -> Result<Opening<S>, AcceptError> {
    Box::pin(receive_here(stream, options.into())).await
}

async fn receive_here<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    options: ServerOptions,
) -> Result<Opening<S>, AcceptError> {
    let clock = Clock::start();
    let mut acceptor = Acceptor::new(&options.handshake, clock.now());
    let mut buffer = Buffer::default();
    let deadline = acceptor.deadline();
    let error = loop {
        let arrived = read(&mut stream, &mut buffer, clock, deadline).await?;
        let mut input = match arrived {
            Some(0) => Input::eof(),
            _ => buffer.input(),
        };
        match acceptor.poll(&mut input, clock.now()) {
            None => buffer.keep_last(0),
            Some(Asked::WebSocket(request) | Asked::Plain(request)) => {
                let (request, left) = (request.into_owned(), input.len());
                buffer.keep_last(left);
                return Ok(Opening { stream, request, buffer, clock, deadline, options });
            }
            Some(Asked::Refused(error)) => break error,
        }
    };
    write_answer(&mut stream, error.answer()).await;
    Err(AcceptError::Request(error))
}

/// A client's request that has not been answered yet.
pub struct Opening<S> {
    stream: S,
    request: Request<'static>,
    buffer: Buffer,
    clock: Clock,
    deadline: Option<Duration>,
    options: ServerOptions,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Opening<S> {
    /// What the client asks for.
    pub fn request(&self) -> &Request<'static> {
        &self.request
    }

    /// Opens the connection, as the options say. The client is answered within the time of the handshake, or another such time if that
    /// is over.
    ///
    /// # Errors
    ///
    /// If the client asked for no WebSocket, or comes from an origin that is not allowed: it has been answered. If the stream failed.
    pub async fn accept(self) -> Result<WebSocket<S, Server>, AcceptError> {
        Box::pin(self.accept_here()).await
    }

    async fn accept_here(self) -> Result<WebSocket<S, Server>, AcceptError> {
        let options = self.options.clone();
        let acceptance = options.acceptance(&self.request);
        self.accept_with_here(&acceptance).await
    }

    /// Opens the connection with an acceptance of the caller's.
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept); and if the acceptance does not fit the request, which is answered with status 500.
    pub async fn accept_with(
        self,
        acceptance: &Acceptance<'_>,
    ) -> Result<WebSocket<S, Server>, AcceptError> {
        Box::pin(self.accept_with_here(acceptance)).await
    }

    async fn accept_with_here(
        self,
        acceptance: &Acceptance<'_>,
    ) -> Result<WebSocket<S, Server>, AcceptError> {
        if !self.request.is_upgrade() {
            let error = RequestError::PlainRequest;
            self.answer(error.answer()).await;
            return Err(AcceptError::Request(error));
        }
        if !self.options.allows(self.request.origin()) {
            self.refuse(403, "").await;
            return Err(AcceptError::Origin);
        }
        let config = Arc::clone(&self.options.config);
        let (connection, established) = match endpoint::accept(&self.request, acceptance, config) {
            Ok(accepted) => accepted,
            Err(misuse) => {
                self.refuse(500, "").await;
                return Err(AcceptError::Misuse(misuse));
            }
        };
        let opened = Opened::new(&established, None);
        let Self { stream, buffer, clock, deadline, options, .. } = self;
        let config = Arc::clone(&options.config);
        let mut socket = WebSocket::new(stream, connection, config, buffer, clock);
        // Who has taken long to decide doesn't leave the client less time to read.
        let now = clock.now();
        let deadline = deadline.map(|at| at.max(now + options.handshake.timeout.unwrap_or(LINGER)));
        tokio::select! {
            biased;
            written = poll_fn(|cx| socket.poll_answer(cx)) => written?,
            () = clock.sleep_until(deadline) => return Err(AcceptError::TimedOut),
        }
        Ok(socket.with_opened(opened).joining(options.shutdown.as_ref()))
    }

    /// Answers with a status and a text, and closes.
    pub async fn refuse(self, status: u16, body: &str) -> AcceptError {
        match Refusal::new(status, &[], body.as_bytes()) {
            Ok(refusal) => self.answer(&refusal.to_vec()).await,
            Err(misuse) => AcceptError::Misuse(misuse),
        }
    }

    /// Answers with this, and closes: a [`Refusal`] with fields, a page. It is [`AcceptError::Answered`], for those who return it.
    pub async fn answer(mut self, answer: &[u8]) -> AcceptError {
        write_answer(&mut self.stream, answer).await;
        AcceptError::Answered
    }
}

/// Writes an answer after which the stream is closed. A client that doesn't read it is left.
async fn write_answer<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, answer: &[u8]) {
    let _ = tokio::time::timeout(LINGER, async {
        stream.write_all(answer).await?;
        stream.shutdown().await?;
        read_to_end(stream, LINGER).await;
        io::Result::Ok(())
    })
    .await;
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S, Server> {
    /// Writes the answer that opens the connection.
    fn poll_answer(&mut self, cx: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_written(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(kind)) => Poll::Ready(Err(kind.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S> fmt::Debug for Opening<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("path", &self.request.path()).finish_non_exhaustive()
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
