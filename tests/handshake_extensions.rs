//! Extensions in the handshake: what is offered, chosen, answered and checked (RFC 6455, sections 4.2.2, 9.1 and 11.3.2).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "deflate")]

use std::time::Duration;

use sockless::extension::deflate::Terms;
use sockless::extension::{AnswerError, Supported};
use sockless::handshake::{
    Acceptance, Answered, Connector, HeadLimits, Offer, Request, ResponseError, Url,
};

use crate::heads::{Head, NONCE, arriving};

const NOW: Duration = Duration::ZERO;

fn supported() -> Supported {
    let mut supported = Supported::default();
    supported.deflate = Some(Terms::default());
    supported
}

fn connector(supported: Supported) -> Connector<'static, 'static> {
    let offer = Offer::new(Url::parse("ws://a").unwrap()).with_extensions(supported);
    Connector::with_nonce(offer, NONCE, &HeadLimits::default(), NOW).unwrap()
}

/// The answer of a server that supports deflate.
fn answer(head: &Head) -> String {
    let bytes = head.bytes();
    let (request, _) = Request::decode(&bytes, &HeadLimits::default()).unwrap();
    let switching = request.accept(&Acceptance::new().with_extensions(supported())).unwrap();
    String::from_utf8(switching.to_vec()).unwrap()
}

#[test]
fn client_offers_registered_extension_with_parameters_of_its_own() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //= type=test
    //# Any extension-token used MUST be a registered token (see
    //# Section 11.4).  The parameters supplied with any given extension MUST
    //# be defined for that extension.
    let request = String::from_utf8(connector(supported()).request().to_vec()).unwrap();
    let line = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    assert!(request.contains(&format!("\r\n{line}\r\n")), "{request}");
}

#[test]
fn server_answers_with_one_field_chosen_from_the_offers() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //= type=test
    //# If the server supports multiple
    //# extensions, then the value MUST be derived from the
    //# client's handshake, specifically by selecting one or more of
    //# the values from the |Sec-WebSocket-Extensions| field.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.2
    //= type=test
    //# However, the |Sec-WebSocket-Extensions| header field MUST NOT appear
    //# more than once in an HTTP response.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9
    //= type=test
    //# If extension parameters are included in negotiations
    //# between the client and the server, those parameters MUST be chosen in
    //# accordance with the specification of the extension to which the
    //# parameters apply.
    let head = Head::request()
        .with("Sec-WebSocket-Extensions", "foo; bar=1")
        .with("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=\"10\"")
        .with("Sec-WebSocket-Extensions", "permessage-deflate");
    let answer = answer(&head);
    assert_eq!(answer.matches("Sec-WebSocket-Extensions").count(), 1, "{answer}");
    let line = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10";
    assert!(answer.contains(&format!("\r\n{line}\r\n")), "{answer}");
}

#[test]
fn server_that_supports_extensions_answers_none_that_was_not_offered() {
    assert!(!answer(&Head::request()).contains("Extensions"));
    let head = Head::request().with("Sec-WebSocket-Extensions", "x-webkit-deflate-frame");
    assert!(!answer(&head).contains("Extensions"));
}

#[test]
fn both_agree() {
    let mut client = connector(supported());
    let bytes = client.request().to_vec();
    let (request, _) = Request::decode(&bytes, &HeadLimits::default()).unwrap();
    let switching = request.accept(&Acceptance::new().with_extensions(supported())).unwrap();
    let answer = switching.to_vec();
    match client.poll(&mut arriving(&answer), NOW) {
        Some(Answered::Open { established, .. }) => {
            assert!(established.extensions.deflate.is_some());
            assert_eq!(established, switching.established());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn client_joins_repeated_extension_fields() {
    let head = Head::response()
        .with("Sec-WebSocket-Extensions", "permessage-deflate")
        .with("Sec-WebSocket-Extensions", ",");
    assert!(matches!(
        connector(supported()).poll(&mut arriving(&head.bytes()), NOW),
        Some(Answered::Open { established, .. }) if established.extensions.deflate.is_some()
    ));
    let twice = head.with("Sec-WebSocket-Extensions", "permessage-deflate");
    assert!(matches!(
        connector(supported()).poll(&mut arriving(&twice.bytes()), NOW),
        Some(Answered::Failed(ResponseError::Extensions(AnswerError::Repeated)))
    ));
}

#[test]
fn client_without_answer_about_extensions_uses_none() {
    let head = Head::response().bytes();
    match connector(supported()).poll(&mut arriving(&head), NOW) {
        Some(Answered::Open { established, .. }) => assert!(established.extensions.is_empty()),
        other => panic!("{other:?}"),
    }
}
