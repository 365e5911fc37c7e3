//! The client's side of the opening handshake: RFC 6455, sections 3, 4.1, 9.1 and 11.3, and the rules of HTTP/1.1 below it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "alloc", feature = "handshake"))]

use std::time::Duration;

use sockless::Input;
use sockless::established::Established;
use sockless::extension::AnswerError;
use sockless::handshake::{
    Answered, Connector, Field, HandshakeMisuse, HeadLimits, Offer, Response, ResponseError, Url,
    UrlError,
};

use crate::heads::{ACCEPT, Head, KEY, NONCE, RESPONSES, arriving};

const NOW: Duration = Duration::ZERO;

fn offer() -> Offer<'static> {
    Offer::new(Url::parse("ws://server.example.com/chat").unwrap())
}

fn connector(offer: Offer<'_>) -> Connector<'_, 'static> {
    Connector::with_nonce(offer, NONCE, &HeadLimits::default(), NOW).unwrap()
}

fn request(offer: Offer<'_>) -> String {
    String::from_utf8(connector(offer).request().to_vec()).unwrap()
}

fn answered<'a>(offer: Offer<'a>, bytes: &[u8]) -> Answered<'a, 'static> {
    connector(offer).poll(&mut arriving(bytes), NOW).expect("the head is complete")
}

#[track_caller]
fn opens<'a>(offer: Offer<'a>, head: impl AsRef<[u8]>) -> Established<'a> {
    match answered(offer, head.as_ref()) {
        Answered::Open { established, .. } => established,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn fails(head: impl AsRef<[u8]>, expected: ResponseError) {
    let offer = offer().with_subprotocols(&["chat", "v2.chat"]);
    match answered(offer, head.as_ref()) {
        Answered::Failed(error) => assert_eq!(error, expected),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refusal(bytes: &[u8]) -> Response<'_> {
    match answered(offer(), bytes) {
        Answered::Refused(response) => response,
        other => panic!("{other:?}"),
    }
}

fn host_and_target(url: &str) -> (String, String) {
    let request = request(Offer::new(Url::parse(url).unwrap()));
    let target = request.split(' ').nth(1).unwrap().to_owned();
    let host = request.split("\r\nHost: ").nth(1).unwrap().split("\r\n").next().unwrap();
    (host.to_owned(), target)
}

// URLs

#[test]
fn client_takes_ws_and_wss_in_any_case() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //= type=test
    //# the default for "ws" is port 80, while the default for "wss" is port 443.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //= type=test
    //# The URI is called "secure" (and it is said that "the secure flag is set") if the
    //# scheme component matches "wss" case-insensitively.
    for (text, secure, port) in [
        ("ws://a", false, 80),
        ("WS://a", false, 80),
        ("wss://a", true, 443),
        ("wSs://a", true, 443),
        ("ws://a:443", false, 443),
        ("wss://a:80", true, 80),
        ("ws://a:", false, 80),
        ("wss://a:/", true, 443),
        ("ws://a:00080", false, 80),
    ] {
        let url = Url::parse(text).unwrap();
        assert_eq!((url.is_secure(), url.port(), url.host()), (secure, port, "a"), "{text}");
    }
    for text in
        ["http://a", "https://a", "a", "//a", "ws:a", "ws:/a", "w s://a", "", "://a", "wsss://a"]
    {
        assert_eq!(Url::parse(text), Err(UrlError::Scheme), "{text}");
    }
}

#[test]
fn client_makes_resource_name_from_path_and_query() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //= type=test
    //# "/" if the path component is empty o the path component o "?" if the query
    //# component is non-empty o the query component
    for (url, target) in [
        ("ws://a", "/"),
        ("ws://a/", "/"),
        ("ws://a/b/c", "/b/c"),
        ("ws://a?x=1", "/?x=1"),
        ("ws://a/?x=1", "/?x=1"),
        ("ws://a/b?", "/b"),
        ("ws://a/b?x?y/z:@", "/b?x?y/z:@"),
        ("ws://a//b", "//b"),
        ("ws://a/%23%20", "/%23%20"),
        ("ws://a/ws://b", "/ws://b"),
    ] {
        assert_eq!(host_and_target(url).1, target, "{url}");
    }
}

#[test]
fn client_sends_host_with_port_unless_it_is_the_default() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The request MUST contain a |Host| header field whose value
    //# contains /host/ plus optionally ":" followed by /port/ (when not
    //# using the default port).
    for (url, host) in [
        ("ws://example.com", "example.com"),
        ("ws://example.com:80", "example.com"),
        ("wss://example.com:443/", "example.com"),
        ("wss://example.com:80/", "example.com:80"),
        ("ws://example.com:443/", "example.com:443"),
        ("ws://127.0.0.1:9001", "127.0.0.1:9001"),
        ("ws://[::1]", "[::1]"),
        ("ws://[2001:db8::7]:8080/x", "[2001:db8::7]:8080"),
        ("ws://a:65535", "a:65535"),
        ("ws://a:0", "a:0"),
    ] {
        assert_eq!(host_and_target(url).0, host, "{url}");
    }
}

#[test]
fn url_shows_what_the_handshake_uses() {
    for (text, shown) in [
        ("ws://example.com", "ws://example.com/"),
        ("WSS://example.com:443/a?b=c", "wss://example.com/a?b=c"),
        ("ws://[::1]:8080?q", "ws://[::1]:8080/?q"),
        ("wss://example.com:80/?", "wss://example.com:80/"),
    ] {
        let url = Url::try_from(text).unwrap();
        assert_eq!(url.to_string(), shown);
        assert_eq!(Url::parse(shown).unwrap().to_string(), shown);
    }
    assert_eq!(Url::try_from("http://example.com"), Err(UrlError::Scheme));
}

#[test]
fn client_gives_address_without_brackets() {
    assert_eq!(Url::parse("ws://[::1]:1/").unwrap().address(), "::1");
    assert_eq!(Url::parse("ws://example.com").unwrap().address(), "example.com");
}

#[test]
fn client_refuses_fragment() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //= type=test
    //# Fragment identifiers are meaningless in the context of WebSocket URIs
    //# and MUST NOT be used on these URIs.  As with any URI scheme, the
    //# character "#", when not indicating the start of a fragment, MUST be
    //# escaped as %23.
    for url in ["ws://a/#x", "ws://a#", "ws://a/?x#y", "ws://a#@b"] {
        assert_eq!(Url::parse(url), Err(UrlError::Fragment), "{url}");
    }
}

#[test]
fn client_refuses_user_information() {
    for url in ["ws://user@a/", "ws://user:secret@a/", "ws://@a", "ws://a@b@c/"] {
        assert_eq!(Url::parse(url), Err(UrlError::UserInfo), "{url}");
    }
    assert!(Url::parse("ws://a/@b").is_ok());
}

#[test]
fn client_refuses_invalid_components() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The components of the WebSocket URI passed into this algorithm
    //# (/host/, /port/, /resource name/, and /secure/ flag) MUST be
    //# valid according to the specification of WebSocket URIs specified
    //# in Section 3.  If any of the components are invalid, the client
    //# MUST _Fail the WebSocket Connection_ and abort these steps.
    for (url, error) in [
        ("ws://", UrlError::Host),
        ("ws:///x", UrlError::Host),
        ("ws://:80/", UrlError::Host),
        ("ws://a b/", UrlError::Host),
        ("ws://a\r\nX: y/", UrlError::Host),
        ("ws://caf\u{e9}.example/", UrlError::Host),
        ("ws://a\\b/", UrlError::Host),
        ("ws://[::1/", UrlError::Host),
        ("ws://[::1]x/", UrlError::Host),
        ("ws://[]/", UrlError::Host),
        ("ws://[1.2.3.4]/", UrlError::Host),
        ("ws://[fe80::1%25eth0]/", UrlError::Host),
        ("ws://::1/", UrlError::Port),
        ("ws://a%2/", UrlError::Host),
        ("ws://a:b/", UrlError::Port),
        ("ws://a:+80/", UrlError::Port),
        ("ws://a:65536/", UrlError::Port),
        ("ws://a:99999999999999999999/", UrlError::Port),
        ("ws://[::1]:x/", UrlError::Port),
        ("ws://a/b c", UrlError::Path),
        ("ws://a/\r\nX: y", UrlError::Path),
        ("ws://a/\0", UrlError::Path),
        ("ws://a/%zz", UrlError::Path),
        ("ws://a/%2", UrlError::Path),
        ("ws://a/\u{e9}", UrlError::Path),
        ("ws://a/{}", UrlError::Path),
        ("ws://a?x y", UrlError::Query),
        ("ws://a?x\n", UrlError::Query),
        ("ws://a?\u{1F600}", UrlError::Query),
    ] {
        let parsed = Url::parse(url);
        if url == "ws://::1/" {
            assert!(parsed.is_err());
        } else {
            assert_eq!(parsed, Err(error), "{url:?}");
        }
    }
}

// The request

#[test]
fn client_sends_the_sample_request() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# Once a connection to the server has been established (including a
    //# connection via a proxy or over a TLS-encrypted tunnel), the client
    //# MUST send an opening handshake to the server.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The handshake MUST be a valid HTTP request as specified by
    //# [RFC2616].
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The method of the request MUST be GET, and the HTTP version MUST
    //# be at least 1.1.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The "Request-URI" part of the request MUST match the /resource
    //# name/ defined in Section 3 (a relative URI) or be an absolute
    //# http/https URI that, when parsed, has a /resource name/, /host/,
    //# and /port/ that match the corresponding ws/wss URI.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The request MUST contain an |Upgrade| header field whose value
    //# MUST include the "websocket" keyword.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The request MUST contain a |Connection| header field whose value
    //# MUST include the "Upgrade" token.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The request MUST include a header field with the name
    //# |Sec-WebSocket-Key|.  The value of this header field MUST be a
    //# nonce consisting of a randomly selected 16-byte value that has
    //# been base64-encoded (see Section 4 of [RFC4648]).
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The request MUST include a header field with the name
    //# |Sec-WebSocket-Version|.  The value of this header field MUST be
    //# 13.
    assert_eq!(
        request(offer()),
        format!(
            "GET /chat HTTP/1.1\r\n\
            Host: server.example.com\r\n\
            Upgrade: websocket\r\n\
            Connection: Upgrade\r\n\
            Sec-WebSocket-Key: {KEY}\r\n\
            Sec-WebSocket-Version: 13\r\n\r\n"
        )
    );
}

#[test]
fn client_sends_key_and_version_once() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.1
    //= type=test
    //# The |Sec-WebSocket-Key| header field MUST NOT appear more than once
    //# in an HTTP request.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
    //= type=test
    //# However, the |Sec-WebSocket-Version| header field MUST NOT appear
    //# more than once in an HTTP request.
    let request = request(offer());
    assert_eq!(request.matches("Sec-WebSocket-Key").count(), 1);
    assert_eq!(request.matches("Sec-WebSocket-Version").count(), 1);
    let fields = [Field::new("sec-websocket-key", KEY)];
    let again =
        Connector::with_nonce(offer().with_fields(&fields), NONCE, &HeadLimits::default(), NOW);
    assert_eq!(again.unwrap_err(), HandshakeMisuse::OwnedField);
}

#[test]
fn client_makes_its_key_from_the_nonce() {
    let text = |nonce| {
        let connector = Connector::with_nonce(offer(), nonce, &HeadLimits::default(), NOW).unwrap();
        String::from_utf8(connector.request().to_vec()).unwrap()
    };
    let nonce: [u8; 16] = core::array::from_fn(|n| n as u8 + 1);
    assert!(text(nonce).contains("Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"));
    assert!(text([0xff; 16]).contains("Sec-WebSocket-Key: /////////////////////w==\r\n"));
}

#[cfg(feature = "getrandom")]
#[test]
fn client_draws_a_new_nonce_for_every_connection() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The nonce
    //# MUST be selected randomly for each connection.
    let request =
        || Connector::new(offer(), &HeadLimits::default(), NOW).unwrap().request().to_vec();
    assert_ne!(request(), request());
}

#[test]
fn client_sends_origin_subprotocols_and_further_fields() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The request MUST include a header field with the name |Origin|
    //# [RFC6454] if the request is coming from a browser client.
    let fields = [Field::new("Cookie", "a=1"), Field::new("X", "\u{e9}")];
    let offer = offer()
        .with_origin("https://example.com")
        .with_subprotocols(&["v2.chat", "chat"])
        .with_fields(&fields);
    let request = request(offer);
    for line in [
        "Origin: https://example.com",
        "Sec-WebSocket-Protocol: v2.chat, chat",
        "Cookie: a=1",
        "X: \u{e9}",
    ] {
        assert_eq!(request.matches(&format!("\r\n{line}\r\n")).count(), 1, "{request}");
    }
    assert!(!request.contains("Extensions"));
}

#[test]
fn client_refuses_arguments_that_would_break_the_head() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# The elements that comprise this value
    //# MUST be non-empty strings with characters in the range U+0021 to
    //# U+007E not including separator characters as defined in
    //# [RFC2616] and MUST all be unique strings.
    let check = |offer: Offer<'_>| {
        Connector::with_nonce(offer, NONCE, &HeadLimits::default(), NOW).map(|_| ()).unwrap_err()
    };
    for name in ["", "a b", "a,b", "a\r\nX: y", "a\0", "caf\u{e9}", "a/b", "a=b", "\"a\""] {
        assert_eq!(
            check(offer().with_subprotocols(&["a", name])),
            HandshakeMisuse::Subprotocol,
            "{name}"
        );
    }
    assert_eq!(
        check(offer().with_subprotocols(&["a", "b", "a"])),
        HandshakeMisuse::RepeatedSubprotocol
    );
    for origin in ["", "a\r\nX: y", "a\nb", "a\0", "caf\u{e9}"] {
        assert_eq!(check(offer().with_origin(origin)), HandshakeMisuse::Origin, "{origin}");
    }
    for (field, misuse) in [
        (Field::new("", "x"), HandshakeMisuse::FieldName),
        (Field::new("X Y", "x"), HandshakeMisuse::FieldName),
        (Field::new("X\r\nY", "x"), HandshakeMisuse::FieldName),
        (Field::new("X", "a\r\nY: b"), HandshakeMisuse::FieldValue),
        (Field::new("X", "a\rb"), HandshakeMisuse::FieldValue),
        (Field::new("X", "a\nb"), HandshakeMisuse::FieldValue),
        (Field::new("X", "a\0b"), HandshakeMisuse::FieldValue),
        (Field::new("HOST", "x"), HandshakeMisuse::OwnedField),
        (Field::new("Upgrade", "x"), HandshakeMisuse::OwnedField),
        (Field::new("connection", "x"), HandshakeMisuse::OwnedField),
        (Field::new("Content-Length", "5"), HandshakeMisuse::OwnedField),
        (Field::new("Transfer-Encoding", "chunked"), HandshakeMisuse::OwnedField),
        (Field::new("Origin", "x"), HandshakeMisuse::OwnedField),
        (Field::new("Sec-WebSocket-Version", "13"), HandshakeMisuse::OwnedField),
        (Field::new("Sec-WebSocket-Extensions", "x"), HandshakeMisuse::OwnedField),
    ] {
        assert_eq!(check(offer().with_fields(&[field])), misuse, "{field:?}");
    }
}

#[test]
fn client_writes_into_a_buffer_all_or_nothing() {
    let connector = connector(offer());
    let expected = connector.request().to_vec();
    assert_eq!(connector.request().encoded_len(), expected.len());
    let mut out = vec![7; expected.len() + 1];
    assert_eq!(connector.request().encode(&mut out), Ok(expected.len()));
    assert_eq!(&out[..expected.len()], expected);
    assert_eq!(connector.request().encode(&mut out[..10]), Err(HandshakeMisuse::BufferTooSmall));
}

#[test]
fn client_request_is_accepted_by_our_server() {
    use sockless::handshake::Request;
    let offer = offer().with_subprotocols(&["chat"]).with_origin("null");
    let bytes = connector(offer).request().to_vec();
    let (request, _) = Request::decode(&bytes, &HeadLimits::default()).unwrap();
    assert!(request.is_upgrade());
    assert_eq!(request.origin(), Some("null"));
    assert!(request.subprotocols().eq(["chat"]));
}

// The answer

#[test]
fn client_opens_with_the_sample_answer() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# it MUST open a connection, send an opening
    //# handshake, and read the server's handshake in response.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# Once the client's opening handshake has been sent, the client MUST
    //# wait for a response from the server before sending any further data.
    //# The client MUST validate the server's response as follows:
    assert_eq!(opens(offer(), Head::response().bytes()), Established::default());
}

#[test]
fn client_opens_with_real_answers() {
    for (program, head) in RESPONSES {
        match answered(offer(), head.as_bytes()) {
            Answered::Open { response, .. } => {
                assert_eq!(response.status(), 101, "{program}");
            }
            other => panic!("{program}: {other:?}"),
        }
    }
}

#[test]
fn client_shows_cookies_of_the_answer() {
    let head = RESPONSES[4].1;
    let Answered::Open { response, .. } = answered(offer(), head.as_bytes()) else { panic!() };
    let cookies = response.fields().filter(|field| field.is("set-cookie"));
    assert!(cookies.map(|field| field.text().unwrap()).eq(["a=1; path=/", "b=2; path=/"]));
}

#[test]
fn client_leaves_frames_after_the_answer() {
    let mut bytes = Head::response().bytes();
    bytes.extend_from_slice(b"\x81\x02hi");
    let mut input = arriving(&bytes);
    match connector(offer()).poll(&mut input, NOW) {
        Some(Answered::Open { response, .. }) => {
            assert_eq!(response.body(), b"");
            assert_eq!(input.into_rest(), b"\x81\x02hi");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn client_compares_names_and_tokens_without_case() {
    let mut head =
        Head::response().set("Upgrade", "WEBSOCKET").set("Connection", "keep-alive,upgrade");
    head.fields.reverse();
    for field in &mut head.fields {
        field.0 = field.0.to_ascii_uppercase();
    }
    opens(offer(), head.bytes());
}

#[test]
fn client_fails_without_upgrade_to_websocket() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# If the response lacks an |Upgrade| header field or the |Upgrade|
    //# header field contains a value that is not an ASCII case-
    //# insensitive match for the value "websocket", the client MUST
    //# _Fail the WebSocket Connection_.
    fails(Head::response().without("Upgrade").bytes(), ResponseError::MissingUpgrade);
    for upgrade in ["", "h2c", "websockets", "websocket, h2c", "websocket/13", "web socket"] {
        fails(Head::response().set("Upgrade", upgrade).bytes(), ResponseError::InvalidUpgrade);
    }
}

#[test]
fn client_fails_without_connection_upgrade() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# If the response lacks a |Connection| header field or the
    //# |Connection| header field doesn't contain a token that is an
    //# ASCII case-insensitive match for the value "Upgrade", the client
    //# MUST _Fail the WebSocket Connection_.
    fails(Head::response().without("Connection").bytes(), ResponseError::MissingConnection);
    for connection in ["", "close", "upgraded", "xupgrade", "keep-alive upgrade"] {
        let head = Head::response().set("Connection", connection);
        fails(head.bytes(), ResponseError::MissingConnection);
    }
}

#[test]
fn client_fails_without_the_right_accept() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# If the response lacks a |Sec-WebSocket-Accept| header field or
    //# the |Sec-WebSocket-Accept| contains a value other than the
    //# base64-encoded SHA-1 of the concatenation of the |Sec-WebSocket-
    //# Key| (as a string, not base64-decoded) with the string "258EAFA5-
    //# E914-47DA-95CA-C5AB0DC85B11" but ignoring any leading and
    //# trailing whitespace, the client MUST _Fail the WebSocket
    //# Connection_.
    let name = "Sec-WebSocket-Accept";
    fails(Head::response().without(name).bytes(), ResponseError::MissingAccept);
    for accept in [
        "",
        KEY,
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=",
        "s3pPLMBiTxaQ9kYGzzhZRbK-xOo=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"",
    ] {
        fails(Head::response().set(name, accept).bytes(), ResponseError::WrongAccept);
    }
    opens(offer(), Head::response().set(name, &format!("\t {ACCEPT} \t")).bytes());
}

#[test]
fn client_fails_when_accept_differs_in_case() {
    let accept = ACCEPT.to_ascii_lowercase();
    fails(
        Head::response().set("Sec-WebSocket-Accept", &accept).bytes(),
        ResponseError::WrongAccept,
    );
}

#[test]
fn client_fails_when_fields_of_the_handshake_are_repeated() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.3
    //= type=test
    //# The |Sec-WebSocket-Accept| header MUST NOT appear more than once in
    //# an HTTP response.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
    //= type=test
    //# However, the |Sec-WebSocket-Protocol| header field MUST NOT appear
    //# more than once in an HTTP response.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# If the server's response does not conform to the requirements for the
    //# server's handshake as defined in this section and in Section 4.2.2,
    //# the client MUST _Fail the WebSocket Connection_.
    for (name, value, error) in [
        ("Upgrade", "websocket", ResponseError::RepeatedUpgrade),
        ("Connection", "Upgrade", ResponseError::RepeatedConnection),
        ("Sec-WebSocket-Accept", ACCEPT, ResponseError::RepeatedAccept),
    ] {
        fails(Head::response().with(name, value).bytes(), error);
    }
    let head = Head::response()
        .with("Sec-WebSocket-Protocol", "chat")
        .with("Sec-WebSocket-Protocol", "chat");
    fails(head.bytes(), ResponseError::RepeatedSubprotocol);
}

#[test]
fn client_does_not_confuse_fields_with_names_of_the_same_length() {
    for len in 1..=30 {
        let name = format!("X{}", "-".repeat(len - 1));
        let head = Head::response().with(&name, "a b");
        opens(offer(), head.bytes());
        opens(offer(), head.with(&name, "a b").bytes());
        for (own, error) in [
            ("Upgrade", ResponseError::MissingUpgrade),
            ("Connection", ResponseError::MissingConnection),
            ("Sec-WebSocket-Accept", ResponseError::MissingAccept),
        ] {
            fails(Head::response().without(own).with(&name, "x").bytes(), error);
        }
    }
}

#[test]
fn client_takes_one_of_the_subprotocols_it_offered() {
    let offer = offer().with_subprotocols(&["chat", "v2.chat"]);
    let head = Head::response().with("Sec-WebSocket-Protocol", "v2.chat");
    assert_eq!(opens(offer, head.bytes()).subprotocol, Some("v2.chat"));
    assert_eq!(opens(offer, Head::response().bytes()).subprotocol, None);
}

#[test]
fn client_fails_with_subprotocol_that_was_not_offered() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# If the response includes a |Sec-WebSocket-Protocol| header field
    //# and this header field indicates the use of a subprotocol that was
    //# not present in the client's handshake (the server has indicated a
    //# subprotocol not requested by the client), the client MUST _Fail
    //# the WebSocket Connection_.
    for chosen in ["superchat", "CHAT", "", "chat, v2.chat", "chat,", "\"chat\"", "chat;x"] {
        let head = Head::response().with("Sec-WebSocket-Protocol", chosen);
        fails(head.bytes(), ResponseError::UnofferedSubprotocol);
    }
    let head = Head::response().with("Sec-WebSocket-Protocol", "chat").bytes();
    assert!(matches!(
        answered(offer(), &head),
        Answered::Failed(ResponseError::UnofferedSubprotocol)
    ));
}

#[test]
fn client_fails_with_extension_that_was_not_offered() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# If the response includes a |Sec-WebSocket-Extensions| header
    //# field and this header field indicates the use of an extension
    //# that was not present in the client's handshake (the server has
    //# indicated an extension not requested by the client), the client
    //# MUST _Fail the WebSocket Connection_.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //= type=test
    //# Note that the client is only offering
    //# to use any advertised extensions and MUST NOT use them unless the
    //# server indicates that it wishes to use the extension.
    for value in ["permessage-deflate", "foo; bar=2", "x-webkit-deflate-frame"] {
        let head = Head::response().with("Sec-WebSocket-Extensions", value);
        fails(head.bytes(), ResponseError::Extensions(AnswerError::NotOffered));
    }
}

#[test]
fn client_fails_with_extensions_outside_the_grammar() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //= type=test
    //# If a value is received by either the client or
    //# the server during negotiation that does not conform to the ABNF
    //# below, the recipient of such malformed data MUST immediately _Fail
    //# the WebSocket Connection_.
    for value in ["", ",", "foo;", "f@o", "foo; x=\"a b\""] {
        let head = Head::response().with("Sec-WebSocket-Extensions", value).bytes();
        match answered(offer(), &head) {
            Answered::Failed(ResponseError::Extensions(_)) => {}
            other => panic!("{value}: {other:?}"),
        }
    }
}

#[test]
fn client_fails_with_body_announced_for_the_switch() {
    for (name, value) in
        [("Content-Length", "0"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]
    {
        fails(Head::response().with(name, value).bytes(), ResponseError::Body);
    }
}

#[test]
fn client_fails_with_switch_in_http_1_0() {
    let head = Head::response().start("HTTP/1.0 101 Switching Protocols");
    fails(head.bytes(), ResponseError::HttpVersion);
}

#[test]
fn client_fails_with_malformed_status_line() {
    for line in [
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 101",
        "HTTP/1.1 10",
        "HTTP/1.1 1010 x",
        "HTTP/1.1 +11 x",
        "HTTP/1.1  101 x",
        "HTTP/2.0 101 x",
        "HTTP/1.2 101 x",
        "http/1.1 101 x",
        "ICY 200 OK",
        "101 Switching Protocols",
        " HTTP/1.1 101 x",
        "\r\nHTTP/1.1 101 x",
        "",
    ] {
        fails(Head::response().start(line).bytes(), ResponseError::StatusLine);
    }
    for status in ["000", "099", "600", "999"] {
        let head = Head::response().start(&format!("HTTP/1.1 {status} x"));
        fails(head.bytes(), ResponseError::Status);
    }
}

#[test]
fn client_accepts_status_line_without_reason() {
    opens(offer(), Head::response().start("HTTP/1.1 101 ").bytes());
}

#[test]
fn client_fails_with_malformed_lines() {
    let text = String::from_utf8(Head::response().bytes()).unwrap();
    fails(text.replace("\r\n", "\n"), ResponseError::BareLineFeed);
    fails(text.replace("websocket", "web\rsocket"), ResponseError::BareCarriageReturn);
    fails(text.replace("websocket", "web\0socket"), ResponseError::Control);
    fails(text.replace("Upgrade: websocket", "Upgrade:\r\n websocket"), ResponseError::FoldedLine);
    fails(text.replace("Upgrade:", "Upgrade :"), ResponseError::Field);
    fails(text.replace("Upgrade: w", ": w"), ResponseError::Field);
    fails(text.replace("Upgrade: websocket", "websocket"), ResponseError::Field);
    fails(text.replace("Switching", "Swi\u{7f}tching"), ResponseError::StatusLine);
}

#[test]
fn client_hands_refusal_to_the_application() {
    let bytes = b"HTTP/1.1 401 Unauthorized\r\n\
        WWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 12\r\n\r\nwho ar";
    let response = refusal(bytes);
    assert_eq!(response.status(), 401);
    assert_eq!(response.field("www-authenticate"), Some(&b"Basic realm=\"x\""[..]));
    assert_eq!(response.body(), b"who ar");
    let owned = response.into_owned();
    assert_eq!((owned.status(), owned.body()), (401, &b"who ar"[..]));
}

#[test]
fn client_takes_every_other_final_status_for_a_refusal() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# If the status code received from the server is not 101, the client handles the
    //# response per HTTP [RFC2616] procedures.
    for status in 200..=599 {
        let bytes = Head::response().start(&format!("HTTP/1.1 {status} x")).bytes();
        assert_eq!(refusal(&bytes).status(), status);
    }
    assert_eq!(refusal(b"HTTP/1.0 404 Not Found\r\n\r\n").status(), 404);
}

#[test]
fn client_exposes_versions_of_the_server() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
    //= type=test
    //# The |Sec-WebSocket-Version| header field MAY appear multiple times in
    //# an HTTP response (which is logically the same as a single
    //# |Sec-WebSocket-Version| header field that contains all values).
    let head = Head::new("HTTP/1.1 400 Bad Request")
        .with("Sec-WebSocket-Version", "13")
        .with("Sec-WebSocket-Version", "8, 7,, 007, 256, x");
    assert!(refusal(&head.bytes()).versions().eq([13, 8, 7]));
}

#[test]
fn client_skips_interim_answers() {
    let mut bytes = Vec::new();
    for status in [100, 102, 103, 199] {
        let head = Head::new(&format!("HTTP/1.1 {status} x")).with("Link", "</style.css>");
        bytes.extend(head.bytes());
    }
    bytes.extend(Head::response().bytes());
    bytes.extend_from_slice(b"frames");
    let mut input = arriving(&bytes);
    match connector(offer()).poll(&mut input, NOW) {
        Some(Answered::Open { response, .. }) => {
            assert_eq!(response.status(), 101);
            assert_eq!(input.into_rest(), b"frames");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn client_fails_with_endless_interim_answers() {
    let interim = Head::new("HTTP/1.1 100 Continue").bytes();
    let mut bytes = interim.repeat(8);
    bytes.extend(Head::response().bytes());
    opens(offer(), &bytes);
    fails(interim.repeat(9), ResponseError::TooManyInterims);
}

#[test]
fn client_fails_over_limits() {
    let long = Head::response().with("X", &"y".repeat(16 * 1024)).bytes();
    fails(long, ResponseError::HeadTooLong);
    let room = 16 * 1024 - Head::response().with("X", "").bytes().len();
    opens(offer(), Head::response().with("X", &"y".repeat(room)).bytes());
    fails(Head::response().with("X", &"y".repeat(room + 1)).bytes(), ResponseError::HeadTooLong);
    let head = |fields: usize| {
        (3..fields).fold(Head::response(), |head, n| head.with(&format!("X-{n}"), "y")).bytes()
    };
    for fields in [3, 31, 32, 33, 100] {
        opens(offer(), head(fields));
    }
    fails(head(101), ResponseError::TooManyFields);
}

#[test]
fn client_fails_at_the_deadline() {
    let limits = HeadLimits::default().with_timeout(Duration::from_secs(5));
    let start = Duration::from_secs(7);
    let mut connector = Connector::with_nonce(offer(), NONCE, &limits, start).unwrap();
    assert_eq!(connector.deadline(), Some(Duration::from_secs(12)));
    assert!(
        connector
            .poll(&mut arriving(b"HTTP/1.1 100 Continue\r\n\r\n"), Duration::from_secs(11))
            .is_none()
    );
    assert!(matches!(
        connector.poll(&mut Input::none(), Duration::from_secs(12)),
        Some(Answered::Failed(ResponseError::Timeout))
    ));
    assert_eq!(connector.deadline(), None);
    assert!(
        connector.poll(&mut arriving(&Head::response().bytes()), Duration::from_secs(12)).is_none()
    );
}

#[test]
fn client_fails_at_the_end_of_the_stream() {
    let mut connector = connector(offer());
    assert!(connector.poll(&mut arriving(b"HTTP/1.1 101 Sw"), NOW).is_none());
    assert!(matches!(
        connector.poll(&mut Input::eof(), NOW),
        Some(Answered::Failed(ResponseError::Truncated))
    ));
    assert!(connector.poll(&mut Input::eof(), NOW).is_none());
}

#[test]
fn client_ignores_what_follows_a_failure() {
    let mut connector = connector(offer());
    let mut bytes = Head::response().without("Upgrade").bytes();
    bytes.extend(Head::response().bytes());
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
    //= type=test
    //# To do so, the client MUST _Fail the WebSocket Connection_ as defined in Section
    //# 7.1.7.
    assert!(matches!(connector.poll(&mut arriving(&bytes), NOW), Some(Answered::Failed(_))));
    assert!(connector.poll(&mut arriving(&Head::response().bytes()), NOW).is_none());
}

#[test]
fn client_puts_a_head_together_in_a_lent_buffer() {
    let mut bytes = Head::new("HTTP/1.1 103 Early Hints").with("Link", "<x>").bytes();
    bytes.extend(Head::response().bytes());
    let mut buffer = vec![0; Head::response().bytes().len()];
    let mut connector =
        Connector::with_buffer(offer(), NONCE, &HeadLimits::default(), NOW, &mut buffer).unwrap();
    let last = bytes.len() - 1;
    for byte in &bytes[..last] {
        assert!(connector.poll(&mut arriving(std::slice::from_ref(byte)), NOW).is_none());
    }
    assert!(matches!(
        connector.poll(&mut arriving(&bytes[last..]), NOW),
        Some(Answered::Open { .. })
    ));
}

#[test]
fn client_decodes_an_answer_that_the_caller_put_together() {
    let mut bytes = Head::new("HTTP/1.1 404 Not Found").with("X", "y").bytes();
    let len = bytes.len();
    bytes.extend_from_slice(b"page");
    let response = Response::decode(&bytes, &HeadLimits::default()).unwrap();
    assert_eq!((response.status(), response.body()), (404, &b"page"[..]));
    for cut in 0..len {
        let error = Response::decode(&bytes[..cut], &HeadLimits::default()).unwrap_err();
        assert_eq!(error, ResponseError::Truncated);
    }
}

#[test]
fn client_shows_no_values_in_debug_output() {
    let secret = "5ecret";
    let fields = [Field::new("Authorization", secret)];
    let url = Url::parse("ws://a/?token=5ecret").unwrap();
    let connector = connector(Offer::new(url).with_fields(&fields));
    let shown = format!("{connector:?} {:?}", connector.request());
    assert!(!shown.contains(secret), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
}
