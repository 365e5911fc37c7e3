//! WebSocket in front, WebSocket behind: passes messages between clients and a server, in both directions.
//!
//! ```text
//! cargo run --example relay -- ws://SERVER:PORT/ [LISTEN:PORT] [SECONDS]
//! ```
//!
//! The server is asked for the path and the subprotocols that the client asks for; what it agrees on, the client gets; what it refuses, the client is
//! refused, with the same status. The close code of each side reaches the other one. What one side doesn't take is not read from the other one.
//!
//! A client is pinged after SECONDS of silence (30 by default). The server is not: one that stands still for a while answers no pings, and its clients are to
//! wait for it, not to lose it. TCP asks its machine after SECONDS whether it is still there.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::error::Error;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use sockless_tokio::{
    ClientOptions, CloseCode, ConnectError, Reader, Role, Sender, ServerOptions, Shutdown,
    connect_with, receive,
};
use tokio::io::AsyncRead;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// How long the clients may take to end when the relay stops.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Relay {
    to: String,
    accepting: ServerOptions,
    connecting: ClientOptions,
    asking: TcpKeepalive,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let to = args.next().ok_or("which server? ws://HOST:PORT/")?;
    let listener = TcpListener::bind(args.next().as_deref().unwrap_or("127.0.0.1:0")).await?;
    let silence = args.next().map_or(Ok(30.0), |seconds| seconds.parse())?;
    println!("relay listens on {}/ for {to}", listener.local_addr()?);
    let (shutdown, silence) = (Shutdown::new(), Duration::from_secs_f64(silence));
    let accepting = ServerOptions::new()
        .with_compression()
        .with_keepalive(silence, silence)
        .with_shutdown(&shutdown);
    let connecting = ClientOptions::new().with_compression();
    let asking = TcpKeepalive::new().with_time(silence).with_interval(silence);
    let relay = Relay { to: to.trim_end_matches('/').to_owned(), accepting, connecting, asking };
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, from)) => {
                    let relay = relay.clone();
                    tokio::spawn(async move {
                        if let Err(error) = relay.serve(client).await {
                            eprintln!("relay: {from}: {error}");
                        }
                    });
                }
                // Too many open files, for example.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    shutdown.begin();
    let _ = timeout(PATIENCE, shutdown.ended()).await;
    Ok(())
}

impl Relay {
    /// The server is connected to before the client is answered.
    async fn serve(self, client: TcpStream) -> Result<(), Box<dyn Error>> {
        client.set_nodelay(true)?;
        let Self { to, accepting, connecting, asking } = self;
        let opening = receive(client, &accepting).await?;
        let request = opening.request();
        if !request.is_upgrade() {
            return Err(opening.accept().await.expect_err("a plain request is refused").into());
        }
        let url = format!("{to}{}", request.target());
        let offered: Vec<String> = request.subprotocols().map(String::from).collect();
        let server = match connect_with(&url, connecting.with_subprotocols(offered)).await {
            Ok(server) => server,
            Err(ConnectError::Refused(refused)) => {
                let status = refused.status;
                return Err(opening.refuse(status, "the server refuses").await.into());
            }
            Err(error) => {
                eprintln!("relay: {error}");
                return Err(opening.refuse(502, "the server can't be reached").await.into());
            }
        };
        SockRef::from(server.get_ref().tcp()).set_tcp_keepalive(&asking)?;
        let subprotocol = server.subprotocol().map(String::from);
        let acceptance = accepting.acceptance(opening.request());
        let acceptance = acceptance.with_subprotocol(subprotocol.as_deref());
        let client = opening.accept_with(&acceptance).await?;
        let (to_client, from_client) = client.split();
        let (to_server, from_server) = server.split();
        // Each ends when both have closed: the end of one side closes the other one.
        tokio::join!(pass(from_client, to_server), pass(from_server, to_client));
        Ok(())
    }
}

/// From one side to the other, until one of them closes; then the other does so, too.
async fn pass<I: AsyncRead + Unpin, R: Role, T>(mut from: Reader<I, R>, to: Sender<T>) {
    let mut open = true;
    let mut failed = false;
    while let Some(message) = from.recv().await {
        let Ok(message) = message else {
            failed = true;
            break;
        };
        // What comes after the end of the other side is for nobody; it is received until the closing handshake is done.
        open = open && to.send(message).await.is_ok();
    }
    let (code, reason) = match from.close_frame() {
        Some(frame) => (Some(frame.code), frame.reason.to_string()),
        None if failed => (Some(CloseCode::GOING_AWAY), "the other side is lost".to_owned()),
        None => (None, String::new()),
    };
    // It may be closing already.
    let _ = to.close(code, &reason);
}
