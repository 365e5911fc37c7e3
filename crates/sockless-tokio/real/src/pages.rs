//! A server of a page and a WebSocket by axum, over TLS, with HTTP/2 and HTTP/1.1: `pages CERTIFICATE KEY`.
//!
//! `/` is the page, `/ws` the echo on the WebSocket, `/pings` the same with pings, `/elsewhere` one for another origin. What has been asked for, and how,
//! is printed: the version of HTTP, the method and `:protocol`. A WebSocket that comes otherwise than by an extended CONNECT over HTTP/2
//! (RFC 8441) is refused.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{Method, StatusCode, Version};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{any, get};
use sockless_tokio::axum::{WebSocket, WebSocketUpgrade};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::options::{LONGEST, server_tls};

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>sockless</title><p>A page.";

/// The origin of the page.
type Origin = Arc<str>;

pub(crate) async fn run(mut args: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let (Some(certificate), Some(key)) = (args.next(), args.next()) else {
        return Err("pages CERTIFICATE KEY".into());
    };
    let tls = server_tls(&certificate, &key, &[b"h2", b"http/1.1"])?;
    let listener = Secure::bind(tls).await?;
    let address = listener.address;
    println!("pages listens on {address}/");
    let origin: Origin = format!("https://localhost:{}", address.port()).into();
    let router = Router::new()
        .route("/", get(page))
        .route("/ws", any(|origin, request| socket(origin, request, "echo")))
        .route("/pings", any(|origin, request| socket(origin, request, "pings")))
        .route("/elsewhere", any(|origin, request| socket(origin, request, "elsewhere")))
        .with_state(origin);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn page(request: Request) -> Html<&'static str> {
    println!("page\t{:?}\t{}", request.version(), request.method());
    Html(PAGE)
}

async fn socket(State(origin): State<Origin>, request: Request, what: &'static str) -> Response {
    let (mut parts, _) = request.into_parts();
    let protocol = parts.extensions.get::<hyper::ext::Protocol>();
    let protocol = protocol.map_or("none", hyper::ext::Protocol::as_str).to_owned();
    println!("{what}\t{:?}\t{}\t:protocol {protocol}", parts.version, parts.method);
    if (parts.version, &parts.method, protocol.as_str())
        != (Version::HTTP_2, &Method::CONNECT, "websocket")
    {
        return StatusCode::IM_A_TEAPOT.into_response();
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let allowed = if what == "elsewhere" { "https://example.com" } else { &origin };
    let mut upgrade = upgrade
        .max_message_size(LONGEST as usize)
        .max_frame_size(LONGEST as usize)
        .protocols(["v2.echo", "v1.echo"])
        .with_origins([allowed])
        .with_compression();
    if what == "pings" {
        upgrade = upgrade.with_keepalive(Duration::from_millis(1200), Duration::from_secs(20));
    }
    upgrade.on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
    println!("end\t{:?}", socket.outcome());
}

/// A listener that speaks TLS, each client in a task until it does: one that says nothing keeps nobody waiting.
struct Secure {
    address: SocketAddr,
    opened: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Secure {
    async fn bind(tls: Arc<tokio_rustls::rustls::ServerConfig>) -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(tls);
        let (open, opened) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                let (acceptor, open) = (acceptor.clone(), open.clone());
                tokio::spawn(async move {
                    // A client that doesn't like the certificate is no concern of the others.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = open.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Self { address, opened })
    }
}

impl axum::serve::Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.opened.recv().await {
            Some(opened) => opened,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
