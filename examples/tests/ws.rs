//! The command-line client, against servers that others wrote.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

mod peer;

use std::io::{BufRead as _, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use base64::Engine as _;
use peer::{noise, prose};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

/// A server that takes one connection and does something with it.
fn serve(act: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || act(listener.accept().unwrap().0));
    address
}

/// A server that answers a request in its own words.
fn answer(text: &'static str) -> SocketAddr {
    serve(move |mut stream| {
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
    })
}

fn echo<S: Read + Write>(mut socket: WebSocket<S>) {
    while let Ok(message) = socket.read() {
        if message.is_text() || message.is_binary() {
            socket.send(message).unwrap();
        }
    }
}

fn echo_server() -> SocketAddr {
    serve(|stream| echo(tungstenite::accept(stream).unwrap()))
}

struct Ran {
    status: i32,
    out: Vec<u8>,
    err: String,
}

impl Ran {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    /// Checks the status, and that the user was told something.
    #[track_caller]
    fn failed(&self, status: i32, words: &str) {
        assert_eq!(self.status, status, "{}", self.err);
        assert!(self.err.contains(words), "{}", self.err);
        assert!(self.err.starts_with("ws: "), "{}", self.err);
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws"));
    for name in
        ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE"]
    {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finish(mut command: Command, input: &[u8]) -> Ran {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let err = String::from_utf8(stderr).unwrap();
    Ran { status: status.code().unwrap(), out: stdout, err }
}

fn ws(args: &[&str], input: &[u8]) -> Ran {
    finish(command(args), input)
}

#[test]
fn lines_are_sent_and_messages_printed() {
    let url = format!("ws://{}/", echo_server());
    let ran = ws(&["--quiet", &url], "one\r\n\nзвёзды\nlast without end".as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(ran.text(), "one\n\nзвёзды\nlast without end\n");
}

#[test]
fn many_and_large_lines_pass() {
    let url = format!("ws://{}/", echo_server());
    let mut input = String::new();
    for len in [0, 1, 125, 126, 65535, 65536, 16 << 20] {
        input += &prose(len);
        input += "\n";
    }
    input += &"many\n".repeat(10_000);
    let ran = ws(&["-q", &url], input.as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.text() == input, "{} of {} bytes", ran.out.len(), input.len());
}

#[test]
fn binary_lines_pass_as_they_are() {
    let url = format!("ws://{}/", echo_server());
    let mut line: Vec<u8> = noise(100_000).into_iter().filter(|byte| *byte != b'\n').collect();
    line.push(b'!');
    line.push(b'\n');
    let ran = ws(&["-q", "--binary", &url], &line);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out == line);
}

#[test]
fn binary_messages_are_printed_in_hexadecimal() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::binary(vec![0, 0xFF, 0x1B])).unwrap();
        echo(socket);
    });
    let ran = ws(&["-q", "--wait", "0.3", &format!("ws://{address}/")], b"");
    assert_eq!((ran.status, ran.text()), (0, "0x00ff1b\n"));
}

#[test]
fn headers_subprotocols_and_origin_are_sent() {
    let (seen, heads) = mpsc::channel();
    let address = serve(move |stream| {
        let socket =
            tungstenite::accept_hdr(stream, |request: &Request, mut response: Response| {
                let field =
                    |name| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
                let fields =
                    ["x-one", "authorization", "origin", "sec-websocket-protocol"].map(field);
                seen.send((request.uri().to_string(), fields)).unwrap();
                response.headers_mut().insert("sec-websocket-protocol", "chat".parse().unwrap());
                Ok(response)
            });
        echo(socket.unwrap());
    });
    let url = format!("ws://{address}/path?query=1");
    let args =
        ["-H", "X-One: 1", "--header", "Authorization:Bearer x", "-s", "v2.chat", "-s", "chat"];
    let ran = ws(&[&args[..], &["--origin", "https://example.com", &url]].concat(), b"");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.err.contains("subprotocol chat"), "{}", ran.err);
    let fields = ["1", "Bearer x", "https://example.com", "v2.chat, chat"].map(String::from);
    assert_eq!(heads.recv().unwrap(), ("/path?query=1".into(), fields));
}

#[test]
fn pings_are_answered_and_timed() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::Ping("are you there?".into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong("are you there?".into()));
        echo(socket);
    });
    let ran = ws(&["--ping", "0.1", "--wait", "0.5", &format!("ws://{address}/")], b"hello\n");
    assert_eq!((ran.status, ran.text()), (0, "hello\n"), "{}", ran.err);
    assert!(ran.err.contains("pong after "), "{}", ran.err);
}

#[test]
fn fragments_are_joined_with_a_ping_in_between() {
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::{Data, OpCode};
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        let frame = |text: &str, code, last| {
            Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(code), last))
        };
        socket.send(frame("Hel", Data::Text, false)).unwrap();
        socket.send(Message::Ping("".into())).unwrap();
        socket.send(frame("lo", Data::Continue, true)).unwrap();
        echo(socket);
    });
    let ran = ws(&["-q", "-w", "0.3", &format!("ws://{address}/")], b"");
    assert_eq!((ran.status, ran.text()), (0, "Hello\n"), "{}", ran.err);
}

fn closing_server(code: CloseCode) -> SocketAddr {
    serve(move |stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.close(Some(CloseFrame { code, reason: "because".into() })).unwrap();
        while socket.read().is_ok() {}
    })
}

#[test]
fn the_close_code_is_told_by_the_status() {
    // The input stays open: it is the server that ends this.
    for (code, status) in [(CloseCode::Normal, 0), (CloseCode::Away, 0), (CloseCode::Policy, 1)] {
        let url = format!("ws://{}/", closing_server(code));
        let mut child = command(&[&url]).spawn().unwrap();
        let stdin = child.stdin.take();
        assert_eq!(peer::wait(&mut child).code(), Some(status), "{code}");
        drop(stdin);
    }
    let ran = ws(&[&format!("ws://{}/", closing_server(CloseCode::Policy))], b"");
    assert!(ran.err.contains("1008") && ran.err.contains("because"), "{}", ran.err);
}

#[test]
fn a_lost_connection_has_a_status_of_its_own() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        // Half a frame, then nothing any more.
        socket.get_mut().write_all(b"\x81\x7Ehalf").unwrap();
    });
    ws(&["-w", "5", &format!("ws://{address}/")], b"").failed(6, "lost");
}

#[test]
fn a_server_that_breaks_the_protocol_has_a_status_of_its_own() {
    let address = serve(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.get_mut().write_all(b"\x81\x81maskx").unwrap();
        while socket.get_mut().read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
    });
    ws(&["-w", "5", &format!("ws://{address}/")], b"").failed(5, "masked");
}

#[test]
fn refusals_say_what_to_do() {
    for (head, words) in [
        ("401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0", "Bearer"),
        ("302 Found\r\nLocation: wss://example.com/\r\nContent-Length: 0", "wss://example.com/"),
        ("404 Not Found\r\nContent-Length: 0", "another path"),
        ("200 OK\r\nContent-Length: 0", "no WebSocket at this path"),
    ] {
        let text = Box::leak(format!("HTTP/1.1 {head}\r\n\r\n").into_boxed_str());
        ws(&[&format!("ws://{}/", answer(text))], b"").failed(4, words);
    }
}

#[test]
fn what_is_no_websocket_is_told() {
    let url = format!("ws://{}/", answer("SSH-2.0-OpenSSH_9.6\r\n\r\n"));
    ws(&[&url], b"").failed(5, "is the port right?");
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: AAAA\r\n\r\n";
    ws(&[&format!("ws://{}/", answer(switch))], b"").failed(5, "key");
    ws(&[&format!("ws://{}/", answer(""))], b"").failed(6, "is the scheme right");
    let silent = serve(|stream| {
        thread::sleep(peer::PATIENCE);
        drop(stream);
    });
    ws(&["-t", "0.3", &format!("ws://{silent}/")], b"").failed(6, "--timeout");
}

#[test]
fn what_can_not_be_reached_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    ws(&[&format!("ws://{free}/")], b"").failed(3, "Is it running");
    ws(&["ws://no-such-host.invalid/"], b"").failed(3, "Is the name right?");
}

#[test]
fn a_wrong_command_line_is_told() {
    ws(&[], b"").failed(2, "which URL?");
    ws(&["http://localhost/"], b"").failed(2, "ws://");
    ws(&["--nonsense"], b"").failed(2, "--nonsense");
    ws(&["--ping", "never", "ws://localhost/"], b"").failed(2, "never");
    ws(&["--header", "nothing", "ws://localhost/"], b"").failed(2, "NAME: VALUE");
    let url = format!("ws://{}/", echo_server());
    ws(&["-H", "Host: elsewhere", &url], b"").failed(2, "written by the handshake itself");
    let url = format!("ws://{}/", echo_server());
    ws(&["-q", &url], b"fine\n\xFF\n").failed(2, "line 2 is not UTF-8");
    let help = ws(&["--help"], b"");
    assert_eq!(help.status, 0);
    assert!(help.text().contains("exit status"));
}

#[test]
fn who_stops_reading_ends_it() {
    let url = format!("ws://{}/", echo_server());
    let mut child = command(&["-q", &url]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    assert_eq!(peer::wait(&mut child).code(), Some(0));
}

/// An echo server with TLS, and the file with its certificate.
fn secure_server(name: &str) -> (SocketAddr, std::path::PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let file = std::env::temp_dir().join(format!("ws-test-{name}-{}.pem", std::process::id()));
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let certificate = base64::engine::general_purpose::STANDARD.encode(made.cert.der());
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

#[test]
fn tls_is_spoken_with_a_server_that_is_trusted() {
    let large = prose(1 << 20) + "\n";
    let (address, file) = secure_server("trusted");
    let mut trusting = command(&["-q", &format!("wss://localhost:{}/", address.port())]);
    trusting.env("SSL_CERT_FILE", &file);
    let ran = finish(trusting, large.as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.text() == large);

    let (address, _) = secure_server("insecure");
    let ran = ws(&["-q", "--insecure", &format!("wss://localhost:{}/", address.port())], b"hi\n");
    assert_eq!((ran.status, ran.text(), ran.err.as_str()), (0, "hi\n", ""));
}

#[test]
fn tls_is_not_spoken_with_a_server_that_is_not_trusted() {
    let (_, other) = secure_server("other");
    let (address, _) = secure_server("untrusted");
    let mut doubting = command(&[&format!("wss://localhost:{}/", address.port())]);
    doubting.env("SSL_CERT_FILE", &other);
    finish(doubting, b"").failed(3, "--insecure");

    let url = format!("wss://localhost:{}/", answer("HTTP/1.1 400 Bad Request\r\n\r\n").port());
    ws(&["--insecure", &url], b"").failed(3, "ws://");
}

/// A proxy for one tunnel, which tells what it was asked.
fn proxy(answer: &'static str) -> (SocketAddr, mpsc::Receiver<String>) {
    let (seen, heads) = mpsc::channel();
    let address = serve(move |mut stream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.split(' ').nth(1).unwrap().to_owned();
        let _ = seen.send(head);
        stream.write_all(answer.as_bytes()).unwrap();
        if !answer.contains(" 200 ") {
            return;
        }
        let upstream = TcpStream::connect(target).unwrap();
        let (mut from, mut to) = (upstream.try_clone().unwrap(), stream.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut stream, &mut &upstream);
    });
    (address, heads)
}

#[test]
fn a_proxy_is_passed() {
    let established = "HTTP/1.1 200 Connection established\r\n\r\n";
    let server = echo_server();
    let (address, heads) = proxy(established);
    let option = format!("http://me:p%40ss@{address}");
    let ran = ws(&["-q", "--proxy", &option, &format!("ws://{server}/")], b"hi\n");
    assert_eq!((ran.status, ran.text(), ran.err.as_str()), (0, "hi\n", ""));
    let head = heads.recv().unwrap();
    assert!(
        head.starts_with(&format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n")),
        "{head}"
    );
    assert!(head.contains("\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n"), "{head}");

    // The variables of the environment, and what they except.
    let server = echo_server();
    let (address, heads) = proxy(established);
    let mut by_variable = command(&["-q", &format!("ws://{server}/")]);
    by_variable.env("http_proxy", format!("http://{address}"));
    let ran = finish(by_variable, b"hi\n");
    assert_eq!((ran.status, ran.text()), (0, "hi\n"), "{}", ran.err);
    heads.recv().unwrap();
    let mut excepted = command(&["-q", &format!("ws://{}/", echo_server())]);
    excepted.env("http_proxy", "http://127.0.0.1:1").env("no_proxy", "localhost,127.0.0.1");
    assert_eq!(finish(excepted, b"hi\n").text(), "hi\n");
}

#[test]
fn a_proxy_that_refuses_is_told() {
    for (answer, words) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            "USER:PASSWORD",
        ),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "status 403"),
        ("", "answer"),
    ] {
        let (address, _) = proxy(answer);
        ws(&["--proxy", &address.to_string(), "ws://example.com/"], b"").failed(3, words);
    }
    ws(&["--proxy", "socks5://localhost:1", "ws://example.com/"], b"").failed(2, "socks5");
}

#[test]
#[cfg(feature = "deflate")]
fn messages_are_compressed() {
    let Some(mut script) = peer::script::python("echo.py", &["websockets==15.0.1"], &[]) else {
        return;
    };
    let mut server = script.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(server.stdout.take().unwrap()).lines();
    let port = lines.next().unwrap().unwrap();
    let input = prose(1000) + "\n" + &prose(1 << 20) + "\n\n";
    let ran = ws(&["-q", "--deflate", &format!("ws://127.0.0.1:{port}/")], input.as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.text() == input);
    let extensions = lines.next().unwrap().unwrap();
    assert!(extensions.starts_with("permessage-deflate"), "{extensions}");
    assert!(peer::wait(&mut server).success());
}
