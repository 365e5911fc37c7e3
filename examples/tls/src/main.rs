//! An echo server for wss: `cargo run -p example-tls [ADDRESS]`.
//!
//! rustls is a state machine without a socket, too, so here are two of them in one loop. What arrives goes through rustls to sockless, what
//! sockless has to say goes through rustls to the stream. There is a thread for each client, as in `minimal`. The certificate is made
//! when the server starts, and signed by itself: clients have to be asked to trust it.
//!
//! Here is what is WebSocket's; what is TLS's is `tls.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod tls;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::ServerConfig;
use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits, RequestError};
use sockless::{Config, Event, Input, Want, endpoint};

use tls::Tls;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let config = tls::self_signed()?;
    let listener = TcpListener::bind(address)?;
    println!("wss://{}/ echoes what it gets. Ctrl-C stops it.", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, client)) => {
                let config = Arc::clone(&config);
                thread::spawn(move || {
                    if let Err(error) = serve(stream, config) {
                        eprintln!("{client} was lost: {error}");
                    }
                });
            }
            Err(error) => {
                eprintln!("nobody can be accepted for a moment: {error}");
                thread::sleep(Duration::from_millis(250));
            }
        }
    }
}

/// Serves one client, from the beginning of TLS to the end of the connection.
fn serve(stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    let mut tls = Tls::accept(stream, config)?;
    let mut buffer = vec![0; 64 << 10];

    // The opening handshake. Its deadline is that of TLS's handshake, too: nothing can be read before that is done.
    let mut acceptor = Acceptor::new(&HeadLimits::default(), tls.now());
    let mut input = Input::none();
    let mut connection = loop {
        match acceptor.poll(&mut input, tls.now()) {
            None => {} // more is needed
            Some(Asked::WebSocket(request)) => {
                let config = Config::default()
                    .with_keepalive(Duration::from_secs(30), Duration::from_secs(10));
                let accepted = endpoint::accept(&request, &Acceptance::new(), config);
                break accepted.map_err(io::Error::other)?.0;
            }
            Some(Asked::Plain(_)) => return answer(tls, RequestError::PlainRequest.answer()),
            Some(Asked::Refused(error)) => return answer(tls, error.answer()),
        }
        input = match tls.read(&mut buffer, acceptor.deadline())? {
            Some(0) => Input::eof(),
            Some(count) => Input::new(&mut buffer[..count]),
            None => Input::none(),
        };
    };

    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, tls.now()) {
            match event {
                Event::Text(text) => connection.send_text(&text).map_err(io::Error::other)?,
                Event::Binary(bytes) => connection.send_binary(&bytes).map_err(io::Error::other)?,
                _ => {} // pongs and Close frames are queued already
            }
        }
        // 2. Write what waits, as far as the stream takes it.
        while !connection.output().is_empty() {
            // TLS takes what it has room for; when the stream has taken that, there is room again.
            connection.wrote(tls.encrypt(connection.output())?);
            if !tls.flush(connection.want().deadline())? {
                break;
            }
        }
        // 3. Do what the connection wants.
        input = match connection.want() {
            // TLS has an end, too: without it the client couldn't tell the end from a cut.
            Want::Done(_) => return tls.shutdown_write(),
            Want::ShutdownWrite => {
                tls.shutdown_write()?;
                connection.shut();
                Input::none()
            }
            Want::Io { read: true, deadline, .. } => match tls.read(&mut buffer, deadline)? {
                Some(0) => Input::eof(),
                Some(count) => Input::new(&mut buffer[..count]),
                None => Input::none(),
            },
            Want::Io { .. } => Input::none(), // written, or due
        };
    }
}

/// Writes an answer that opens no WebSocket, and waits a moment for the client to have read it.
fn answer(mut tls: Tls, bytes: &[u8]) -> io::Result<()> {
    tls.encrypt(bytes)?;
    tls.shutdown_write()?;
    // What it still sends is thrown away: unread, it would reset the stream.
    let deadline = Some(tls.now() + Duration::from_secs(1));
    tls.read(&mut [0; 4096], deadline).map(drop)
}
