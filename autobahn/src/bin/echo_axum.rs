//! An echo server behind axum: hyper reads the request and sends the answer, then hands the connection over.
//!
//! What is to be checked of the request, and what the answer says, the extractor knows; routing, middleware and everything else stay
//! axum's.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::any;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sockless::handshake::RequestError;
use sockless_autobahn::echo::echo;
use sockless_autobahn::listen;
use sockless_autobahn::opening::Terms;
use sockless_autobahn::options::Options;
use sockless_autobahn::page::PAGE;
use sockless_tokio::axum::{Rejection, WebSocketUpgrade};
use sockless_tokio::hyper::UpgradeError;
use sockless_tokio::{ServerOptions, Shutdown};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::from_args("echo_axum") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_axum: {}", listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    println!("echo_axum listens on http://{}/ (Ctrl-C stops it)", listener.local_addr()?);

    let shutdown = Shutdown::new();
    let accepted = Terms::new(options).on_tokio(&shutdown);
    let router = Router::new().route("/", any(answer)).with_state(accepted);
    // `axum::serve` would wait for a request for ever: this is what it does, and a deadline.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(options.deadlines.handshake);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            stream = listener.accept() => match stream {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let service = TowerToHyperService::new(router.clone());
                    let served = http.serve_connection(TokioIo::new(stream), service);
                    clients.spawn(served.with_upgrades());
                }
                // Too many open files, say: `ulimit -n` tells how many there may be.
                Err(error) => {
                    eprintln!("echo_axum: can't accept a client: {error}");
                    sleep(RECOVER).await;
                }
            },
            // Those who are gone, or have been upgraded, are forgotten.
            Some(_) = clients.join_next() => {}
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    drop((listener, router));
    shutdown.begin();
    // Those who have asked for nothing have nothing to wait for.
    clients.shutdown().await;
    let _ = timeout(options.grace, shutdown.ended()).await;
    Ok(())
}

/// Answers a request: with the page, or with a WebSocket.
async fn answer(
    State(options): State<ServerOptions>,
    upgrade: Result<WebSocketUpgrade, Rejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade.with_options(options).on_upgrade(|socket| async {
            echo(socket).await;
        }),
        Err(Rejection(UpgradeError::Request(RequestError::PlainRequest))) => {
            Html(PAGE).into_response()
        }
        Err(rejection) => rejection.into_response(),
    }
}
