//! From a handshake to a connection: what was agreed on, and what was configured, holds at both ends.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]
#![cfg(all(feature = "alloc", feature = "handshake", feature = "getrandom"))]

use sockless::endpoint;
use sockless::established::Established;
use sockless::extension::Supported;
use sockless::frame::{Limits, Violation};
use sockless::handshake::{self, Acceptance, Acceptor, Answered, Asked, Connector, Offer, Url};
use sockless::{Client, Config, Connection, Server};

use crate::heads;
use crate::wire::*;

/// What both ends support.
struct Wish {
    subprotocols: &'static [&'static str],
    extensions: Supported,
    config: Config,
    /// The fields of the answer that say what was agreed on.
    fields: &'static str,
}

/// A connection, and what its end says was agreed on.
type End<R> = (Connection<R>, Established<'static>);

/// Both ends, after the handshake.
fn opened(wish: &Wish) -> (End<Server>, End<Client>) {
    let limits = handshake::HeadLimits::default();
    let offer = Offer::new(Url::parse("ws://example.com/").unwrap())
        .with_subprotocols(wish.subprotocols)
        .with_extensions(wish.extensions);
    let mut connector = Connector::with_nonce(offer, heads::NONCE, &limits, START).unwrap();
    let request = connector.request().to_vec();
    let Some(Asked::WebSocket(request)) =
        Acceptor::new(&limits, START).poll(&mut heads::arriving(&request), START)
    else {
        panic!("a request for a WebSocket");
    };
    let acceptance = Acceptance::new()
        .with_subprotocol(request.choose_subprotocol(wish.subprotocols))
        .with_extensions(wish.extensions);
    let (mut server, agreed) =
        endpoint::accept(&request, &acceptance, wish.config.clone()).unwrap();
    let answer = written(&mut server);
    let expected = format!(
        "HTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Accept: {}\r\n\
        {}\r\n",
        heads::ACCEPT,
        wish.fields
    );
    assert_eq!(String::from_utf8_lossy(&answer), expected);
    let mut input = heads::arriving(&answer);
    let Some(Answered::Open { established, .. }) = connector.poll(&mut input, START) else {
        panic!("an open connection");
    };
    assert!(input.is_empty());
    let client = endpoint::client(&established, wish.config.clone());
    ((server, agreed), (client, established))
}

/// What both ends support, with and without a subprotocol.
fn wishes(config: &Config) -> [Wish; 2] {
    let wish = |subprotocols, fields| {
        let (extensions, config) = (Supported::default(), config.clone());
        Wish { subprotocols, extensions, config, fields }
    };
    [wish(&[], ""), wish(&["chat", "superchat"], "Sec-WebSocket-Protocol: chat\r\n")]
}

#[test]
fn both_ends_know_what_was_agreed_on() {
    for wish in wishes(&Config::default()) {
        let ((mut server, agreed), (mut client, established)) = opened(&wish);
        assert_eq!(agreed, established);
        assert_eq!(agreed.subprotocol, wish.subprotocols.first().copied());
        assert!(agreed.extensions.is_empty());
        is_unharmed(&mut server);
        is_unharmed(&mut client);
    }
}

#[test]
fn both_ends_keep_to_the_configuration_they_are_given() {
    let config = Config::default().with_limits(Limits::default().with_message(4));
    for wish in wishes(&config) {
        let ((mut server, agreed), (mut client, _)) = opened(&wish);
        let mut elsewhere = endpoint::server(&agreed, config.clone());
        let failed = [violation(Violation::MessageTooLong)];
        for conn in [&mut server, &mut elsewhere] {
            assert_eq!(feed(conn, &peer::<Server>(FIN | TEXT, b"four")), [text("four")]);
            assert_eq!(feed(conn, &peer::<Server>(FIN | TEXT, b"above")), failed);
        }
        assert_eq!(feed(&mut client, &peer::<Client>(FIN | TEXT, b"four")), [text("four")]);
        assert_eq!(feed(&mut client, &peer::<Client>(FIN | TEXT, b"above")), failed);
    }
}

#[cfg(feature = "deflate")]
#[test]
fn both_ends_compress_where_it_was_agreed_on() {
    use sockless::extension::deflate::{Terms, WindowBits};

    let message = "again and ".repeat(100);
    let terms = Terms::default()
        .with_client_no_context_takeover()
        .with_server_max_window_bits(WindowBits::new(10).unwrap());
    let fields = [
        "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; \
        server_max_window_bits=10\r\n",
        "Sec-WebSocket-Protocol: chat\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; \
        server_max_window_bits=10\r\n",
    ];
    for (mut wish, fields) in wishes(&Config::default()).into_iter().zip(fields) {
        wish.extensions = Supported::default().with_deflate(terms);
        wish.fields = fields;
        let ((server, agreed), (mut client, established)) = opened(&wish);
        assert_eq!(agreed, established);
        assert_eq!(agreed.subprotocol, wish.subprotocols.first().copied());
        let deflate = agreed.extensions.deflate.expect("compression");
        assert!(deflate.client_no_context_takeover && !deflate.server_no_context_takeover);
        assert_eq!(deflate.server_max_window_bits, WindowBits::new(10));

        for mut server in [server, endpoint::server(&agreed, Config::default())] {
            server.send_text(&message).unwrap();
            let bytes = written(&mut server);
            assert_eq!(found(&bytes)[0].first, FIN | RSV1 | TEXT);
            assert_eq!(feed(&mut client, &bytes), [text(&message)]);
            client.send_text(&message).unwrap();
            let bytes = written(&mut client);
            assert_eq!(found(&bytes)[0].first, FIN | RSV1 | TEXT);
            assert_eq!(feed(&mut server, &bytes), [text(&message)]);
        }
    }
}
