//! From a URL to a WebSocket: name, address, proxy, TCP, TLS, handshake, all in one time.

use std::future::Future;
use std::io;
use std::time::Duration;

use sockless::Client;
use sockless::handshake::Url;
use tokio::net::{TcpStream, lookup_host};

use super::proxy::Proxy;
use super::race::{interleave, race};
use super::stream::NetStream;
use crate::clock::Clock;
use crate::opening::{self, ClientOptions, ConnectError, Stage, Through};
use crate::socket::WebSocket;

/// Opens a WebSocket to a `ws:` or `wss:` URL, with the defaults.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = sockless_tokio::connect("wss://example.com/feed").await?;
/// while let Some(message) = socket.recv().await {
///     println!("{:?}", message?.as_text());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the connection can't be opened: what happened, and what to do next.
pub async fn connect(url: &str) -> Result<WebSocket<NetStream, Client>, ConnectError> {
    connect_with(url, ()).await
}

/// Opens a WebSocket to a `ws:` or `wss:` URL.
///
/// # Errors
///
/// As for [`connect`]. What is wrong with the URL is said before anything is done.
pub async fn connect_with(
    url: &str,
    options: impl Into<ClientOptions>,
) -> Result<WebSocket<NetStream, Client>, ConnectError> {
    let options = options.into();
    // In memory of its own: the task that goes on with the socket would keep room for all of this.
    Box::pin(follow(url, &options)).await
}

/// Opens the stream that a WebSocket to this URL would have, and nothing on it: by the same proxy, with the same TLS, in the same time. It is
/// for protocols that make requests of HTTP/1.1 beside the WebSocket.
///
/// # Errors
///
/// As for [`connect`], as far as it goes. Redirects are answers to requests, and so not followed.
pub async fn connect_stream(
    url: &str,
    options: impl Into<ClientOptions>,
) -> Result<NetStream, ConnectError> {
    let options = options.into();
    let url = Url::parse(url)?;
    let time = Time { clock: Clock::start(), limit: options.handshake.timeout };
    let opening = async {
        let stream = reach(url, &options, time).await?;
        secure(url, &options, stream, time).await
    };
    Box::pin(opening).await
}

/// Opens a connection, following as many redirects as are allowed.
async fn follow(
    url: &str,
    options: &ClientOptions,
) -> Result<WebSocket<NetStream, Client>, ConnectError> {
    let clock = Clock::start();
    let mut options = std::borrow::Cow::Borrowed(options);
    let mut target = url.to_owned();
    let mut left = options.redirects;
    loop {
        let url = Url::parse(&target)?;
        let refused = match open(url, &options, clock).await {
            Err(ConnectError::Refused(refused)) if left > 0 => refused,
            opened => return opened,
        };
        let Some(next) = redirect(url, &refused) else {
            return Err(ConnectError::Refused(refused));
        };
        let to = Url::parse(&next)?;
        if url.is_secure() && !to.is_secure() {
            // What was meant to be secret stays so.
            return Err(ConnectError::Refused(refused));
        }
        if (to.host(), to.port(), to.is_secure()) != (url.host(), url.port(), url.is_secure()) {
            options.to_mut().drop_credentials();
        }
        left -= 1;
        target = next;
    }
}

/// Where an answer redirects to, as the URL of a WebSocket.
fn redirect(from: Url<'_>, refused: &opening::Refused) -> Option<String> {
    if !matches!(refused.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to = refused.field("location")?;
    let scheme = if from.is_secure() { "wss" } else { "ws" };
    Some(match to.split_once("://") {
        Some((other, rest)) if other.eq_ignore_ascii_case("https") => format!("wss://{rest}"),
        Some((other, rest)) if other.eq_ignore_ascii_case("http") => format!("ws://{rest}"),
        Some(_) => to.to_owned(),
        None if to.starts_with("//") => format!("{scheme}:{to}"),
        None if to.starts_with('/') => format!("{scheme}://{}:{}{to}", from.host(), from.port()),
        None => return None,
    })
}

async fn open(
    url: Url<'_>,
    options: &ClientOptions,
    clock: Clock,
) -> Result<WebSocket<NetStream, Client>, ConnectError> {
    opening::check(url, options)?;
    let time = Time { clock, limit: options.handshake.timeout };
    let stream = reach(url, options, time).await?;
    let stream = secure(url, options, stream, time).await?;
    let mut limits = options.handshake;
    if let Some(left) = time.left() {
        limits = limits.with_timeout(left);
    }
    opening::open(stream, url, options, clock, limits).await
}

/// A TCP stream that leads to the server.
async fn reach(
    url: Url<'_>,
    options: &ClientOptions,
    time: Time,
) -> Result<TcpStream, ConnectError> {
    let proxy = match &options.proxy {
        Through::Nothing => None,
        Through::Environment => Proxy::from_environment(url.address(), url.is_secure())?,
        Through::Proxy(proxy) => Some(proxy.clone()),
    };
    let Some(proxy) = proxy else { return dial(url.address(), url.port(), time).await };
    let mut stream = dial(&proxy.host, proxy.port, time).await?;
    let tunnel = async { Ok(proxy.tunnel(&mut stream, url.address(), url.port()).await) };
    time.bound(Stage::Proxy, tunnel).await?.map_err(ConnectError::Io)??;
    Ok(stream)
}

/// A TCP stream to one of a host's addresses.
pub(super) async fn dial(host: &str, port: u16, time: Time) -> Result<TcpStream, ConnectError> {
    let addresses = time.bound(Stage::Resolve, lookup_host((host, port))).await?;
    let addresses = addresses.map_err(ConnectError::Resolve)?;
    let connecting = race(interleave(addresses), TcpStream::connect);
    let stream = time.bound(Stage::Connect, connecting).await?.map_err(ConnectError::Connect)?;
    stream.set_nodelay(true).map_err(ConnectError::Connect)?;
    Ok(stream)
}

#[cfg(feature = "rustls")]
async fn secure(
    url: Url<'_>,
    options: &ClientOptions,
    stream: TcpStream,
    time: Time,
) -> Result<NetStream, ConnectError> {
    if !url.is_secure() {
        return Ok(NetStream::Tcp(stream));
    }
    let tls = match &options.tls {
        Some(tls) => tls.clone(),
        None => super::tls::Tls::system().map_err(ConnectError::Tls)?,
    };
    let connecting = tls.connect(url.address(), stream);
    time.bound(Stage::Tls, connecting).await?.map_err(ConnectError::Tls)
}

#[cfg(not(feature = "rustls"))]
async fn secure(
    url: Url<'_>,
    _: &ClientOptions,
    stream: TcpStream,
    _: Time,
) -> Result<NetStream, ConnectError> {
    match url.is_secure() {
        true => Err(ConnectError::Tls(io::Error::new(
            io::ErrorKind::Unsupported,
            "a wss: URL needs the feature rustls, or a stream of your own and connect_over",
        ))),
        false => Ok(NetStream::Tcp(stream)),
    }
}

/// How long it may take until the connection is open.
#[derive(Clone, Copy)]
pub(super) struct Time {
    clock: Clock,
    limit: Option<Duration>,
}

impl Time {
    fn left(self) -> Option<Duration> {
        Some(self.limit?.saturating_sub(self.clock.now()))
    }

    /// Waits for something, but no longer than the time lasts.
    pub(super) async fn bound<T>(
        self,
        stage: Stage,
        future: impl Future<Output = io::Result<T>>,
    ) -> Result<io::Result<T>, ConnectError> {
        match self.left() {
            None => Ok(future.await),
            Some(left) => {
                tokio::time::timeout(left, future).await.map_err(|_| ConnectError::TimedOut(stage))
            }
        }
    }
}
