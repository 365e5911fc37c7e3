//! An echo server behind axum: hyper reads the request and sends the answer, then hands the connection over.
//!
//! What is to be checked of the request, and what the answer says, sockless knows; routing, middleware and everything else stay
//! axum's.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::any;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sockless::endpoint;
use sockless::handshake::{RequestError, Upgrade};
use sockless_examples::echo::echo;
use sockless_examples::listen;
use sockless_examples::opening::Terms;
use sockless_examples::options::Options;
use sockless_examples::page::PAGE;
use sockless_examples::tokio_adapter::WebSocket;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

/// What the handler needs.
#[derive(Clone)]
struct Context {
    terms: Arc<Terms>,
    stopped: watch::Receiver<bool>,
    /// Held by every WebSocket, so that the program knows when the last has ended.
    alive: mpsc::Sender<()>,
}

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

    let (stop, stopped) = watch::channel(false);
    let (alive, mut last) = mpsc::channel(1);
    let context = Context { terms: Arc::new(Terms::new(options)), stopped, alive };
    let router = Router::new().route("/", any(answer)).with_state(context);
    // `axum::serve` would wait for a request for ever: this is what it does, and a deadline.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(options.deadlines.handshake);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
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
    let _ = stop.send(true);
    // Those who have asked for nothing have nothing to wait for. `recv` is `None` once no WebSocket holds the other end.
    clients.shutdown().await;
    let _ = timeout(options.grace, last.recv()).await;
    Ok(())
}

/// Answers a request: with the page, or with a WebSocket.
async fn answer(State(context): State<Context>, request: Request) -> Response {
    match open(context, request) {
        Ok(response) => response,
        Err(RequestError::PlainRequest) => Html(PAGE).into_response(),
        Err(error) => refuse(error),
    }
}

fn open(context: Context, mut request: Request) -> Result<Response, RequestError> {
    let Context { terms, stopped, alive } = context;
    let upgrade = Upgrade::check(&request)?;
    // Nothing in the acceptance depends on the request: it fits all.
    let switching = upgrade.accept(&terms.acceptance()).map_err(|_| RequestError::PlainRequest)?;
    let response: http::Response<()> =
        (&switching).try_into().map_err(|_| RequestError::PlainRequest)?;
    let connection = endpoint::server(&switching.established(), Arc::clone(&terms.config));
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // Once the answer has been written, the stream is ours, and with it what the client has sent behind its request.
        if let Ok(stream) = upgraded.await {
            let close = terms.config.close;
            echo(WebSocket::upgraded(TokioIo::new(stream), connection, close), stopped).await;
        }
        drop(alive);
    });
    Ok(response.map(|()| Body::empty()))
}

/// The answer to a request that breaks the rules: the one that sockless has, without what hyper says itself.
fn refuse(error: RequestError) -> Response {
    let mut refusal = Response::builder().status(error.status());
    if error == RequestError::Method {
        refusal = refusal.header("allow", "GET");
    }
    if matches!(error.status(), 426) {
        refusal = refusal.header("sec-websocket-version", "13").header("upgrade", "websocket");
    }
    refusal.body(Body::empty()).unwrap_or_default()
}
