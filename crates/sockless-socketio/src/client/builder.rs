//! What a client is made with.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use sockless_session::reconnect::Settings;
use sockless_tokio::ClientOptions;

use super::address::Address;
use super::driver::{Authenticate, Driver};
use super::error::ConnectError;
use super::handle::Client;
use super::requests::Server;
use super::sender::Sender;
use super::state::State;
use crate::engine::client as engine;
use crate::socket::{self, EmitError, Namespace};

/// What a client is made with.
///
/// ```no_run
/// use serde_json::json;
/// use sockless_socketio::client::Client;
///
/// # async fn run() -> Result<(), sockless_socketio::client::ConnectError> {
/// let client = Client::builder("https://example.com/chat?room=7")
///     .with_auth(|_| async { json!({ "token": "a token that may be fetched anew each time" }) })
///     .with_field("Authorization", "Bearer 6bdf")
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "`connect` connects the client"]
pub struct Builder {
    url: String,
    path: Option<String>,
    engine: engine::Config,
    sockets: socket::Config,
    reconnect: Option<Settings>,
    options: ClientOptions,
    fields: Vec<(String, String)>,
    authenticate: Authenticate,
}

impl Builder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            path: None,
            engine: engine::Config::default(),
            sockets: socket::Config::default(),
            reconnect: Some(Settings::default()),
            options: ClientOptions::default(),
            fields: Vec::new(),
            authenticate: Arc::new(|_| Box::pin(async { Ok(None) })),
        }
    }

    /// Where on the server Socket.IO is: `/socket.io/` by default.
    pub fn with_path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Which transports are used: long-polling, and WebSockets. By default both, the one and then the other.
    pub fn with_transports(mut self, polling: bool, websocket: bool) -> Self {
        self.engine = self.engine.with_transports(polling, websocket);
        self
    }

    /// With other times and limits of transports.
    pub fn with_engine(mut self, config: engine::Config) -> Self {
        self.engine = config;
        self
    }

    /// With other times and limits of namespaces.
    pub fn with_sockets(mut self, config: socket::Config) -> Self {
        self.sockets = config;
        self
    }

    /// With other delays, or another judgement of what is worth a further try.
    pub fn with_reconnect(mut self, settings: Settings) -> Self {
        self.reconnect = Some(settings);
        self
    }

    /// It doesn't reconnect.
    pub fn without_reconnect(mut self) -> Self {
        self.reconnect = None;
        self
    }

    /// What each namespace is asked for with: what this returns, which serde has to write as a JSON object. It is called anew for each
    /// session.
    pub fn with_auth<F, Fut, T>(mut self, auth: F) -> Self
    where
        F: Fn(Namespace) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Serialize,
    {
        self.authenticate = Arc::new(move |namespace| {
            let auth = auth(namespace);
            Box::pin(async move {
                serde_json::to_string(&auth.await).map(Some).map_err(|_| EmitError::Auth)
            })
        });
        self
    }

    /// One more field in each request, and in that of the WebSocket: for cookies or authorization, say.
    pub fn with_field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How connections are made: TLS, a proxy, how long that may take. Fields in these options go with WebSockets alone.
    pub fn with_options(mut self, options: ClientOptions) -> Self {
        self.options = options;
        self
    }

    /// Connects the client.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let mut address = Address::parse(&self.url)?;
        if let Some(path) = self.path {
            address.path = path;
        }
        let mut options = self.options;
        let mut fields = HeaderMap::new();
        for (name, value) in self.fields {
            let wrong = |_| ConnectError::Field;
            let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ConnectError::Field)?;
            let written = HeaderValue::from_str(&value).map_err(wrong)?;
            fields.append(field, written);
            options = options.with_field(name, value);
        }
        let reconnect = self.reconnect.unwrap_or_else(|| Settings::default().with_most_tries(1));
        let (query, namespace) = (address.query.clone(), address.namespace.clone());
        let state = State::new(self.engine.clone(), self.sockets, query, reconnect);
        let max_input = self.engine.max_input();
        let server = Server { address, options, fields, max_input };
        let driver = Driver::new(state, server, self.authenticate);
        let inbox = driver.with(|state, now| state.join(&namespace, now));
        let inbox = inbox.ok_or(ConnectError::Taken)?;
        Client::accepted(Sender { driver, namespace }, inbox).await
    }
}

impl fmt::Debug for Builder {
    /// Shows neither the URL nor fields, which may have secrets in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("engine", &self.engine).finish_non_exhaustive()
    }
}
