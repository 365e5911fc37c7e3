//! Messages of this crate as payloads of sessions, and what sessions say as messages.

use std::sync::Arc;

use sockless::Prepared;
use sockless_session::reliable::{Head, Incoming, Kind, Output, Payload};

use crate::message::Message;

/// What a session keeps until it is acknowledged.
#[derive(Clone)]
pub(super) enum Body {
    Message(Message),
    /// What was encoded once for many.
    Prepared(Arc<Prepared>),
}

impl Payload for Body {
    fn kind(&self) -> Kind {
        let is_text = match self {
            Self::Message(message) => message.is_text(),
            Self::Prepared(prepared) => prepared.kind() == sockless::Kind::Text,
        };
        if is_text { Kind::Text } else { Kind::Binary }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Message(message) => message.as_bytes(),
            Self::Prepared(prepared) => {
                let frame = prepared.frame();
                &frame[frame.len() - prepared.payload_len()..]
            }
        }
    }

    fn from_text(text: &str) -> Self {
        Self::Message(text.into())
    }

    fn from_binary(bytes: &[u8]) -> Self {
        Self::Message(bytes.into())
    }
}

impl From<Body> for Message {
    fn from(body: Body) -> Self {
        match body {
            Body::Message(message) => message,
            Body::Prepared(_) => match std::str::from_utf8(body.as_bytes()) {
                Ok(text) if body.kind() == Kind::Text => text.into(),
                _ => body.as_bytes().into(),
            },
        }
    }
}

/// A message as a session takes it: `None` for a control frame.
pub(super) fn incoming(message: &Message) -> Option<Incoming<'_>> {
    match message {
        Message::Text(text) => Some(Incoming::Text(text)),
        Message::Binary(data) => Some(Incoming::Binary(data)),
        _ => None,
    }
}

/// What was received, owned: the message itself where all of it is the payload.
pub(super) fn owned(message: &Message, payload: Incoming<'_>) -> Message {
    if payload.as_bytes().len() == message.as_bytes().len() {
        return message.clone();
    }
    match payload {
        Incoming::Text(text) => text.into(),
        Incoming::Binary(bytes) => bytes.into(),
    }
}

/// What a session says, as it goes to a connection: `None` for a close.
pub(super) fn outgoing(output: Output<Body>) -> Option<Body> {
    Some(match output {
        Output::Data { head, payload } if head.as_bytes().is_empty() => payload,
        Output::Data { head, payload } => Body::Message(join(&head, &payload)),
        Output::Short(head) => Body::Message(head.as_str().into()),
        Output::Text(text) => Body::Message(text.into()),
        Output::Close(_) => return None,
    })
}

fn join(head: &Head, payload: &Body) -> Message {
    let joined = [head.as_bytes(), payload.as_bytes()].concat();
    match payload.kind() {
        Kind::Text => String::from_utf8(joined).unwrap_or_default().into(),
        Kind::Binary => joined.into(),
    }
}
