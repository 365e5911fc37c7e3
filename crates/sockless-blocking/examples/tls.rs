//! An echo server and its client over TLS, with a certificate that the server makes for itself: `cargo run --features rustls --example tls`.
//!
//! A server in earnest reads its certificates from files, and its clients trust what their system trusts: `connect("wss://...")` is all it takes.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use sockless_blocking::{ClientOptions, Message, Tls, TlsStream, accept, connect_with};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn serve(listener: &TcpListener, config: Arc<ServerConfig>) -> Result<()> {
    let (stream, _) = listener.accept()?;
    let mut socket = accept(TlsStream::accept(stream, config)?, ())?;
    while let Some(message) = socket.recv() {
        socket.send(message?)?;
    }
    Ok(())
}

/// Says hello over TLS; the answer.
pub fn hello() -> Result<Message> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("wss://localhost:{}/", listener.local_addr()?.port());
    let serving = thread::spawn(move || serve(&listener, Arc::new(config)));

    // This certificate and no other is trusted.
    let options = ClientOptions::new().with_tls(Tls::with_roots([certificate])?);
    let mut socket = connect_with(&url, options)?;
    socket.send("hello")?;
    let answer = socket.recv().ok_or("it closed")??;
    socket.close(None, "")?;
    serving.join().map_err(|_| "the server panicked")??;
    Ok(answer)
}

fn main() -> Result<()> {
    println!("{:?}", hello()?.as_text());
    Ok(())
}
