//! The servers that the official test suites of Engine.IO 4 and Socket.IO 5 expect, both on one port.
//! `cargo run -p sockless-socketio --features tokio,msgpack --example suite [ADDRESS [recovery | msgpack | REDIS_URL]]`; without an address, it is
//! 127.0.0.1:3000. The suites know nothing of recovery, MessagePack and, with the feature `redis`, other servers: they are there on request.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sockless_socketio::engine::{self, Cors, Event, Frame, Message};
use sockless_socketio::service::{AnswerBody, EngineIo, Socket, SocketIo};
use sockless_socketio::socket::{self, Parser, Payload, Recovery};
use tokio::net::TcpListener;

type Ended = Result<(), Box<dyn Error + Send + Sync>>;

fn config() -> engine::Config {
    engine::Config::default().with_ping(Duration::from_millis(300), Duration::from_millis(200))
}

/// Sends every message back.
fn echo() -> EngineIo {
    EngineIo::new(config(), Cors::any(), |engine, event| {
        if let Event::Message(session, message) = event {
            let frame = match message {
                Message::Text(text) => Frame::message(&text),
                Message::Binary(bytes) => Frame::Binary(bytes),
            };
            // A client that doesn't read misses it.
            let _ = engine.send(session, &[frame]);
        }
    })
}

/// Tells a client what it has authenticated itself with.
fn greet(socket: &Socket) -> Ended {
    let auth: serde_json::Value = socket.connecting().auth()?;
    Ok(socket.emit("auth", Payload::new().with(&auth)?)?)
}

async fn main_namespace(mut socket: Socket) -> Ended {
    greet(&socket)?;
    while let Some(mut event) = socket.recv().await {
        let payload = event.payload().clone();
        match event.name() {
            "message" => socket.emit("message-back", payload)?,
            "message-with-ack" => event.reply(payload)?,
            // The server asks, and says what was answered.
            "ask-me" => {
                let answer = socket.emit_with_ack("question", payload, Duration::from_secs(5));
                socket.emit("answered", answer.await?)?;
            }
            "to-others" => {
                socket.io().broadcast(&socket.others(), "told", payload)?;
            }
            "to-others-now" => {
                socket.io().broadcast(&socket.others().volatile(), "told-now", payload)?;
            }
            "leave-me" => socket.disconnect(),
            _ => {}
        }
    }
    Ok(())
}

async fn custom_namespace(mut socket: Socket) -> Ended {
    greet(&socket)?;
    while socket.recv().await.is_some() {}
    Ok(())
}

/// What is under which path. A request begins here, at once.
fn route(
    echo: &EngineIo,
    io: &SocketIo,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + use<> {
    let answer: Pin<Box<dyn Future<Output = _> + Send>> = match request.uri().path() {
        "/engine.io/" => Box::pin(echo.serve(request)),
        "/socket.io/" => Box::pin(io.serve(request)),
        _ => Box::pin(async { not_found() }),
    };
    async move { Ok(answer.await) }
}

fn not_found() -> Response<AnswerBody> {
    let mut response = Response::default();
    *response.status_mut() = hyper::StatusCode::NOT_FOUND;
    response
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut sockets = socket::Config::default().with_connect_timeout(Duration::from_secs(1));
    match std::env::args().nth(2).as_deref() {
        Some("recovery") => sockets = sockets.with_recovery(Recovery::default()),
        Some("msgpack") => sockets = sockets.with_parser(Parser::MessagePack),
        _ => {}
    }
    let builder = SocketIo::builder();
    #[cfg(feature = "redis")]
    let builder = match std::env::args().nth(2).filter(|word| word.starts_with("redis:")) {
        Some(url) => builder.with_redis(&url).map_err(std::io::Error::other)?,
        None => builder,
    };
    let io = builder
        .with_engine(config())
        .with_sockets(sockets)
        .with_cors(Cors::any())
        .namespace("/", main_namespace)
        .namespace("/custom", custom_namespace)
        .build();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    let echo = echo();
    loop {
        let (stream, _) = listener.accept().await?;
        let (echo, io) = (echo.clone(), io.clone());
        let service = service_fn(move |request| route(&echo, &io, request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection.with_upgrades());
    }
}
