//! The way to the server: a unix socket, its addresses, or a proxy's tunnel; all of it within the time of the opening.

mod dial;
mod tunnel;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use sockless::handshake::Url;

use crate::ending::Ending;
use crate::options::{ByProxy, Options};
use crate::proxy::Proxy;
use tunnel::TunnelError;

/// A stream to the server.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

/// Until when the connection has to be open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until(Instant);

impl Until {
    pub(crate) fn after(time: Duration) -> Self {
        let now = Instant::now();
        // What no clock can say is far enough away.
        Self(now.checked_add(time).unwrap_or(now + Duration::from_secs(1 << 30)))
    }

    /// What is left. Never zero: no timeout may be.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

/// The proxy on the way to this server, if there is one.
pub(crate) fn proxy(url: &Url<'_>, options: &Options) -> Result<Option<Proxy>, Ending> {
    match &options.proxy {
        _ if options.unix.is_some() => Ok(None),
        ByProxy::Direct => Ok(None),
        ByProxy::This(proxy) => Ok(Some(proxy.clone())),
        ByProxy::Environment => Proxy::from_environment(url.address(), url.is_secure())
            .map_err(|(name, error)| Ending::unusable(format!("{name}: {error}"))),
    }
}

/// A stream to the server, or a tunnel to it.
pub(crate) fn connect(
    url: &Url<'_>,
    options: &Options,
    proxy: Option<&Proxy>,
    until: Until,
) -> Result<Stream, Ending> {
    #[cfg(unix)]
    if let Some(path) = &options.unix {
        return std::os::unix::net::UnixStream::connect(path).map(Stream::Unix).map_err(|error| {
            Ending::unreached(format!(
                "can't connect to the unix socket {}: {error}. Is the server running, and is the path right?",
                path.display()
            ))
        });
    }
    let Some(proxy) = proxy else {
        return dial::dial(url.address(), url.port(), until, "the server").map(Stream::Tcp);
    };
    let stream = dial::dial(&proxy.host, proxy.port, until, "the proxy")?;
    match tunnel::tunnel(&stream, proxy, url.address(), url.port(), until) {
        Ok(()) => Ok(Stream::Tcp(stream)),
        // Another try would end in the same way.
        Err(error @ (TunnelError::Credentials | TunnelError::Host)) => {
            Err(Ending::distrusted(error.to_string()))
        }
        Err(error) => Err(Ending::unreached(error.to_string())),
    }
}
