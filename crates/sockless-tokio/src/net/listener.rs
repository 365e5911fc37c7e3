//! A small server over a listener, for those without a framework.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{io, pin::pin};

use sockless::Server;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::stream::NetStream;
use crate::opening::{AcceptError, Decision, ServerOptions, accept_with};
use crate::socket::WebSocket;

/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);
/// How many connections there may be, unless it is said otherwise.
const LIMIT: usize = 100_000;

/// A small server over a listener, for those without a framework: each connection in a task of its own, with TLS or without.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use sockless_tokio::Listener;
///
/// let listener = Listener::bind("127.0.0.1:9001").await?.with_limit(10_000);
/// let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
/// listener.run(stop, |mut socket, _address| async move {
///     while let Some(Ok(message)) = socket.recv().await {
///         if socket.send(message).await.is_err() {
///             break;
///         }
///     }
/// }).await;
/// # Ok(())
/// # }
/// ```
pub struct Listener {
    listener: TcpListener,
    options: ServerOptions,
    limit: usize,
    grace: Duration,
    #[cfg(feature = "rustls")]
    tls: Option<tokio_rustls::TlsAcceptor>,
}

impl Listener {
    /// Listens at an address.
    ///
    /// # Errors
    ///
    /// If the address can't be had.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address).await?))
    }

    /// A server over a listener.
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            options: ServerOptions::new(),
            limit: LIMIT,
            grace: Duration::from_secs(30),
            #[cfg(feature = "rustls")]
            tls: None,
        }
    }

    /// The same with what connections are accepted with.
    #[must_use]
    pub fn with_options(mut self, options: impl Into<ServerOptions>) -> Self {
        self.options = options.into();
        self
    }

    /// The same with another number of connections there may be at once: further ones wait in the system's queue. 100,000 by default.
    #[must_use]
    pub fn with_limit(mut self, connections: usize) -> Self {
        self.limit = connections.max(1);
        self
    }

    /// The same with another time that connections may take to end when it stops: 30 seconds by default.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The same with TLS.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn with_tls(mut self, config: impl Into<Arc<rustls::ServerConfig>>) -> Self {
        self.tls = Some(config.into().into());
        self
    }

    /// The address it listens at.
    ///
    /// # Errors
    ///
    /// If the system doesn't say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts connections until `stop` is ready, and hands each to `serve`, in a task of its own. Then it stops gracefully: no further connection is
    /// accepted, each is closed with code 1001, and those that have not ended when the time for it is over are dropped.
    ///
    /// Requests for something else than a WebSocket are answered with status 426. The errors of single connections concern nobody else; when the
    /// system can't give another stream, it is asked again after a while.
    pub async fn run<F: Future<Output = ()> + Send + 'static>(
        self,
        stop: impl Future<Output = ()>,
        serve: impl Fn(WebSocket<NetStream, Server>, SocketAddr) -> F + Send + Sync + 'static,
    ) {
        let Self { listener, options, limit, grace, .. } = &self;
        let shutdown = options.shutdown.clone().unwrap_or_default();
        let options = options.clone().with_shutdown(&shutdown);
        let (serve, places) = (Arc::new(serve), Arc::new(Semaphore::new(*limit)));
        let mut tasks = tokio::task::JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accept = async {
                // It is given back with the connection's task, and is never closed.
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            tokio::select! {
                (place, accepted) = accept => match accepted {
                    Ok((stream, address)) => {
                        let (serve, options) = (Arc::clone(&serve), options.clone());
                        let opening = self.open(stream, options);
                        tasks.spawn(async move {
                            let _place = place;
                            if let Ok(socket) = opening.await {
                                serve(socket, address).await;
                            }
                        });
                    }
                    // Too many open files, for example.
                    Err(_) => sleep(RECOVER).await,
                },
                // Those who are gone are forgotten.
                Some(_) = tasks.join_next() => {}
                () = &mut stop => break,
            }
        }
        let (grace, _) = (*grace, drop(self));
        shutdown.begin();
        let _ = timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
        tasks.shutdown().await;
    }

    /// Opens a connection, within the time of the handshake each for TLS and for the request.
    #[cfg(feature = "rustls")]
    fn open(
        &self,
        stream: TcpStream,
        options: ServerOptions,
    ) -> impl Future<Output = Result<WebSocket<NetStream, Server>, AcceptError>> + Send + 'static
    {
        let tls = self.tls.clone();
        async move {
            let _ = stream.set_nodelay(true);
            let stream = match tls {
                None => NetStream::Tcp(stream),
                Some(tls) => {
                    let patience = options.handshake.timeout.unwrap_or(Duration::MAX);
                    let accepted = timeout(patience, Box::pin(tls.accept(stream))).await;
                    let stream = accepted.map_err(|_| AcceptError::TimedOut)??;
                    NetStream::Tls(Box::new(stream.into()))
                }
            };
            accept_with(stream, options, |_| Decision::Accept).await
        }
    }

    /// Opens a connection.
    #[cfg(not(feature = "rustls"))]
    fn open(
        &self,
        stream: TcpStream,
        options: ServerOptions,
    ) -> impl Future<Output = Result<WebSocket<NetStream, Server>, AcceptError>> + Send + 'static
    {
        let _ = stream.set_nodelay(true);
        accept_with(NetStream::Tcp(stream), options, |_| Decision::Accept)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("listener", &self.listener).finish_non_exhaustive()
    }
}
