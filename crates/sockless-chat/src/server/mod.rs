//! The server: HTTP, WebSocket, the store's thread, and their end.
//!
//! | file | what |
//! |---|---|
//! | `door` | who may open a WebSocket |
//! | `login` | names, tokens and cookies |
//! | `secured`, `caller` | streams, with TLS or without; whose a request is |
//! | `denied`, `addresses` | why a request is not served; how much an address may ask for |
//! | `guest` | the task of a session |
//! | `socketio` | the same for a client of Socket.IO |
//! | `carried` | sessions of pages where no WebSocket passes, over Socket.IO |
//! | `hall` | the chat, the store and the clients, brought together |
//! | `tasks` | what the hall leaves to a peer's own task |
//! | `together` | the log that many servers share, carried to Redis and back, and stored |
//! | `writer`, `reader` | what blocks |
//! | `page` | the files, and the headers of security |
//! | `metrics` | what those who watch can read |

mod addresses;
mod caller;
mod carried;
mod clock;
mod denied;
mod door;
mod guest;
mod hall;
mod login;
mod metrics;
mod outlet;
mod page;
mod reader;
mod secured;
mod socketio;
mod tasks;
mod together;
mod writer;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};
use sockless_socketio::service::SocketIo;
use sockless_tokio::Shutdown;
use sockless_tokio::session::{
    Options, SessionConfig, Sessions, SessionsServer, TableLimits, Window,
};
use tokio::net::TcpListener;
use tracing::{info, warn};

pub use together::TogetherError;

use crate::chat::Chat;
use crate::settings::Settings;
use crate::store::{Store, StoreError};
use crate::token::Tokens;
use addresses::Addresses;
use clock::Clock;
use hall::Hall;
use secured::{Peer, Streams};
use together::Parts;

/// What the handlers share.
#[derive(Clone)]
struct App {
    hall: Arc<Hall>,
    sessions: SessionsServer,
    socketio: SocketIo,
    shutdown: Shutdown,
    tokens: Tokens,
    addresses: Arc<Addresses>,
    origins: Arc<[String]>,
    guests: bool,
    secure_cookies: bool,
    proxies: Arc<[IpAddr]>,
    token_life: Duration,
    /// The official client of Socket.IO.
    socketio_client: Option<Arc<str>>,
}

/// Why a server can't start.
#[derive(Debug)]
pub enum StartError {
    /// The store.
    Store(StoreError),
    /// The address.
    Listen(SocketAddr, io::Error),
    /// A directory or a file.
    File(std::path::PathBuf, io::Error),
    /// It can't be one of many.
    Together(TogetherError),
    /// The secret has fewer than 32 octets.
    Secret(std::path::PathBuf),
    /// A certificate or its key: which, and what is wrong with it.
    Certificate(std::path::PathBuf, String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Listen(address, error) => write!(f, "can't listen at {address}: {error}"),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Together(error) => error.fmt(f),
            Self::Certificate(path, what) => write!(f, "{}: {what}", path.display()),
            Self::Secret(path) => write!(f, "{}: a secret has at least 32 octets", path.display()),
        }
    }
}

impl std::error::Error for StartError {}

/// A server that is ready to serve.
pub struct Server {
    app: App,
    sessions: Sessions,
    streams: Streams,
    address: SocketAddr,
    secured: bool,
    spread: Duration,
}

impl Server {
    /// Opens the store, and takes the address.
    ///
    /// # Errors
    ///
    /// One of them can't be had; the error says which, and why.
    pub async fn start(settings: &Settings, tokens: Tokens) -> Result<Self, StartError> {
        let path = settings.data.join("chat.redb");
        let mut opened = Store::open(&path, settings.keep).map_err(StartError::Store)?;
        let socketio_client = match &settings.socketio_client {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path);
                Some(text.map_err(|error| StartError::File(path.clone(), error))?.into())
            }
        };
        let listening = |error| StartError::Listen(settings.listen, error);
        let listener = TcpListener::bind(settings.listen).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let tls =
            settings.certificate.as_ref().map(|it| secured::config(it, address)).transpose()?;
        let secured = tls.is_some();
        let clock = Clock::start();
        let parts = match &settings.redis {
            Some(url) => {
                let parts = Parts::new(settings, url, &mut opened.saved, clock);
                Some(parts.map_err(StartError::Together)?)
            }
            None => None,
        };
        let gaps = opened.saved.gaps.clone();
        let mut chat = Chat::restore(settings.limits.clone(), opened.saved);
        let begun = |error| StartError::File(path, error);
        let hall = match parts {
            Some(parts) => {
                chat.share(gaps);
                let (hall, asked) = Hall::together(chat, opened.store, clock);
                parts.begin(&hall, asked).map_err(begun)?;
                hall
            }
            None => {
                let (hall, writes) = Hall::new(chat, opened.store, clock);
                let weak = Arc::downgrade(&hall);
                let writer = std::thread::Builder::new().name("chat writer".into());
                writer.spawn(move || writer::write_all(&weak, &writes)).map_err(begun)?;
                hall
            }
        };
        tokio::spawn(hall::keep_time(Arc::downgrade(&hall)));
        let config = SessionConfig::default()
            .with_window(Window::new(256, 2 << 20))
            .with_queue(1024, 8 << 20)
            .with_grace(settings.grace);
        let limits = TableLimits::new(settings.sessions, 10_000);
        let sessions = Sessions::new(Options::new().with_config(config).with_limits(limits));
        let (server, shutdown) = (sessions.clone_server(), Shutdown::new());
        let app = App {
            socketio: socketio::service(&hall, &tokens, &server, &shutdown),
            sessions: server,
            hall,
            shutdown,
            tokens,
            addresses: Arc::new(Addresses::new(settings.requests_a_minute, clock)),
            origins: origins(settings, address, secured).into(),
            guests: settings.guests,
            secure_cookies: settings.secure_cookies || secured,
            proxies: settings.proxies.clone().into(),
            token_life: settings.token_life,
            socketio_client,
        };
        let streams = Streams::new(listener, tls);
        Ok(Self { app, sessions, streams, address, secured, spread: settings.spread })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address for browsers.
    pub fn url(&self) -> String {
        format!("{}://{}", scheme(self.secured), self.address)
    }

    /// Serves until `stop` is ready. Then no connection is taken any more, all are closed with 1012, and what was said is stored.
    ///
    /// # Errors
    ///
    /// The listener fails for good.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        info!(url = %self.url(), "serving");
        let Self { app, mut sessions, streams, spread, .. } = self;
        let (hall, tokens) = (Arc::clone(&app.hall), app.tokens.clone());
        let guests = tokio::spawn(async move {
            while let Some(session) = sessions.accept().await {
                tokio::spawn(guest::serve(session, Arc::clone(&hall), tokens.clone()));
            }
        });
        let (hall, shutdown) = (Arc::clone(&app.hall), app.shutdown.clone());
        let socketio = app.socketio.clone();
        let stopping = async move {
            stop.await;
            info!("stopping");
            hall.stop(spread);
            socketio.stop();
            // Those who don't answer are closed with 1001 and left.
            let gone = tokio::time::timeout(Duration::from_secs(5), shutdown.ended()).await;
            if gone.is_err() {
                shutdown.begin();
            }
        };
        let router = router(app).into_make_service_with_connect_info::<Peer>();
        let served = axum::serve(streams, router).with_graceful_shutdown(stopping).await;
        guests.abort();
        served
    }
}

fn router(app: App) -> Router {
    let guard = axum::middleware::from_fn_with_state(app.clone(), socketio::guard);
    let socketio = Router::new().route_service("/socket.io/", app.socketio.clone()).layer(guard);
    Router::new()
        .merge(socketio)
        .merge(page::official(app.socketio_client.clone()))
        .merge(page::routes())
        .route("/chat", any(door::open))
        .route("/login", post(login::login))
        .route("/logout", post(login::logout))
        .route("/me", get(login::me))
        .route("/healthz", get(metrics::health))
        .route("/metrics", get(metrics::metrics))
        .layer(DefaultBodyLimit::max(16 << 10))
        .layer(axum::middleware::from_fn(page::secure))
        .with_state(app)
}

/// Which pages may talk to us: those that are given, otherwise our own at the address that is printed.
fn origins(settings: &Settings, address: SocketAddr, secured: bool) -> Vec<String> {
    if !settings.origins.is_empty() {
        return settings.origins.clone();
    }
    let scheme = scheme(secured);
    vec![format!("{scheme}://{address}"), format!("{scheme}://localhost:{}", address.port())]
}

fn scheme(secured: bool) -> &'static str {
    if secured { "https" } else { "http" }
}

/// Tells whoever runs the program.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    warn!("{what}");
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}
