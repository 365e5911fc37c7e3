//! The client for tokio against servers that mean harm, on both transports: every run ends, with a clear error or a reconnection.
//! What they can make it hold is measured in `client_memory`.

mod closing;
mod hello;
mod http;
mod packets;
mod probing;
#[allow(dead_code, reason = "`client_memory` has it, too, and uses more of it")]
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use sockless_session::reconnect::{Backoff, Settings};
use sockless_socketio::client::{Builder, Client, ConnectError, Event};
use sockless_socketio::engine::client::Config;
use sockless_socketio::socket::client::DisconnectReason;
use tokio::time::timeout;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(120);

/// Longer than anybody waits here: what ends has not ended because of its time.
const AGES: Duration = Duration::from_secs(600);

/// A session on each transport, which isn't opened anew.
fn ways(at: SocketAddr, config: &Config) -> [(&'static str, Builder); 2] {
    let way = |polling, websocket| {
        Client::builder(&format!("http://{at}"))
            .with_engine(config.clone().with_transports(polling, websocket))
            .without_reconnect()
    };
    [("polling", way(true, false)), ("websocket", way(false, true))]
}

/// A client that isn't given up where the machine is slow.
fn patient() -> Config {
    Config::default().with_connect_timeout(PATIENCE)
}

/// It is tried again at once.
fn quickly() -> Settings {
    let delay = Duration::from_millis(5);
    Settings::default().with_backoff(Backoff::new(delay, 100, delay))
}

async fn connect(builder: Builder) -> Result<Client, ConnectError> {
    timeout(PATIENCE, builder.connect()).await.expect("it ends")
}

/// Why there was no session, or none that was connected.
async fn failure(name: &str, builder: Builder) -> DisconnectReason {
    match connect(builder).await {
        Err(ConnectError::Session { reason, .. }) => reason,
        other => panic!("{name}: {other:?}"),
    }
}

async fn next(client: &mut Client) -> Option<Event> {
    timeout(PATIENCE, client.recv()).await.expect("in time")
}

/// The name of the next event, which is the server's.
async fn named(client: &mut Client) -> String {
    match next(client).await {
        Some(Event::Message(message)) => message.name().to_owned(),
        other => panic!("{other:?}"),
    }
}
