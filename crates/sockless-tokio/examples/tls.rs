//! An echo server and its client over TLS, with a certificate that the server makes for itself: `cargo run --example tls`.
//!
//! A server in earnest reads its certificates from files, and its clients trust what their system trusts: `connect("wss://...")` is all it takes.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sockless_tokio::{ClientOptions, Listener, Message, Tls, connect_with};
use tokio::sync::oneshot;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What a server speaks TLS with, from a certificate and its key.
fn server(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    Ok(builder.with_single_cert(vec![certificate], key)?)
}

/// Says hello over TLS; the answer.
pub async fn hello() -> Result<Message> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;

    let listener = Listener::bind("127.0.0.1:0").await?.with_tls(server(certificate.clone(), key)?);
    let port = listener.local_addr()?.port();
    let (stop, stopped) = oneshot::channel();
    let stopped = async { stopped.await.unwrap_or_default() };
    let serving = tokio::spawn(listener.run(stopped, |mut socket, _address| async move {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    }));

    // This certificate and no other is trusted.
    let options = ClientOptions::new().with_tls(Tls::with_roots([certificate])?);
    let mut socket = connect_with(&format!("wss://localhost:{port}/"), options).await?;
    socket.send("hello").await?;
    let answer = socket.recv().await.ok_or("it closed")??;
    socket.close(None, "").await?;
    let _ = stop.send(());
    serving.await?;
    Ok(answer)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    println!("{:?}", hello().await?.as_text());
    Ok(())
}
