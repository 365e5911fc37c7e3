//! An echo server over HTTP/2: each WebSocket is a stream of a connection that carries any number of them (RFC 8441).
//!
//! HTTP/2 is spoken with those who begin with it, without TLS; others are answered in HTTP/1.1, so that a browser gets the page,
//! and its WebSocket.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use http::{Method, Request, Response};
use sockless::endpoint;
use sockless::handshake::connect;
use sockless_autobahn::echo::echo;
use sockless_autobahn::h2_stream::{self, H2Stream};
use sockless_autobahn::listen;
use sockless_autobahn::opening::{Terms, plain};
use sockless_autobahn::options::Options;
use sockless_autobahn::page::PAGE;
use sockless_tokio::{Decision, Shutdown, WebSocket, accept_with};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What HTTP/2 begins with (RFC 9113, section 3.4); no request of HTTP/1.1 does.
const PREFACE: &[u8] = b"PRI";
/// How much of a stream may be on its way. That of a connection has room for all its streams: otherwise those that are not read
/// would take it from the others.
const WINDOW: u32 = 256 << 10;
/// How many streams a connection may have.
const STREAMS: u32 = 100;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::from_args("echo_h2") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_h2: {}", listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    println!("echo_h2 listens on http://{}/ (Ctrl-C stops it)", listener.local_addr()?);

    let terms = Arc::new(Terms::new(options));
    let shutdown = Shutdown::new();
    let (stop, stopped) = watch::channel(false);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (terms, stopped) = (Arc::clone(&terms), stopped.clone());
                    let shutdown = shutdown.clone();
                    clients.spawn(async move {
                        if let Err(error) = serve(stream, terms, shutdown, stopped).await {
                            eprintln!("echo_h2: a client was lost: {error}");
                        }
                    });
                }
                Err(error) => {
                    eprintln!("echo_h2: can't accept a client: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            // Those who are gone are forgotten.
            Some(_) = clients.join_next() => {}
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    drop(listener);
    shutdown.begin();
    let _ = stop.send(true);
    let _ = timeout(options.grace, async { while clients.join_next().await.is_some() {} }).await;
    Ok(())
}

async fn serve(
    stream: TcpStream,
    terms: Arc<Terms>,
    shutdown: Shutdown,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let patience = terms.handshake.timeout.unwrap_or(Duration::MAX);
    // Who doesn't even say what it speaks is left.
    let Ok(preface) = timeout(patience, begins_with_preface(&stream)).await else { return Ok(()) };
    if preface? {
        return serve_h2(stream, terms, (shutdown, stopped), patience)
            .await
            .map_err(io::Error::other);
    }
    let options = terms.on_tokio(&shutdown);
    let socket = accept_with(stream, options, |request| match request.is_upgrade() {
        true => Decision::Accept,
        false => Decision::Answer(plain(request)),
    });
    if let Ok(socket) = socket.await {
        echo(socket).await;
    }
    Ok(())
}

/// Whether the client speaks HTTP/2.
async fn begins_with_preface(stream: &TcpStream) -> io::Result<bool> {
    let mut begun = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut begun).await?;
        if count == 0 || !PREFACE.starts_with(&begun[..count]) {
            return Ok(false);
        }
        if count == PREFACE.len() {
            return Ok(true);
        }
        // What has been looked at still waits: another look would come back at once.
        sleep(Duration::from_millis(5)).await;
    }
}

/// Serves the streams of a connection. They end with it.
async fn serve_h2(
    stream: TcpStream,
    terms: Arc<Terms>,
    (shutdown, mut stopped): (Shutdown, watch::Receiver<bool>),
    patience: Duration,
) -> Result<(), h2::Error> {
    let mut http = h2::server::Builder::new();
    http.enable_connect_protocol()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(STREAMS * WINDOW)
        .max_concurrent_streams(STREAMS);
    let Ok(connection) = timeout(patience, http.handshake::<_, Bytes>(stream)).await else {
        return Ok(());
    };
    let mut connection = connection?;
    let (mut streams, mut leaving) = (JoinSet::new(), false);
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted.transpose()? {
                Some((request, respond)) => {
                    streams.spawn(answer(request, respond, Arc::clone(&terms), shutdown.clone()));
                }
                None => return Ok(()),
            },
            Some(_) = streams.join_next() => {}
            // Nothing is open, and nothing is asked for.
            () = sleep(patience), if streams.is_empty() => return Ok(()),
            // No new streams from here on; those that are open close by themselves.
            _ = stopped.wait_for(|stop| *stop), if !leaving => {
                leaving = true;
                connection.graceful_shutdown();
            }
        }
    }
}

/// Answers a request, and serves its stream if it is a WebSocket's.
async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    terms: Arc<Terms>,
    shutdown: Shutdown,
) {
    let answered = match connect::ConnectRequest::decode(h2_stream::request_fields(&request)) {
        Ok(asked) => {
            // Nothing in the acceptance depends on the request: it fits all.
            let Ok(accepted) = asked.accept(&terms.acceptance()) else { return };
            let Ok(response) = h2_stream::response(&accepted) else { return };
            respond.send_response(response, false).map(|send| {
                let stream = H2Stream::new(send, request.into_body());
                let connection =
                    endpoint::server(&accepted.established(), Arc::clone(&terms.config));
                let socket = WebSocket::upgraded(stream, connection, Arc::clone(&terms.config));
                Some(socket.with_shutdown(&shutdown))
            })
        }
        Err(_) if request.method() == Method::GET && request.uri().path() == "/" => {
            let page = Response::builder().header("content-type", "text/html; charset=utf-8");
            page.body(()).map_or(Ok(None), |page| {
                let mut body = respond.send_response(page, false)?;
                body.send_data(Bytes::from_static(PAGE.as_bytes()), true)?;
                Ok(None)
            })
        }
        Err(error) => {
            let refusal = Response::builder().status(error.status());
            let fields = error.fields().iter();
            let refusal =
                fields.fold(refusal, |refusal, (name, value)| refusal.header(*name, *value));
            refusal
                .body(())
                .map_or(Ok(None), |refusal| respond.send_response(refusal, true).map(|_| None))
        }
    };
    match answered {
        Ok(Some(socket)) => drop(echo(socket).await),
        Ok(None) => {}
        Err(error) => eprintln!("echo_h2: a client could not be answered: {error}"),
    }
}
