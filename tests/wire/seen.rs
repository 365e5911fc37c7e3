//! What an application has seen of a connection: its events, owned, so that they can be kept and compared.
//!
//! Tests and fuzz targets share this file, each by its path.

#![allow(dead_code, reason = "each of those who share it uses a part")]

use core::time::Duration;

use sockless::connection::Failure;
use sockless::frame::Violation;
use sockless::message::Content;
use sockless::{CloseCode, Event};

/// An event, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    /// Whether it is text, its bytes, whether it is the first part, whether it is the last.
    Part(bool, Vec<u8>, bool, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>, Option<Duration>),
    Closing(Option<u16>, String),
    Quiet,
    Idle,
    Failed(Failure),
}

impl Seen {
    pub(crate) fn new(event: &Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(checked(text).into()),
            Event::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Event::Part(part) => {
                let (is_text, bytes) = match &part.content {
                    Content::Text(text) => (true, checked(text).into()),
                    Content::Binary(bytes) => (false, bytes.to_vec()),
                };
                Self::Part(is_text, bytes, part.first, part.last)
            }
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(pong) => Self::Pong(pong.payload.to_vec(), pong.round_trip),
            Event::Closing(closing) => {
                Self::Closing(closing.code.map(CloseCode::get), closing.reason.to_string())
            }
            Event::Quiet => Self::Quiet,
            Event::Idle => Self::Idle,
            Event::Failed(failure) => Self::Failed(*failure),
            other => panic!("an event that the tests don't know: {other:?}"),
        }
    }

    /// Whether nothing may follow.
    pub(crate) fn ends(&self) -> bool {
        matches!(self, Self::Closing(..) | Self::Failed(_))
    }

    /// Appends it to what was seen before. Where two parts of a message are next to each other, they become one: how reads cut a
    /// message into parts doesn't matter then.
    pub(crate) fn join(self, before: &mut Vec<Self>) {
        if let Self::Part(_, more, false, last) = &self
            && let Some(Self::Part(_, bytes, _, ended @ false)) = before.last_mut()
        {
            bytes.extend_from_slice(more);
            *ended = *last;
            return;
        }
        before.push(self);
    }
}

/// The text, checked once more: nothing here relies on the library for its being UTF-8.
fn checked(text: &str) -> &str {
    std::str::from_utf8(text.as_bytes()).expect("UTF-8")
}

pub(crate) fn text(text: &str) -> Seen {
    Seen::Text(text.into())
}

pub(crate) fn binary(bytes: &[u8]) -> Seen {
    Seen::Binary(bytes.into())
}

pub(crate) fn violation(violation: Violation) -> Seen {
    Seen::Failed(Failure::Violation(violation))
}

/// With adjacent parts of a message joined.
pub(crate) fn joined(events: &[Seen]) -> Vec<Seen> {
    let mut together = Vec::new();
    events.iter().for_each(|event| event.clone().join(&mut together));
    together
}
