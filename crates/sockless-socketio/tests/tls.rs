//! The client for tokio over TLS: `https:` for long-polling, `wss:` for the WebSocket, with a root certificate of the user's own.

#[allow(dead_code, reason = "the client's end is the crate's own here")]
mod certificates;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use certificates::Authority;
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sockless_socketio::client::{Builder, Client, ConnectError, Event};
use sockless_socketio::engine::client::Reason;
use sockless_socketio::service::{AnswerBody, Socket, SocketIo};
use sockless_socketio::socket::Payload;
use sockless_socketio::socket::client::DisconnectReason;
use sockless_tokio::{ClientOptions, Tls};
use tokio::net::TcpListener;
use tokio::time::timeout;

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const PATIENCE: Duration = Duration::from_secs(60);

async fn echo(mut socket: Socket) {
    while let Some(mut event) = socket.recv().await {
        let payload = event.payload().clone();
        let _ = match event.wants_reply() {
            true => event.reply(payload),
            false => socket.emit("said", payload),
        };
    }
}

/// A server with a certificate of this authority for `localhost`.
async fn serve(authority: &Authority) -> SocketAddr {
    let acceptor = authority.acceptor(&["http/1.1"]);
    let io = SocketIo::builder().namespace("/", echo).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, io) = (acceptor.clone(), io.clone());
            tokio::spawn(async move {
                // A client that trusts somebody else goes.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request| {
                    let serving = io.serve(request);
                    async move { Ok::<Response<AnswerBody>, Infallible>(serving.await) }
                });
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                let _ = serving.with_upgrades().await;
            });
        }
    });
    at
}

/// Every way to reach a server, by a client that trusts this authority alone.
fn ways(at: SocketAddr, trusts: &Authority) -> [(&'static str, Builder); 4] {
    let tls = Tls::with_roots([trusts.root()]).expect("a root");
    let way = |scheme, polling, websocket| {
        Client::builder(&format!("{scheme}://localhost:{}", at.port()))
            .with_transports(polling, websocket)
            .with_options(ClientOptions::new().with_tls(tls.clone()).with_timeout(PATIENCE))
            .without_reconnect()
    };
    [
        ("https, polling", way("https", true, false)),
        ("wss, WebSocket", way("wss", false, true)),
        ("https, upgrade", way("https", true, true)),
        ("wss, polling", way("wss", true, false)),
    ]
}

#[tokio::test]
async fn a_root_certificate_of_ones_own_is_trusted_on_every_transport() -> Ended {
    let authority = Authority::new("ours");
    let at = serve(&authority).await;
    for (name, builder) in ways(at, &authority) {
        let mut client = timeout(PATIENCE, builder.connect()).await??;
        let mut payload = Payload::new().with(name)?;
        // More than one record of TLS.
        payload.push_binary(vec![7; 100_000]);
        assert_eq!(
            client.emit_with_ack("ask", payload.clone(), PATIENCE).await?,
            payload,
            "{name}"
        );
        client.emit("say", payload.clone())?;
        match timeout(PATIENCE, client.recv()).await? {
            Some(Event::Message(said)) => assert_eq!(said.payload(), &payload, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        if name.ends_with("upgrade") {
            let upgraded = async {
                while !client.is_websocket() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(PATIENCE, upgraded).await?;
            let again = client.emit_with_ack("ask", payload.clone(), PATIENCE).await?;
            assert_eq!(again, payload, "{name}");
        }
        timeout(PATIENCE, client.close()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_nobody_who_is_trusted_vouches_for_is_not_used_and_that_is_said() -> Ended {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let at = serve(&theirs).await;
    for (name, builder) in ways(at, &ours) {
        let connected = timeout(PATIENCE, builder.connect()).await?;
        let Err(error) = connected else { panic!("{name}: it was trusted") };
        let said = error.to_string();
        assert!(
            said.contains("nobody who is trusted vouches for the server's certificate"),
            "{name}: {said}"
        );
        let ConnectError::Session { reason, .. } = error else { panic!("{name}: {said}") };
        assert_eq!(reason, DisconnectReason::Engine(Reason::Unreachable), "{name}");
    }
    Ok(())
}
