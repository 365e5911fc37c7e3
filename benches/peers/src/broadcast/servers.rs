//! The servers by their names.

use std::io;
use std::process::Command;

use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use sockless_tokio::sockless::Prepared;
use sockless_tokio::sockless::extension::deflate::Compression;
use sockless_tokio::{Broadcast, Message, ServerOptions, Slow};
use tokio::net::TcpStream;
use tokio::sync::broadcast;

use super::hall;
use crate::contender::{self, OURS};
use crate::echo::opening;
use crate::echo::servers::{serve as serve_each, tell};

/// Ours in the loop of the bare server.
pub const LOOP: &str = OURS;
pub const ADAPTER: &str = "sockless, on tokio";
pub const BARE: &str = "bare epoll";
pub const UWEBSOCKETS: &str = "uWebSockets";
pub const TUNGSTENITE: &str = "tungstenite";
pub const TOKIO_WEBSOCKETS: &str = "tokio-websockets";
pub const SOCKUDO: &str = "sockudo-ws";
pub const YAWC: &str = "yawc";

/// What a server is called by on the command line of its process.
const PLAIN: &str = "broadcast";
const COMPRESSED: &str = "broadcast-compressed";
/// How many messages may wait for a subscriber's task.
const AT_ONCE: usize = 128;
const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The command of a server's process. None if it is one that others have made, and that isn't there.
pub fn command(name: &str, compressed: bool) -> io::Result<Option<Command>> {
    let ourselves = std::env::current_exe()?;
    let ground = if compressed { COMPRESSED } else { PLAIN };
    if name == UWEBSOCKETS {
        let program = ourselves.with_file_name("uwebsockets");
        let mut command = Command::new(&program);
        command.arg(ground);
        return Ok(program.exists().then_some(command));
    }
    let mut command = Command::new(ourselves);
    command.args(["serve", ground, name, "0"]);
    Ok(Some(command))
}

/// Serves until the process is ended. None if the ground is another one.
pub fn serve(ground: &str, name: &str) -> Option<io::Result<()>> {
    match ground {
        PLAIN => Some(on(name, false)),
        COMPRESSED => Some(on(name, true)),
        _ => None,
    }
}

fn on(name: &str, compressed: bool) -> io::Result<()> {
    match name {
        BARE => hall::serve::<hall::Bare>(tell, compressed),
        LOOP => hall::serve::<hall::Sockless>(tell, compressed),
        ADAPTER => {
            let group = Broadcast::new(Slow::Close);
            let options = ServerOptions::new();
            let options = if compressed { options.with_compression() } else { options };
            serve_each(1, move |stream| ours(stream, group.clone(), options.clone(), compressed))
        }
        TUNGSTENITE => {
            let (channel, _) = broadcast::channel(AT_ONCE);
            serve_each(1, move |stream| {
                let channel = channel.clone();
                async move {
                    if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                        chat(socket, channel).await;
                    }
                }
            })
        }
        TOKIO_WEBSOCKETS => {
            let (channel, _) = broadcast::channel(AT_ONCE);
            serve_each(1, move |stream| {
                let channel = channel.clone();
                async move {
                    let accepted = tokio_websockets::ServerBuilder::new().accept(stream).await;
                    if let Ok((_, socket)) = accepted {
                        chat(socket, channel).await;
                    }
                }
            })
        }
        SOCKUDO => {
            let (channel, _) = broadcast::channel(AT_ONCE);
            serve_each(1, move |stream| sockudo(stream, channel.clone(), compressed))
        }
        YAWC => {
            let (channel, _) = broadcast::channel(AT_ONCE);
            serve_each(1, move |stream| yawc(stream, channel.clone(), compressed))
        }
        _ => Err(io::Error::other(format!("no server {name:?}"))),
    }
}

/// Ours, as its documentation has it.
async fn ours(stream: TcpStream, group: Broadcast, options: ServerOptions, compressed: bool) {
    let Ok(socket) = sockless_tokio::accept(stream, options).await else { return };
    let (sender, mut reader) = socket.split();
    group.join(sender);
    while let Some(Ok(message)) = reader.recv().await {
        if let Message::Text(text) = message {
            let message = Prepared::text(&text);
            match compressed {
                true => group.send_compressed(&message, &Compression::default()),
                false => group.send(&message),
            };
        }
    }
}

/// A peer that is a `Stream` and a `Sink`: one task sends what comes out of the channel, the other one puts what arrives into it.
async fn chat<S, M, E>(socket: S, channel: broadcast::Sender<M>)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Send + 'static,
    M: Clone + Send + 'static,
{
    let (mut sink, mut stream) = socket.split();
    let mut queue = channel.subscribe();
    tokio::spawn(async move {
        while let Ok(message) = queue.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        let _ = channel.send(message);
    }
}

async fn sockudo(mut stream: TcpStream, channel: broadcast::Sender<Bytes>, compressed: bool) {
    use sockudo_ws::{CompressedWebSocketStream, Config, DeflateConfig, Message, WebSocketStream};
    let config = Config::builder().idle_timeout(0).ping_interval(0).build();
    let agreed = if compressed { AGREED } else { "" };
    if opening::agree(&mut stream, agreed).await.is_err() {
        return;
    }
    let mut queue = channel.subscribe();
    // Its two kinds of socket have no trait in common.
    macro_rules! chat {
        ($socket:expr) => {
            let (mut reader, mut writer) = $socket.split();
            tokio::spawn(async move {
                while let Ok(text) = queue.recv().await {
                    if writer.send(Message::Text(text)).await.is_err() {
                        return;
                    }
                }
            });
            while let Some(Ok(message)) = reader.next().await {
                if let Message::Text(text) = message {
                    let _ = channel.send(text);
                }
            }
        };
    }
    if compressed {
        let deflate = DeflateConfig {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            ..DeflateConfig::default()
        };
        chat!(CompressedWebSocketStream::server(stream, config, deflate));
    } else {
        chat!(WebSocketStream::server(stream, config));
    }
}

async fn yawc(mut stream: TcpStream, channel: broadcast::Sender<yawc::Frame>, compressed: bool) {
    use yawc::{DeflateOptions, Options, Role, WebSocket};
    let options = contender::yawc::options();
    let (agreed, options) = match compressed {
        false => (None, options),
        true => {
            let deflate = DeflateOptions {
                server_no_context_takeover: true,
                client_no_context_takeover: true,
                ..DeflateOptions::balanced()
            };
            (Some(AGREED), Options { compression: Some(deflate), ..options })
        }
    };
    if opening::agree(&mut stream, agreed.unwrap_or_default()).await.is_err() {
        return;
    }
    let socket = WebSocket::from_stream_with_extensions(stream, Role::Server, agreed, options);
    if let Ok(socket) = socket {
        chat(socket.map(Ok::<_, ()>), channel).await;
    }
}
