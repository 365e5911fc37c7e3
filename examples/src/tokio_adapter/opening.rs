//! The opening handshake, in both roles.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use sockless::connection::Side;
use sockless::handshake::{
    Acceptance, Acceptor, Answered, Asked, Connector, Limits, Offer, Request, RequestError, Url,
};
use sockless::{Client, Config, Connection, Server, endpoint};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::buffer::Buffer;
use super::clock::Clock;
use super::error::Error;
use super::linger;
use super::websocket::{Task, WebSocket};

/// How long a client that was answered otherwise may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);

/// Connects to a `ws:` URL over TCP.
///
/// # Errors
///
/// If the connection can't be opened.
pub async fn connect(
    url: &str,
    config: impl Into<Arc<Config>>,
) -> Result<WebSocket<TcpStream, Client>, Error> {
    let url = Url::parse(url)?;
    if url.is_secure() {
        return Err(Error::Secure);
    }
    let stream = TcpStream::connect((url.address(), url.port())).await?;
    stream.set_nodelay(true)?;
    connect_over(stream, Offer::new(url), config).await
}

/// Opens a WebSocket as a client, over a stream that leads to the server.
///
/// # Errors
///
/// If the connection can't be opened.
pub async fn connect_over<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    offer: Offer<'_>,
    config: impl Into<Arc<Config>>,
) -> Result<WebSocket<S, Client>, Error> {
    let clock = Clock::start();
    let config = config.into();
    let mut connector = Connector::new(offer, &Limits::default(), clock.now())?;
    let request = connector.request().to_vec();
    tokio::select! {
        written = async {
            stream.write_all(&request).await?;
            stream.flush().await
        } => written?,
        () = clock.sleep_until(connector.deadline()) => return Err(Error::Closed),
    }
    let mut buffer = Buffer::default();
    loop {
        let arrived = read(&mut stream, &mut buffer, clock, connector.deadline()).await?;
        let answered = match arrived {
            Some(0) => connector.end(),
            _ => connector.poll(buffer.unread(), clock.now()),
        };
        match answered {
            None => buffer.keep_last(0),
            Some(Answered::Open { established, response }) => {
                let connection = endpoint::client(&established, Arc::clone(&config));
                let head = response.consumed();
                buffer.consume(head);
                return Ok(WebSocket::new(stream, connection, buffer, clock, config.close));
            }
            Some(Answered::Refused(response)) => return Err(Error::Status(response.status())),
            Some(Answered::Failed(error)) => return Err(Error::Answer(error)),
        }
    }
}

/// What to do with a request that follows the rules. A plain one that is accepted is answered with status 426.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Open the connection.
    Accept(Acceptance<'a>),
    /// Answer with this, and close: a [`Refusal`](sockless::handshake::Refusal), a page.
    Answer(Vec<u8>),
}

/// Opens a WebSocket as a server, for whatever resource a client asks for.
///
/// # Errors
///
/// If the client asked for something else, which has been answered with status 426; or if the stream failed.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: impl Into<Arc<Config>>,
) -> Result<WebSocket<S, Server>, Error> {
    accept_with(stream, config, Limits::default(), |_| Decision::Accept(Acceptance::new())).await
}

/// Opens a WebSocket as a server, if the request pleases. `decide` sees the requests for a WebSocket, and those for something else
/// ([`Request::is_upgrade`] tells them apart); those that break the rules are answered without it.
///
/// # Errors
///
/// As for [`accept`].
pub async fn accept_with<'a, S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    config: impl Into<Arc<Config>>,
    limits: Limits,
    decide: impl FnOnce(&Request<'_>) -> Decision<'a>,
) -> Result<WebSocket<S, Server>, Error> {
    let clock = Clock::start();
    let config = config.into();
    let mut acceptor = Acceptor::new(&limits, clock.now());
    let mut buffer = Buffer::default();
    let deadline = acceptor.deadline();
    let (answer, why) = loop {
        let arrived = read(&mut stream, &mut buffer, clock, deadline).await?;
        let asked = match arrived {
            Some(0) => acceptor.end(),
            _ => acceptor.poll(buffer.unread(), clock.now()),
        };
        let request = match asked {
            None => {
                buffer.keep_last(0);
                continue;
            }
            Some(Asked::WebSocket(request) | Asked::Plain(request)) => request,
            Some(Asked::Refused(error)) => break (error.answer().to_vec(), Error::Request(error)),
        };
        match decide(&request) {
            Decision::Accept(_) if !request.is_upgrade() => {
                let error = RequestError::PlainRequest;
                break (error.answer().to_vec(), Error::Request(error));
            }
            Decision::Accept(acceptance) => {
                let (connection, _) = endpoint::accept(&request, &acceptance, Arc::clone(&config))?;
                let head = request.consumed();
                buffer.consume(head);
                let mut socket = WebSocket::new(stream, connection, buffer, clock, config.close);
                return tokio::select! {
                    written = poll_fn(|cx| socket.poll_write(cx, Task::Reads)) => written.map(|()| socket),
                    () = clock.sleep_until(deadline) => Err(Error::Closed),
                };
            }
            Decision::Answer(answer) => break (answer, Error::Answered),
        }
    };
    // A client that doesn't read its answer is left as well.
    let _ = tokio::time::timeout(LINGER, async {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        linger::read_to_end(&mut stream, LINGER).await;
        Ok::<(), Error>(())
    })
    .await;
    Err(why)
}

/// How many bytes arrived; `None` if the time is over.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Buffer,
    clock: Clock,
    deadline: Option<Duration>,
) -> Result<Option<usize>, Error> {
    tokio::select! {
        count = poll_fn(|cx| buffer.poll_read(stream, cx)) => Ok(Some(count?)),
        () = clock.sleep_until(deadline) => Ok(None),
    }
}

/// A connection on a stream whose handshake is over: that of another HTTP server, say.
impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    /// A WebSocket on a stream that something else has upgraded.
    pub fn upgraded(stream: S, connection: Connection<R>, close: Duration) -> Self {
        Self::new(stream, connection, Buffer::default(), Clock::start(), close)
    }
}
