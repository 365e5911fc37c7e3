//! What a client opens connections with.

use std::sync::Arc;
use std::time::Duration;

use sockless::extension::Supported;
use sockless::handshake::HeadLimits;
use sockless::{Config, frame};

/// What a client opens connections with. It serves any number of them.
///
/// ```
/// use std::time::Duration;
/// use sockless_blocking::ClientOptions;
///
/// let options = ClientOptions::new()
///     .with_field("Authorization", "Bearer 6bdf")
///     .with_subprotocols(["v2.chat", "chat"])
///     .with_timeout(Duration::from_secs(5));
/// ```
#[derive(Clone, Default)]
pub struct ClientOptions {
    pub(crate) config: Arc<Config>,
    pub(crate) handshake: HeadLimits,
    pub(crate) extensions: Supported,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) origin: Option<String>,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    #[cfg(feature = "rustls")]
    pub(crate) tls: Option<crate::net::Tls>,
}

impl ClientOptions {
    /// The defaults: nothing offered, no further fields; a message of at most 16 MiB, ten seconds until the connection is open.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another configuration of the connections. Messages are received whole, and pings and the peer's Close frame are answered,
    /// whatever it says.
    #[must_use]
    pub fn with_config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// The same with other limits of the handshake. Their time is that for everything until the connection is open.
    #[must_use]
    pub fn with_handshake(mut self, limits: HeadLimits) -> Self {
        self.handshake = limits;
        self
    }

    /// The same with another time until the connection is open.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.handshake = self.handshake.with_timeout(timeout);
        self
    }

    /// The same with extensions that are offered.
    #[must_use]
    pub fn with_extensions(mut self, supported: Supported) -> Self {
        self.extensions = supported;
        self
    }

    /// The same, and `permessage-deflate` offered on its default terms.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_compression(self) -> Self {
        let terms = sockless::extension::deflate::Terms::default();
        self.with_extensions(Supported::default().with_deflate(terms))
    }

    /// The same with subprotocols to be offered, the one most liked first.
    #[must_use]
    pub fn with_subprotocols<P: Into<String>>(
        mut self,
        subprotocols: impl IntoIterator<Item = P>,
    ) -> Self {
        self.subprotocols = subprotocols.into_iter().map(Into::into).collect();
        self
    }

    /// The same with an origin: browsers send one, others may.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// The same with one more field in the request: for cookies or authorization, say. It is checked when it is used.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// The same with another limit on the length of a message, and of a frame.
    #[must_use]
    pub fn with_max_message(self, bytes: u64) -> Self {
        let limits = frame::Limits::default().with_frame(bytes).with_message(bytes);
        self.change(|config| config.with_limits(limits))
    }

    /// The same with pings after silence: see [`Config::with_keepalive`].
    #[must_use]
    pub fn with_keepalive(self, interval: Duration, timeout: Duration) -> Self {
        self.change(|config| config.with_keepalive(interval, timeout))
    }

    /// The same with another way of speaking TLS: by default, the certificates that this system trusts.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn with_tls(mut self, tls: crate::net::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    fn change(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        self.config = Arc::new(change(Config::clone(&self.config)));
        self
    }
}

impl std::fmt::Debug for ClientOptions {
    /// Shows no values of fields: they often carry secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ClientOptions")
            .field("subprotocols", &self.subprotocols)
            .field("origin", &self.origin)
            .field("fields", &names)
            .finish_non_exhaustive()
    }
}

impl From<()> for ClientOptions {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<&Self> for ClientOptions {
    fn from(options: &Self) -> Self {
        options.clone()
    }
}

impl From<Config> for ClientOptions {
    fn from(config: Config) -> Self {
        Self::default().with_config(config)
    }
}

impl From<Arc<Config>> for ClientOptions {
    fn from(config: Arc<Config>) -> Self {
        Self::default().with_config(config)
    }
}
