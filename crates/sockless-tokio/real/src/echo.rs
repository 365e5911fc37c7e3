//! An echo server: `Listener`, the socket whole or in halves, with TLS or without.
//!
//! ```text
//! echo [--deflate on|off] [--form whole|halves|traits] [--keepalive SECONDS] [--tls CERTIFICATE KEY]
//! ```

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt;
use sockless_tokio::{Listener, NetStream, Server, ServerOptions, WebSocket};

use crate::options::{LONGEST, server_tls, value};

/// How the socket is used.
#[derive(Clone, Copy)]
enum Form {
    Whole,
    Halves,
    Traits,
}

pub(crate) async fn run(mut args: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut options = ServerOptions::new().with_max_message(LONGEST);
    let (mut form, mut tls) = (Form::Whole, None);
    while let Some(name) = args.next() {
        let mut value = || value(&name, &mut args);
        match name.as_str() {
            "--deflate" => {
                if value()? == "on" {
                    options = options.with_compression();
                }
            }
            "--form" => {
                form = match value()?.as_str() {
                    "whole" => Form::Whole,
                    "halves" => Form::Halves,
                    "traits" => Form::Traits,
                    other => return Err(format!("no form is called {other}").into()),
                }
            }
            "--keepalive" => {
                let interval = Duration::from_secs_f64(value()?.parse()?);
                options = options.with_keepalive(interval, Duration::from_secs(20));
            }
            "--tls" => {
                let (certificate, key) = (value()?, value()?);
                tls = Some(server_tls(&certificate, &key, &[b"http/1.1"])?);
            }
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    let mut listener = Listener::bind("127.0.0.1:0").await?.with_options(options);
    if let Some(tls) = tls {
        listener = listener.with_tls(tls);
    }
    println!("echo listens on {}/", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    listener
        .run(stop, move |socket, _| async move {
            match form {
                Form::Whole => whole(socket).await,
                Form::Halves => halves(socket).await,
                Form::Traits => traits(socket).await,
            }
        })
        .await;
    Ok(())
}

type Socket = WebSocket<NetStream, Server>;

async fn whole(mut socket: Socket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn halves(socket: Socket) {
    let (sender, mut reader) = socket.split();
    while let Some(Ok(message)) = reader.recv().await {
        if sender.send(message).await.is_err() {
            break;
        }
    }
}

async fn traits(socket: Socket) {
    let (sink, stream) = StreamExt::split(socket);
    // It ends with the connection.
    let _ = stream.forward(sink).await;
}
