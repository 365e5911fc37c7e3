//! What a server accepts connections with.

use std::sync::Arc;
use std::time::Duration;

use sockless::extension::Supported;
use sockless::handshake::{Acceptance, HeadLimits, Origins, Request};
use sockless::{Config, frame};

/// What a server accepts connections with. Cloning it is cheap.
///
/// ```
/// use std::time::Duration;
/// use sockless_blocking::ServerOptions;
///
/// let options = ServerOptions::new()
///     .with_subprotocols(["v2.chat", "chat"])
///     .with_origins(["https://example.com"])
///     .with_max_message(1 << 20)
///     .with_keepalive(Duration::from_secs(30), Duration::from_secs(10));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    pub(crate) config: Arc<Config>,
    pub(crate) handshake: HeadLimits,
    pub(crate) extensions: Supported,
    subprotocols: Arc<[String]>,
    origins: Option<Arc<[String]>>,
}

impl ServerOptions {
    /// The defaults: no subprotocols, any origin, no compression; a message of at most 16 MiB, ten seconds for the handshake.
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

    /// The same with other limits of the handshake.
    #[must_use]
    pub fn with_handshake(mut self, limits: HeadLimits) -> Self {
        self.handshake = limits;
        self
    }

    /// The same with another time for the handshake: for the client to ask, and to take the answer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.handshake = self.handshake.with_timeout(timeout);
        self
    }

    /// The same with extensions that may be used, as far as a client offers them.
    #[must_use]
    pub fn with_extensions(mut self, supported: Supported) -> Self {
        self.extensions = supported;
        self
    }

    /// The same, and `permessage-deflate` on its default terms for clients that offer it.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_compression(self) -> Self {
        let terms = sockless::extension::deflate::Terms::default();
        self.with_extensions(Supported::default().with_deflate(terms))
    }

    /// The same with subprotocols, the one most liked first. The first that a client offers is used; if it offers none of them, none is.
    #[must_use]
    pub fn with_subprotocols<P: Into<String>>(
        mut self,
        subprotocols: impl IntoIterator<Item = P>,
    ) -> Self {
        self.subprotocols = subprotocols.into_iter().map(Into::into).collect();
        self
    }

    /// The same, for these origins and for clients that send none: requests from scripts of other origins are answered with status 403. A server
    /// that relies on cookies needs it.
    #[must_use]
    pub fn with_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.origins = Some(origins.into_iter().map(Into::into).collect());
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

    /// The same with a limit on the time without a message: see [`Config::with_idle`].
    #[must_use]
    pub fn with_idle(self, idle: Duration) -> Self {
        self.change(|config| config.with_idle(idle))
    }

    fn change(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        self.config = Arc::new(change(Config::clone(&self.config)));
        self
    }

    /// Whether the origin of a request may be accepted.
    pub(crate) fn allows(&self, origin: Option<&str>) -> bool {
        let Some(origins) = &self.origins else { return true };
        let origins: Vec<&str> = origins.iter().map(String::as_str).collect();
        Origins::new(&origins).or_none().allows(origin)
    }

    /// The subprotocol to be used with a client that offers these.
    pub(crate) fn choose<'o>(
        &self,
        offered: impl Iterator<Item = &'o str> + Clone,
    ) -> Option<&str> {
        let chosen =
            self.subprotocols.iter().find(|ours| offered.clone().any(|offered| offered == **ours));
        chosen.map(String::as_str)
    }

    /// What a request is accepted with.
    pub fn acceptance(&self, request: &Request<'_>) -> Acceptance<'_> {
        Acceptance::new()
            .with_extensions(self.extensions)
            .with_subprotocol(self.choose(request.subprotocols()))
    }
}

impl From<()> for ServerOptions {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<&Self> for ServerOptions {
    fn from(options: &Self) -> Self {
        options.clone()
    }
}

impl From<Config> for ServerOptions {
    fn from(config: Config) -> Self {
        Self::default().with_config(config)
    }
}

impl From<Arc<Config>> for ServerOptions {
    fn from(config: Arc<Config>) -> Self {
        Self::default().with_config(config)
    }
}
