//! The handshake over HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220), in both roles: its fields and pseudo-header fields.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "alloc", feature = "handshake"))]

use sockless::extension::AnswerError;
use sockless::handshake::connect::{
    ConnectAnswered, ConnectOpening, ConnectRequest, ConnectRequestError, Setting, SettingError,
};
use sockless::handshake::{
    Acceptance, Field, HandshakeMisuse, Offer, RequestError, ResponseError, Url, UrlError,
};

type Fields = Vec<(String, String)>;

/// The request of RFC 8441, section 5.1.
fn sample() -> Fields {
    [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "server.example.com"),
        ("sec-websocket-protocol", "chat, superchat"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("sec-websocket-version", "13"),
        ("origin", "http://www.example.com"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn with(mut fields: Fields, name: &str, value: &str) -> Fields {
    fields.push((name.to_owned(), value.to_owned()));
    fields
}

fn without(mut fields: Fields, name: &str) -> Fields {
    fields.retain(|field| field.0 != name);
    fields
}

/// The same with another value, in the same place.
fn set(mut fields: Fields, name: &str, value: &str) -> Fields {
    let field = fields.iter_mut().find(|field| field.0 == name).expect("the field is there");
    field.1 = value.to_owned();
    fields
}

fn octets(fields: &Fields) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}

#[track_caller]
fn refuses(fields: Fields, error: ConnectRequestError, status: u16) {
    match ConnectRequest::decode(octets(&fields)) {
        Ok(request) => panic!("{request:?}"),
        Err(found) => assert_eq!((found, found.status()), (error, status)),
    }
}

fn offer(url: &str) -> Offer<'_> {
    Offer::new(Url::parse(url).unwrap())
}

fn sent(opening: &ConnectOpening<'_>) -> Fields {
    let text = |value: Vec<u8>| String::from_utf8(value).unwrap();
    opening.fields().map(|(name, value)| (name.to_owned(), text(value.to_vec()))).collect()
}

fn check<'a>(offer: Offer<'a>, status: u16, fields: &[(&str, &str)]) -> ConnectAnswered<'a> {
    let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    ConnectOpening::new(offer).unwrap().check(status, fields)
}

// The setting

#[test]
fn setting_has_the_registered_identifier() {
    assert_eq!(Setting::ID, 8);
}

#[test]
fn setting_is_zero_or_one() {
    for value in [2, 3, 255, u64::MAX] {
        let mut setting = Setting::default();
        assert_eq!(setting.note(value), Err(SettingError::Value));
        assert!(!setting.is_enabled());
    }
}

#[test]
fn setting_is_not_withdrawn() {
    let mut setting = Setting::default();
    assert_eq!(setting.note(0), Ok(()));
    assert_eq!(setting.note(1), Ok(()));
    assert_eq!(setting.note(1), Ok(()));
    assert_eq!(setting.note(0), Err(SettingError::Withdrawn));
    assert!(setting.is_enabled());
}

#[test]
fn client_may_not_connect_before_the_setting_allows_it() {
    let mut setting = Setting::default();
    assert!(!setting.is_enabled());
    setting.note(1).unwrap();
    assert!(setting.is_enabled());
}

// The client's request

#[test]
fn client_sends_extended_connect() {
    let opening = ConnectOpening::new(
        offer("wss://server.example.com/chat?x=1")
            .with_subprotocols(&["chat", "superchat"])
            .with_origin("http://www.example.com"),
    )
    .unwrap();
    let expected = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat?x=1"),
        (":authority", "server.example.com"),
        ("sec-websocket-version", "13"),
        ("origin", "http://www.example.com"),
        ("sec-websocket-protocol", "chat"),
        ("sec-websocket-protocol", "superchat"),
    ];
    assert!(sent(&opening).iter().map(|(name, value)| (&**name, &**value)).eq(expected));
}

#[test]
fn client_names_scheme_and_authority_by_its_url() {
    for (url, scheme, authority, path) in [
        ("ws://a", "http", "a", "/"),
        ("wss://a", "https", "a", "/"),
        ("ws://a:80/x", "http", "a", "/x"),
        ("wss://a:8443?q", "https", "a:8443", "/?q"),
        ("wss://[::1]:443", "https", "[::1]", "/"),
    ] {
        let fields = sent(&ConnectOpening::new(offer(url)).unwrap());
        let value = |name: &str| fields.iter().find(|field| field.0 == name).unwrap().1.clone();
        assert_eq!(value(":scheme"), scheme);
        assert_eq!(value(":authority"), authority);
        assert_eq!(value(":path"), path);
    }
    assert_eq!(Url::parse("ws://user@a/"), Err(UrlError::UserInfo));
}

#[test]
fn client_sends_no_key_no_upgrade_and_lower_case_only() {
    let fields = sent(&ConnectOpening::new(offer("ws://a").with_subprotocols(&["Chat"])).unwrap());
    for (name, _) in &fields {
        assert_eq!(*name, name.to_ascii_lowercase());
        let absent =
            ["sec-websocket-key", "connection", "upgrade", "host", "sec-websocket-extensions"];
        assert!(!absent.contains(&&**name), "{name}");
    }
}

#[test]
fn client_refuses_fields_that_the_stream_cannot_have() {
    for (field, misuse) in [
        (Field::new("Cookie", "a"), HandshakeMisuse::UpperCaseName),
        (Field::new("te", "gzip"), HandshakeMisuse::OwnedField),
        (Field::new("keep-alive", "5"), HandshakeMisuse::OwnedField),
        (Field::new("proxy-connection", "x"), HandshakeMisuse::OwnedField),
        (Field::new("connection", "x"), HandshakeMisuse::OwnedField),
        (Field::new("upgrade", "x"), HandshakeMisuse::OwnedField),
        (Field::new("host", "x"), HandshakeMisuse::OwnedField),
        (Field::new("sec-websocket-key", "x"), HandshakeMisuse::OwnedField),
        (Field::new(":path", "/"), HandshakeMisuse::FieldName),
        (Field::new("x", "a\r\nb: c"), HandshakeMisuse::FieldValue),
        (Field::new("x", "a\0"), HandshakeMisuse::FieldValue),
        (Field::new("x", " a"), HandshakeMisuse::FieldValue),
        (Field::new("x", "a\t"), HandshakeMisuse::FieldValue),
    ] {
        let fields = [field];
        let opening = ConnectOpening::new(offer("ws://a").with_fields(&fields));
        assert_eq!(opening.unwrap_err(), misuse, "{field:?}");
        let request = sample();
        let request = ConnectRequest::decode(octets(&request)).unwrap();
        let accepted = request.accept(&Acceptance::new().with_fields(&fields));
        assert_eq!(accepted.unwrap_err(), misuse, "{field:?}");
    }
}

// The server's view

#[test]
fn server_reads_the_sample_request() {
    let fields = sample();
    let request = ConnectRequest::decode(octets(&fields)).unwrap();
    assert!(request.is_secure());
    assert_eq!(request.authority(), "server.example.com");
    assert_eq!((request.target(), request.path(), request.query()), ("/chat", "/chat", None));
    assert_eq!(request.origin(), Some("http://www.example.com"));
    assert!(request.subprotocols().eq(["chat", "superchat"]));
    assert!(request.extensions().map(|element| element.name()).eq(["permessage-deflate"]));
    assert_eq!(request.choose_subprotocol(&["x", "superchat", "chat"]), Some("superchat"));
    assert_eq!(request.field("sec-websocket-version"), Some(&b"13"[..]));
}

#[test]
fn server_separates_path_and_query() {
    let fields = set(sample(), ":path", "/chat?room=1?x");
    let request = ConnectRequest::decode(octets(&fields)).unwrap();
    assert_eq!(request.target(), "/chat?room=1?x");
    assert_eq!((request.path(), request.query()), ("/chat", Some("room=1?x")));
}

#[test]
fn server_leaves_other_requests_to_others() {
    refuses(set(sample(), ":method", "GET"), ConnectRequestError::NotExtended, 405);
    refuses(set(sample(), ":method", "connect"), ConnectRequestError::NotExtended, 405);
    refuses(without(sample(), ":protocol"), ConnectRequestError::NotExtended, 405);
    refuses(without(sample(), ":method"), ConnectRequestError::NotExtended, 405);
    refuses(Fields::new(), ConnectRequestError::NotExtended, 405);
}

#[test]
fn server_refuses_unknown_protocol_501() {
    for protocol in ["", "connect-udp", "websocket2", "webtransport"] {
        refuses(set(sample(), ":protocol", protocol), ConnectRequestError::UnknownProtocol, 501);
    }
}

#[test]
fn server_compares_protocol_and_scheme_without_case() {
    let fields = set(set(sample(), ":protocol", "WebSocket"), ":scheme", "HTTP");
    assert!(!ConnectRequest::decode(octets(&fields)).unwrap().is_secure());
}

#[test]
fn server_refuses_missing_pseudo_fields_400() {
    for name in [":scheme", ":path", ":authority"] {
        refuses(without(sample(), name), ConnectRequestError::PseudoField, 400);
    }
}

#[test]
fn server_refuses_repeated_unknown_and_late_pseudo_fields_400() {
    for name in [":method", ":protocol", ":scheme", ":path", ":authority"] {
        let mut fields = sample();
        let again = fields.iter().find(|field| field.0 == name).unwrap().clone();
        fields.insert(0, again);
        refuses(fields, ConnectRequestError::PseudoField, 400);
    }
    for name in [":status", ":x", ":", ":Method"] {
        let mut fields = sample();
        fields.insert(0, (name.to_owned(), "x".to_owned()));
        refuses(fields, ConnectRequestError::PseudoField, 400);
    }
    refuses(with(without(sample(), ":path"), ":path", "/"), ConnectRequestError::PseudoField, 400);
}

#[test]
fn server_refuses_malformed_target_400() {
    for scheme in ["", "ws", "wss", "ftp"] {
        refuses(set(sample(), ":scheme", scheme), ConnectRequestError::Scheme, 400);
    }
    for path in ["", "chat", "*", "http://a/", "/a b", "/a#b", "/\u{e9}"] {
        refuses(set(sample(), ":path", path), ConnectRequestError::Path, 400);
    }
    for authority in ["", ":80", "a b", "user@a", "a:b", "[::1"] {
        refuses(set(sample(), ":authority", authority), ConnectRequestError::Authority, 400);
    }
}

#[test]
fn server_refuses_contradictory_host_400() {
    refuses(with(sample(), "host", "other.example.com"), ConnectRequestError::Authority, 400);
    let same = with(sample(), "host", "Server.Example.com");
    assert!(ConnectRequest::decode(octets(&same)).is_ok());
    refuses(with(same, "host", "server.example.com"), ConnectRequestError::Authority, 400);
}

#[test]
fn server_refuses_fields_of_a_connection_400() {
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("keep-alive", "5"),
        ("proxy-connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
    ] {
        refuses(with(sample(), name, value), ConnectRequestError::ConnectionField, 400);
    }
    assert!(ConnectRequest::decode(octets(&with(sample(), "te", "trailers"))).is_ok());
}

#[test]
fn server_refuses_names_and_values_that_the_stream_cannot_have_400() {
    for name in ["Origin", "x y", "", "caf\u{e9}", "x:"] {
        refuses(with(sample(), name, "x"), ConnectRequestError::FieldName, 400);
    }
    for value in ["a\r\nb", "a\0", " a", "a\t"] {
        refuses(with(sample(), "x", value), ConnectRequestError::FieldValue, 400);
    }
}

#[test]
fn server_ignores_the_key() {
    let fields = with(sample(), "sec-websocket-key", "not a key");
    let request = ConnectRequest::decode(octets(&fields)).unwrap();
    let accepted = request.accept(&Acceptance::new()).unwrap();
    assert_eq!(accepted.fields().count(), 0);
}

#[test]
fn server_wants_version_13_and_says_so() {
    for (fields, error) in [
        (without(sample(), "sec-websocket-version"), RequestError::MissingVersion),
        (set(sample(), "sec-websocket-version", "8"), RequestError::UnsupportedVersion),
        (set(sample(), "sec-websocket-version", "013"), RequestError::InvalidVersion),
        (with(sample(), "sec-websocket-version", "13"), RequestError::RepeatedVersion),
    ] {
        refuses(fields, ConnectRequestError::Field(error), 400);
        assert_eq!(ConnectRequestError::Field(error).fields(), [("sec-websocket-version", "13")]);
    }
    assert!(ConnectRequestError::UnknownProtocol.fields().is_empty());
}

#[test]
fn server_keeps_the_rules_of_the_other_fields() {
    for (name, value, error) in [
        ("sec-websocket-protocol", "a b", RequestError::InvalidSubprotocols),
        ("sec-websocket-extensions", "x=", RequestError::InvalidExtensions),
        ("origin", "https://a", RequestError::RepeatedOrigin),
    ] {
        refuses(with(sample(), name, value), ConnectRequestError::Field(error), 400);
    }
}

#[test]
fn server_accepts_with_200() {
    let fields = sample();
    let request = ConnectRequest::decode(octets(&fields)).unwrap();
    let extra = [Field::new("set-cookie", "a=1")];
    let acceptance = Acceptance::new().with_subprotocol("chat").with_fields(&extra);
    let accepted = request.accept(&acceptance).unwrap();
    assert_eq!(accepted.status(), 200);
    assert_eq!(accepted.established().subprotocol, Some("chat"));
    let sent: Vec<_> = accepted.fields().map(|(name, value)| (name, value.to_vec())).collect();
    assert_eq!(
        sent,
        [("sec-websocket-protocol", b"chat".to_vec()), ("set-cookie", b"a=1".to_vec())]
    );
    let unoffered = request.accept(&Acceptance::new().with_subprotocol("x"));
    assert_eq!(unoffered.unwrap_err(), HandshakeMisuse::UnofferedSubprotocol);
}

// The client's check

#[test]
fn client_opens_with_any_2xx() {
    for status in [200, 201, 299] {
        assert!(matches!(check(offer("ws://a"), status, &[]), ConnectAnswered::Open(_)));
    }
    let offer = offer("ws://a").with_subprotocols(&["chat"]);
    match check(offer, 200, &[(":status", "200"), ("sec-websocket-protocol", "chat")]) {
        ConnectAnswered::Open(established) => assert_eq!(established.subprotocol, Some("chat")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn client_takes_other_statuses_for_refusals() {
    for status in [300, 401, 404, 501, 599] {
        assert_eq!(check(offer("ws://a"), status, &[]), ConnectAnswered::Refused(status));
    }
    for status in [100, 103, 199] {
        assert_eq!(check(offer("ws://a"), status, &[]), ConnectAnswered::Interim);
    }
    for status in [0, 99, 101, 600] {
        let failed = ConnectAnswered::Failed(ResponseError::Status);
        assert_eq!(check(offer("ws://a"), status, &[]), failed);
    }
}

#[test]
fn client_knows_what_each_status_means() {
    for status in 0..=1000 {
        let answered = check(offer("ws://a"), status, &[]);
        let fits = match status {
            101 => answered == ConnectAnswered::Failed(ResponseError::Status),
            100..=199 => answered == ConnectAnswered::Interim,
            200..=299 => matches!(answered, ConnectAnswered::Open(_)),
            300..=599 => answered == ConnectAnswered::Refused(status),
            _ => answered == ConnectAnswered::Failed(ResponseError::Status),
        };
        assert!(fits, "{status}: {answered:?}");
    }
}

#[test]
fn client_ignores_sec_websocket_accept() {
    let answer = check(offer("ws://a"), 200, &[("sec-websocket-accept", "nonsense")]);
    assert!(matches!(answer, ConnectAnswered::Open(_)));
}

#[test]
fn client_fails_with_what_it_did_not_offer() {
    let offer = offer("ws://a").with_subprotocols(&["chat"]);
    for (fields, error) in [
        (&[("sec-websocket-protocol", "x")][..], ResponseError::UnofferedSubprotocol),
        (
            &[("sec-websocket-protocol", "chat"), ("sec-websocket-protocol", "chat")],
            ResponseError::RepeatedSubprotocol,
        ),
        (
            &[("sec-websocket-extensions", "permessage-deflate")],
            ResponseError::Extensions(AnswerError::NotOffered),
        ),
        (&[("connection", "upgrade")], ResponseError::ConnectionField),
        (&[("upgrade", "websocket")], ResponseError::ConnectionField),
        (&[("Server", "x")], ResponseError::Field),
        (&[(":path", "x")], ResponseError::Field),
        (&[("x", "a\nb")], ResponseError::Field),
    ] {
        assert_eq!(check(offer, 200, fields), ConnectAnswered::Failed(error), "{fields:?}");
    }
}

#[test]
fn values_are_written_all_or_nothing() {
    let opening = ConnectOpening::new(offer("wss://example.com:8443/chat")).unwrap();
    for (_, value) in opening.fields() {
        let expected = value.to_vec();
        let mut out = vec![0; expected.len()];
        assert_eq!(value.encode(&mut out), Ok(expected.len()));
        assert_eq!(out, expected);
        assert_eq!(value.encode(&mut out[1..]), Err(HandshakeMisuse::BufferTooSmall));
    }
}

#[cfg(feature = "deflate")]
#[test]
fn both_agree_on_deflate() {
    use sockless::extension::Supported;
    use sockless::extension::deflate::Terms;
    let mut supported = Supported::default();
    supported.deflate = Some(Terms::default());
    let opening = ConnectOpening::new(offer("ws://a").with_extensions(supported)).unwrap();
    let fields = sent(&opening);
    let request = ConnectRequest::decode(octets(&fields)).unwrap();
    let accepted = request.accept(&Acceptance::new().with_extensions(supported)).unwrap();
    assert!(!accepted.established().extensions.is_empty());
    let answer: Vec<_> =
        accepted.fields().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    let answer = answer.iter().map(|(name, value)| (name.as_bytes(), &value[..]));
    assert_eq!(opening.check(200, answer), ConnectAnswered::Open(accepted.established()));
}
