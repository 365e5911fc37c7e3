//! Properties of the handshake in both roles: input cut anywhere, and arbitrary bytes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "alloc", feature = "handshake"))]

use std::time::Duration;

use proptest::prelude::*;
use sockless::handshake::{
    Acceptance, Acceptor, Answered, Asked, Connector, HeadLimits, Offer, Request, RequestError,
    Response, Url,
};

use crate::heads::{self, Head, NONCE, REQUESTS, RESPONSES, arriving};

const NOW: Duration = Duration::ZERO;

/// All that the server shows of a request, and where its head ended.
#[derive(Debug, PartialEq)]
enum Seen {
    More,
    Request { shown: String, end: usize },
    Response { shown: String, end: usize },
    Over(String),
}

fn show_request(request: &Request<'_>) -> String {
    let fields: Vec<_> = request.fields().map(|field| (field.name, field.value)).collect();
    let accepted = request.accept(&Acceptance::new()).map(|switching| switching.to_vec());
    let protocols: Vec<_> = request.subprotocols().collect();
    let (target, host, origin) = (request.target(), request.host(), request.origin());
    format!("{target} {host} {origin:?} {protocols:?} {fields:?} {accepted:?}")
}

/// Feeds the pieces to a server, up to the piece that completes the head.
fn ask<'p>(mut acceptor: Acceptor<'_>, pieces: impl IntoIterator<Item = &'p [u8]>) -> Seen {
    let mut before = 0;
    for piece in pieces {
        let mut input = arriving(piece);
        let asked = acceptor.poll(&mut input, NOW);
        let end = before + piece.len() - input.len();
        match asked {
            None => before = end,
            Some(Asked::Refused(error)) => return Seen::Over(format!("{error:?}")),
            Some(Asked::WebSocket(request)) => {
                assert!(request.is_upgrade());
                return Seen::Request { shown: show_request(&request), end };
            }
            Some(Asked::Plain(request)) => {
                assert!(!request.is_upgrade());
                return Seen::Request { shown: show_request(&request), end };
            }
        }
    }
    Seen::More
}

fn show_response(response: &Response<'_>) -> String {
    let fields: Vec<_> = response.fields().map(|field| (field.name, field.value)).collect();
    let versions: Vec<_> = response.versions().collect();
    format!("{} {fields:?} {versions:?}", response.status())
}

fn offer() -> Offer<'static> {
    Offer::new(Url::parse("ws://server.example.com/chat").unwrap()).with_subprotocols(&["chat"])
}

/// Feeds the pieces to a client.
fn answer<'p>(mut client: Connector<'_, '_>, pieces: impl IntoIterator<Item = &'p [u8]>) -> Seen {
    let mut before = 0;
    for piece in pieces {
        let mut input = arriving(piece);
        let answered = client.poll(&mut input, NOW);
        let end = before + piece.len() - input.len();
        match answered {
            None => before = end,
            Some(Answered::Failed(error)) => return Seen::Over(format!("{error:?}")),
            Some(Answered::Open { established, response }) => {
                let shown = format!("{established:?} {}", show_response(&response));
                assert!(response.body().is_empty());
                return Seen::Response { shown, end };
            }
            Some(Answered::Refused(response)) => {
                let end = end - response.body().len();
                assert_eq!(response.body(), &piece[end - before..]);
                let shown = show_response(&response);
                return Seen::Response { shown, end };
            }
        }
    }
    Seen::More
}

fn limits() -> HeadLimits {
    HeadLimits::default().with_head(2000).with_fields(40)
}

/// `bytes` in pieces of at most these lengths; the last length repeats.
fn cut<'b>(mut bytes: &'b [u8], lengths: &[usize]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    let mut lengths = lengths.iter().copied();
    let mut length = bytes.len();
    while !bytes.is_empty() {
        length = lengths.next().unwrap_or(length);
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
        if length == 0 {
            length = 1;
        }
    }
    pieces
}

fn check_server(bytes: &[u8], lengths: &[usize]) -> Result<(), TestCaseError> {
    let whole = ask(Acceptor::new(&limits(), NOW), [bytes]);
    let single = bytes.chunks(1);
    prop_assert_eq!(&ask(Acceptor::new(&limits(), NOW), single), &whole);
    prop_assert_eq!(&ask(Acceptor::new(&limits(), NOW), cut(bytes, lengths)), &whole);
    let mut buffer = [0; 2000];
    let lent = Acceptor::with_buffer(&limits(), NOW, &mut buffer);
    prop_assert_eq!(&ask(lent, cut(bytes, lengths)), &whole);
    // Decoding the whole head gives the same.
    let decoded = match Request::decode(bytes, &limits()) {
        Ok((request, rest)) => {
            Seen::Request { shown: show_request(&request), end: bytes.len() - rest.len() }
        }
        Err(RequestError::Truncated) => Seen::More,
        Err(error) => Seen::Over(format!("{error:?}")),
    };
    prop_assert_eq!(&decoded, &whole);
    Ok(())
}

fn check_client(bytes: &[u8], lengths: &[usize]) -> Result<(), TestCaseError> {
    let connector = || Connector::with_nonce(offer(), NONCE, &limits(), NOW).unwrap();
    let whole = answer(connector(), [bytes]);
    prop_assert_eq!(&answer(connector(), bytes.chunks(1)), &whole);
    prop_assert_eq!(&answer(connector(), cut(bytes, lengths)), &whole);
    let mut buffer = [0; 2000];
    let lent = Connector::with_buffer(offer(), NONCE, &limits(), NOW, &mut buffer).unwrap();
    prop_assert_eq!(&answer(lent, cut(bytes, lengths)), &whole);
    Ok(())
}

/// A change to a head: a position, how many bytes are removed, and what is inserted.
fn mutation() -> impl Strategy<Value = (usize, usize, Vec<u8>)> {
    let bytes = prop_oneof![
        prop::sample::select(vec![
            &b"\r\n"[..],
            b"\r",
            b"\n",
            b"\r\n\r\n",
            b" ",
            b"\t",
            b":",
            b",",
            b"\0",
            b"\"",
            b";",
            b"\r\n ",
            b"Host: a\r\n",
            b"Upgrade: websocket\r\n",
            b"Content-Length: 3\r\n",
            b"\x81\x80abcd",
        ])
        .prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    (any::<prop::sample::Index>(), 0..4usize, bytes)
        .prop_map(|(index, removed, bytes)| (index.index(1 << 16), removed, bytes))
}

fn mutate(head: &[u8], mutations: &[(usize, usize, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = head.to_vec();
    for (position, removed, inserted) in mutations {
        let start = position % (bytes.len() + 1);
        let end = (start + removed).min(bytes.len());
        bytes.splice(start..end, inserted.iter().copied());
    }
    bytes
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..200usize, 1..12)
}

fn requests() -> Vec<Vec<u8>> {
    let mut heads: Vec<_> = REQUESTS.iter().map(|(_, head)| head.as_bytes().to_vec()).collect();
    heads.push(Head::request().with("Sec-WebSocket-Protocol", "a, chat").bytes());
    heads.push(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
    heads
}

fn responses() -> Vec<Vec<u8>> {
    let mut heads: Vec<_> = RESPONSES.iter().map(|(_, head)| head.as_bytes().to_vec()).collect();
    heads.push(Head::response().with("Sec-WebSocket-Protocol", "chat").bytes());
    heads.push(b"HTTP/1.1 404 Not Found\r\nSec-WebSocket-Version: 13, 8\r\n\r\n".to_vec());
    let mut interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n".to_vec();
    interim.extend(Head::response().bytes());
    heads.push(interim);
    heads
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn server_sees_the_same_at_any_split(
        head in prop::sample::select(requests()),
        mutations in prop::collection::vec(mutation(), 0..4),
        lengths in lengths(),
    ) {
        check_server(&mutate(&head, &mutations), &lengths)?;
    }

    #[test]
    fn client_sees_the_same_at_any_split(
        head in prop::sample::select(responses()),
        mutations in prop::collection::vec(mutation(), 0..4),
        lengths in lengths(),
    ) {
        check_client(&mutate(&head, &mutations), &lengths)?;
    }

    #[test]
    fn both_see_the_same_of_any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        lengths in lengths(),
    ) {
        check_server(&bytes, &lengths)?;
        check_client(&bytes, &lengths)?;
    }

    #[test]
    fn both_see_the_same_of_heads_near_the_limits(
        fields in 0..60usize,
        filler in 0..60usize,
        lengths in lengths(),
    ) {
        let grow = |head: Head| {
            let value = "y".repeat(filler);
            (0..fields).fold(head, |head, n| head.with(&format!("X-{n}"), &value)).bytes()
        };
        check_server(&grow(Head::request()), &lengths)?;
        check_client(&grow(Head::response()), &lengths)?;
    }

    #[test]
    fn no_text_makes_the_url_parser_panic_or_pass_a_control(text in ".{0,60}") {
        for text in [text.clone(), format!("ws://{text}"), format!("wss://a/{text}")] {
            if let Ok(url) = Url::parse(&text) {
                let client =
                    Connector::with_nonce(Offer::new(url), NONCE, &HeadLimits::default(), NOW).unwrap();
                let bytes = client.request().to_vec();
                let (request, _) = Request::decode(&bytes, &HeadLimits::default()).unwrap();
                prop_assert!(request.is_upgrade());
            }
        }
    }
}

#[test]
fn every_prefix_of_a_head_asks_for_more() {
    for head in requests() {
        for cut in 0..head.len() {
            assert_eq!(ask(Acceptor::new(&limits(), NOW), [&head[..cut]]), Seen::More);
        }
    }
}

#[test]
fn every_single_cut_gives_the_same() {
    for head in requests() {
        let whole = ask(Acceptor::new(&limits(), NOW), [&head[..]]);
        for cut in 0..=head.len() {
            let (left, right) = head.split_at(cut);
            assert_eq!(ask(Acceptor::new(&limits(), NOW), [left, right]), whole);
        }
    }
}

#[test]
fn every_small_change_is_seen_the_same_whole_and_in_pieces() {
    // A whole head is parsed without a scan. This compares that way with the other one.
    let inserted: [&[u8]; 14] = [
        b"",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"\0",
        b"\t",
        b" ",
        b"\x7f",
        b"\x80",
        b":",
        b"\r\n ",
        b"\r\n\t",
    ];
    let request = heads::CURL.as_bytes();
    let response = Head::response().bytes();
    for at in 0..=request.len().max(response.len()) {
        for removed in 0..3 {
            for inserted in inserted {
                if at + removed <= request.len() {
                    let mut bytes = request.to_vec();
                    bytes.splice(at..at + removed, inserted.iter().copied());
                    let whole = ask(Acceptor::new(&limits(), NOW), [&bytes[..]]);
                    let pieces = ask(Acceptor::new(&limits(), NOW), bytes.chunks(1));
                    assert_eq!(whole, pieces, "{:?}", String::from_utf8_lossy(&bytes));
                }
                if at + removed <= response.len() {
                    let mut bytes = response.clone();
                    bytes.splice(at..at + removed, inserted.iter().copied());
                    let connector =
                        || Connector::with_nonce(offer(), NONCE, &limits(), NOW).unwrap();
                    let whole = answer(connector(), [&bytes[..]]);
                    let pieces = answer(connector(), bytes.chunks(1));
                    assert_eq!(whole, pieces, "{:?}", String::from_utf8_lossy(&bytes));
                }
            }
        }
    }
}
