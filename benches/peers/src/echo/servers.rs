//! The echo servers by their names: what each form of each contender is.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use futures_util::{Sink, Stream, StreamExt as _};
use sockless_tokio::sockless::Connection;
use sockless_tokio::{Incoming, Server};
use tokio::net::{TcpListener, TcpStream};

use super::form::{self, Form};
use super::opening::open;
use super::tungstenite::Tungstenite;
use super::{bare, codec, epoll};
use crate::contender::{self, OURS};

/// Ours in the loop of the bare server on epoll.
pub const LOOP: &str = OURS;
/// The echo server on epoll among the test servers.
pub const MIO: &str = "sockless, echo_mio";
/// The same on two threads, which share the port and nothing else.
pub const MIO_2: &str = "sockless, echo_mio on two threads";
/// The echo server on io_uring among them.
pub const URING: &str = "sockless, echo_uring";
pub const BARE_EPOLL: &str = "bare epoll";
/// A codec that brings no loop of its own.
pub const NEXUS: &str = "nexus-web";
pub const TUNGSTENITE: &str = "tungstenite";

/// Ours on tokio in its ordinary form, which is another one in each table: `recv` with `feed`, `recv` with `send`, or two tasks.
pub const ADAPTER: &str = OURS;
/// As a `Stream` and a `Sink` of messages, driven as the peers that are one.
pub const STREAM: &str = "sockless, stream and sink";
/// A connection served by events, without making messages owned.
pub const SERVE: &str = "sockless, serve";
pub const BARE_TOKIO: &str = "bare tokio";

/// Whether it knows nothing of WebSocket.
pub fn is_bare(name: &str) -> bool {
    [BARE_EPOLL, BARE_TOKIO].contains(&name)
}

/// Serves on epoll until the process is ended. Messages will be so long, which a server may choose its buffers by.
pub fn on_epoll(name: &str, length: usize) -> io::Result<()> {
    match name {
        BARE_EPOLL => epoll::serve(tell, |_| Ok(bare::Bare)),
        NEXUS => epoll::serve(tell, codec::Nexus::open),
        TUNGSTENITE => epoll::serve(tell, |stream| Tungstenite::open(stream, length)),
        LOOP => epoll::serve(tell, codec::Sockless::open),
        _ => Err(unknown(name)),
    }
}

/// The same on tokio.
pub fn on_tokio(form: Form, name: &str, length: usize, workers: usize) -> io::Result<()> {
    match name {
        BARE_TOKIO => serve(workers, bare::on_tokio),
        ADAPTER => serve(workers, move |stream| ours(form, stream)),
        STREAM => serve(workers, async |stream| {
            if let Ok(socket) = sockless_tokio::accept(stream, ()).await {
                form::together(socket, Some).await;
            }
        }),
        SERVE => serve(workers, async |stream| {
            let Ok(mut socket) = sockless_tokio::accept(stream, ()).await else { return };
            let echo = |message: Incoming<'_>, connection: &mut Connection<Server>| {
                let _ = match message {
                    Incoming::Text(text) => connection.send_text(text),
                    Incoming::Binary(bytes) => connection.send_binary(bytes),
                };
            };
            let _ = socket.serve(echo).await;
        }),
        TUNGSTENITE => serve(workers, move |stream| async move {
            use tokio_tungstenite::accept_async_with_config;
            use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
            let read = super::tungstenite::read_buffer(length);
            let config = WebSocketConfig::default().read_buffer_size(read);
            if let Ok(socket) = accept_async_with_config(stream, Some(config)).await {
                let data = |message: Message| match message {
                    Message::Text(_) | Message::Binary(_) => Some(message),
                    _ => None,
                };
                theirs(form, socket, data).await;
            }
        }),
        "tokio-websockets" => serve(workers, move |stream| async move {
            if let Ok((_, socket)) = tokio_websockets::ServerBuilder::new().accept(stream).await {
                let is_data =
                    |message: &tokio_websockets::Message| message.is_text() || message.is_binary();
                theirs(form, socket, move |message| Some(message).filter(is_data)).await;
            }
        }),
        "fastwebsockets" => serve(workers, async |mut stream| {
            if open(&mut stream).await {
                let socket = WebSocket::after_handshake(stream, Role::Server);
                let mut socket = FragmentCollector::new(socket);
                while let Ok(frame) = socket.read_frame().await {
                    let is_data = matches!(frame.opcode, OpCode::Text | OpCode::Binary);
                    if is_data && socket.write_frame(frame).await.is_err() {
                        break;
                    }
                }
            }
        }),
        "sockudo-ws" => serve(workers, move |mut stream| async move {
            use sockudo_ws::{Config, Message, WebSocketStream};
            if open(&mut stream).await {
                let config = Config::builder().idle_timeout(0).ping_interval(0).build();
                let data = |message| match message {
                    Message::Text(_) | Message::Binary(_) => Some(message),
                    _ => None,
                };
                theirs(form, WebSocketStream::server(stream, config), data).await;
            }
        }),
        "yawc" => serve(workers, move |mut stream| async move {
            use yawc::{Frame, OpCode, Role, WebSocket};
            if open(&mut stream).await {
                let read = if length < 16 << 10 { 16 << 10 } else { 128 << 10 };
                let options = contender::yawc::options().with_read_buffer_capacity(read);
                let Ok(socket) = WebSocket::from_stream(stream, Role::Server, options) else {
                    return;
                };
                let data = |frame: Frame| {
                    matches!(frame.opcode(), OpCode::Text | OpCode::Binary).then_some(frame)
                };
                // Its stream yields frames alone; the end says why.
                theirs(form, socket.map(Ok::<_, ()>), data).await;
            }
        }),
        "wtx" => serve(workers, codec::wtx),
        "soketto" => serve(workers, codec::soketto),
        _ => Err(unknown(name)),
    }
}

/// Ours, in the ordinary way to do what a form says.
async fn ours(form: Form, stream: TcpStream) {
    let Ok(mut socket) = sockless_tokio::accept(stream, ()).await else { return };
    match form {
        Form::Together => {
            while let Some(Ok(message)) = socket.recv().await {
                // Written before the socket sleeps.
                if socket.feed(message).await.is_err() {
                    return;
                }
            }
        }
        Form::Each => {
            while let Some(Ok(message)) = socket.recv().await {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        }
        Form::Tasks => {
            let (sender, mut reader) = socket.split();
            while let Some(Ok(message)) = reader.recv().await {
                if sender.send(message).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A peer that is a `Stream` and a `Sink`.
async fn theirs<S, M, E>(form: Form, socket: S, data: impl Fn(M) -> Option<M>)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin + Send + 'static,
    M: Send + 'static,
{
    match form {
        Form::Together => form::together(socket, data).await,
        Form::Each => form::each(socket, data).await,
        Form::Tasks => form::tasks(socket, data).await,
    }
}

fn unknown(name: &str) -> io::Error {
    io::Error::other(format!("no server {name:?}"))
}

pub fn tell(address: SocketAddr) {
    println!("listens on http://{address}/");
}

/// One task for each client, on so many threads.
pub fn serve<F>(workers: usize, serve: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut builder = match workers {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(workers).enable_all().build()?.block_on(async {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        tell(listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream));
        }
    })
}
