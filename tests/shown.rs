//! What errors and values show: no two errors have the same message, and nothing that a log might keep shows a payload, a key, or
//! the value of a header field.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]
#![cfg(all(feature = "alloc", feature = "handshake"))]

use std::collections::HashSet;
use std::error::Error;
use std::fmt::Debug;

use sockless::connection::{ControlPayload, Failure, Reply, SendError};
use sockless::extension::AnswerError;
use sockless::extension::header::{Malformed, elements};
use sockless::frame::{Decoder, Encoder, Limits, Misuse, Violation};
use sockless::handshake::{self, connect};
use sockless::handshake::{
    Acceptance, Acceptor, Answered, Asked, Connector, Field, Offer, Refusal, RequestError,
    ResponseError, Url, UrlError,
};
use sockless::message::{Text, Utf8Bytes};
use sockless::{Client, Config, Event, Input, Message, Prepared, Receiver, Sender, Server};

use crate::heads;
use crate::wire::*;

// Errors

const VIOLATIONS: [Violation; 16] = [
    Violation::ReservedBits,
    Violation::ReservedOpcode,
    Violation::UnmaskedFrame,
    Violation::MaskedFrame,
    Violation::NonMinimalLength,
    Violation::LengthOverflow,
    Violation::FragmentedControl,
    Violation::LongControl,
    Violation::UnexpectedContinuation,
    Violation::InterruptedMessage,
    Violation::TruncatedCloseCode,
    Violation::ForbiddenCloseCode,
    Violation::InvalidText,
    Violation::InvalidReason,
    Violation::FrameTooLong,
    Violation::MessageTooLong,
];

const MISUSES: [Misuse; 11] = [
    Misuse::Closed,
    Misuse::MessageOpen,
    Misuse::NoMessage,
    Misuse::OtherKind,
    Misuse::FrameOpen,
    Misuse::FrameOverrun,
    Misuse::LongControl,
    Misuse::LongReason,
    Misuse::ReasonWithoutCode,
    Misuse::LengthOverflow,
    Misuse::InvalidText,
];

const MALFORMED: [Malformed; 6] = [
    Malformed::MissingToken,
    Malformed::UnterminatedString,
    Malformed::QuotedNonToken,
    Malformed::MissingSeparator,
    Malformed::NoElement,
    Malformed::TooManyEmptyElements,
];

const REQUEST_ERRORS: [RequestError; 32] = [
    RequestError::BareLineFeed,
    RequestError::BareCarriageReturn,
    RequestError::Control,
    RequestError::FoldedLine,
    RequestError::EmptyLines,
    RequestError::HeadTooLong,
    RequestError::TooManyFields,
    RequestError::RequestLine,
    RequestError::Field,
    RequestError::HttpVersion,
    RequestError::Method,
    RequestError::Target,
    RequestError::MissingHost,
    RequestError::RepeatedHost,
    RequestError::InvalidHost,
    RequestError::RepeatedOrigin,
    RequestError::InvalidOrigin,
    RequestError::Body,
    RequestError::InvalidContentLength,
    RequestError::PlainRequest,
    RequestError::MissingVersion,
    RequestError::RepeatedVersion,
    RequestError::InvalidVersion,
    RequestError::UnsupportedVersion,
    RequestError::MissingConnection,
    RequestError::MissingKey,
    RequestError::RepeatedKey,
    RequestError::InvalidKey,
    RequestError::InvalidSubprotocols,
    RequestError::InvalidExtensions,
    RequestError::Timeout,
    RequestError::Truncated,
];

#[track_caller]
fn have_messages_of_their_own<E: Error>(errors: &[E]) {
    let messages: HashSet<String> = errors.iter().map(E::to_string).collect();
    assert_eq!(messages.len(), errors.len(), "{messages:?}");
    for message in messages {
        // A part of a sentence, to be put after a colon.
        assert!(message.len() > 10, "{message}");
        assert!(message.is_ascii() && !message.ends_with('.'), "{message}");
    }
}

#[test]
fn errors_have_messages_of_their_own() {
    have_messages_of_their_own(&VIOLATIONS);
    have_messages_of_their_own(&MISUSES);
    have_messages_of_their_own(&MALFORMED);
    have_messages_of_their_own(&REQUEST_ERRORS);
    have_messages_of_their_own(&[
        Failure::CorruptMessage,
        Failure::Unresponsive,
        Failure::EndOfStream,
        Violation::ReservedBits.into(),
    ]);
    have_messages_of_their_own(&[SendError::QueueFull, SendError::Failed, Misuse::Closed.into()]);
    have_messages_of_their_own(&[
        AnswerError::NotOffered,
        AnswerError::Repeated,
        AnswerError::InvalidParameter,
        AnswerError::NotAsOffered,
        Malformed::NoElement.into(),
    ]);
    have_messages_of_their_own(&[
        ResponseError::BareLineFeed,
        ResponseError::BareCarriageReturn,
        ResponseError::Control,
        ResponseError::FoldedLine,
        ResponseError::HeadTooLong,
        ResponseError::TooManyFields,
        ResponseError::StatusLine,
        ResponseError::Field,
        ResponseError::Status,
        ResponseError::HttpVersion,
        ResponseError::TooManyInterims,
        ResponseError::Body,
        ResponseError::MissingUpgrade,
        ResponseError::RepeatedUpgrade,
        ResponseError::InvalidUpgrade,
        ResponseError::MissingConnection,
        ResponseError::RepeatedConnection,
        ResponseError::MissingAccept,
        ResponseError::RepeatedAccept,
        ResponseError::WrongAccept,
        ResponseError::RepeatedSubprotocol,
        ResponseError::UnofferedSubprotocol,
        ResponseError::Extensions(AnswerError::Repeated),
        ResponseError::ConnectionField,
        ResponseError::Timeout,
        ResponseError::Truncated,
    ]);
    have_messages_of_their_own(&[
        handshake::HandshakeMisuse::FieldName,
        handshake::HandshakeMisuse::FieldValue,
        handshake::HandshakeMisuse::OwnedField,
        handshake::HandshakeMisuse::UpperCaseName,
        handshake::HandshakeMisuse::Origin,
        handshake::HandshakeMisuse::Subprotocol,
        handshake::HandshakeMisuse::RepeatedSubprotocol,
        handshake::HandshakeMisuse::UnofferedSubprotocol,
        handshake::HandshakeMisuse::PlainRequest,
        handshake::HandshakeMisuse::Status,
        handshake::HandshakeMisuse::Body,
        handshake::HandshakeMisuse::BufferTooSmall,
    ]);
    have_messages_of_their_own(&[
        UrlError::Scheme,
        UrlError::UserInfo,
        UrlError::Host,
        UrlError::Port,
        UrlError::Path,
        UrlError::Query,
        UrlError::Fragment,
    ]);
    have_messages_of_their_own(&[
        connect::ConnectRequestError::NotExtended,
        connect::ConnectRequestError::UnknownProtocol,
        connect::ConnectRequestError::PseudoField,
        connect::ConnectRequestError::Scheme,
        connect::ConnectRequestError::Authority,
        connect::ConnectRequestError::Path,
        connect::ConnectRequestError::FieldName,
        connect::ConnectRequestError::FieldValue,
        connect::ConnectRequestError::ConnectionField,
        connect::ConnectRequestError::Field(RequestError::MissingVersion),
    ]);
    have_messages_of_their_own(&[connect::SettingError::Value, connect::SettingError::Withdrawn]);
}

#[test]
fn errors_that_carry_another_pass_on_its_message() {
    for violation in VIOLATIONS {
        let failure = Failure::from(violation);
        assert_eq!(failure.to_string(), violation.to_string());
        assert_eq!(failure.source().unwrap().to_string(), violation.to_string());
    }
    for misuse in MISUSES {
        assert_eq!(SendError::from(misuse).to_string(), misuse.to_string());
    }
    for malformed in MALFORMED {
        assert_eq!(AnswerError::from(malformed).to_string(), malformed.to_string());
        let error = ResponseError::Extensions(malformed.into());
        assert_eq!(error.source().unwrap().to_string(), malformed.to_string());
    }
    for error in REQUEST_ERRORS {
        assert_eq!(connect::ConnectRequestError::from(error).to_string(), error.to_string());
    }
    assert!(Failure::EndOfStream.source().is_none());
    assert!(ResponseError::Timeout.source().is_none());
}

fn refused_message_says_why<R: Tested>() {
    let mut conn = R::open(Config::default().with_output_limits(0, 0));
    let refused = conn.send("secret").unwrap_err();
    assert_eq!(refused.message, Message::from("secret"));
    assert_eq!(refused.to_string(), SendError::QueueFull.to_string());
}

in_both_roles!(refused_message_says_why, connection_shows_no_payload, replies_show_no_payload);

// Frames, messages and connections

#[track_caller]
fn shows(value: &impl Debug, shown: &str) {
    assert_eq!(format!("{value:?}"), shown);
}

/// What a half shows: no payload of what it has received or queued, but whether an extension is in use.
fn connection_shows_no_payload<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("secret").unwrap();
    conn.ping(b"secret", START).unwrap();
    feed(&mut conn, &peer::<R>(TEXT, b"secret")[..12 - if R::MASKS { 6 } else { 2 }]);
    let queued = conn.queued();
    let shown = format!("{conn:?}");
    assert!(!shown.contains("secret"), "{shown}");
    let (receiver, sender) = conn.split();
    shows(&sender, &format!("Sender {{ state: Open, queued: {queued} }}"));
    let shown = format!("{receiver:?}");
    for part in
        ["Receiver { ", "ReceiveTransform { extension: false }", "Assembler { len: ", "InFlight { "]
    {
        assert!(shown.contains(part), "{shown}");
    }
}

fn replies_show_no_payload<R: Tested>() {
    let payload = ControlPayload::new(b"secret").unwrap();
    shows(&payload, "ControlPayload { len: 6 }");
    shows(&Reply::Pong(payload), "Pong(ControlPayload { len: 6 })");
    let mut receiver = Receiver::<R>::new(Config::default());
    let mut bytes = peer::<R>(FIN | PING, b"secret");
    let received = receiver.poll(&mut Input::new(&mut bytes), START).unwrap();
    assert!(!format!("{received:?}").contains("secret"));
    let mut bytes = peer::<R>(FIN | PING, b"secret");
    let half = bytes.len() - 4;
    assert!(receiver.poll(&mut Input::new(&mut bytes[..half]), START).is_none());
    assert!(format!("{receiver:?}").contains("InFlight { arriving: 2, pings: 0 }"));
}

#[cfg(feature = "deflate")]
#[test]
fn halves_show_whether_an_extension_is_in_use() {
    use sockless::extension::{Supported, deflate};
    let supported = Supported::default().with_deflate(deflate::Terms::default());
    let agreed = supported.accept([&b"permessage-deflate"[..]]).unwrap();
    let receiver = Receiver::<Server>::new(Config::default()).with_extensions(agreed);
    assert!(format!("{receiver:?}").contains("ReceiveTransform { extension: true }"));
}

#[test]
fn messages_show_no_payload() {
    shows(&Message::from("secret"), "Text { len: 6 }");
    shows(&Message::from(&b"\x01\x02"[..]), "Binary { len: 2 }");
    shows(&Utf8Bytes::from("secret"), "Utf8Bytes { len: 6 }");
    shows(&Prepared::text("secret"), "Prepared { kind: Text, payload_len: 6 }");
    let mut bytes = peer::<Server>(FIN | TEXT, b"secret");
    let mut conn = open::<Server>();
    match conn.poll(&mut Input::new(&mut bytes), START) {
        Some(Event::Text(text)) => {
            shows(&text, "Text { len: 6 }");
            shows(&text.into_payload(), "Payload { len: 6 }");
        }
        other => panic!("{other:?}"),
    }
}

/// With `{:#?}` the beginning is shown, cut where a character ends, so that a failed comparison says something.
#[test]
fn messages_show_their_beginning_where_it_is_asked_for() {
    let begins = |value: &dyn Debug| {
        let shown = format!("{value:#?}");
        let line = shown.lines().find_map(|line| line.trim().strip_prefix("begins: "));
        line.unwrap_or_else(|| panic!("{shown}")).trim_end_matches(',').to_owned()
    };
    assert_eq!(begins(&Message::from("it \"says\"\n")), r#""it \"says\"\n""#);
    assert_eq!(begins(&Message::from(&b"\x00\xFFab\n"[..])), r#"b"\x00\xffab\n""#);
    // 63 octets, and a character of two more.
    let cut = format!("{}é and more", "a".repeat(63));
    assert_eq!(begins(&Utf8Bytes::from(cut)), format!("{:?}", "a".repeat(63)));
    assert_eq!(begins(&Message::from(vec![b'b'; 1000])), format!("b{:?}", "b".repeat(64)));
    let mut bytes = peer::<Server>(FIN | TEXT, "größer".as_bytes());
    let mut conn = open::<Server>();
    let mut input = Input::new(&mut bytes);
    let Some(Event::Text(text)) = conn.poll(&mut input, START) else { panic!() };
    assert_eq!(begins(&text), r#""größer""#);
    assert_eq!(begins(&text.into_payload()), r#"b"gr\xc3\xb6\xc3\x9fer""#);
}

#[test]
fn text_displays_as_a_str_does() {
    let shared = Utf8Bytes::from("text");
    assert_eq!(format!("{shared:>6}|{shared:.2}"), "  text|te");
    let mut bytes = peer::<Server>(FIN | TEXT, b"text");
    let mut conn = open::<Server>();
    let mut input = Input::new(&mut bytes);
    let Some(Event::Text(text)) = conn.poll(&mut input, START) else { panic!() };
    assert_eq!(format!("{text:>6}|{text:.2}"), "  text|te");
    let shown: &Text<'_> = &text;
    assert_eq!(shown.to_string(), "text");
}

#[test]
fn frames_show_no_payload() {
    let mut bytes = peer::<Server>(FIN | TEXT, b"secret");
    let mut input = Input::new(&mut bytes);
    shows(&input, "Input { len: 12, eof: false }");
    shows(&Input::eof(), "Input { len: 0, eof: true }");
    let mut decoder = Decoder::<Server>::new();
    let piece = decoder.decode(&mut input, &Limits::default()).unwrap().unwrap();
    let shown = format!("{piece:?}");
    assert!(shown.starts_with("Piece { opcode: Text, fin: true"), "{shown}");
    assert!(shown.ends_with("len: 6, remaining: 0 }"), "{shown}");
    let pong = Encoder::<Server>::new().pong(b"secret", ()).unwrap();
    let shown = format!("{pong:?}");
    assert!(shown.starts_with("ControlFrame") && shown.contains('8'), "{shown}");
    assert!(!shown.contains("secret"));
}

#[test]
fn borrowed_message_shows_no_payload() {
    let mut sender = Sender::<Server>::new(Config::default(), ());
    let borrowed = sender.send_binary_borrowed(b"secret").unwrap();
    shows(&borrowed, "Borrowed { len: 6, done: 0 }");
}

#[cfg(feature = "getrandom")]
#[test]
fn generator_shows_no_state() {
    shows(&sockless::connection::Generator::from_seed([7; 32]), "Generator");
}

// The handshake

#[test]
fn server_shows_of_a_head_what_is_no_secret() {
    let head = heads::Head::new("GET /a?token=secret HTTP/1.1")
        .with("Host", "h")
        .with("Cookie", "secret")
        .with("Upgrade", "websocket")
        .with("Connection", "Upgrade")
        .with("Sec-WebSocket-Key", heads::KEY)
        .with("Sec-WebSocket-Version", "13")
        .bytes();
    let mut acceptor = Acceptor::new(&handshake::HeadLimits::default(), START);
    assert!(acceptor.poll(&mut heads::arriving(&head[..100]), START).is_none());
    assert!(format!("{acceptor:?}").contains("HeadBuffer(100 bytes)"), "{acceptor:?}");
    let Some(Asked::WebSocket(request)) = acceptor.poll(&mut heads::arriving(&head[100..]), START)
    else {
        panic!()
    };
    let names = "[Host: (1 bytes), Cookie: (6 bytes), Upgrade: (9 bytes), Connection: (7 bytes), \
        Sec-WebSocket-Key: (24 bytes), Sec-WebSocket-Version: (2 bytes)]";
    shows(&request, &format!("Request {{ path: \"/a\", upgrade: true, fields: {names} }}"));

    let fields = [Field::new("Set-Cookie", "secret")];
    let switching = request.accept(&Acceptance::new().with_fields(&fields)).unwrap();
    let established = switching.established();
    let fields_shown = "[Set-Cookie: (6 bytes)]";
    shows(
        &switching,
        &format!("Switching {{ established: {established:?}, fields: {fields_shown} }}"),
    );
    let refusal = Refusal::new(403, &fields, b"secret").unwrap();
    shows(&refusal, &format!("Refusal {{ status: 403, fields: {fields_shown}, body: 6 }}"));
}

#[test]
fn client_shows_of_a_head_what_is_no_secret() {
    let url = Url::parse("wss://example.com/a?token=secret").unwrap();
    let shown =
        "Url { secure: true, host: \"example.com\", port: 443, path: \"/a\", .. }".to_string();
    shows(&url, &shown);
    let offer = Offer::new(url);
    let mut connector =
        Connector::with_nonce(offer, heads::NONCE, &handshake::HeadLimits::default(), START)
            .unwrap();
    let opening = connector.request();
    shows(&opening, &format!("Opening {{ offer: {offer:?}, .. }}"));
    assert!(format!("{connector:?}").contains("key: Key, "), "{connector:?}");
    let bytes = b"HTTP/1.1 401 Unauthorized\r\nSet-Cookie: secret\r\n\r\nsecret";
    let Some(Answered::Refused(response)) = connector.poll(&mut heads::arriving(bytes), START)
    else {
        panic!()
    };
    shows(&response, "Response { status: 401, fields: [Set-Cookie: (6 bytes)], body: 6 }");
}

#[test]
fn extended_connect_shows_no_values() {
    let fields: [(&[u8], &[u8]); 6] = [
        (b":method", b"CONNECT"),
        (b":protocol", b"websocket"),
        (b":scheme", b"https"),
        (b":path", b"/a?token=secret"),
        (b":authority", b"h"),
        (b"sec-websocket-version", b"13"),
    ];
    let request = connect::ConnectRequest::decode(fields).unwrap();
    shows(&request, "ConnectRequest { secure: true, authority: \"h\", .. }");
    let opening =
        connect::ConnectOpening::new(Offer::new(Url::parse("ws://h/secret").unwrap())).unwrap();
    let (_, path) = opening.fields().find(|field| field.0 == ":path").unwrap();
    shows(&path, "(7 bytes)");
}

#[test]
fn value_of_a_parameter_shows_the_token() {
    let field: &[u8] = b"x; y=\"a\\b\"";
    let element = elements([field]).next().unwrap().unwrap();
    let value = element.params().next().unwrap().value().unwrap();
    shows(&value, "\"ab\"");
    assert_eq!(value.to_string(), "ab");
}

#[test]
fn roles_are_shown() {
    // Both halves can be shown in both roles, before anything has happened.
    shows(&Sender::<Server>::new(Config::default(), ()), "Sender { state: Open, queued: 0 }");
    let sender = Sender::<Client>::new(Config::default(), Client::keys());
    shows(&sender, "Sender { state: Open, queued: 0 }");
}
