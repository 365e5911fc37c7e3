//! The handshake with the types of the `http` crate.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "http")]

use std::time::Duration;

use sockless::handshake::{
    Acceptance, Connector, Field, HandshakeMisuse, HeadLimits, Offer, Refusal, Request,
    RequestError, Response, ResponseError, Upgrade, Url,
};

use crate::heads::{self, ACCEPT, Head, KEY, NONCE};

const NOW: Duration = Duration::ZERO;

fn request() -> http::request::Builder {
    http::Request::get("/chat")
        .header("host", "server.example.com")
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-key", KEY)
        .header("sec-websocket-version", "13")
}

fn connector(subprotocols: &'static [&'static str]) -> Connector<'static, 'static> {
    let offer = Offer::new(Url::parse("ws://server.example.com/chat?x=1").unwrap());
    let offer = offer.with_subprotocols(subprotocols);
    Connector::with_nonce(offer, NONCE, &HeadLimits::default(), NOW).unwrap()
}

#[test]
fn server_upgrades_request_of_another_http_server() {
    let request = request()
        .header("sec-websocket-protocol", "a, b")
        .header("sec-websocket-protocol", "c")
        .body(())
        .unwrap();
    let upgrade = Upgrade::check(&request).unwrap();
    assert!(upgrade.subprotocols().eq(["a", "b", "c"]));
    let subprotocol = upgrade.choose_subprotocol(&["c"]);
    let fields = [Field::new("set-cookie", "a=1"), Field::new("set-cookie", "b=2")];
    let acceptance = Acceptance::new().with_subprotocol(subprotocol).with_fields(&fields);
    let switching = upgrade.accept(&acceptance).unwrap();
    assert_eq!(switching.established().subprotocol, Some("c"));
    let response = http::Response::try_from(&switching).unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["upgrade"], "websocket");
    assert_eq!(response.headers()["connection"], "Upgrade");
    assert_eq!(response.headers()["sec-websocket-accept"], ACCEPT);
    assert_eq!(response.headers()["sec-websocket-protocol"], "c");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    let unoffered = Acceptance::new().with_subprotocol("x");
    assert_eq!(upgrade.accept(&unoffered).unwrap_err(), HandshakeMisuse::UnofferedSubprotocol);
}

#[test]
fn server_goes_on_where_it_was_with_a_clone_of_the_subprotocols() {
    let request = request()
        .header("sec-websocket-protocol", "a")
        .header("sec-websocket-protocol", "b")
        .header("sec-websocket-protocol", "c")
        .body(())
        .unwrap();
    let upgrade = Upgrade::check(&request).unwrap();
    let mut subprotocols = upgrade.subprotocols();
    for name in ["a", "b", "c"] {
        let ahead: Vec<_> = subprotocols.clone().collect();
        assert_eq!(ahead.first(), Some(&name));
        assert_eq!(ahead.last(), Some(&"c"));
        assert_eq!(subprotocols.next(), Some(name));
    }
    assert_eq!(subprotocols.clone().next(), None);
}

#[test]
fn server_keeps_the_rules_for_another_http_server() {
    let with = |name: &str, value: &str| request().header(name, value).body(()).unwrap();
    for (request, error) in [
        (request().method("POST").body(()).unwrap(), RequestError::Method),
        (request().version(http::Version::HTTP_10).body(()).unwrap(), RequestError::HttpVersion),
        (request().version(http::Version::HTTP_2).body(()).unwrap(), RequestError::HttpVersion),
        (http::Request::get("/").header("host", "a").body(()).unwrap(), RequestError::PlainRequest),
        (http::Request::get("/").body(()).unwrap(), RequestError::MissingHost),
        (with("host", "a"), RequestError::RepeatedHost),
        (with("sec-websocket-key", KEY), RequestError::RepeatedKey),
        (with("sec-websocket-version", "13"), RequestError::RepeatedVersion),
        (with("content-length", "5"), RequestError::Body),
        (with("sec-websocket-protocol", "a b"), RequestError::InvalidSubprotocols),
        (with("sec-websocket-extensions", "x="), RequestError::InvalidExtensions),
    ] {
        assert_eq!(Upgrade::check(&request).unwrap_err(), error);
    }
}

#[test]
fn refusals_convert() {
    let response = http::Response::try_from(RequestError::UnsupportedVersion).unwrap();
    assert_eq!(response.status(), 426);
    assert_eq!(response.headers()["sec-websocket-version"], "13");
    let fields = [Field::new("retry-after", "5")];
    let refusal = Refusal::new(503, &fields, b"later").unwrap();
    let response = http::Response::try_from(&refusal).unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(response.body(), b"later");
}

#[test]
fn requests_convert() {
    let bytes = heads::CHROMIUM.as_bytes();
    let (request, _) = Request::decode(bytes, &HeadLimits::default()).unwrap();
    let converted = http::Request::try_from(&request).unwrap();
    assert_eq!(converted.uri(), "/live?room=7");
    assert_eq!(converted.headers().len(), 14);
    assert_eq!(converted.headers()["origin"], "https://www.example.com");
    assert!(Upgrade::check(&converted).is_ok());
    let strange = Head::request().start("GET /a\"b HTTP/1.1").bytes();
    let (request, _) = Request::decode(&strange, &HeadLimits::default()).unwrap();
    // In either direction, nothing is added.
    if let Ok(converted) = http::Request::try_from(&request) {
        assert_eq!(converted.uri(), "/a\"b");
    }
}

#[test]
fn client_sends_and_checks_by_another_http_client() {
    let connector = connector(&["chat"]);
    let request = http::Request::try_from(&connector.request()).unwrap();
    assert_eq!(request.method(), "GET");
    assert_eq!(request.uri(), "/chat?x=1");
    let switching = Upgrade::check(&request)
        .unwrap()
        .accept(&Acceptance::new().with_subprotocol("chat"))
        .unwrap();
    let mut response = http::Response::try_from(&switching).unwrap();
    let established = connector.check_http(&response).unwrap();
    assert_eq!(established.subprotocol, Some("chat"));

    response.headers_mut().insert("sec-websocket-protocol", "x".parse().unwrap());
    let error = connector.check_http(&response).unwrap_err();
    assert_eq!(error, ResponseError::UnofferedSubprotocol);
    response.headers_mut().remove("sec-websocket-protocol");
    response.headers_mut().append("sec-websocket-accept", ACCEPT.parse().unwrap());
    assert_eq!(connector.check_http(&response).unwrap_err(), ResponseError::RepeatedAccept);
    *response.status_mut() = http::StatusCode::OK;
    assert_eq!(connector.check_http(&response).unwrap_err(), ResponseError::Status);
    *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    *response.version_mut() = http::Version::HTTP_10;
    assert_eq!(connector.check_http(&response).unwrap_err(), ResponseError::HttpVersion);
}

#[test]
fn responses_convert() {
    let bytes = b"HTTP/1.1 404 Not Found\r\nX: y\r\nX: z\r\n\r\npage";
    let response = Response::decode(bytes, &HeadLimits::default()).unwrap();
    let converted = http::Response::try_from(&response).unwrap();
    assert_eq!(converted.status(), 404);
    assert_eq!(converted.headers().get_all("x").iter().count(), 2);
    assert_eq!(converted.body(), b"page");
}

#[test]
fn extended_connect_goes_through_the_types_of_http() {
    use sockless::handshake::connect;
    let fields = [Field::new("cookie", "a=1")];
    let offer = Offer::new(Url::parse("wss://server.example.com:8443/chat?x=1").unwrap())
        .with_subprotocols(&["v2.chat", "chat"])
        .with_fields(&fields);
    let opening = connect::ConnectOpening::new(offer).unwrap();
    let request = http::Request::try_from(&opening).unwrap();
    assert_eq!(request.method(), "CONNECT");
    assert_eq!(request.uri(), "https://server.example.com:8443/chat?x=1");
    assert_eq!(request.headers()["sec-websocket-version"], "13");
    assert_eq!(request.headers()["cookie"], "a=1");
    assert!(!request.headers().contains_key("sec-websocket-key"));

    let seen = connect::ConnectRequest::from_http(&request, Some("websocket")).unwrap();
    assert_eq!(seen.authority(), "server.example.com:8443");
    assert_eq!(seen.target(), "/chat?x=1");
    assert!(seen.subprotocols().eq(["v2.chat", "chat"]));
    let accepted = seen.accept(&Acceptance::new().with_subprotocol("chat")).unwrap();
    let response = http::Response::try_from(&accepted).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        opening.check_http(&response),
        connect::ConnectAnswered::Open(accepted.established())
    );

    for (protocol, status) in [(None, 405), (Some("connect-udp"), 501)] {
        let error = connect::ConnectRequest::from_http(&request, protocol).unwrap_err();
        let response = http::Response::try_from(error).unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(opening.check_http(&response), connect::ConnectAnswered::Refused(status));
    }
    let mut other = request.clone();
    other.headers_mut().insert("sec-websocket-version", "8".parse().unwrap());
    let error = connect::ConnectRequest::from_http(&other, Some("websocket")).unwrap_err();
    let response = http::Response::try_from(error).unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["sec-websocket-version"]),
        (400, &"13".parse().unwrap())
    );
}
