//! Over the network: URLs, TLS with an authority of our own, proxies, redirects, the listener; and what is said when something is wrong.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use sockless_tokio::handshake::{Field, Refusal};
use sockless_tokio::{
    ClientOptions, CloseCode, ConnectError, Decision, Listener, Message, NetStream, Outcome, Proxy,
    ProxyError, Role, Server, ServerOptions, Stage, WebSocket, accept_with, connect, connect_with,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(300);

/// An echo server that runs until it is stopped.
struct Echo {
    port: u16,
    stop: oneshot::Sender<()>,
    run: JoinHandle<()>,
}

async fn echo(mut socket: WebSocket<NetStream, Server>) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

impl Echo {
    async fn start(with: impl FnOnce(Listener) -> Listener) -> Self {
        let listener = with(Listener::bind("127.0.0.1:0").await.expect("an address"));
        let port = listener.local_addr().expect("an address").port();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or_default() };
        let run = tokio::spawn(listener.run(stopped, |socket, _| echo(socket)));
        Self { port, stop, run }
    }
}

/// A server of one stream at a time, which does as it likes.
async fn serve<F: Future<Output = ()> + Send>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    address
}

async fn hello(url: &str, options: impl Into<ClientOptions>) -> Result<(), ConnectError> {
    let mut socket = connect_with(url, options).await?;
    socket.send("hello").await.expect("sent");
    let message = socket.recv().await.expect("a message").expect("no error");
    assert_eq!(message, Message::text("hello"));
    assert!(socket.close(None, "").await.expect("closed").clean());
    Ok(())
}

#[tokio::test]
async fn a_url_is_all_that_it_takes() {
    let server = Echo::start(|listener| listener).await;
    hello(&format!("ws://localhost:{}/", server.port), ()).await.expect("open");
    let mut socket = connect(&format!("ws://127.0.0.1:{}", server.port)).await.expect("open");
    socket.send("hello").await.expect("sent");
    let (sender, mut reader) = socket.split();
    assert_eq!(reader.recv().await.expect("one").expect("no error"), Message::text("hello"));
    sender.close(None, "").expect("begun");
    assert!(reader.recv().await.is_none() && reader.outcome().clean());
}

/// Both ends in two tasks, and long messages that pass in both directions at once: as many as no buffer on the way takes.
async fn both_ways_at_once(listener: Listener, scheme: &str, options: ClientOptions) {
    const MESSAGES: usize = 24;
    let port = listener.local_addr().expect("an address").port();
    let (ended, end) = oneshot::channel();
    let ended = std::sync::Mutex::new(Some(ended));
    let run = tokio::spawn(listener.run(std::future::pending(), move |socket, _| {
        let ended = ended.lock().expect("no panic").take();
        async move {
            let outcome = exchange(socket).await;
            let _ = ended.expect("one connection").send(outcome);
        }
    }));
    let client = connect_with(&format!("{scheme}://localhost:{port}/"), options).await;
    let outcome = exchange(client.expect("open")).await;
    assert!(outcome.clean(), "{outcome:?}");
    assert!(end.await.expect("it ends").clean());
    run.abort();

    async fn exchange<R: Role + Send + 'static>(socket: WebSocket<NetStream, R>) -> Outcome
    where
        R::Keys: Send,
    {
        let (sender, mut reader) = socket.split();
        let sending = tokio::spawn(async move {
            for n in 0..MESSAGES {
                sender.send(vec![n as u8; 1 << 20]).await.expect("sent");
            }
            sender
        });
        for n in 0..MESSAGES {
            let message = timeout(SHORT * 400, reader.recv()).await.expect("in time");
            let message = message.expect("a message").expect("no error");
            assert!(message.as_bytes() == vec![n as u8; 1 << 20], "message {n}");
        }
        // Each closes when it has sent and received all; the second one finds the connection closing.
        let _ = sending.await.expect("no panic").close(CloseCode::NORMAL, "");
        let end = timeout(SHORT * 400, reader.recv()).await.expect("in time");
        assert!(end.is_none(), "{end:?}");
        reader.outcome()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_of_tcp_pass_messages_both_ways_at_once() {
    let listener = Listener::bind("127.0.0.1:0").await.expect("an address");
    both_ways_at_once(listener, "ws", ClientOptions::new()).await;
}

#[tokio::test]
async fn a_listener_stops_gracefully() {
    let server = Echo::start(|listener| listener).await;
    let url = format!("ws://127.0.0.1:{}", server.port);
    let mut one = connect(&url).await.expect("open");
    let (_sender, mut two) = connect(&url).await.expect("open").split();
    one.send("are you there?").await.expect("sent");
    assert!(one.recv().await.is_some_and(|message| message.is_ok()));
    server.stop.send(()).expect("it runs");
    assert!(one.recv().await.is_none() && two.recv().await.is_none());
    assert_eq!(one.close_frame().map(|frame| frame.code), Some(CloseCode::GOING_AWAY));
    assert_eq!(two.close_frame().map(|frame| frame.code), Some(CloseCode::GOING_AWAY));
    timeout(SHORT * 10, server.run).await.expect("it ends with them").expect("no panic");
    assert!(matches!(connect(&url).await, Err(ConnectError::Connect(_))));
}

#[tokio::test]
async fn a_listener_has_no_more_connections_than_its_limit() {
    let server = Echo::start(|listener| listener.with_limit(1)).await;
    let url = format!("ws://127.0.0.1:{}", server.port);
    let mut one = connect(&url).await.expect("open");
    let second = connect_with(&url, ClientOptions::new().with_timeout(SHORT)).await;
    assert!(second.is_err(), "it waits in the system's queue");
    one.close(None, "").await.expect("closed");
    drop(one);
    hello(&url, ()).await.expect("there is room again");
}

#[tokio::test]
async fn every_stage_has_its_deadline() {
    let options = ClientOptions::new().with_timeout(SHORT);
    // It takes connections, and says nothing.
    let silent = serve(|stream| async move {
        let _stream = stream;
        tokio::time::sleep(SHORT * 4).await;
    })
    .await;
    let error = connect_with(&format!("ws://{silent}"), &options).await.expect_err("silent");
    assert!(matches!(error, ConnectError::Answer(_)), "{error:?}");
    let proxy = Proxy::parse(&format!("socks5://{silent}")).expect("a proxy");
    let through = options.clone().with_proxy(proxy);
    let error = connect_with("ws://example.invalid", through).await.expect_err("silent");
    assert!(matches!(error, ConnectError::TimedOut(Stage::Proxy)), "{error:?}");
    #[cfg(feature = "rustls")]
    {
        let error = connect_with(&format!("wss://{silent}"), &options).await.expect_err("silent");
        assert!(matches!(error, ConnectError::TimedOut(Stage::Tls)), "{error:?}");
    }
}

#[tokio::test]
async fn redirects_are_followed_where_that_is_allowed() {
    let server = Echo::start(|listener| listener.with_options(ServerOptions::new())).await;
    let to = server.port;
    let (seen, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let first = serve(move |stream| {
        let seen = seen.clone();
        async move {
            let _ = accept_with(stream, (), |request| {
                let token = request.field("authorization").is_some();
                seen.send((request.path().to_owned(), token)).expect("somebody looks");
                let to = match request.path() {
                    "/elsewhere" => format!("http://127.0.0.1:{to}/"),
                    "/here" => "/elsewhere".to_owned(),
                    _ => "/again".to_owned(),
                };
                let fields = [Field::new("Location", &to)];
                Decision::Answer(Refusal::new(307, &fields, b"").expect("one").to_vec())
            })
            .await;
        }
    })
    .await;
    let options = ClientOptions::new().with_field("Authorization", "Bearer 6bdf");
    let refused = connect_with(&format!("ws://{first}/here"), &options).await;
    assert!(matches!(refused, Err(ConnectError::Refused(refused)) if refused.status == 307));
    assert_eq!(asked.recv().await, Some(("/here".into(), true)));
    let options = options.with_redirects(3);
    hello(&format!("ws://{first}/here"), &options).await.expect("followed");
    assert_eq!(asked.recv().await, Some(("/here".into(), true)));
    assert_eq!(asked.recv().await, Some(("/elsewhere".into(), true)));
    // No more than the limit.
    let refused = connect_with(&format!("ws://{first}/round"), &options).await;
    assert!(matches!(refused, Err(ConnectError::Refused(refused)) if refused.status == 307));
    for _ in 0..4 {
        assert!(asked.recv().await.is_some());
    }
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let target = serve(|stream| async move {
        let _ = accept_with(stream, (), |request| {
            let names = ["authorization", "Cookie", "x-kept"];
            let there = names.map(|name| request.field(name).is_some());
            assert_eq!(there, [false, false, true]);
            Decision::Answer(Refusal::new(403, &[], b"seen").expect("one").to_vec())
        })
        .await;
    })
    .await;
    let first = serve(move |stream| async move {
        let to = format!("http://{target}/");
        let fields = [Field::new("Location", &to)];
        let answer = Refusal::new(302, &fields, b"").expect("one").to_vec();
        let _ = accept_with(stream, (), |_| Decision::Answer(answer)).await;
    })
    .await;
    let options = ClientOptions::new()
        .with_field("Authorization", "Bearer 6bdf")
        .with_field("cookie", "id=1")
        .with_field("X-Kept", "1")
        .with_redirects(1);
    let refused = connect_with(&format!("ws://{first}/"), options).await;
    assert!(matches!(refused, Err(ConnectError::Refused(refused)) if refused.body == b"seen"));
}

/// What a peer is to say, and what it is answered, in turn.
type Script = Vec<(Vec<u8>, Vec<u8>)>;

/// A proxy that wants these first bytes, says this, and from then on leads to a server.
async fn proxy(script: Script, to: u16) -> SocketAddr {
    serve(move |mut stream| {
        let script = script.clone();
        async move {
            for (wanted, answer) in script {
                let mut said = vec![0; wanted.len()];
                stream.read_exact(&mut said).await.expect("it speaks");
                assert_eq!(String::from_utf8_lossy(&said), String::from_utf8_lossy(&wanted));
                stream.write_all(&answer).await.expect("taken");
            }
            if to == 0 {
                return;
            }
            let mut server = TcpStream::connect(("127.0.0.1", to)).await.expect("a server");
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
        }
    })
    .await
}

#[tokio::test]
async fn an_http_proxy_leads_to_the_server() {
    let server = Echo::start(|listener| listener).await;
    let request = b"CONNECT chat.example:80 HTTP/1.1\r\nHost: chat.example:80\r\n\
        Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n";
    let answer = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
    let address = proxy(vec![(request.to_vec(), answer.to_vec())], server.port).await;
    let through = Proxy::parse(&format!("http://user:pass@{address}")).expect("a proxy");
    let options = ClientOptions::new().with_proxy(through);
    hello("ws://chat.example/", options).await.expect("open");
}

#[tokio::test]
async fn a_socks_proxy_leads_to_the_server() {
    let server = Echo::start(|listener| listener).await;
    let script = vec![
        (b"\x05\x02\x00\x02".to_vec(), b"\x05\x02".to_vec()),
        (b"\x01\x04user\x04pass".to_vec(), b"\x01\x00".to_vec()),
        (
            b"\x05\x01\x00\x03\x0Cchat.example\x00\x50".to_vec(),
            b"\x05\x00\x00\x03\x04name\x00\x01".to_vec(),
        ),
    ];
    let address = proxy(script, server.port).await;
    let through = Proxy::parse(&format!("socks5://user:pass@{address}")).expect("a proxy");
    hello("ws://chat.example/", ClientOptions::new().with_proxy(through)).await.expect("open");
    let script = vec![
        (b"\x05\x01\x00".to_vec(), b"\x05\x00".to_vec()),
        (
            b"\x05\x01\x00\x01\x7F\x00\x00\x01\x00\x50".to_vec(),
            b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec(),
        ),
    ];
    let address = proxy(script, server.port).await;
    let through = Proxy::parse(&format!("socks5://{address}")).expect("a proxy");
    hello("ws://127.0.0.1/", ClientOptions::new().with_proxy(through)).await.expect("open");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_from_the_server() {
    let request = b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_vec();
    let greeting = b"\x05\x01\x00".to_vec();
    let connect = b"\x05\x01\x00\x03\x01a\x00\x50".to_vec();
    type Expected = fn(&ProxyError) -> bool;
    let cases: [(&str, Script, Expected); 8] = [
        ("http", vec![(request.clone(), b"HTTP/1.1 407 Who?\r\n\r\n".to_vec())], |error| {
            matches!(error, ProxyError::Credentials)
        }),
        // As tinyproxy answers wrong ones.
        ("http", vec![(request.clone(), b"HTTP/1.1 401 Who?\r\n\r\n".to_vec())], |error| {
            matches!(error, ProxyError::Credentials)
        }),
        ("http", vec![(request.clone(), b"HTTP/1.0 403 No\r\n\r\n".to_vec())], |error| {
            matches!(error, ProxyError::Status(403))
        }),
        ("http", vec![(request.clone(), b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())], |error| {
            matches!(error, ProxyError::Answer)
        }),
        ("http", vec![(request, vec![b'a'; 9000])], |error| matches!(error, ProxyError::Answer)),
        ("socks5", vec![(greeting.clone(), b"\x05\xFF".to_vec())], |error| {
            matches!(error, ProxyError::Credentials)
        }),
        (
            "socks5",
            vec![
                (greeting.clone(), b"\x05\x00".to_vec()),
                (connect, b"\x05\x05\x00\x01\0\0\0\0\0\0".to_vec()),
            ],
            |error| matches!(error, ProxyError::Code(5)),
        ),
        ("socks5", vec![(greeting, b"HT".to_vec())], |error| matches!(error, ProxyError::Answer)),
    ];
    for (scheme, script, expected) in cases {
        let address = proxy(script, 0).await;
        let through = Proxy::parse(&format!("{scheme}://{address}")).expect("a proxy");
        let options = ClientOptions::new().with_proxy(through);
        let error = connect_with("ws://a/", options).await.expect_err("refused");
        let ConnectError::Proxy(error) = error else { panic!("{error:?}") };
        assert!(expected(&error), "{scheme}: {error:?}");
    }
}

#[cfg(feature = "rustls")]
mod tls {
    use std::sync::Arc;

    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
    };
    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use sockless_tokio::Tls;

    use super::*;

    struct Authority(CertifiedIssuer<'static, KeyPair>);

    impl Authority {
        fn new(name: &str) -> Self {
            let mut params = CertificateParams::new(Vec::new()).expect("parameters");
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().expect("a key");
            Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
        }

        fn root(&self) -> CertificateDer<'static> {
            self.0.der().clone()
        }

        /// A server's configuration, for a name, expired or not.
        fn server(&self, name: &str, expired: bool, alpn: &[&[u8]]) -> Arc<ServerConfig> {
            let mut params = CertificateParams::new(vec![name.into()]).expect("parameters");
            if expired {
                params.not_before = date_time_ymd(2020, 1, 1);
                params.not_after = date_time_ymd(2021, 1, 1);
            }
            let key = KeyPair::generate().expect("a key");
            let certificate = params.signed_by(&key, &self.0).expect("a certificate");
            let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let mut config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key)
                .expect("a configuration");
            config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
            Arc::new(config)
        }
    }

    async fn try_tls(
        authority: &Authority,
        config: Arc<ServerConfig>,
        scheme: &str,
    ) -> Result<(), ConnectError> {
        let server = Echo::start(|listener| listener.with_tls(config)).await;
        let tls = Tls::with_roots([authority.root()]).expect("roots");
        let options = ClientOptions::new().with_tls(tls).with_timeout(SHORT * 10);
        hello(&format!("{scheme}://localhost:{}/", server.port), options).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn halves_of_tls_pass_messages_both_ways_at_once() {
        let authority = Authority::new("ours");
        let listener = Listener::bind("127.0.0.1:0").await.expect("an address");
        let listener = listener.with_tls(authority.server("localhost", false, &[]));
        let tls = Tls::with_roots([authority.root()]).expect("roots");
        both_ways_at_once(listener, "wss", ClientOptions::new().with_tls(tls)).await;
    }

    #[tokio::test]
    async fn a_server_of_our_own_authority_is_trusted() {
        let authority = Authority::new("ours");
        let config = authority.server("localhost", false, &[b"h2", b"http/1.1"]);
        try_tls(&authority, config, "wss").await.expect("open");
        // Through a tunnel as well.
        let server =
            Echo::start(|listener| listener.with_tls(authority.server("chat.example", false, &[])))
                .await;
        let request =
            b"CONNECT chat.example:443 HTTP/1.1\r\nHost: chat.example:443\r\n\r\n".to_vec();
        let address =
            proxy(vec![(request, b"HTTP/1.1 200 OK\r\n\r\n".to_vec())], server.port).await;
        let through = Proxy::parse(&format!("http://{address}")).expect("a proxy");
        let tls = Tls::with_roots([authority.root()]).expect("roots");
        let options = ClientOptions::new().with_tls(tls).with_proxy(through);
        hello("wss://chat.example/", options).await.expect("open");
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_certificate_is_said() {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        for (config, said) in [
            (ours.server("localhost", true, &[]), "expired"),
            (ours.server("example.com", false, &[]), "another name"),
            (theirs.server("localhost", false, &[]), "nobody who is trusted"),
            (ours.server("localhost", false, &[b"h2"]), "HTTP/2 only"),
        ] {
            let error = try_tls(&ours, config, "wss").await.expect_err("it does not fit");
            assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[tokio::test]
    async fn the_wrong_scheme_is_said() {
        let authority = Authority::new("ours");
        let config = authority.server("localhost", false, &[]);
        let error = try_tls(&authority, config, "ws").await.expect_err("it speaks TLS");
        assert!(matches!(error, ConnectError::SpeaksTls), "{error:?}");
        let plain = Echo::start(|listener| listener).await;
        let tls = Tls::with_roots([authority.root()]).expect("roots");
        let options = ClientOptions::new().with_tls(tls).with_timeout(SHORT * 10);
        let error = hello(&format!("wss://localhost:{}/", plain.port), options).await;
        let error = error.expect_err("it does not speak TLS").to_string();
        assert!(error.contains("does not speak TLS"), "{error}");
    }

    #[tokio::test]
    async fn the_systems_certificates_do_not_vouch_for_ours() {
        let authority = Authority::new("ours");
        let config = authority.server("localhost", false, &[]);
        let server = Echo::start(|listener| listener.with_tls(config)).await;
        let error = connect(&format!("wss://localhost:{}/", server.port)).await;
        assert!(matches!(error.expect_err("not trusted"), ConnectError::Tls(_)));
    }
}
