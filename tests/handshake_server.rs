//! The server's side of the opening handshake: RFC 6455, sections 4.2, 9.1, 10.2 and 11.3, and the rules of HTTP/1.1 below it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "alloc", feature = "handshake"))]

use std::time::Duration;

use sockless::Input;
use sockless::handshake::{
    Acceptance, Acceptor, Asked, Field, HandshakeMisuse, HeadLimits, Origins, Refusal, Request,
    RequestError,
};

use crate::heads::{self, ACCEPT, Head, KEY, REQUESTS, arriving};

const NOW: Duration = Duration::ZERO;

fn acceptor() -> Acceptor<'static> {
    Acceptor::new(&HeadLimits::default(), NOW)
}

fn ask(bytes: &[u8]) -> Asked<'static> {
    acceptor().poll(&mut arriving(bytes), NOW).expect("the head is complete")
}

#[track_caller]
fn request(bytes: &[u8]) -> Request<'_> {
    match ask(bytes) {
        Asked::WebSocket(request) => request,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn plain(bytes: &[u8]) -> Request<'_> {
    match ask(bytes) {
        Asked::Plain(request) => request,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(bytes: &[u8]) -> RequestError {
    match ask(bytes) {
        Asked::Refused(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Checks that `head` is refused for this reason, with this status, in a well-formed answer that announces the close.
#[track_caller]
fn refuses(head: impl AsRef<[u8]>, error: RequestError, status: u16) {
    assert_eq!(refused(head.as_ref()), error);
    assert_eq!(error.status(), status);
    let answer = std::str::from_utf8(error.answer()).unwrap();
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains("\r\nConnection: close"), "{answer}");
    assert!(answer.contains("\r\nContent-Length: 0\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

fn answer(head: &Head, acceptance: &Acceptance<'_>) -> String {
    let bytes = head.bytes();
    String::from_utf8(request(&bytes).accept(acceptance).unwrap().to_vec()).unwrap()
}

// What is accepted

#[test]
fn server_accepts_sample_request_with_sample_answer() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# When a client establishes a WebSocket connection to a server, the
    //# server MUST complete the following steps to accept the connection and
    //# send the server's opening handshake.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# If the server chooses to accept the incoming connection, it MUST
    //# reply with a valid HTTP response indicating the following.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# A Status-Line with a 101 response code as per RFC 2616 [RFC2616].
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# An |Upgrade| header field with value "websocket" as per RFC 2616 [RFC2616].
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# A |Connection| header field with value "Upgrade".
    assert_eq!(
        answer(&Head::request(), &Acceptance::new()),
        format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
            Upgrade: websocket\r\n\
            Connection: Upgrade\r\n\
            Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
        )
    );
}

#[test]
fn server_accepts_real_requests() {
    for (program, head) in REQUESTS {
        let (request, rest) = Request::decode(head.as_bytes(), &HeadLimits::default()).unwrap();
        assert!(rest.is_empty(), "{program}");
        assert_eq!(request.target(), "/live?room=7", "{program}");
        assert!(request.host().starts_with("chat.example.com"), "{program}");
        let switching = request.accept(&Acceptance::new()).unwrap();
        assert_eq!(switching.accept_key(), ACCEPT.as_bytes(), "{program}");
    }
}

#[test]
fn server_shows_the_whole_request_before_it_answers() {
    let request = request(heads::CHROMIUM.as_bytes());
    assert_eq!(request.method(), "GET");
    assert_eq!(request.target(), "/live?room=7");
    assert_eq!(request.path(), "/live");
    assert_eq!(request.query(), Some("room=7"));
    assert_eq!(request.host(), "chat.example.com");
    assert_eq!(request.origin(), Some("https://www.example.com"));
    assert_eq!(request.fields().count(), 14);
    assert_eq!(request.fields().next(), Some(Field::new("Host", "chat.example.com")));
    assert_eq!(request.field("ACCEPT-language"), Some(&b"en-US,en;q=0.9"[..]));
    assert_eq!(request.field("Accept"), None);
    assert!(request.subprotocols().eq(["v2.chat", "chat"]));
    let extensions: Vec<_> = request.extensions().map(|element| element.name()).collect();
    assert_eq!(extensions, ["permessage-deflate"]);
}

#[test]
fn server_knows_that_a_request_without_origin_is_from_no_browser() {
    let bytes = Head::request().bytes();
    assert_eq!(request(&bytes).origin(), None);
}

#[test]
fn server_takes_fields_in_any_order_and_ignores_unknown_ones() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# Unknown header fields are ignored, as per [RFC2616].
    let mut head = Head::request().with("X-Unknown", "\u{e9}\u{1F600}");
    head.fields.reverse();
    request(&head.bytes());
}

#[test]
fn server_compares_field_names_and_tokens_without_case() {
    let mut head = Head::request().set("Upgrade", "WebSocket").set("Connection", "UPGRADE");
    for field in &mut head.fields {
        field.0 = field.0.to_ascii_uppercase();
    }
    request(&head.bytes());
}

#[test]
fn server_trims_whitespace_around_values() {
    let head = Head::request()
        .set("Host", "\t server.example.com \t")
        .set("Sec-WebSocket-Key", &format!("  {KEY}\t"))
        .set("Sec-WebSocket-Version", " 13 ");
    assert_eq!(request(&head.bytes()).host(), "server.example.com");
}

#[test]
fn server_passes_opaque_octets_in_values() {
    let mut bytes = Head::request().with("X-Latin", "caf_").bytes();
    let at = bytes.iter().position(|byte| *byte == b'_').unwrap();
    bytes[at] = 0xe9;
    assert_eq!(request(&bytes).field("x-latin"), Some(&b"caf\xe9"[..]));
}

#[test]
fn server_accepts_absolute_target_and_takes_host_from_it() {
    for (target, host, path, query) in [
        ("http://a.example/chat?x", "a.example", "/chat", Some("x")),
        ("HTTPS://a.example:8443", "a.example:8443", "/", None),
        ("http://[::1]?x=1", "[::1]", "/", Some("x=1")),
    ] {
        let bytes = Head::request().start(&format!("GET {target} HTTP/1.1")).bytes();
        let request = request(&bytes);
        assert_eq!(request.target(), target);
        assert_eq!((request.host(), request.path(), request.query()), (host, path, query));
    }
}

#[test]
fn server_ignores_empty_lines_before_the_request() {
    for lines in 0..=8 {
        let mut bytes = b"\r\n".repeat(lines);
        bytes.extend(Head::request().bytes());
        let mut input = arriving(&bytes);
        let Some(Asked::WebSocket(request)) = acceptor().poll(&mut input, NOW) else { panic!() };
        assert!(input.is_empty());
        assert_eq!((request.target(), request.host()), ("/chat", "server.example.com"));
    }
}

#[test]
fn server_refuses_endless_empty_lines_400() {
    refuses(b"\r\n".repeat(9), RequestError::EmptyLines, 400);
}

#[test]
fn server_leaves_bytes_after_the_head() {
    let mut bytes = Head::request().bytes();
    bytes.extend_from_slice(b"\x81\x82\x01\x02\x03\x04\x69\x6b");
    let mut input = arriving(&bytes);
    assert!(matches!(acceptor().poll(&mut input, NOW), Some(Asked::WebSocket(_))));
    assert_eq!(input.into_rest(), b"\x81\x82\x01\x02\x03\x04\x69\x6b");
}

#[test]
fn server_leaves_bytes_after_a_head_in_pieces() {
    let mut bytes = Head::request().bytes();
    bytes.extend_from_slice(b"frames");
    let mut acceptor = acceptor();
    assert!(acceptor.poll(&mut arriving(&bytes[..50]), NOW).is_none());
    let mut input = arriving(&bytes[50..]);
    assert!(matches!(acceptor.poll(&mut input, NOW), Some(Asked::WebSocket(_))));
    assert_eq!(input.into_rest(), b"frames");
}

#[test]
fn server_leaves_a_second_head_after_the_first() {
    let head = Head::request().bytes();
    let twice = head.repeat(2);
    let mut input = arriving(&twice);
    let Some(Asked::WebSocket(request)) = acceptor().poll(&mut input, NOW) else { panic!() };
    assert_eq!(input.into_rest(), head);
    assert_eq!(request.fields().count(), 5);
}

#[test]
fn server_does_not_take_the_end_of_a_head_for_another_head() {
    // The second piece is a complete request as well.
    let first = b"GET /first HTTP/1.1\r\nX: ";
    let second = Head::request().bytes();
    let mut acceptor = acceptor();
    assert!(acceptor.poll(&mut arriving(first), NOW).is_none());
    let mut input = arriving(&second);
    match acceptor.poll(&mut input, NOW) {
        Some(Asked::WebSocket(request)) => {
            assert_eq!((request.path(), input.len()), ("/first", 0));
            assert_eq!(request.field("x"), Some(&b"GET /chat HTTP/1.1"[..]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn server_does_not_confuse_fields_with_names_of_the_same_length() {
    // Names as long as those of the handshake, with values that would be errors in those.
    for len in 1..=30 {
        let name = format!("X{}", "-".repeat(len - 1));
        for value in ["caf\u{e9}, a b", "\"", ""] {
            let head = Head::request().with(&name, value);
            let bytes = head.bytes();
            assert_eq!(request(&bytes).fields().count(), 6, "{name}");
            let bytes = head.with(&name, value).bytes();
            let request = request(&bytes);
            assert_eq!(request.fields().count(), 7, "{name}");
            assert_eq!(request.subprotocols().count() + request.extensions().count(), 0);
            assert_eq!(request.origin(), None);
            // Nor if the field itself is missing.
            for (own, error) in [
                ("Host", RequestError::MissingHost),
                ("Sec-WebSocket-Key", RequestError::MissingKey),
                ("Sec-WebSocket-Version", RequestError::MissingVersion),
                ("Connection", RequestError::MissingConnection),
            ] {
                refuses(Head::request().without(own).with(&name, value).bytes(), error, 400);
            }
            plain(&Head::request().without("Upgrade").with(&name, "websocket").bytes());
        }
    }
}

#[test]
fn field_gives_its_value_as_text_if_it_is_text() {
    for (value, text) in [
        (&b"a b\t~"[..], Some("a b\t~")),
        (b"", Some("")),
        (b"\x7f", None),
        (b"\x1f", None),
        (b"\r", None),
        (b"\x80", None),
        ("caf\u{e9}".as_bytes(), None),
    ] {
        assert_eq!(Field::new("x", value).text(), text);
    }
    assert!(Field::new("X-Y", "").is("x-y") && !Field::new("X-Y", "").is("x-z"));
}

// The request line and HTTP

#[test]
fn server_refuses_other_methods_405_with_allow() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# An HTTP/1.1 or higher GET request,
    for method in ["POST", "HEAD", "get", "Get", "OPTIONS", "CONNECT", "M-SEARCH"] {
        let head = Head::request().start(&format!("{method} /chat HTTP/1.1"));
        refuses(head.bytes(), RequestError::Method, 405);
    }
    let answer = std::str::from_utf8(RequestError::Method.answer()).unwrap();
    assert!(answer.contains("\r\nAllow: GET\r\n"));
}

#[test]
fn server_refuses_other_http_versions_505() {
    for version in ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/9.9"] {
        let head = Head::request().start(&format!("GET /chat {version}"));
        refuses(head.bytes(), RequestError::HttpVersion, 505);
    }
}

#[test]
fn server_refuses_preface_of_http2_505() {
    refuses(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", RequestError::HttpVersion, 505);
}

#[test]
fn server_refuses_malformed_request_line_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# If
    //# the server, while reading the handshake, finds that the client did
    //# not send a handshake that matches the description below (note that as
    //# per [RFC2616], the order of the header fields is not important),
    //# including but not limited to any violations of the ABNF grammar
    //# specified for the components of the handshake, the server MUST stop
    //# processing the client's handshake and return an HTTP response with an
    //# appropriate error code (such as 400 Bad Request).
    for line in [
        "GET /chat",
        "GET",
        " GET /chat HTTP/1.1",
        "GET  /chat HTTP/1.1",
        "GET /chat  HTTP/1.1",
        "GET /chat HTTP/1.1 ",
        "GET /a b HTTP/1.1",
        "GET\t/chat\tHTTP/1.1",
        "GET /chat HTTP/1.1x",
        "GET /chat http/1.1",
        "GET /chat HTTP/11",
        "GET /chat HTTP/1",
        "GET /chat HTTP/x.1",
        "GET /chat HTTP/1.x",
        "GET /chat HTTP/x.y",
        "GET /chat FTP/1.1",
        "G@T /chat HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
    ] {
        refuses(Head::request().start(line).bytes(), RequestError::RequestLine, 400);
    }
}

#[test]
fn server_refuses_asterisk_authority_and_other_targets_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# including a "Request-URI" [RFC2616] that should be interpreted as a /resource
    //# name/ defined in Section 3 (or an absolute HTTP/HTTPS URI containing the /resource
    //# name/).
    for target in [
        "*",
        "example.com:80",
        "example.com",
        "chat",
        "?x",
        "ws://example.com/",
        "ftp://example.com/",
        "http:///chat",
        "http://",
        "http://user@example.com/",
        "http://exa[mple.com/",
        "http://example.com:99999/",
        "/chat#fragment",
        "/caf\u{e9}",
    ] {
        let head = Head::request().start(&format!("GET {target} HTTP/1.1"));
        refuses(head.bytes(), RequestError::Target, 400);
    }
}

#[test]
fn server_accepts_characters_that_browsers_leave_bare() {
    let bytes = Head::request().start("GET /a|b?q={[^'\"]} HTTP/1.1").bytes();
    assert_eq!(request(&bytes).query(), Some("q={[^'\"]}"));
}

#[test]
fn server_refuses_a_bare_line_feed_after_any_line() {
    let text = String::from_utf8(Head::request().bytes()).unwrap();
    for (at, _) in text.match_indices("\r\n") {
        let bare = format!("{}{}", &text[..at], &text[at + 1..]);
        refuses(bare, RequestError::BareLineFeed, 400);
    }
}

#[test]
fn server_refuses_bare_line_feed_400() {
    let text = String::from_utf8(Head::request().bytes()).unwrap();
    refuses(text.replace("\r\n", "\n"), RequestError::BareLineFeed, 400);
    refuses(text.replacen("\r\n", "\n", 1), RequestError::BareLineFeed, 400);
    refuses(
        text.replace("Upgrade: websocket\r\n", "Upgrade: websocket\n"),
        RequestError::BareLineFeed,
        400,
    );
    refuses(text.replace("13\r\n\r\n", "13\r\n\n"), RequestError::BareLineFeed, 400);
    refuses(format!("\n{text}"), RequestError::BareLineFeed, 400);
    for count in 2..=6 {
        refuses(text.replacen("\r\n", "\n", count), RequestError::BareLineFeed, 400);
    }
}

#[test]
fn server_refuses_bare_carriage_return_400() {
    let text = String::from_utf8(Head::request().bytes()).unwrap();
    refuses(text.replace("/chat", "/ch\rat"), RequestError::BareCarriageReturn, 400);
    refuses(text.replace("websocket", "web\rsocket"), RequestError::BareCarriageReturn, 400);
    refuses(text.replace("\r\n", "\r"), RequestError::BareCarriageReturn, 400);
    refuses(text.replace("\r\n\r\n", "\r\n\r\r\n"), RequestError::BareCarriageReturn, 400);
    refuses(format!("\r{text}"), RequestError::BareCarriageReturn, 400);
}

#[test]
fn server_refuses_nul_and_other_controls_400() {
    let text = String::from_utf8(Head::request().bytes()).unwrap();
    for control in (0..0x20).filter(|control| !b"\t\r\n".contains(control)) {
        let control = char::from(control);
        refuses(
            text.replace("websocket", &format!("web{control}socket")),
            RequestError::Control,
            400,
        );
        refuses(text.replace("/chat", &format!("/{control}")), RequestError::Control, 400);
        refuses(
            text.replace("Upgrade:", &format!("Upg{control}rade:")),
            RequestError::Control,
            400,
        );
    }
    refuses(text.replace("websocket", "web\u{7f}socket"), RequestError::Field, 400);
}

#[test]
fn server_refuses_tls_at_the_first_byte_400() {
    refuses(b"\x16\x03\x01\x02\x00\x01", RequestError::Control, 400);
}

#[test]
fn server_refuses_folded_line_400() {
    let text = String::from_utf8(Head::request().bytes()).unwrap();
    for space in [" ", "\t"] {
        let folded = text.replace("Upgrade: websocket", &format!("Upgrade:\r\n{space}websocket"));
        refuses(folded, RequestError::FoldedLine, 400);
        let first = text.replacen("\r\n", &format!("\r\n{space}"), 1);
        refuses(first, RequestError::FoldedLine, 400);
    }
}

#[test]
fn server_refuses_space_before_colon_400() {
    let text = String::from_utf8(Head::request().bytes()).unwrap();
    refuses(text.replace("Upgrade:", "Upgrade :"), RequestError::Field, 400);
    refuses(text.replace("Upgrade:", "Upgrade\t:"), RequestError::Field, 400);
}

#[test]
fn server_refuses_field_without_name_or_colon_400() {
    let text = String::from_utf8(Head::request().bytes()).unwrap();
    refuses(text.replace("Upgrade: websocket", ": websocket"), RequestError::Field, 400);
    refuses(text.replace("Upgrade: websocket", "websocket"), RequestError::Field, 400);
    refuses(text.replace("Upgrade: websocket", "Up grade: websocket"), RequestError::Field, 400);
    refuses(
        text.replace("Upgrade: websocket", "Upgr\u{e4}de: websocket"),
        RequestError::Field,
        400,
    );
}

#[test]
fn server_refuses_request_without_host_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# A |Host| header field containing the server's authority.
    refuses(Head::request().without("Host").bytes(), RequestError::MissingHost, 400);
}

#[test]
fn server_refuses_request_with_two_hosts_400() {
    let head = Head::request().with("Host", "server.example.com");
    refuses(head.bytes(), RequestError::RepeatedHost, 400);
}

#[test]
fn server_refuses_malformed_host_400() {
    for host in [
        "",
        ":80",
        "a b",
        "user@example.com",
        "http://example.com",
        "example.com/",
        "example.com:8o",
        "example.com:65536",
        "example.com:80:80",
        "[::1",
        "::1",
        "[::1]x",
        "[::g]",
        "[fe80::1%25eth0]",
        "exa%mple.com",
        "a%4g",
        "a%g4",
        "a%4",
        "a%",
        "[]",
        "[v.a]",
        "[v7]",
        "[v7.]",
        "[v7a]",
        "[vg.a]",
        "[v7.%41]",
        "[v7.a b]",
        "[v7.a/]",
        "caf\u{e9}.example",
    ] {
        refuses(Head::request().set("Host", host).bytes(), RequestError::InvalidHost, 400);
    }
}

#[test]
fn server_accepts_hosts_of_every_form() {
    for host in [
        "example.com",
        "example.com:",
        "example.com:0443",
        "EXAMPLE.com:65535",
        "127.0.0.1:9001",
        "[::1]",
        "[2001:db8::7]:8080",
        "[v7.a:b]",
        "[V1aF.:]",
        "[vb.a!]:1",
        "a%Aa%fF.b",
        "a:0",
        "under_score",
        "a%20b",
    ] {
        let bytes = Head::request().set("Host", host).bytes();
        assert_eq!(request(&bytes).host(), host);
    }
}

#[test]
fn server_refuses_request_with_body_400() {
    refuses(Head::request().with("Content-Length", "5").bytes(), RequestError::Body, 400);
    refuses(Head::request().with("Transfer-Encoding", "chunked").bytes(), RequestError::Body, 400);
    let both = Head::request().with("Content-Length", "5").with("Transfer-Encoding", "chunked");
    refuses(both.bytes(), RequestError::Body, 400);
    let zero = Head::request().with("Content-Length", "0").with("Transfer-Encoding", "chunked");
    refuses(zero.bytes(), RequestError::Body, 400);
    let page = Head::new("GET / HTTP/1.1").with("Host", "a").with("Content-Length", "1");
    refuses(page.bytes(), RequestError::Body, 400);
    let twice = Head::request().with("Content-Length", "0").with("Content-Length", "7");
    refuses(twice.bytes(), RequestError::Body, 400);
}

#[test]
fn server_refuses_content_length_that_is_not_a_number_400() {
    for length in ["", "-1", "+0", "0x0", "0, 0", "zero", "1e3"] {
        let head = Head::request().with("Content-Length", length);
        refuses(head.bytes(), RequestError::InvalidContentLength, 400);
    }
}

#[test]
fn server_accepts_empty_body() {
    request(&Head::request().with("Content-Length", "0").bytes());
    request(&Head::request().with("Content-Length", "00").with("Content-Length", "0").bytes());
}

// The fields of the handshake

#[test]
fn server_hands_request_without_upgrade_to_the_application() {
    for head in [
        Head::new("GET /health HTTP/1.1").with("Host", "a"),
        Head::request().without("Upgrade"),
        Head::request().set("Upgrade", "h2c"),
        Head::request().set("Upgrade", "websocket2"),
        Head::request().set("Upgrade", "xwebsocket"),
        Head::request().set("Upgrade", "websocket/13"),
        Head::request().set("Upgrade", ""),
    ] {
        let bytes = head.bytes();
        let request = plain(&bytes);
        assert!(!request.is_upgrade());
        assert_eq!(request.accept(&Acceptance::new()).unwrap_err(), HandshakeMisuse::PlainRequest);
    }
    let answer = std::str::from_utf8(RequestError::PlainRequest.answer()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 "));
    assert!(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"));
    assert!(answer.contains("\r\nUpgrade: websocket\r\n"));
}

#[test]
fn server_finds_websocket_in_a_list_of_upgrades() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# An |Upgrade| header field containing the value "websocket", treated as an ASCII
    //# case-insensitive value.
    request(&Head::request().set("Upgrade", ", h2c/1 ,,WebSocket,").bytes());
    request(&Head::request().set("Upgrade", "h2c").with("Upgrade", "websocket").bytes());
}

#[test]
fn server_refuses_connection_without_upgrade_token_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# A |Connection| header field that includes the token "Upgrade", treated as an ASCII
    //# case-insensitive value.
    for connection in
        ["", "keep-alive", "upgraded", "xUpgrade", "keep-alive Upgrade", "\"Upgrade\""]
    {
        let head = Head::request().set("Connection", connection);
        refuses(head.bytes(), RequestError::MissingConnection, 400);
    }
    let head = Head::request().without("Connection");
    refuses(head.bytes(), RequestError::MissingConnection, 400);
}

#[test]
fn server_finds_upgrade_among_connection_options() {
    request(&Head::request().set("Connection", "keep-alive,,\t upgrade ,").bytes());
    request(&Head::request().set("Connection", "keep-alive").with("connection", "Upgrade").bytes());
}

#[test]
fn server_refuses_request_without_key_400() {
    refuses(Head::request().without("Sec-WebSocket-Key").bytes(), RequestError::MissingKey, 400);
}

#[test]
fn server_refuses_request_with_two_keys_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.1
    //= type=test
    //# The |Sec-WebSocket-Key| header field MUST NOT appear more than once
    //# in an HTTP request.
    let head = Head::request().with("Sec-WebSocket-Key", KEY);
    refuses(head.bytes(), RequestError::RepeatedKey, 400);
}

#[test]
fn server_refuses_key_that_is_not_sixteen_bytes_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of
    //# [RFC4648]) value that, when decoded, is 16 bytes in length.
    for key in [
        "",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAA===",
        "AAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAA AAAAAAAAAAA==",
        "AAAAAAAAAA-_AAAAAAAAAA==",
        "AAAAAAAAAA=AAAAAAAAAAA==",
        "AAAAAAAAAA_AAAAAAAAAAAAA",
        "AAAAAAAAAA-AAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAA=A",
    ] {
        refuses(
            Head::request().set("Sec-WebSocket-Key", key).bytes(),
            RequestError::InvalidKey,
            400,
        );
    }
}

#[test]
fn server_hashes_key_as_received() {
    // The sample of RFC 6455, section 4.1, has bits set beyond the sixteen bytes, and is hashed with them.
    let sample = "AQIDBAUGBwgJCgsMDQ4PEC==";
    let head = Head::request().set("Sec-WebSocket-Key", sample).bytes();
    let switching = request(&head).accept(&Acceptance::new()).unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# concatenating /key/, defined above in step 4 in Section 4.2.2, with the string
    //# "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this concatenated
    //# value to obtain a 20-byte value and base64-encoding (see Section 4 of [RFC4648])
    //# this 20-byte hash.
    assert_eq!(*switching.accept_key(), sockless::handshake::accept_key(sample.as_bytes()));
    let canonical = sockless::handshake::accept_key(b"AQIDBAUGBwgJCgsMDQ4PEA==");
    assert_ne!(*switching.accept_key(), canonical);
}

#[test]
fn values_of_any_length_are_hashed() {
    use sockless::handshake::accept_key;
    assert_eq!(accept_key(b""), *b"Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=");
    assert_eq!(accept_key(&[b'A'; 23]), *b"gCtH+EDXuDYETghU/wk0CqUmlUI=");
    // Those of a key's length go a way of their own.
    assert_eq!(accept_key(&[b'A'; 24]), *b"+1XVGPukJlMRXVi0YzK5bWQz38s=");
    assert_eq!(accept_key(&[0xFF; 24]), *b"3G4KstNuDDmPazZmhx4O3dW5rzg=");
    assert_eq!(accept_key(&[b'A'; 25]), *b"iDZ4QHneQLzyaXafdO4sjCWAyWA=");
    assert_eq!(accept_key(&KEY.as_bytes().repeat(2)), *b"0mi0nArQh5igP1yImiQxBl21Yaw=");
}

#[test]
fn server_refuses_other_version_426_and_names_its_own() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# If this
    //# version does not match a version understood by the server, the
    //# server MUST abort the WebSocket handshake described in this
    //# section and instead send an appropriate HTTP error code (such
    //# as 426 Upgrade Required) and a |Sec-WebSocket-Version| header
    //# field indicating the version(s) the server is capable of
    //# understanding.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.4
    //= type=test
    //# If the server
    //# doesn't support the requested version, it MUST respond with a
    //# |Sec-WebSocket-Version| header field (or multiple
    //# |Sec-WebSocket-Version| header fields) containing all versions it is
    //# willing to use.
    for version in ["0", "8", "12", "14", "25", "130", "255"] {
        let head = Head::request().set("Sec-WebSocket-Version", version);
        refuses(head.bytes(), RequestError::UnsupportedVersion, 426);
    }
    let answer = std::str::from_utf8(RequestError::UnsupportedVersion.answer()).unwrap();
    assert!(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"));
}

#[test]
fn server_refuses_other_version_before_it_looks_at_the_rest() {
    let head = Head::request().set("Sec-WebSocket-Version", "8").without("Sec-WebSocket-Key");
    refuses(head.bytes(), RequestError::UnsupportedVersion, 426);
}

#[test]
fn server_refuses_malformed_version_400() {
    for version in ["", "013", "+13", "13.0", "13, 8", "13,13", "256", "1000", "x", "-1", "00"] {
        let head = Head::request().set("Sec-WebSocket-Version", version);
        refuses(head.bytes(), RequestError::InvalidVersion, 400);
    }
}

#[test]
fn server_refuses_request_without_version_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# A |Sec-WebSocket-Version| header field, with a value of 13.
    let head = Head::request().without("Sec-WebSocket-Version");
    refuses(head.bytes(), RequestError::MissingVersion, 400);
}

#[test]
fn server_refuses_request_with_two_versions_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
    //= type=test
    //# However, the |Sec-WebSocket-Version| header field MUST NOT appear
    //# more than once in an HTTP request.
    let head = Head::request().with("Sec-WebSocket-Version", "13");
    refuses(head.bytes(), RequestError::RepeatedVersion, 400);
}

#[test]
fn server_reads_subprotocols_over_several_fields() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
    //= type=test
    //# The |Sec-WebSocket-Protocol| header field MAY appear multiple times
    //# in an HTTP request (which is logically the same as a single
    //# |Sec-WebSocket-Protocol| header field that contains all values).
    let head = Head::request()
        .with("Sec-WebSocket-Protocol", "a,, b")
        .with("X", "y")
        .with("sec-websocket-protocol", "")
        .with("Sec-WebSocket-Protocol", ",c\t");
    assert!(request(&head.bytes()).subprotocols().eq(["a", "b", "c"]));
}

#[test]
fn server_refuses_subprotocols_that_are_not_a_list_of_tokens_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //= type=test
    //# Optionally, a |Sec-WebSocket-Protocol| header field, with a list of values
    //# indicating which protocols the client would like to speak, ordered by preference.
    for list in ["", ",", " , ,", "a b", "a;b", "\"a\"", "a/b", "a, b@c", "caf\u{e9}", "(a)"] {
        let head = Head::request().with("Sec-WebSocket-Protocol", list);
        refuses(head.bytes(), RequestError::InvalidSubprotocols, 400);
    }
    let head =
        Head::request().with("Sec-WebSocket-Protocol", "a").with("Sec-WebSocket-Protocol", "b c");
    refuses(head.bytes(), RequestError::InvalidSubprotocols, 400);
}

#[test]
fn server_reads_extensions_over_several_fields() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //= type=test
    //# Note that like other HTTP header fields, this header field MAY be
    //# split or combined across multiple lines.
    let head = Head::request()
        .with("Sec-WebSocket-Extensions", "foo")
        .with("Sec-WebSocket-Extensions", "bar; baz=2");
    let bytes = head.bytes();
    let request = request(&bytes);
    assert!(request.extensions().map(|element| element.name()).eq(["foo", "bar"]));
}

#[test]
fn server_refuses_extensions_outside_the_grammar_400() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //= type=test
    //# If a value is received by either the client or
    //# the server during negotiation that does not conform to the ABNF
    //# below, the recipient of such malformed data MUST immediately _Fail
    //# the WebSocket Connection_.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.3
    //= type=test
    //# ; When using the quoted-string syntax variant, the value
    //# ; after quoted-string unescaping MUST conform to the
    //# ; 'token' ABNF.
    for list in
        ["", ",", "foo;", "foo; =1", "foo; x=", "foo bar", "foo; x=\"a b\"", "foo; x=\"1", "f@o"]
    {
        let head = Head::request().with("Sec-WebSocket-Extensions", list);
        refuses(head.bytes(), RequestError::InvalidExtensions, 400);
    }
    let head = Head::request()
        .with("Sec-WebSocket-Extensions", "permessage-deflate")
        .with("Sec-WebSocket-Extensions", "x=");
    refuses(head.bytes(), RequestError::InvalidExtensions, 400);
}

#[test]
fn server_refuses_request_with_two_origins_400() {
    let head =
        Head::request().with("Origin", "https://a.example").with("Origin", "https://b.example");
    refuses(head.bytes(), RequestError::RepeatedOrigin, 400);
}

#[test]
fn server_refuses_malformed_origin_400() {
    refuses(Head::request().with("Origin", "").bytes(), RequestError::InvalidOrigin, 400);
    let head = Head::request().with("Origin", "https://caf\u{e9}.example");
    refuses(head.bytes(), RequestError::InvalidOrigin, 400);
}

// The answer

#[test]
fn server_chooses_subprotocol_by_its_own_preference() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# The value chosen MUST be derived
    //# from the client's handshake, specifically by selecting one of
    //# the values from the |Sec-WebSocket-Protocol| field that the
    //# server is willing to use for this connection (if any).
    let head = Head::request().with("Sec-WebSocket-Protocol", "a, b, c").bytes();
    let request = request(&head);
    assert_eq!(request.choose_subprotocol(&["x", "c", "a"]), Some("c"));
    assert_eq!(request.choose_subprotocol(&["A"]), None);
    assert_eq!(request.choose_subprotocol(&[]), None);
    let switching = request.accept(&Acceptance::new().with_subprotocol("c")).unwrap();
    assert_eq!(switching.established().subprotocol, Some("c"));
    let answer = String::from_utf8(switching.to_vec()).unwrap();
    assert!(answer.contains("\r\nSec-WebSocket-Protocol: c\r\n"));
}

#[test]
fn server_sends_no_subprotocol_that_was_not_offered() {
    let head = Head::request().with("Sec-WebSocket-Protocol", "a, b").bytes();
    let request = request(&head);
    for chosen in ["c", "A", "", "a, b", "a\r\nX: y"] {
        let acceptance = Acceptance::new().with_subprotocol(chosen);
        assert_eq!(request.accept(&acceptance).unwrap_err(), HandshakeMisuse::UnofferedSubprotocol);
    }
    // The request is unharmed.
    assert!(request.accept(&Acceptance::new()).is_ok());
}

#[test]
fn server_without_subprotocol_sends_no_field() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# The absence
    //# of such a field is equivalent to the null value (meaning that
    //# if the server does not wish to agree to one of the suggested
    //# subprotocols, it MUST NOT send back a |Sec-WebSocket-Protocol|
    //# header field in its response).
    let head = Head::request().with("Sec-WebSocket-Protocol", "a, b");
    assert!(!answer(&head, &Acceptance::new()).contains("Protocol:"));
    assert!(!answer(&head, &Acceptance::new().with_subprotocol(None)).contains("Protocol:"));
}

#[test]
fn server_without_extensions_sends_no_field() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# Extensions not listed by the client MUST NOT be
    //# listed.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9
    //= type=test
    //# A server MUST NOT respond with any extension not requested
    //# by the client.
    let head = Head::request().with("Sec-WebSocket-Extensions", "permessage-deflate");
    assert!(!answer(&head, &Acceptance::new()).contains("Extensions"));
    assert!(!answer(&Head::request(), &Acceptance::new()).contains("Extensions"));
}

#[test]
fn server_adds_fields() {
    let fields = [Field::new("Set-Cookie", "a=1"), Field::new("X-Bytes", b"\xff\t ")];
    let bytes = Head::request().bytes();
    let switching = request(&bytes).accept(&Acceptance::new().with_fields(&fields)).unwrap();
    assert!(switching.to_vec().ends_with(b"\r\nSet-Cookie: a=1\r\nX-Bytes: \xff\t \r\n\r\n"));
}

#[test]
fn server_refuses_to_write_fields_that_would_break_the_head() {
    let bytes = Head::request().bytes();
    let request = request(&bytes);
    for (field, misuse) in [
        (Field::new("", "x"), HandshakeMisuse::FieldName),
        (Field::new("X Y", "x"), HandshakeMisuse::FieldName),
        (Field::new("X:", "x"), HandshakeMisuse::FieldName),
        (Field::new("X\r\nY", "x"), HandshakeMisuse::FieldName),
        (Field::new("X", "a\r\nSet-Cookie: b"), HandshakeMisuse::FieldValue),
        (Field::new("X", "a\rb"), HandshakeMisuse::FieldValue),
        (Field::new("X", "a\nb"), HandshakeMisuse::FieldValue),
        (Field::new("X", "a\0b"), HandshakeMisuse::FieldValue),
        (Field::new("X", "\u{7f}"), HandshakeMisuse::FieldValue),
        (Field::new("upgrade", "x"), HandshakeMisuse::OwnedField),
        (Field::new("Connection", "close"), HandshakeMisuse::OwnedField),
        (Field::new("CONTENT-LENGTH", "5"), HandshakeMisuse::OwnedField),
        (Field::new("Transfer-Encoding", "chunked"), HandshakeMisuse::OwnedField),
        (Field::new("Sec-WebSocket-Accept", "x"), HandshakeMisuse::OwnedField),
        (Field::new("sec-websocket-protocol", "x"), HandshakeMisuse::OwnedField),
        (Field::new("Sec-WebSocket-Anything", "x"), HandshakeMisuse::OwnedField),
    ] {
        let fields = [Field::new("X-Fine", "y"), field];
        let acceptance = Acceptance::new().with_fields(&fields);
        assert_eq!(request.accept(&acceptance).unwrap_err(), misuse, "{field:?}");
        assert_eq!(Refusal::new(403, &fields, b"").unwrap_err(), misuse, "{field:?}");
    }
}

#[test]
fn server_writes_into_a_buffer_all_or_nothing() {
    let bytes = Head::request().bytes();
    let switching = request(&bytes).accept(&Acceptance::new()).unwrap();
    let expected = switching.to_vec();
    assert_eq!(switching.encoded_len(), expected.len());
    let mut out = vec![7; expected.len() + 3];
    assert_eq!(switching.encode(&mut out), Ok(expected.len()));
    assert_eq!(&out[..expected.len()], expected);
    assert_eq!(&out[expected.len()..], [7; 3]);
    let mut small = vec![7; expected.len() - 1];
    assert_eq!(switching.encode(&mut small), Err(HandshakeMisuse::BufferTooSmall));
    assert!(small.iter().all(|byte| *byte == 7));
}

#[test]
fn server_refuses_unacceptable_origin_403() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# If the server does not wish to accept this
    //# connection, it MUST return an appropriate HTTP error code
    //# (e.g., 403 Forbidden) and abort the WebSocket handshake
    //# described in this section.
    let refusal = Refusal::new(403, &[], b"no").unwrap();
    assert_eq!(
        refusal.to_vec(),
        b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
    );
}

#[test]
fn server_refuses_with_any_final_status() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# If the
    //# requested service is not available, the server MUST send an
    //# appropriate HTTP error code (such as 404 Not Found) and abort
    //# the WebSocket handshake.
    for status in 200..=599 {
        let bytes = Refusal::new(status, &[], b"").unwrap().to_vec();
        assert!(bytes.starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
        assert!(bytes.ends_with(b"\r\n\r\n"));
    }
    for status in [0, 100, 101, 199, 600, 999, u16::MAX] {
        assert_eq!(Refusal::new(status, &[], b"").unwrap_err(), HandshakeMisuse::Status);
    }
}

#[test]
fn server_sends_the_usual_reason_phrase_of_a_status() {
    let words = |status: u16| {
        let bytes = Refusal::new(status, &[], b"").unwrap().to_vec();
        let text = String::from_utf8(bytes).unwrap();
        text.split_once("\r\n").unwrap().0[13..].to_owned()
    };
    let common = [
        (200, "OK"),
        (204, "No Content"),
        (301, "Moved Permanently"),
        (302, "Found"),
        (303, "See Other"),
        (304, "Not Modified"),
        (307, "Temporary Redirect"),
        (308, "Permanent Redirect"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (406, "Not Acceptable"),
        (408, "Request Timeout"),
        (409, "Conflict"),
        (410, "Gone"),
        (421, "Misdirected Request"),
        (426, "Upgrade Required"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (451, "Unavailable For Legal Reasons"),
        (500, "Internal Server Error"),
        (501, "Not Implemented"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
        (505, "HTTP Version Not Supported"),
    ];
    for status in 200..=599 {
        let expected = common.iter().find(|(code, _)| *code == status).map_or("", |(_, text)| text);
        assert_eq!(words(status), expected, "{status}");
    }
    let refusal = Refusal::new(404, &[], b"body").unwrap();
    assert_eq!((refusal.status(), refusal.body()), (404, &b"body"[..]));
}

#[test]
fn server_leaves_fields_to_others_that_only_look_like_its_own() {
    let fields = [Field::new("Sec-WebSocket", "x"), Field::new("X-Sec-WebSocket-Key", "x")];
    assert!(Refusal::new(403, &fields, b"").is_ok());
    for name in ["host", "Sec-WebSocket-"] {
        let fields = [Field::new(name, "x")];
        assert_eq!(Refusal::new(403, &fields, b"").unwrap_err(), HandshakeMisuse::OwnedField);
    }
}

#[test]
fn server_sends_no_body_where_the_status_has_none() {
    for status in [204, 304] {
        assert_eq!(Refusal::new(status, &[], b"x").unwrap_err(), HandshakeMisuse::Body);
        let bytes = Refusal::new(status, &[], b"").unwrap().to_vec();
        assert!(!String::from_utf8(bytes).unwrap().contains("Content-Length"));
    }
    assert_eq!(Refusal::new(205, &[], b"x").unwrap_err(), HandshakeMisuse::Body);
    let bytes = Refusal::new(205, &[], b"").unwrap().to_vec();
    assert!(String::from_utf8(bytes).unwrap().contains("Content-Length: 0"));
}

#[test]
fn server_refuses_with_fields_and_body() {
    let fields = [Field::new("Location", "https://example.com/"), Field::new("Retry-After", "5")];
    let refusal = Refusal::new(302, &fields, b"over there").unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.2
    //= type=test
    //# To do so, the server MUST simply _Close the WebSocket Connection_ (Section 7.1.1).
    let expected = b"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: https://example.com/\r\n\
        Retry-After: 5\r\nContent-Length: 10\r\n\r\nover there";
    assert_eq!(refusal.to_vec(), expected);
    assert_eq!(refusal.encoded_len(), expected.len());
    let mut out = [0; 200];
    assert_eq!(refusal.encode(&mut out), Ok(expected.len()));
    assert_eq!(refusal.encode(&mut out[..20]), Err(HandshakeMisuse::BufferTooSmall));
}

#[test]
fn server_says_what_it_wants_with_its_own_426() {
    let text = String::from_utf8(Refusal::new(426, &[], b"page").unwrap().to_vec()).unwrap();
    for line in ["Connection: close, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{text}");
    }
}

#[test]
fn server_allows_only_the_origins_it_expects() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-10.2
    //= type=test
    //# Servers that are not intended to process input from any web page but
    //# only for certain sites SHOULD verify the |Origin| field is an origin
    //# they expect.  If the origin indicated is unacceptable to the server,
    //# then it SHOULD respond to the WebSocket handshake with a reply
    //# containing HTTP 403 Forbidden status code.
    let origins = Origins::new(&["https://example.com", "http://localhost:8080"]);
    for origin in ["https://example.com", "HTTPS://Example.com", "http://localhost:8080"] {
        assert!(origins.allows(Some(origin)), "{origin}");
    }
    for origin in [
        "",
        "null",
        "https://example.co",
        "https://example.com/",
        "https://example.com:443",
        "https://example.com.evil.example",
        "https://evil-example.com",
        "https://www.example.com",
        "http://example.com",
        "http://localhost",
        "http://localhost:80800",
        "https://example.com https://example.com",
        "*",
    ] {
        assert!(!origins.allows(Some(origin)), "{origin}");
    }
    assert!(!origins.allows(None));
    assert!(origins.or_none().allows(None));
    assert!(!origins.or_none().allows(Some("null")));
    assert!(!Origins::new(&[]).allows(Some("https://example.com")));
}

// HeadLimits, time, and the end

#[test]
fn server_refuses_head_over_limit_431() {
    let limits = HeadLimits::default().with_head(200);
    let exact = |len: usize| {
        let rest = len - Head::request().with("X", "").bytes().len();
        Head::request().with("X", &"y".repeat(rest)).bytes()
    };
    let fits = exact(200);
    assert!(matches!(
        Acceptor::new(&limits, NOW).poll(&mut arriving(&fits), NOW),
        Some(Asked::WebSocket(_))
    ));
    let over = exact(201);
    assert!(matches!(
        Acceptor::new(&limits, NOW).poll(&mut arriving(&over), NOW),
        Some(Asked::Refused(RequestError::HeadTooLong))
    ));
    refuses(
        Head::request().with("X", &"y".repeat(16 * 1024)).bytes(),
        RequestError::HeadTooLong,
        431,
    );
    refuses(
        format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(16 * 1024)),
        RequestError::HeadTooLong,
        431,
    );
}

#[test]
fn server_refuses_endless_head_without_waiting_for_its_end_431() {
    let mut acceptor = acceptor();
    let piece = [b'x'; 1000];
    let refused = (0..100).find_map(|_| acceptor.poll(&mut arriving(&piece), NOW));
    assert!(matches!(refused, Some(Asked::Refused(RequestError::HeadTooLong))));
}

#[test]
fn server_refuses_more_fields_than_limit_431() {
    let head = |fields: usize| {
        let extra = fields - Head::request().fields.len();
        (0..extra).fold(Head::request(), |head, n| head.with(&format!("X-{n}"), "y"))
    };
    assert_eq!(request(&head(100).bytes()).fields().count(), 100);
    refuses(head(101).bytes(), RequestError::TooManyFields, 431);
    refuses(head(120).bytes(), RequestError::TooManyFields, 431);
    let limits = HeadLimits::default().with_fields(255);
    let bytes = head(255).bytes();
    match Acceptor::new(&limits, NOW).poll(&mut arriving(&bytes), NOW) {
        Some(Asked::WebSocket(request)) => assert_eq!(request.fields().count(), 255),
        other => panic!("{other:?}"),
    }
    for cut in [usize::MAX, 100] {
        for most in [5, 6, 31, 32, 33] {
            let limits = HeadLimits::default().with_fields(most);
            let bytes = head(usize::from(most)).bytes();
            let mut acceptor = Acceptor::new(&limits, NOW);
            let asked =
                bytes.chunks(cut).find_map(|piece| acceptor.poll(&mut arriving(piece), NOW));
            assert!(matches!(asked, Some(Asked::WebSocket(_))), "{most}");
            let bytes = head(usize::from(most) + 1).bytes();
            let mut acceptor = Acceptor::new(&limits, NOW);
            let asked =
                bytes.chunks(cut).find_map(|piece| acceptor.poll(&mut arriving(piece), NOW));
            assert!(matches!(asked, Some(Asked::Refused(RequestError::TooManyFields))), "{most}");
        }
    }
    let limits = HeadLimits::default().with_fields(0);
    assert!(matches!(
        Acceptor::new(&limits, NOW).poll(&mut arriving(&bytes), NOW),
        Some(Asked::Refused(RequestError::TooManyFields))
    ));
}

#[test]
fn server_refuses_at_the_deadline_408() {
    let limits = HeadLimits::default().with_timeout(Duration::from_secs(5));
    let start = Duration::from_secs(1000);
    let mut acceptor = Acceptor::new(&limits, start);
    assert_eq!(acceptor.deadline(), Some(Duration::from_secs(1005)));
    assert!(acceptor.poll(&mut arriving(b"GET / HT"), Duration::from_secs(1004)).is_none());
    match acceptor.poll(&mut Input::none(), Duration::from_secs(1005)) {
        Some(Asked::Refused(error @ RequestError::Timeout)) => {
            assert_eq!(error.status(), 408);
            assert!(
                error
                    .answer()
                    .starts_with(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n")
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(acceptor.deadline(), None);
    assert!(acceptor.poll(&mut arriving(b"TP/1.1\r\n\r\n"), Duration::from_secs(1006)).is_none());
}

#[test]
fn server_does_not_let_trickling_bytes_move_the_deadline() {
    let limits = HeadLimits::default().with_timeout(Duration::from_secs(5));
    let mut acceptor = Acceptor::new(&limits, NOW);
    let bytes = Head::request().bytes();
    let refused = bytes.iter().zip(1..).find_map(|(byte, second)| {
        acceptor
            .poll(&mut arriving(std::slice::from_ref(byte)), Duration::from_secs(second))
            .map(|_| second)
    });
    assert_eq!(refused, Some(5));
}

#[test]
fn server_accepts_a_whole_head_that_it_reads_after_the_deadline() {
    let bytes = Head::request().bytes();
    let asked = acceptor()
        .poll(&mut arriving(&bytes), Duration::from_secs(1 << 40))
        .is_some_and(|asked| matches!(asked, Asked::WebSocket(_)));
    assert!(asked);
}

#[test]
fn server_without_timeout_has_no_deadline() {
    let mut acceptor = Acceptor::new(&HeadLimits::default().without_timeout(), NOW);
    assert_eq!(acceptor.deadline(), None);
    assert!(acceptor.poll(&mut arriving(b"GET"), Duration::MAX).is_none());
}

#[test]
fn server_refuses_end_of_stream_inside_the_head_400() {
    let mut acceptor = acceptor();
    assert!(acceptor.poll(&mut arriving(b"GET / HTTP/1.1\r\n"), NOW).is_none());
    match acceptor.poll(&mut Input::eof(), NOW) {
        Some(Asked::Refused(error @ RequestError::Truncated)) => assert_eq!(error.status(), 400),
        other => panic!("{other:?}"),
    }
    assert!(acceptor.poll(&mut Input::eof(), NOW).is_none());
}

#[test]
fn server_ignores_what_follows_a_refusal() {
    let mut acceptor = acceptor();
    let mut bytes = Head::request().start("POST / HTTP/1.1").bytes();
    bytes.extend(Head::request().bytes());
    assert!(matches!(
        acceptor.poll(&mut arriving(&bytes), NOW),
        Some(Asked::Refused(RequestError::Method))
    ));
    assert!(acceptor.poll(&mut arriving(&Head::request().bytes()), NOW).is_none());
    assert!(acceptor.poll(&mut Input::eof(), NOW).is_none());
}

#[test]
fn server_leaves_alone_what_follows_a_request() {
    let mut acceptor = acceptor();
    let bytes = Head::request().bytes();
    assert!(acceptor.poll(&mut arriving(&bytes), NOW).is_some());
    let mut next = arriving(&bytes);
    assert!(acceptor.poll(&mut next, NOW).is_none());
    assert_eq!(next.into_rest(), bytes);
    assert_eq!(acceptor.deadline(), None);
    assert!(acceptor.poll(&mut Input::eof(), NOW).is_none());
}

// Decoding without an `Acceptor`, without an allocator, and answering later

#[test]
fn server_puts_a_head_together_in_a_lent_buffer() {
    let bytes = Head::request().bytes();
    let mut buffer = vec![0; bytes.len()];
    let mut acceptor = Acceptor::with_buffer(&HeadLimits::default(), NOW, &mut buffer);
    for byte in &bytes[..bytes.len() - 1] {
        assert!(acceptor.poll(&mut arriving(std::slice::from_ref(byte)), NOW).is_none());
    }
    match acceptor.poll(&mut arriving(&bytes[bytes.len() - 1..]), NOW) {
        Some(Asked::WebSocket(request)) => {
            assert_eq!(request.host(), "server.example.com");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn server_refuses_head_longer_than_the_lent_buffer_431() {
    let bytes = Head::request().bytes();
    for cut in [bytes.len(), 10] {
        let mut buffer = vec![0; bytes.len() - 1];
        let mut acceptor = Acceptor::with_buffer(&HeadLimits::default(), NOW, &mut buffer);
        let asked = bytes.chunks(cut).find_map(|piece| acceptor.poll(&mut arriving(piece), NOW));
        assert!(matches!(asked, Some(Asked::Refused(RequestError::HeadTooLong))));
    }
}

#[test]
fn server_decodes_a_head_that_the_caller_put_together() {
    let mut bytes = b"\r\n".to_vec();
    bytes.extend(Head::request().bytes());
    let len = bytes.len();
    bytes.extend_from_slice(b"frames");
    let (request, rest) = Request::decode(&bytes, &HeadLimits::default()).unwrap();
    assert_eq!((request.path(), rest), ("/chat", &b"frames"[..]));
    for cut in 0..len {
        let error = Request::decode(&bytes[..cut], &HeadLimits::default()).unwrap_err();
        assert_eq!(error, RequestError::Truncated);
    }
}

#[test]
fn server_answers_later_with_a_copy_of_the_request() {
    let mut bytes = heads::CHROMIUM.as_bytes().to_vec();
    let owned = request(&bytes).into_owned();
    bytes.fill(0);
    assert_eq!(owned.path(), "/live");
    let acceptance = Acceptance::new().with_subprotocol("chat");
    assert_eq!(owned.accept(&acceptance).unwrap().established().subprotocol, Some("chat"));
}

#[test]
fn server_shows_no_values_in_debug_output() {
    let secret = "5ecret";
    let head = Head::request()
        .start(&format!("GET /?token={secret} HTTP/1.1"))
        .with("Authorization", secret)
        .bytes();
    let shown = format!("{:?}", request(&head));
    assert!(!shown.contains(secret), "{shown}");
    assert!(shown.contains("Authorization"), "{shown}");
}
