//! From a URL to a stream: the host's addresses, TCP and TLS, all within the time of the handshake.

mod dial;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "rustls")]
mod tls_stream;

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use sockless::Client;
use sockless::handshake::Url;

#[cfg(feature = "rustls")]
pub use tls::Tls;
#[cfg(feature = "rustls")]
pub(crate) use tls::explain;
#[cfg(feature = "rustls")]
pub use tls_stream::TlsStream;

use crate::clock::Clock;
use crate::opening::{self, ClientOptions, ConnectError};
use crate::socket::WebSocket;
use crate::stream::Stream;

/// Opens a WebSocket as a client: `ws:`, or `wss:` with the feature `rustls`. It takes ten seconds at most.
///
/// # Errors
///
/// If the connection can't be opened. Every error says what to do next.
pub fn connect(url: &str) -> Result<WebSocket<NetStream, Client>, ConnectError> {
    connect_with(url, ())
}

/// Opens a WebSocket as a client, with options.
///
/// # Errors
///
/// As for [`connect`]. What is wrong with the URL, a field or a subprotocol is said before a stream is opened.
pub fn connect_with(
    url: &str,
    options: impl Into<ClientOptions>,
) -> Result<WebSocket<NetStream, Client>, ConnectError> {
    let (url, options, clock) = (Url::parse(url)?, options.into(), Clock::start());
    opening::check(url, &options)?;
    let time = Time { clock, limit: options.handshake.timeout };
    let stream = dial::dial(url.address(), url.port(), time)?;
    stream.prepare().map_err(ConnectError::Connect)?;
    let stream = secure(url, &options, stream, time)?;
    let mut limits = options.handshake;
    if let Some(left) = time.left() {
        limits = limits.with_timeout(left);
    }
    opening::open(stream, url, &options, clock, limits)
}

#[cfg(feature = "rustls")]
fn secure(
    url: Url<'_>,
    options: &ClientOptions,
    stream: TcpStream,
    time: Time,
) -> Result<NetStream, ConnectError> {
    if !url.is_secure() {
        return Ok(NetStream(Inner::Tcp(stream)));
    }
    let tls = match &options.tls {
        Some(tls) => tls.clone(),
        None => Tls::system().map_err(ConnectError::Tls)?,
    };
    let stream = tls.connect(url.address(), stream).map_err(ConnectError::Tls)?;
    while !stream.handshake(time.left()).map_err(ConnectError::Tls)? {
        if time.is_over() {
            return Err(ConnectError::TimedOut(opening::Stage::Tls));
        }
    }
    Ok(NetStream(Inner::Tls(Box::new(stream))))
}

#[cfg(not(feature = "rustls"))]
fn secure(
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
        false => Ok(NetStream(Inner::Tcp(stream))),
    }
}

/// How long it may take until the connection is open.
#[derive(Clone, Copy)]
struct Time {
    clock: Clock,
    limit: Option<Duration>,
}

impl Time {
    /// What is left of it; `None` is without end.
    fn left(self) -> Option<Duration> {
        Some(self.limit?.saturating_sub(self.clock.now()))
    }

    fn is_over(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }
}

/// A stream to a host: TCP, or TLS on TCP.
#[derive(Debug)]
pub struct NetStream(Inner);

#[derive(Debug)]
enum Inner {
    Tcp(TcpStream),
    #[cfg(feature = "rustls")]
    Tls(Box<TlsStream>),
}

impl NetStream {
    /// The TCP stream, which TLS may be spoken on: for its addresses and options.
    pub fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Inner::Tcp(stream) => stream,
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => stream.tcp(),
        }
    }

    fn stream(&self) -> &dyn Stream {
        match &self.0 {
            Inner::Tcp(stream) => stream,
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => stream,
        }
    }
}

impl From<TcpStream> for NetStream {
    fn from(stream: TcpStream) -> Self {
        Self(Inner::Tcp(stream))
    }
}

#[cfg(feature = "rustls")]
impl From<TlsStream> for NetStream {
    fn from(stream: TlsStream) -> Self {
        Self(Inner::Tls(Box::new(stream)))
    }
}

impl Stream for NetStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream().read(buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream().write(bytes)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream().set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream().set_write_timeout(timeout)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.stream().shutdown_write()
    }

    fn close(&self) {
        self.stream().close();
    }

    fn prepare(&self) -> io::Result<()> {
        self.stream().prepare()
    }
}
