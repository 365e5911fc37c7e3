//! A server on tokio in its ordinary form, `recv` and `feed`: `server_tokio --listen ADDRESS:PORT`. In two tasks, `echo_tokio` is one.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use sockless_autobahn::session::config;
use sockless_tokio::{Listener, ServerOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some("--listen"), Some(address)) = (args.next().as_deref(), args.next()) else {
        return Err("usage: server_tokio --listen ADDRESS:PORT".into());
    };
    let options = ServerOptions::new().with_config(config()).with_compression();
    let listener = Listener::bind(address).await?.with_options(options);
    println!("server_tokio listens on ws://{}/ (Ctrl-C stops it)", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    let echo = |mut socket: sockless_tokio::WebSocket<_, _>, _| async move {
        while let Some(Ok(message)) = socket.recv().await {
            // If nothing can be sent any more, receiving says why.
            let _ = socket.feed(message).await;
        }
    };
    listener.run(stop, echo).await;
    Ok(())
}
