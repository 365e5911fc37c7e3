//! A server on blocking threads, one for each client: `server_blocking --listen ADDRESS:PORT`.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::net::TcpListener;
use std::thread;

use sockless_autobahn::{Failure, LONGEST};
use sockless_blocking::{ServerOptions, accept};

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let (Some("--listen"), Some(address)) = (args.next().as_deref(), args.next()) else {
        return Err("usage: server_blocking --listen ADDRESS:PORT".into());
    };
    let options = ServerOptions::new().with_max_message(LONGEST).with_compression();
    let listener = TcpListener::bind(address)?;
    println!("server_blocking listens on ws://{}/ (Ctrl-C stops it)", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, options) = (stream?, options.clone());
        thread::spawn(move || {
            // A client that asks for no WebSocket has been answered.
            let Ok(mut socket) = accept(stream, options) else { return };
            while let Some(Ok(message)) = socket.recv() {
                // If nothing can be sent any more, receiving says why.
                let _ = socket.feed(message);
            }
        });
    }
    Ok(())
}
