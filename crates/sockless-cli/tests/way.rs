//! The way to the server: TLS and whom it trusts, proxies, unix sockets.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

mod program;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use base64::Engine as _;
use program::{answer, command, echo, echo_server, finish, prose, serve, until_printed, ws};

/// An echo server with TLS, and the file with its certificate.
fn secure_server(name: &str) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let file = format!("{}/{name}-{}.pem", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let certificate = base64::engine::general_purpose::STANDARD.encode(made.cert.der());
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    std::fs::write(&file, format!("{begin}\n{certificate}\n{end}\n")).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let address = serve(move |stream| {
        let tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        if let Ok(socket) = tungstenite::accept(rustls::StreamOwned::new(tls, stream)) {
            echo(socket);
        }
    });
    (address, file)
}

fn url(address: SocketAddr) -> String {
    format!("wss://localhost:{}/", address.port())
}

#[test]
fn tls_is_spoken_with_a_server_that_is_trusted() {
    let large = prose(1 << 20) + "\n";
    let (address, file) = secure_server("roots");
    let program = command(&["-q", "--roots", &file, &url(address)]);
    let ran = until_printed(program, large.as_bytes(), large.len());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.text() == large);

    let (address, file) = secure_server("variable");
    let mut trusting = command(&["-q", &url(address)]);
    trusting.env("SSL_CERT_FILE", &file);
    finish(trusting, b"hi\n").printed("hi\n");

    let (address, _) = secure_server("insecure");
    ws(&["-q", "--insecure", &url(address)], b"hi\n").printed("hi\n");
}

#[test]
fn tls_is_not_spoken_with_a_server_that_is_not_trusted() {
    let (_, other) = secure_server("other");
    let (address, _) = secure_server("untrusted");
    ws(&["--roots", &other, "--reconnect", &url(address)], b"").failed(3, "--insecure");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    ws(&["--roots", manifest, &url(address)], b"").failed(2, "there is no certificate in it");
    ws(&["--roots", "/nowhere", &url(address)], b"").failed(2, "--roots /nowhere: ");
}

#[test]
fn who_takes_the_wrong_scheme_is_told_the_other() {
    let plain = answer(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let ran = ws(&["--insecure", &url(plain)], b"");
    ran.failed(3, &format!("try ws://localhost:{}/", plain.port()));
    let closes = answer(b"");
    let ran = ws(&["--insecure", &url(closes)], b"");
    ran.failed(3, &format!("try ws://localhost:{}/", closes.port()));
    let (address, _) = secure_server("plain");
    let ran = ws(&[&format!("ws://localhost:{}/", address.port())], b"");
    assert!(ran.err.contains(&format!("try wss://localhost:{}/", address.port())), "{}", ran.err);
    assert!([5, 6].contains(&ran.status), "{}", ran.status);
}

/// A proxy for one tunnel by HTTP, which tells what it was asked.
fn http_proxy(answer: &'static str) -> (SocketAddr, mpsc::Receiver<String>) {
    let (seen, heads) = mpsc::channel();
    let address = serve(move |mut stream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(byte(&mut stream));
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.split(' ').nth(1).unwrap().to_owned();
        let _ = seen.send(head);
        stream.write_all(answer.as_bytes()).unwrap();
        if answer.contains(" 200 ") {
            pass(stream, &TcpStream::connect(target).unwrap());
        }
    });
    (address, heads)
}

/// A proxy for one tunnel by SOCKS5, which wants this user and password. It tells the host that it was asked for.
fn socks_proxy(user: &'static str, password: &'static str) -> (SocketAddr, mpsc::Receiver<String>) {
    let (seen, hosts) = mpsc::channel();
    let address = serve(move |mut stream| {
        assert_eq!(byte(&mut stream), 5);
        let methods = counted(&mut stream);
        let wanted = if user.is_empty() { 0 } else { 2 };
        if !methods.contains(&wanted) {
            stream.write_all(&[5, 0xFF]).unwrap();
            return;
        }
        stream.write_all(&[5, wanted]).unwrap();
        if wanted == 2 {
            assert_eq!(byte(&mut stream), 1);
            let given = (counted(&mut stream), counted(&mut stream));
            let fits = given == (user.into(), password.into());
            stream.write_all(&[1, u8::from(!fits)]).unwrap();
            if !fits {
                return;
            }
        }
        let mut head = [0; 4];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(head[..3], [5, 1, 0]);
        let host = match head[3] {
            1 => {
                let mut octets = [0; 4];
                stream.read_exact(&mut octets).unwrap();
                std::net::Ipv4Addr::from(octets).to_string()
            }
            3 => String::from_utf8(counted(&mut stream)).unwrap(),
            other => panic!("{other}"),
        };
        let port = u16::from_be_bytes([byte(&mut stream), byte(&mut stream)]);
        seen.send(host).unwrap();
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(upstream) => {
                stream.write_all(&[5, 0, 0, 3, 1, b'x', 0, 0]).unwrap();
                pass(stream, &upstream);
            }
            Err(_) => stream.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap(),
        }
    });
    (address, hosts)
}

fn byte(stream: &mut TcpStream) -> u8 {
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    byte[0]
}

fn counted(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; byte(stream).into()];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn pass(mut stream: TcpStream, mut upstream: &TcpStream) {
    let (mut from, mut to) = (upstream.try_clone().unwrap(), stream.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut stream, &mut upstream);
}

#[test]
fn a_proxy_is_passed() {
    let established = "HTTP/1.1 200 Connection established\r\n\r\n";
    let server = echo_server();
    let (address, heads) = http_proxy(established);
    let option = format!("http://me:p%40ss@{address}");
    ws(&["-q", "--proxy", &option, &format!("ws://{server}/")], b"hi\n").printed("hi\n");
    let head = heads.recv().unwrap();
    let begins = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n");
    assert!(head.starts_with(&begins), "{head}");
    assert!(head.contains("\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n"), "{head}");

    // The variables of the environment, and what they except.
    let server = echo_server();
    let (address, heads) = http_proxy(established);
    let mut by_variable = command(&["-q", &format!("ws://{server}/")]);
    by_variable.env("http_proxy", format!("http://{address}"));
    finish(by_variable, b"hi\n").printed("hi\n");
    heads.recv().unwrap();
    let mut excepted = command(&["-q", &format!("ws://{}/", echo_server())]);
    excepted.env("http_proxy", "http://127.0.0.1:1").env("NO_PROXY", "localhost,127.0.0.1");
    finish(excepted, b"hi\n").printed("hi\n");
    let mut without = command(&["-q", "--proxy", "none", &format!("ws://{}/", echo_server())]);
    without.env("ALL_PROXY", "socks5://127.0.0.1:1");
    finish(without, b"hi\n").printed("hi\n");
}

#[test]
fn a_proxy_by_socks5_is_passed_and_resolves_names() {
    for (user, password, host) in [("", "", "127.0.0.1"), ("me", "p:ß", "localhost")] {
        let server = echo_server();
        let (address, hosts) = socks_proxy(user, password);
        let option = match user {
            "" => format!("socks5://{address}"),
            _ => format!("socks5h://me:p%3A%C3%9F@{address}"),
        };
        let url = format!("ws://{host}:{}/", server.port());
        ws(&["-q", "--proxy", &option, &url], b"hi\n").printed("hi\n");
        assert_eq!(hosts.recv().unwrap(), host);
    }
    // TLS by the tunnel, and the environment.
    let (server, file) = secure_server("socks");
    let (address, hosts) = socks_proxy("", "");
    let mut by_variable = command(&["-q", "--roots", &file, &url(server)]);
    by_variable.env("ALL_PROXY", format!("socks5://{address}"));
    finish(by_variable, b"hi\n").printed("hi\n");
    assert_eq!(hosts.recv().unwrap(), "localhost");
}

#[test]
fn a_proxy_that_refuses_is_told() {
    let required = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    for (answer, words) in [
        (required, "USER:PASSWORD"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "status 403"),
        ("SSH-2.0-x\r\n", "no such proxy"),
        ("", "no such proxy"),
    ] {
        let (address, _heads) = http_proxy(answer);
        ws(&["--proxy", &address.to_string(), "ws://example.com/"], b"").failed(3, words);
    }
    let (address, _hosts) = socks_proxy("me", "right");
    let option = format!("socks5://me:wrong@{address}");
    ws(&["--proxy", &option, "ws://example.com/"], b"").failed(3, "credentials");
    let (address, _hosts) = socks_proxy("", "");
    let option = format!("socks5://{address}");
    ws(&["--proxy", &option, "ws://example.com:1/"], b"").failed(3, "refused the connection");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    ws(&["--proxy", &free.to_string(), "ws://example.com/"], b"")
        .failed(3, "can't reach the proxy");
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_connected_to() {
    use std::os::unix::net::UnixListener;

    let path = format!("{}/socket-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let serving =
        thread::spawn(move || echo(tungstenite::accept(listener.accept().unwrap().0).unwrap()));
    // The variables of the environment don't matter.
    let mut program = command(&["-q", "--unix", &path, "ws://localhost/path"]);
    program.env("http_proxy", "http://127.0.0.1:1");
    finish(program, b"hi\n").printed("hi\n");
    serving.join().unwrap();
    std::fs::remove_file(&path).unwrap();
    ws(&["--unix", &path, "ws://localhost/"], b"").failed(3, "is the path right?");
}
