//! An echo server for WebSockets over HTTP/2 (RFC 8441): `cargo run -p example-h2 [ADDRESS]`.
//!
//! Each WebSocket is a stream of a connection that carries any number of them. The `h2` crate speaks HTTP/2, without TLS and to those alone who
//! begin with it; sockless checks the request and says what the answer is; `sockless-tokio` has the loop, over any stream. A client to try it
//! with: `cargo run -p sockless-probe -- server ws://127.0.0.1:9001 --http2`.
//!
//! Here is who is served, and how a request is answered. A stream of HTTP/2 as a stream of bytes is `stream.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

#[allow(unreachable_pub, reason = "it is used elsewhere, too")]
mod stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use http::{Request, Response};
use sockless::handshake::{Acceptance, connect::ConnectRequest};
use sockless::{Config, endpoint};
use sockless_tokio::WebSocket;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use stream::H2Stream;

/// How long a client may take for the beginning of HTTP/2, and how long it may have no stream.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many streams a connection may have.
const STREAMS: u32 = 100;
/// How much of a stream may be on its way. That of a connection has room for all its streams: otherwise those that are not read
/// would take it from the others.
const WINDOW: u32 = 256 << 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("ws://{}/ echoes what it gets, over HTTP/2. Ctrl-C stops it.", listener.local_addr()?);
    let config = Config::default().with_keepalive(Duration::from_secs(30), Duration::from_secs(10));
    let config = Arc::new(config);
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, config).await {
                        eprintln!("{client} was lost: {error}");
                    }
                });
            }
            Err(error) => {
                eprintln!("nobody can be accepted for a moment: {error}");
                sleep(Duration::from_millis(250)).await;
            }
        }
    }
}

/// Serves the streams of a connection. They end with it.
async fn serve(stream: TcpStream, config: Arc<Config>) -> Result<(), h2::Error> {
    // One that refuses is a lost one.
    let _ = stream.set_nodelay(true);
    let mut http = h2::server::Builder::new();
    http.enable_connect_protocol()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(STREAMS * WINDOW)
        .max_concurrent_streams(STREAMS);
    let Ok(connection) = timeout(PATIENCE, http.handshake::<_, Bytes>(stream)).await else {
        return Ok(());
    };
    let (mut connection, mut streams) = (connection?, JoinSet::new());
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted.transpose()? {
                Some((request, respond)) => {
                    streams.spawn(answer(request, respond, Arc::clone(&config)));
                }
                None => return Ok(()),
            },
            Some(_) = streams.join_next() => {}
            // Nothing is open, and nothing is asked for.
            () = sleep(PATIENCE), if streams.is_empty() => return Ok(()),
        }
    }
}

/// Answers a request, and serves its stream if it is a WebSocket's.
async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    config: Arc<Config>,
) {
    let socket = match ConnectRequest::decode(stream::request_fields(&request)) {
        Ok(asked) => {
            // Nothing in the acceptance depends on the request: it fits all.
            let Ok(accepted) = asked.accept(&Acceptance::new()) else { return };
            let Ok(response) = stream::response(&accepted) else { return };
            let connection = endpoint::server(&accepted.established(), Arc::clone(&config));
            respond.send_response(response, false).map(|send| {
                let stream = H2Stream::new(send, request.into_body());
                Some(WebSocket::upgraded(stream, connection, config))
            })
        }
        Err(error) => {
            let refusal = Response::builder().status(error.status());
            let fields = error.fields().iter();
            let refusal = fields.fold(refusal, |head, (name, value)| head.header(*name, *value));
            let Ok(refusal) = refusal.body(()) else { return };
            respond.send_response(refusal, true).map(|_| None)
        }
    };
    match socket {
        Ok(Some(mut socket)) => {
            // It has closed, or it has failed and the client knows why.
            while let Some(Ok(message)) = socket.recv().await {
                // If nothing can be sent any more, receiving says why.
                let _ = socket.feed(message).await;
            }
        }
        Ok(None) => {}
        Err(error) => eprintln!("a client could not be answered: {error}"),
    }
}
