//! What is typed is checked before anything is sent, and what is wrong is named.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod program;

use std::net::TcpListener;

use program::ws;

/// Whoever connects there is seen.
fn watched() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn a_wrong_option_is_named_and_nothing_is_sent() {
    let (listener, url) = watched();
    for (args, words) in [
        (&["--nonsense"][..], "unknown option --nonsense"),
        (&["-x"], "unknown option -x"),
        (&["-qx"], "unknown option -x"),
        (&["--nonsense=1"], "unknown option --nonsense"),
        (&["--quiet=1"], "--quiet takes no value"),
        (&["--ping", "never"], "--ping: seconds are a number"),
        (&["-p0"], "--ping: it has to be more than zero"),
        (&["--timeout=0"], "--timeout: it has to be more"),
        (&["--keepalive", "x"], "--keepalive: "),
        (&["--max-message", "0"], "--max-message: bytes"),
        (&["--header", "nothing"], "--header: a header is NAME: VALUE"),
        (
            &["-H", "Host: elsewhere"],
            "--header: this header field is written by the handshake itself",
        ),
        (&["-H", "X: a\r\nY: b"], "--header: a header field value has no control characters"),
        (&["-s", "a b"], "--subprotocol: a subprotocol is a token"),
        (&["-s", "a", "-s", "a"], "--subprotocol: one is there twice"),
        (&["--origin", "a\nb"], "--origin: an origin is visible ASCII"),
        (&["--origin", "a", "--origin", "b"], "--origin: a client has one"),
        (&["--close", "1005"], "--close: 1005 may not be in a Close frame"),
        (&["--proxy", "ftp://x"], "--proxy: a proxy is http://"),
        (&["--roots", "/nowhere", "--insecure"], "--insecure and --roots don't go together"),
        (&["--tries", "3"], "--tries goes with --reconnect alone"),
        (&["--once", "--exec", "cat"], "--once and --exec don't go together"),
        (&["--once", "--reconnect"], "--once and --reconnect don't go together"),
        (&["--exec", " "], "--exec: which command?"),
        (&["--max-time"], "--max-time needs a value"),
    ] {
        let first = &args[..args.len() - usize::from(args == ["--max-time"])];
        let all = [&[url.as_str()], first, &args[first.len()..]].concat();
        ws(&all, b"").failed(2, words);
    }
    assert!(listener.accept().is_err(), "nobody has connected");
}

#[test]
fn a_wrong_url_or_address_is_told() {
    ws(&[], b"").failed(2, "which URL?");
    for (url, words) in [
        ("http://localhost/", "ws://"),
        ("ws://user@localhost/", "user information"),
        ("ws://localhost:99999/", "port"),
        ("ws://localhost/#here", "fragment"),
        ("ws://localhost/a b", "percent-encoded"),
    ] {
        ws(&[url], b"").failed(2, words);
    }
    ws(&["--once", "ws://localhost/", "two", "messages"], b"")
        .failed(2, "--once sends one message");
    ws(&["--listen", "80"], b"").failed(2, "--listen: an address is HOST:PORT");
    ws(&["--listen", "127.0.0.1:0", "ws://localhost/"], b"").failed(2, "--listen takes no URL");
    ws(&["--listen", "127.0.0.1:0", "--proxy", "none"], b"").failed(2, "--proxy is for clients");
    ws(&["--listen", "192.0.2.1:1"], b"").failed(2, "--listen 192.0.2.1:1: ");
}

#[test]
fn a_password_is_never_repeated() {
    let ran = ws(&["--proxy", "http://me:secret@host:port", "ws://localhost/"], b"");
    ran.failed(2, "--proxy");
    assert!(!ran.err.contains("secret"), "{}", ran.err);
}

#[test]
fn help_and_version_are_printed() {
    let help = ws(&["--help"], b"");
    assert_eq!((help.status, help.err.as_str()), (0, ""));
    assert!(help.text().starts_with("usage: ws ") && help.text().contains("exit status"));
    let widest = help.text().lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(88), "{widest:?}");
    ws(&["-V"], b"").printed(concat!("ws ", env!("CARGO_PKG_VERSION"), "\n"));
}
