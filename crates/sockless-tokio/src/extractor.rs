//! The extractor for axum, which is used as axum's own is.
//!
//! Moving is a change of `use`, from `axum::extract::ws` to `sockless_tokio::axum`. What is different:
//!
//! | axum | here |
//! |---|---|
//! | `accept_unmasked_frames` | is not there: RFC 6455 forbids it |
//! | `read_buffer_size`, `write_buffer_size` | do nothing: buffers belong to threads, and `send` writes |
//! | pings, pongs and Close frames are among the messages | they are after `show_control_frames(true)`; an echo of everything would answer a ping with a ping |
//! | `WebSocket::protocol` is a `HeaderValue` | `WebSocket::subprotocol` is a `&str` |
//! | `CloseCode` is a `u16` | [`CloseCode`], `CloseCode::new(1000)` |
//! | `Message::to_text` of any message | `Message::as_text` of a text message |
//! | an `Error` is opaque | [`Error`](crate::Error) says what happened |
//!
//! What axum's does not have: compression, keepalive, a list of origins, a graceful end.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, Request};
use sockless::Config;
use sockless::extension::Supported;

use crate::opening::ServerOptions;
use crate::shutdown::Shutdown;
use crate::upgrade::{Asked, UpgradeError, UpgradedSocket};

pub use crate::data::Text as Utf8Bytes;
pub use crate::message::{CloseFrame, Message};
pub use sockless::CloseCode;

/// A WebSocket on a stream that axum has upgraded.
pub type WebSocket = UpgradedSocket;

/// Extracts what is needed to answer a request with a WebSocket, over HTTP/1.1 (a route for GET) and HTTP/2 (for CONNECT; `any` is both).
///
/// ```
/// use axum::{Router, response::Response, routing::any};
/// use sockless_tokio::axum::{WebSocket, WebSocketUpgrade};
///
/// async fn echo(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.with_compression().on_upgrade(|mut socket: WebSocket| async move {
///         while let Some(Ok(message)) = socket.recv().await {
///             if socket.send(message).await.is_err() {
///                 break;
///             }
///         }
///     })
/// }
///
/// let router: Router = Router::new().route("/ws", any(echo));
/// ```
#[must_use = "`on_upgrade` makes the answer"]
pub struct WebSocketUpgrade<F = DefaultOnFailedUpgrade> {
    asked: Asked,
    options: ServerOptions,
    requested: Vec<HeaderValue>,
    selected: Option<HeaderValue>,
    on_failed_upgrade: F,
}

impl<F> WebSocketUpgrade<F> {
    /// Does nothing: what is read goes to a buffer of the thread.
    pub fn read_buffer_size(self, _: usize) -> Self {
        self
    }

    /// Does nothing: `send` offers a message to the stream, `feed` waits for more.
    pub fn write_buffer_size(self, _: usize) -> Self {
        self
    }

    /// Limits how much may wait to be written: a message beyond it is refused.
    pub fn max_write_buffer_size(self, max: usize) -> Self {
        self.change(|config| {
            let soft = config.soft_limit;
            config.with_output_limits(soft, max)
        })
    }

    /// Limits the length of a message: 16 MiB by default.
    pub fn max_message_size(self, max: usize) -> Self {
        self.change(|config| {
            let limits = config.limits.with_message(max as u64);
            config.with_limits(limits)
        })
    }

    /// Limits the length of a frame: 16 MiB by default.
    pub fn max_frame_size(self, max: usize) -> Self {
        self.change(|config| {
            let limits = config.limits.with_frame(max as u64);
            config.with_limits(limits)
        })
    }

    /// Sets the known subprotocols, the one most liked first.
    pub fn protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        let is_requested = |known: &Cow<'static, str>| {
            self.requested.iter().any(|requested| requested.as_bytes() == known.as_bytes())
        };
        let chosen = protocols.into_iter().map(Into::into).find(is_requested);
        self.selected = chosen.and_then(|chosen| HeaderValue::from_str(&chosen).ok());
        self
    }

    /// The subprotocols that the client would like to speak.
    pub fn requested_protocols(&self) -> impl Iterator<Item = &HeaderValue> {
        self.requested.iter()
    }

    /// Sets the subprotocol. One that the client did not ask for makes the answer an error.
    pub fn set_selected_protocol(&mut self, protocol: HeaderValue) {
        self.selected = Some(protocol);
    }

    /// The subprotocol that was chosen.
    pub fn selected_protocol(&self) -> Option<&HeaderValue> {
        self.selected.as_ref()
    }

    /// Accepts `permessage-deflate` on its default terms from clients that offer it.
    #[cfg(feature = "deflate")]
    pub fn with_compression(mut self) -> Self {
        self.options = self.options.with_compression();
        self
    }

    /// Accepts extensions.
    pub fn with_extensions(mut self, supported: Supported) -> Self {
        self.options = self.options.with_extensions(supported);
        self
    }

    /// Pings after silence: see [`Config::with_keepalive`].
    pub fn with_keepalive(self, interval: Duration, timeout: Duration) -> Self {
        self.change(|config| config.with_keepalive(interval, timeout))
    }

    /// Allows these origins, and clients that send none; others are answered with status 403.
    pub fn with_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.options = self.options.with_origins(origins);
        self
    }

    /// Lets the connection hear of a shutdown, and close with code 1001 when it begins.
    pub fn with_shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.options = self.options.with_shutdown(shutdown);
        self
    }

    /// Sets everything at once: what a connection is accepted with. What has been said before is forgotten, but for the subprotocol.
    pub fn with_options(mut self, options: impl Into<ServerOptions>) -> Self {
        self.options = options.into();
        self
    }

    /// Sets the whole configuration of the connection.
    pub fn with_config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.options = self.options.with_config(config);
        self
    }

    fn change(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        let config = Config::clone(&self.options.config);
        self.options = self.options.with_config(change(config));
        self
    }

    /// Sets what is called if the connection is lost before it is upgraded.
    pub fn on_failed_upgrade<C: OnFailedUpgrade>(self, callback: C) -> WebSocketUpgrade<C> {
        let Self { asked, options, requested, selected, .. } = self;
        WebSocketUpgrade { asked, options, requested, selected, on_failed_upgrade: callback }
    }

    /// Answers, and calls this with the WebSocket, in a task of its own.
    #[must_use = "it is the answer"]
    pub fn on_upgrade<C, Fut>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
        F: OnFailedUpgrade,
    {
        let Self { asked, options, selected, on_failed_upgrade, .. } = self;
        let selected = selected.as_ref().map(|selected| selected.to_str().unwrap_or_default());
        match asked.answer(&options, selected) {
            Ok((response, upgrading)) => {
                tokio::spawn(async move {
                    match upgrading.await {
                        Ok(socket) => callback(socket).await,
                        Err(error) => on_failed_upgrade.call(error),
                    }
                });
                response.map(|()| Body::empty())
            }
            Err(error) => Rejection(error).into_response(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let mut request = Request::new(());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.version_mut() = parts.version;
        *request.headers_mut() = parts.headers.clone();
        std::mem::swap(request.extensions_mut(), &mut parts.extensions);
        let asked = Asked::take(&mut request);
        std::mem::swap(request.extensions_mut(), &mut parts.extensions);
        let asked = asked.map_err(Rejection)?;
        let fields = asked.head().headers().get_all(http::header::SEC_WEBSOCKET_PROTOCOL);
        let names = fields.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let requested = names.filter_map(|name| HeaderValue::from_bytes(name.trim_ascii()).ok());
        Ok(Self {
            requested: requested.collect(),
            asked,
            options: ServerOptions::new(),
            selected: None,
            on_failed_upgrade: DefaultOnFailedUpgrade,
        })
    }
}

/// What is called if a connection is lost before it is upgraded.
pub trait OnFailedUpgrade: Send + 'static {
    /// It is lost, for this reason.
    fn call(self, error: ::hyper::Error);
}

impl<F: FnOnce(::hyper::Error) + Send + 'static> OnFailedUpgrade for F {
    fn call(self, error: ::hyper::Error) {
        self(error);
    }
}

/// Nothing is called: the client is gone.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultOnFailedUpgrade;

impl OnFailedUpgrade for DefaultOnFailedUpgrade {
    fn call(self, _: ::hyper::Error) {}
}

/// Why a request is not answered with a WebSocket. As a response, it is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection(pub UpgradeError);

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.0.response().map(|()| Body::from(self.0.to_string()))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {}

impl<F> fmt::Debug for WebSocketUpgrade<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade").field("options", &self.options).finish_non_exhaustive()
    }
}
