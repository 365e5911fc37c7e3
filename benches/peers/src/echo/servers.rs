//! The echo servers, one for each contender: a task for each connection on tokio's scheduler for one thread.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use futures_util::{FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::opening::open;
use super::tungstenite::Tungstenite;
use super::{bare, codec, epoll};
use crate::contender::{self, OURS};

/// The echo server on epoll among the test servers.
pub const MIO: &str = OURS;
/// Ours on tokio, in its ordinary form: `recv` and `feed`.
pub const ADAPTER: &str = "sockless, tokio";
/// The same as a `Stream` and a `Sink` of messages.
const STREAM: &str = "sockless, tokio stream";
/// Ours as a codec that brings no loop of its own.
pub const LOOP: &str = "sockless, bare loop";
pub const BARE_EPOLL: &str = "bare epoll";
pub const BARE_TOKIO: &str = "bare tokio";
/// A codec that brings no loop of its own.
const NEXUS: &str = "nexus-web";
/// Without tokio, in the loop of `BARE_EPOLL`.
const TUNGSTENITE_EPOLL: &str = "tungstenite, epoll";
/// All of them, ours first.
pub const NAMES: [&str; 15] = [
    MIO,
    LOOP,
    ADAPTER,
    STREAM,
    BARE_EPOLL,
    BARE_TOKIO,
    "tungstenite",
    TUNGSTENITE_EPOLL,
    "tokio-websockets",
    "fastwebsockets",
    "yawc",
    "sockudo-ws",
    "wtx",
    "soketto",
    NEXUS,
];

/// So many messages are taken before they are sent back.
const AT_ONCE: usize = 128;

/// Whether it knows nothing of WebSocket.
pub fn is_bare(name: &str) -> bool {
    [BARE_EPOLL, BARE_TOKIO].contains(&name)
}

/// Whether it runs on tokio.
pub fn is_on_tokio(name: &str) -> bool {
    ![MIO, LOOP, BARE_EPOLL, NEXUS, TUNGSTENITE_EPOLL].contains(&name)
}

/// Whether a peer and one of ours run in the same loop: our driver is for all but those who have one of ours around them.
pub fn same_ground(ours: &str, peer: &str) -> bool {
    let in_our_loop = [NEXUS, TUNGSTENITE_EPOLL].contains(&peer);
    match ours {
        LOOP => in_our_loop,
        ADAPTER => is_on_tokio(peer),
        _ => !in_our_loop,
    }
}

/// Serves until the process is ended. Messages will be so long, which a server may choose its buffers by.
pub fn serve(name: &str, length: usize) -> io::Result<()> {
    match name {
        BARE_EPOLL => epoll::serve(tell, |_| Ok(bare::Bare)),
        NEXUS => epoll::serve(tell, codec::Nexus::open),
        TUNGSTENITE_EPOLL => epoll::serve(tell, |stream| Tungstenite::open(stream, length)),
        LOOP => epoll::serve(tell, codec::Sockless::open),
        BARE_TOKIO => on_tokio(bare::on_tokio),
        ADAPTER => on_tokio(async |stream| {
            let Ok(mut socket) = sockless_tokio::accept(stream, ()).await else { return };
            while let Some(Ok(message)) = socket.recv().await {
                // Written before the socket sleeps.
                if socket.feed(message).await.is_err() {
                    return;
                }
            }
        }),
        STREAM => on_tokio(async |stream| {
            if let Ok(socket) = sockless_tokio::accept(stream, ()).await {
                echo(socket, Some).await;
            }
        }),
        "tungstenite" => on_tokio(move |stream| async move {
            use tokio_tungstenite::accept_async_with_config;
            use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
            let read = super::tungstenite::read_buffer(length);
            let config = WebSocketConfig::default().read_buffer_size(read);
            if let Ok(socket) = accept_async_with_config(stream, Some(config)).await {
                echo(socket, |message| match message {
                    Message::Text(_) | Message::Binary(_) => Some(message),
                    _ => None,
                })
                .await;
            }
        }),
        "tokio-websockets" => on_tokio(async |stream| {
            if let Ok((_, socket)) = tokio_websockets::ServerBuilder::new().accept(stream).await {
                let is_data =
                    |message: &tokio_websockets::Message| message.is_text() || message.is_binary();
                echo(socket, |message| Some(message).filter(is_data)).await;
            }
        }),
        "fastwebsockets" => on_tokio(async |mut stream| {
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
        "sockudo-ws" => on_tokio(async |mut stream| {
            use sockudo_ws::{Config, Message, WebSocketStream};
            if open(&mut stream).await {
                let config = Config::builder().idle_timeout(0).ping_interval(0).build();
                echo(WebSocketStream::server(stream, config), |message| match message {
                    Message::Text(_) | Message::Binary(_) => Some(message),
                    _ => None,
                })
                .await;
            }
        }),
        "yawc" => on_tokio(move |mut stream| async move {
            use yawc::{OpCode, Role, WebSocket};
            if open(&mut stream).await {
                let read = if length < 16 << 10 { 16 << 10 } else { 128 << 10 };
                let options = contender::yawc::options().with_read_buffer_capacity(read);
                let Ok(socket) = WebSocket::from_stream(stream, Role::Server, options) else {
                    return;
                };
                // Its stream yields frames alone; the end says why.
                echo(socket.map(Ok::<_, ()>), |frame| {
                    matches!(frame.opcode(), OpCode::Text | OpCode::Binary).then_some(frame)
                })
                .await;
            }
        }),
        "wtx" => on_tokio(codec::wtx),
        "soketto" => on_tokio(codec::soketto),
        _ => Err(io::Error::other(format!("no server {name:?}"))),
    }
}

fn tell(address: SocketAddr) {
    println!("listens on http://{address}/");
}

/// One task for each client.
fn on_tokio<F>(serve: impl Fn(TcpStream) -> F + Copy + 'static) -> io::Result<()>
where
    F: Future<Output = ()> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        tell(listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::task::spawn_local(serve(stream));
        }
    })
}

/// Takes all that has arrived, sends it back, and then writes it: one write for as much as was read. Nothing is sent before all
/// is taken, because some write whatever waits before they read on.
async fn echo<S, M, E>(mut socket: S, data: impl Fn(M) -> Option<M>)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
{
    let mut arrived = Vec::with_capacity(AT_ONCE);
    while let Some(Ok(message)) = socket.next().await {
        arrived.extend(data(message));
        while arrived.len() < AT_ONCE {
            match socket.next().now_or_never() {
                Some(Some(Ok(message))) => arrived.extend(data(message)),
                Some(_) => return,
                None => break,
            }
        }
        for message in arrived.drain(..) {
            if socket.feed(message).await.is_err() {
                return;
            }
        }
        if socket.flush().await.is_err() {
            return;
        }
    }
}
