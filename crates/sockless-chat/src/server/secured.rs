//! The streams that requests come on: TCP, or TLS over TCP. A handshake is done beside the others, in a limited time, so that nobody waits for who is slow.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sockless_tokio::NetStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::StartError;
use crate::settings::Certificate;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many handshakes there may be at once: others wait in the system's queue.
const HANDSHAKES: usize = 1000;
/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

/// What requests come from.
pub(super) struct Streams {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    handshakes: JoinSet<Option<(NetStream, SocketAddr)>>,
}

/// The address of who has opened a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Streams>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Streams>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Streams {
    pub(super) fn new(listener: TcpListener, tls: Option<ServerConfig>) -> Self {
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        Self { listener, tls, handshakes: JoinSet::new() }
    }

    async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    // A stream that is gone already says so when it is read.
                    let _ = stream.set_nodelay(true);
                    return (stream, address);
                }
                // Too many open files, for example.
                Err(_) => sleep(RECOVER).await,
            }
        }
    }
}

impl Listener for Streams {
    type Io = NetStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (NetStream, SocketAddr) {
        let Self { listener, tls, handshakes } = self;
        let Some(tls) = tls else {
            let (stream, address) = Self::next(listener).await;
            return (NetStream::Tcp(stream), address);
        };
        loop {
            tokio::select! {
                Some(done) = handshakes.join_next() => {
                    if let Ok(Some(accepted)) = done {
                        return accepted;
                    }
                }
                (stream, address) = Self::next(listener), if handshakes.len() < HANDSHAKES => {
                    let accepting = timeout(HANDSHAKE, tls.accept(stream));
                    handshakes.spawn(async move {
                        let stream = accepting.await.ok()?.ok()?;
                        Some((NetStream::Tls(Box::new(stream.into())), address))
                    });
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// How TLS is spoken with a certificate.
pub(super) fn config(
    certificate: &Certificate,
    at: SocketAddr,
) -> Result<ServerConfig, StartError> {
    let (chain, key) = match certificate {
        Certificate::Made => made(at)?,
        Certificate::Files { chain, key } => {
            let bad =
                |path: &std::path::Path, what: String| StartError::Certificate(path.into(), what);
            let read = CertificateDer::pem_file_iter(chain).and_then(Iterator::collect);
            let chain_read: Vec<_> = read.map_err(|error| bad(chain, error.to_string()))?;
            if chain_read.is_empty() {
                return Err(bad(chain, "there is no certificate in it".into()));
            }
            let key_read = PrivateKeyDer::from_pem_file(key);
            (chain_read, key_read.map_err(|error| bad(key, error.to_string()))?)
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let place = match certificate {
        Certificate::Made => "the certificate that was made".into(),
        Certificate::Files { chain, .. } => chain.clone(),
    };
    let wrong = |error: rustls::Error| StartError::Certificate(place.clone(), error.to_string());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(wrong)?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).map_err(wrong)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

type Made = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A certificate that nobody vouches for, for this machine and the address.
fn made(at: SocketAddr) -> Result<Made, StartError> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), at.ip().to_string()];
    let failed = |error: rcgen::Error| {
        StartError::Certificate("the certificate that was made".into(), error.to_string())
    };
    let made = rcgen::generate_simple_self_signed(names).map_err(failed)?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    Ok((vec![made.cert.into()], key))
}
