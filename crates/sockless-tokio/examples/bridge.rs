//! WebSocket in front, a broker's TCP behind: MQTT and STOMP for clients that can open nothing but a WebSocket.
//!
//! ```text
//! cargo run --example bridge -- BROKER:PORT [LISTEN:PORT] [SECONDS]
//! ```
//!
//! A client is pinged after SECONDS of silence (30 by default). What one side doesn't take is not read from the other one: a slow broker slows its client,
//! and a slow client its broker. While the broker is slow nothing is received from the client, and so no deadline runs for it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::error::Error;
use std::time::Duration;

use sockless_tokio::{CloseCode, IntoHalves, Server, ServerOptions, Shutdown, receive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, tcp};
use tokio::time::{sleep, timeout};

type Reader = sockless_tokio::Reader<<TcpStream as IntoHalves>::Read, Server>;
type Sender = sockless_tokio::Sender<Server>;

/// The subprotocols that such brokers speak, the one most liked first.
const SUBPROTOCOLS: [&str; 5] = ["mqtt", "mqttv3.1", "v12.stomp", "v11.stomp", "v10.stomp"];
/// The most that is read from the broker at once: the length of a message.
const BUFFER: usize = 16 << 10;
/// How long the broker may take to accept a connection, and the clients to end when the bridge stops.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let broker = args.next().ok_or("which broker? HOST:PORT")?;
    let listener = TcpListener::bind(args.next().as_deref().unwrap_or("127.0.0.1:0")).await?;
    let silence = args.next().map_or(Ok(30.0), |seconds| seconds.parse())?;
    println!("bridge listens on {}/ for {broker}", listener.local_addr()?);
    let shutdown = Shutdown::new();
    let options = ServerOptions::new()
        .with_subprotocols(SUBPROTOCOLS)
        .with_keepalive(Duration::from_secs_f64(silence), Duration::from_secs_f64(silence))
        .with_shutdown(&shutdown);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, from)) => {
                    let (options, broker) = (options.clone(), broker.clone());
                    tokio::spawn(async move {
                        if let Err(error) = serve(client, options, &broker).await {
                            eprintln!("bridge: {from}: {error}");
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

/// The broker is connected to before the client is answered: its absence is an HTTP status.
async fn serve(client: TcpStream, options: ServerOptions, to: &str) -> Result<(), Box<dyn Error>> {
    client.set_nodelay(true)?;
    let opening = receive(client, options).await?;
    if !opening.request().is_upgrade() {
        return Err(opening.accept().await.expect_err("a plain request is refused").into());
    }
    let broker = match timeout(PATIENCE, TcpStream::connect(to)).await {
        Ok(Ok(broker)) => broker,
        Ok(Err(error)) => {
            eprintln!("bridge: the broker can't be reached: {error}");
            return Err(opening.refuse(502, "the broker can't be reached").await.into());
        }
        Err(_) => return Err(opening.refuse(504, "the broker doesn't answer").await.into()),
    };
    broker.set_nodelay(true)?;
    let (sender, reader) = opening.accept().await?.split();
    let (from_broker, to_broker) = broker.into_split();
    let down = tokio::spawn(down(from_broker, sender.clone()));
    let outcome = up(reader, to_broker, sender).await;
    // The client is gone: nobody is left for whom the broker could say something.
    down.abort();
    outcome
}

/// From the client to the broker, until the client closes.
async fn up(
    mut client: Reader,
    mut broker: tcp::OwnedWriteHalf,
    sender: Sender,
) -> Result<(), Box<dyn Error>> {
    let mut lost = false;
    while let Some(message) = client.recv().await {
        // STOMP is text, MQTT is not: to a stream of bytes they are the same.
        if !lost && broker.write_all(message?.as_bytes()).await.is_err() {
            lost = true;
            // It may be closing already.
            let _ = sender.close(CloseCode::INTERNAL_ERROR, "the broker is lost");
        }
    }
    // It may be gone; otherwise it hears that nothing follows.
    let _ = broker.shutdown().await;
    Ok(())
}

/// From the broker to the client, as far as the client takes it.
async fn down(mut broker: tcp::OwnedReadHalf, client: Sender) {
    let mut buffer = vec![0; BUFFER];
    let (code, reason) = loop {
        match broker.read(&mut buffer).await {
            Ok(0) => break (CloseCode::NORMAL, "the broker closed the connection"),
            Ok(count) if client.send(&buffer[..count]).await.is_ok() => {}
            // The client is gone.
            Ok(_) => return,
            Err(_) => break (CloseCode::INTERNAL_ERROR, "the broker is lost"),
        }
    };
    // It may be closing already.
    let _ = client.close(code, reason);
}
