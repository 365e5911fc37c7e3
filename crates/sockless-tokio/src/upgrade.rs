//! WebSockets on the streams of hyper: over HTTP/1.1, and over HTTP/2 by extended CONNECT (RFC 8441).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ::hyper::upgrade::{OnUpgrade, Upgraded};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use sockless::handshake::{Acceptance, HandshakeMisuse, RequestError, Upgrade, connect};
use sockless::{Connection, Server, endpoint};
use tokio::io::{ReadHalf, WriteHalf};

use crate::halves::IntoHalves;
use crate::opening::ServerOptions;
use crate::shutdown::Member;
use crate::socket::{Opened, WebSocket};

/// A WebSocket on a stream that hyper has upgraded.
pub type UpgradedSocket = WebSocket<TokioIo<Upgraded>, Server>;

/// Answers a request for a WebSocket: what hyper is to send, and what becomes the WebSocket once it has.
///
/// ```
/// use http::{Request, Response};
/// use hyper::body::Incoming;
/// use sockless_tokio::ServerOptions;
/// use sockless_tokio::hyper::upgrade;
///
/// async fn answer(mut request: Request<Incoming>) -> Result<Response<String>, http::Error> {
///     let (response, upgrading) = match upgrade(&mut request, &ServerOptions::new()) {
///         Ok(upgrade) => upgrade,
///         Err(error) => return Ok(error.response().map(|()| error.to_string())),
///     };
///     tokio::spawn(async move {
///         let Ok(mut socket) = upgrading.await else { return };
///         while let Some(Ok(message)) = socket.recv().await {
///             if socket.send(message).await.is_err() {
///                 break;
///             }
///         }
///     });
///     Ok(response.map(|()| String::new()))
/// }
/// ```
///
/// HTTP/1.1 has to be served `with_upgrades`; HTTP/2 with `enable_connect_protocol`.
///
/// # Errors
///
/// If the request is for no WebSocket, breaks a rule, or comes from an origin that is not allowed; [`UpgradeError::response`] is the answer.
pub fn upgrade<B>(
    request: &mut Request<B>,
    options: impl Into<ServerOptions>,
) -> Result<(Response<()>, Upgrading), UpgradeError> {
    Asked::take(request)?.answer(&options.into(), None)
}

/// A request for a WebSocket that has not been answered yet.
pub(crate) struct Asked {
    head: Request<()>,
    on_upgrade: OnUpgrade,
    protocol: Option<&'static str>,
}

impl Asked {
    /// Takes what is needed out of a request.
    pub(crate) fn take<B>(request: &mut Request<B>) -> Result<Self, UpgradeError> {
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.version_mut() = request.version();
        *head.headers_mut() = request.headers().clone();
        let protocol = request.extensions().get::<::hyper::ext::Protocol>().map(|protocol| {
            match protocol.as_str().eq_ignore_ascii_case("websocket") {
                true => "websocket",
                false => "another",
            }
        });
        // What is wrong with the request matters more than that its stream can't be had.
        check(&head, protocol)?;
        let on_upgrade = request.extensions_mut().remove().ok_or(UpgradeError::NotUpgradable)?;
        Ok(Self { head, on_upgrade, protocol })
    }

    #[cfg(feature = "axum")]
    pub(crate) fn head(&self) -> &Request<()> {
        &self.head
    }

    /// Answers; with this subprotocol, or with the one that the options choose.
    pub(crate) fn answer(
        self,
        options: &ServerOptions,
        subprotocol: Option<&str>,
    ) -> Result<(Response<()>, Upgrading), UpgradeError> {
        let Self { head, on_upgrade, protocol } = self;
        let origin = head.headers().get(http::header::ORIGIN);
        let origin = origin.map(|origin| origin.to_str().unwrap_or("malformed"));
        if !options.allows(origin) {
            return Err(UpgradeError::Origin);
        }
        let acceptance = Acceptance::new().with_extensions(options.extensions);
        let (established, response) = if is_http1(&head) {
            let upgrade = Upgrade::check(&head)?;
            let chosen = subprotocol.or_else(|| options.choose(upgrade.subprotocols()));
            let switching = upgrade.accept(&acceptance.with_subprotocol(chosen))?;
            let response =
                Response::try_from(&switching).map_err(|_| UpgradeError::NotUpgradable)?;
            (switching.established(), response)
        } else {
            let request = connect::ConnectRequest::from_http(&head, protocol)?;
            let offered: Vec<&str> = request.subprotocols().collect();
            let chosen = subprotocol.or_else(|| options.choose(offered.iter().copied()));
            let accepted = request.accept(&acceptance.with_subprotocol(chosen))?;
            let response =
                Response::try_from(&accepted).map_err(|_| UpgradeError::NotUpgradable)?;
            (accepted.established(), response)
        };
        let connection = endpoint::server(&established, Arc::clone(&options.config));
        let opened = Opened::new(&established, None);
        let member = options.shutdown.as_ref().map(|shutdown| Box::new(shutdown.join()));
        let options = options.clone();
        let ready = Some(Box::new(Ready { connection, opened, options, member }));
        Ok((response, Upgrading { on_upgrade, ready }))
    }
}

fn is_http1(head: &Request<()>) -> bool {
    head.version() <= Version::HTTP_11 && head.method() != Method::CONNECT
}

/// Whether the request is for a WebSocket, and keeps the rules.
fn check(head: &Request<()>, protocol: Option<&str>) -> Result<(), UpgradeError> {
    if is_http1(head) {
        Upgrade::check(head)?;
    } else {
        connect::ConnectRequest::from_http(head, protocol)?;
    }
    Ok(())
}

/// A WebSocket whose answer has not been sent yet: to be awaited in a task of its own, because hyper sends it only after its handler has returned.
#[must_use = "it becomes the WebSocket"]
pub struct Upgrading {
    on_upgrade: OnUpgrade,
    ready: Option<Box<Ready>>,
}

struct Ready {
    connection: Connection<Server>,
    opened: Opened,
    options: ServerOptions,
    /// It counts as a connection from the answer on.
    member: Option<Box<Member>>,
}

impl Future for Upgrading {
    type Output = Result<UpgradedSocket, ::hyper::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stream = ready!(Pin::new(&mut self.on_upgrade).poll(cx))?;
        let Some(ready) = self.ready.take() else { panic!("polled after it was ready") };
        let Ready { connection, opened, options, member } = *ready;
        let socket = WebSocket::upgraded(TokioIo::new(stream), connection, options.config);
        Poll::Ready(Ok(socket.with_opened(opened).with_member(member)))
    }
}

impl IntoHalves for TokioIo<Upgraded> {
    type Read = ReadHalf<Self>;
    type Write = WriteHalf<Self>;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        tokio::io::split(self)
    }
}

impl fmt::Debug for Upgrading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").finish_non_exhaustive()
    }
}

/// Why a request is not answered with a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeError {
    /// It is for none, or breaks a rule.
    Request(RequestError),
    /// The same, over HTTP/2.
    Connect(connect::ConnectRequestError),
    /// Its origin is not among those that are allowed.
    Origin,
    /// What was to be answered does not fit the request: a mistake of ours.
    Misuse(HandshakeMisuse),
    /// Its stream can't be had: it is served without upgrades, or something else has taken it.
    NotUpgradable,
}

impl UpgradeError {
    /// The answer.
    pub fn response(&self) -> Response<()> {
        let (status, fields) = match self {
            Self::Request(error) => (error.status(), http1_fields(*error)),
            Self::Connect(error) => (error.status(), error.fields()),
            Self::Origin => (403, &[][..]),
            Self::Misuse(_) | Self::NotUpgradable => (500, &[][..]),
        };
        let mut response = Response::new(());
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// What an answer has to say beside its status; hyper says the rest.
fn http1_fields(error: RequestError) -> &'static [(&'static str, &'static str)] {
    match error.status() {
        405 => &[("allow", "GET")],
        426 => &[("upgrade", "websocket"), ("sec-websocket-version", "13")],
        _ => &[],
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::Origin => f.write_str("the client's origin is not allowed"),
            Self::Misuse(error) => error.fmt(f),
            Self::NotUpgradable => f.write_str("the connection is served without upgrades"),
        }
    }
}

impl std::error::Error for UpgradeError {}

impl From<RequestError> for UpgradeError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<connect::ConnectRequestError> for UpgradeError {
    fn from(error: connect::ConnectRequestError) -> Self {
        Self::Connect(error)
    }
}

impl From<HandshakeMisuse> for UpgradeError {
    fn from(error: HandshakeMisuse) -> Self {
        Self::Misuse(error)
    }
}
