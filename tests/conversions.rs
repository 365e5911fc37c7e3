//! Conversions of delivered payloads and texts into owned ones: the bytes stay the same, wherever they are stored.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]
#![cfg(feature = "alloc")]

use std::borrow::Cow;

use bytes::Bytes;
use sockless::message::{Content, Payload, Text, Utf8Bytes};
use sockless::{Config, Connection, Delivery, Event, Input, Kind, Message, Prepared};

use crate::wire::*;

in_both_roles!(
    payload_converts_wherever_it_lies,
    text_converts_wherever_it_lies,
    owned_bytes_are_converted_without_a_copy,
    content_is_text_or_binary,
    delivered_bytes_can_be_changed_in_their_place,
);

/// Delivers each message of `bytes`, in pieces that end at `cuts`.
fn deliver<R: Tested>(
    conn: &mut Connection<R>,
    bytes: &[u8],
    cuts: &[usize],
    mut each: impl FnMut(Event<'_>),
) {
    let mut from = 0;
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        let mut piece = bytes[from..cut].to_vec();
        let mut input = Input::new(&mut piece);
        while let Some(event) = conn.poll(&mut input, START) {
            each(event);
        }
        from = cut;
    }
}

fn payload_converts_wherever_it_lies<R: Tested>() {
    let bytes = peer::<R>(FIN | BINARY, b"payload");
    for (cuts, borrowed) in [(&[][..], true), (&[bytes.len() - 3][..], false)] {
        let check = |convert: fn(Payload<'_>)| {
            let mut seen = 0;
            deliver(&mut open::<R>(), &bytes, cuts, |event| match event {
                Event::Binary(payload) => {
                    assert_eq!(payload.is_borrowed(), borrowed);
                    convert(payload);
                    seen += 1;
                }
                other => panic!("{other:?}"),
            });
            assert_eq!(seen, 1);
        };
        check(|payload| assert_eq!(payload.into_vec(), b"payload"));
        check(|payload| assert_eq!(payload.into_bytes(), &b"payload"[..]));
        check(|payload| assert_eq!(Bytes::from(payload), &b"payload"[..]));
        check(|payload| assert_eq!(payload.as_ref(), b"payload"));
        check(|payload| assert!(payload == b"payload" && payload != b"other"));
        check(|payload| assert_eq!(Message::from(payload), Message::from(&b"payload"[..])));
        check(|mut payload| {
            payload.reverse();
            assert_eq!(*payload, *b"daolyap");
        });
    }
}

fn text_converts_wherever_it_lies<R: Tested>() {
    let bytes = peer::<R>(FIN | TEXT, b"text");
    for (cuts, borrowed) in [(&[][..], true), (&[bytes.len() - 3][..], false)] {
        let check = |convert: fn(Text<'_>)| {
            let mut seen = 0;
            deliver(&mut open::<R>(), &bytes, cuts, |event| match event {
                Event::Text(text) => {
                    assert_eq!(text.is_borrowed(), borrowed);
                    convert(text);
                    seen += 1;
                }
                other => panic!("{other:?}"),
            });
            assert_eq!(seen, 1);
        };
        check(|text| assert_eq!(text.into_string(), "text"));
        check(|text| assert_eq!(String::from(text), "text"));
        check(|text| assert_eq!(text.into_utf8_bytes(), "text"));
        check(|text| assert_eq!(Utf8Bytes::from(text), "text"));
        check(|text| assert!(text.into_payload() == b"text"));
        check(|text| assert_eq!(AsRef::<str>::as_ref(&text), "text"));
        check(|text| assert!(text == "text" && text != "other"));
        check(|text| assert_eq!(Message::from(text), Message::from("text")));
    }
}

fn owned_bytes_are_converted_without_a_copy<R: Tested>() {
    let check = |event: Event<'_>, convert: usize| {
        let before = match &event {
            Event::Binary(payload) => payload.as_ptr(),
            Event::Text(text) => text.as_ptr(),
            other => panic!("{other:?}"),
        };
        let same = |after: &[u8]| assert_eq!(before, after.as_ptr(), "{convert}");
        match (event, convert) {
            (Event::Binary(payload), 0) => same(&payload.into_vec()),
            (Event::Binary(payload), 1) => same(&payload.into_bytes()),
            (Event::Binary(payload), _) => same(Message::from(payload).as_bytes()),
            (Event::Text(text), 0) => same(text.into_string().as_bytes()),
            (Event::Text(text), 1) => same(text.into_utf8_bytes().as_bytes()),
            (Event::Text(text), _) => same(Message::from(text).as_bytes()),
            (other, _) => panic!("{other:?}"),
        }
    };
    for first in [FIN | BINARY, FIN | TEXT] {
        for convert in 0..3 {
            let bytes = peer::<R>(first, b"what is put together");
            let mut seen = 0;
            deliver(&mut open::<R>(), &bytes, &[bytes.len() - 3], |event| {
                check(event, convert);
                seen += 1;
            });
            assert_eq!(seen, 1);
        }
    }
}

fn content_is_text_or_binary<R: Tested>() {
    // A code point that is cut between two pieces is a separate part.
    let mut text = Vec::new();
    let bytes = peer::<R>(FIN | TEXT, "a\u{20ac}b".as_bytes());
    let mut conn = R::open(Config::default().with_delivery(Delivery::Parts));
    deliver(&mut conn, &bytes, &[bytes.len() - 3], |event| match event {
        Event::Part(part) => {
            let bytes = part.content.as_bytes().to_vec();
            let Content::Text(content) = part.content else { panic!("text") };
            let mut payload = content.into_payload();
            assert_eq!(*payload, *bytes);
            payload.reverse();
            assert!(payload.iter().rev().eq(&bytes));
            assert_eq!(payload.into_vec().len(), bytes.len());
            text.push(bytes);
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(text, [&b"a"[..], "\u{20ac}".as_bytes(), b"b"]);
    let bytes = peer::<R>(FIN | BINARY, b"ab");
    deliver(&mut conn, &bytes, &[], |event| match event {
        Event::Part(part) => {
            assert!(matches!(part.content, Content::Binary(payload) if payload == b"ab"))
        }
        other => panic!("{other:?}"),
    });
}

fn delivered_bytes_can_be_changed_in_their_place<R: Tested>() {
    let mut bytes = peer::<R>(FIN | BINARY, b"\x01\x02\x03");
    let mut conn = open::<R>();
    let mut input = Input::new(&mut bytes);
    match conn.poll(&mut input, START) {
        Some(Event::Binary(mut payload)) => payload.iter_mut().for_each(|byte| *byte += 1),
        other => panic!("{other:?}"),
    }
    assert!(bytes.ends_with(b"\x02\x03\x04"));
}

#[test]
fn shared_text_is_the_same_in_every_form() {
    let text = Utf8Bytes::from_static("text");
    assert_eq!(AsRef::<[u8]>::as_ref(&text), b"text");
    assert_eq!(AsRef::<str>::as_ref(&text), "text");
    assert!(text == *"text" && text != *"other" && text == "text" && text != "other");
    assert_eq!(Bytes::from(text.clone()), "text");
    assert_eq!(text.clone().into_bytes(), "text");
    assert_eq!(Utf8Bytes::from(String::from("text")), text);
    assert_eq!(Utf8Bytes::from("text"), text);
    assert_eq!(Utf8Bytes::try_from(Bytes::from_static(b"text")), Ok(text.clone()));
    assert_eq!(Utf8Bytes::try_from(b"text".to_vec()), Ok(text));
    assert!(Utf8Bytes::try_from(vec![0xFF]).is_err());
    assert!(Utf8Bytes::try_from(Bytes::from_static(b"\xE2\x82")).is_err());
}

#[test]
fn message_is_what_it_was_made_of() {
    for text in [
        Message::from("text"),
        Message::from(String::from("text")),
        Message::from(Utf8Bytes::from("text")),
    ] {
        assert_eq!((text.kind(), text.as_bytes()), (Kind::Text, &b"text"[..]));
        assert_eq!(text.into_bytes(), "text");
    }
    for binary in [
        Message::from(b"text".to_vec()),
        Message::from(&b"text"[..]),
        Message::from(Bytes::from_static(b"text")),
    ] {
        assert_eq!((binary.kind(), binary.as_bytes()), (Kind::Binary, &b"text"[..]));
        assert_ne!(binary, Message::from("text"));
        assert_eq!(binary.into_bytes(), "text");
    }
}

#[test]
fn prepared_message_is_its_frame() {
    let text = Prepared::text("text");
    assert_eq!((text.kind(), text.payload_len()), (Kind::Text, 4));
    assert_eq!(*text.frame(), frame(FIN | TEXT, None, b"text"));
    let binary = Prepared::binary(&[7; 300]);
    assert_eq!((binary.kind(), binary.payload_len()), (Kind::Binary, 300));
    assert_eq!(*binary.frame(), frame(FIN | BINARY, None, &[7; 300]));
}

#[test]
fn message_gives_its_text_or_its_bytes() {
    for text in
        [Message::from("text"), Message::from("text".to_owned()), Message::from(Cow::from("text"))]
    {
        assert!(text.is_text() && !text.is_empty());
        assert_eq!((text.as_text(), text.len()), (Some("text"), 4));
        assert_eq!(text.into_text(), Ok(Utf8Bytes::from("text")));
    }
    let binary = Message::from(b"\xFF\0");
    assert_eq!((binary.is_text(), binary.as_text(), binary.len()), (false, None, 2));
    assert_eq!(binary.into_text(), Err(Bytes::from_static(b"\xFF\0")));
    assert!(Message::from("").is_empty() && Message::from(&[]).is_empty());
}
