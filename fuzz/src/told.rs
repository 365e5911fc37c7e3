//! What a connection told, without regard to where payloads lay or how parts were cut.

use std::time::Duration;

use sockless::connection::Failure;
use sockless::message::Content;
use sockless::{CloseCode, Event, Kind};

use crate::reference::Item;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Message(Kind, Vec<u8>),
    Part { kind: Kind, bytes: Vec<u8>, first: bool, last: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>, Option<Duration>),
    Closing(Option<CloseCode>, String),
    Quiet,
    Idle,
    Failed(Failure),
}

impl Told {
    pub(crate) fn new(event: &Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Message(Kind::Text, checked(text)),
            Event::Binary(payload) => Self::Message(Kind::Binary, payload.to_vec()),
            Event::Part(part) => {
                let (kind, bytes) = match &part.content {
                    Content::Text(text) => (Kind::Text, checked(text)),
                    Content::Binary(payload) => (Kind::Binary, payload.to_vec()),
                };
                Self::Part { kind, bytes, first: part.first, last: part.last }
            }
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(pong) => Self::Pong(pong.payload.to_vec(), pong.round_trip),
            Event::Closing(closing) => Self::Closing(closing.code, closing.reason.to_string()),
            Event::Quiet => Self::Quiet,
            Event::Idle => Self::Idle,
            Event::Failed(failure) => Self::Failed(*failure),
            other => panic!("an event without a meaning here: {other:?}"),
        }
    }

    /// Whether nothing may follow.
    pub(crate) fn ends(&self) -> bool {
        matches!(self, Self::Closing(..) | Self::Failed(_))
    }

    /// Appends to the events told so far, joining the parts of a message that are adjacent.
    pub(crate) fn join(self, told: &mut Vec<Self>) {
        if let Self::Part { bytes, first: false, last, .. } = &self
            && let Some(Self::Part { bytes: before, last: ended @ false, .. }) = told.last_mut()
        {
            before.extend_from_slice(bytes);
            *ended = *last;
            return;
        }
        told.push(self);
    }
}

/// The bytes of a text, which the library has found to be UTF-8; nothing takes its word for it here.
fn checked(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes().to_vec();
    assert!(std::str::from_utf8(&bytes).is_ok(), "a text that is none: {bytes:?}");
    bytes
}

/// The same in the reference's words: parts put together over what stands between them, and what is left of a message that did not
/// end.
pub(crate) fn items(told: &[Told]) -> (Vec<Item>, Vec<u8>) {
    let mut items = Vec::new();
    let mut open = Vec::new();
    for told in told {
        items.push(match told.clone() {
            Told::Message(kind, bytes) => item(kind, bytes),
            Told::Part { kind, bytes, first, last } => {
                assert!(!first || open.is_empty(), "a message begins inside another one");
                open.extend(bytes);
                if !last {
                    continue;
                }
                item(kind, std::mem::take(&mut open))
            }
            Told::Ping(payload) => Item::Ping(payload),
            Told::Pong(payload, _) => Item::Pong(payload),
            Told::Closing(code, reason) => Item::Close(code.map(u16::from), reason),
            Told::Quiet | Told::Idle | Told::Failed(_) => continue,
        });
    }
    (items, open)
}

/// A whole message.
pub(crate) fn item(kind: Kind, bytes: Vec<u8>) -> Item {
    match kind {
        Kind::Text => Item::Text(String::from_utf8(bytes).expect("text was checked")),
        Kind::Binary => Item::Binary(bytes),
    }
}

/// Only text and binary messages.
pub(crate) fn data_of(items: Vec<Item>) -> Vec<Item> {
    let is_data = |item: &Item| matches!(item, Item::Text(_) | Item::Binary(_));
    items.into_iter().filter(is_data).collect()
}

/// The messages that have been told whole.
pub(crate) fn data(told: &[Told]) -> Vec<Item> {
    data_of(items(told).0)
}
