//! A server of WebSockets over HTTP/2 that sends every message back: right, or with one rule broken.

use std::io::Read as _;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{Method, Request, Response};
use sockless::{Config, Connection, Event, Input, Server, Want};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};

/// The rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It doesn't say that it takes extended CONNECT.
    NoSetting,
    /// It refuses everybody.
    Refuses,
    /// It speaks HTTP/1.1 alone.
    NoHttp2,
    AnyProtocol,
    AnyVersion,
    /// It takes a CONNECT without `:protocol`.
    PlainConnect,
    Subprotocol,
    Extension,
    /// A stream is served when the one before it has ended.
    OneByOne,
    /// The stream is left open after both Close frames.
    NoEnd,
    /// The stream is reset after both Close frames.
    ResetAtEnd,
    /// The stream's end is not heard.
    DeafForEnd,
    /// Who breaks the rules loses the whole connection.
    AllForOne,
}

/// What is caught by a case, and by which.
pub(crate) const ALL: [(Fault, &str); 10] = [
    (Fault::AnyProtocol, "http2.protocol-unknown"),
    (Fault::AnyVersion, "http2.version-12"),
    (Fault::PlainConnect, "http2.plain-connect"),
    (Fault::Subprotocol, "http2.no-subprotocol"),
    (Fault::Extension, "http2.no-extension"),
    (Fault::OneByOne, "http2.many-streams"),
    (Fault::NoEnd, "http2.end-after-close"),
    (Fault::ResetAtEnd, "http2.end-after-close"),
    (Fault::DeafForEnd, "http2.end-without-close"),
    (Fault::AllForOne, "http2.violation-on-one-stream"),
];

/// TLS with a fresh certificate, by which this protocol is chosen.
pub(crate) fn tls(protocol: &str) -> TlsAcceptor {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Arc::new(config).into()
}

/// Starts it on a thread that lives as long as the test: its port.
pub(crate) fn start(fault: Option<Fault>, tls: Option<TlsAcceptor>) -> u16 {
    let (send, port) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap().port()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                if fault == Some(Fault::NoHttp2) {
                    thread::spawn(move || answer_in_http1(stream));
                } else if let Some(tls) = tls.clone() {
                    tokio::spawn(async move {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, fault).await;
                        }
                    });
                } else {
                    tokio::spawn(serve(stream, fault));
                }
            }
        });
    });
    port.recv().unwrap()
}

fn answer_in_http1(stream: TcpStream) {
    let mut stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    let _ = stream.read(&mut [0; 1000]);
    let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, fault: Option<Fault>) -> Option<()> {
    let mut http = h2::server::Builder::new();
    if fault != Some(Fault::NoSetting) {
        http.enable_connect_protocol();
    }
    let mut connection = http.handshake::<_, Bytes>(stream).await.ok()?;
    let (fail, mut failed) = tokio::sync::mpsc::unbounded_channel();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let (request, respond) = accepted?.ok()?;
                let served = answer(request, respond, fault, fail.clone());
                if fault == Some(Fault::OneByOne) {
                    // The connection itself has to go on meanwhile.
                    tokio::select! { _ = served => {}, _ = connection.accept() => {} }
                } else {
                    tokio::spawn(served);
                }
            }
            _ = failed.recv() => return None,
        }
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    fault: Option<Fault>,
    fail: tokio::sync::mpsc::UnboundedSender<()>,
) -> Option<()> {
    let protocol =
        request.extensions().get::<h2::ext::Protocol>().map(|own| own.as_str().to_owned());
    let version = request.headers().get("sec-websocket-version").map(|own| own.as_bytes());
    let named = match protocol.as_deref() {
        Some("websocket") => true,
        Some(_) => fault == Some(Fault::AnyProtocol),
        None => fault == Some(Fault::PlainConnect),
    };
    let known = version == Some(b"13") || fault == Some(Fault::AnyVersion);
    let mut response = Response::builder();
    if request.method() != Method::CONNECT || !named || !known {
        respond.send_response(response.status(400).body(()).ok()?, true).ok()?;
        return None;
    }
    if fault == Some(Fault::Refuses) {
        respond.send_response(response.status(403).body(()).ok()?, true).ok()?;
        return None;
    }
    if fault == Some(Fault::Subprotocol) {
        response = response.header("sec-websocket-protocol", "nobody-asked");
    }
    if fault == Some(Fault::Extension) {
        response = response.header("sec-websocket-extensions", "x-nobody-asked");
    }
    let send = respond.send_response(response.body(()).ok()?, false).ok()?;
    let mut stream = Stream { body: request.into_body(), send };
    let ended = stream.echo(fault).await;
    if ended.is_none() && fault == Some(Fault::AllForOne) {
        let _ = fail.send(());
    }
    match fault {
        Some(Fault::NoEnd) => tokio::time::sleep(Duration::from_secs(60)).await,
        Some(Fault::ResetAtEnd) => {
            // The Close frame has gone out before.
            tokio::time::sleep(Duration::from_millis(100)).await;
            stream.send.send_reset(Reason::CANCEL);
        }
        _ => drop(stream.send.send_data(Bytes::new(), true)),
    }
    None
}

struct Stream {
    body: RecvStream,
    send: SendStream<Bytes>,
}

impl Stream {
    /// Sends every message back; `None` if the connection did not end well.
    async fn echo(&mut self, fault: Option<Fault>) -> Option<()> {
        let started = Instant::now();
        let mut connection = Connection::<Server>::server(Config::default());
        let mut bytes;
        let mut input = Input::none();
        loop {
            while let Some(event) = connection.poll(&mut input, started.elapsed()) {
                match event {
                    Event::Text(text) => connection.send_text(&text).ok()?,
                    Event::Binary(bytes) => connection.send_binary(&bytes).ok()?,
                    _ => {}
                }
            }
            let output = Bytes::copy_from_slice(connection.output());
            connection.wrote(output.len());
            if !output.is_empty() {
                self.send.send_data(output, false).ok()?;
            }
            input = match connection.want() {
                Want::Done(outcome) => return outcome.clean().then_some(()),
                Want::ShutdownWrite => {
                    connection.shut();
                    return connection.outcome().clean().then_some(());
                }
                Want::Io { .. } => match self.body.data().await {
                    Some(Ok(data)) => {
                        let _ = self.body.flow_control().release_capacity(data.len());
                        bytes = data.to_vec();
                        Input::new(&mut bytes)
                    }
                    Some(Err(_)) => return None,
                    None if fault == Some(Fault::DeafForEnd) => {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        return None;
                    }
                    None => Input::eof(),
                },
            };
        }
    }
}
