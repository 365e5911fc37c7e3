//! Messages of this crate as payloads of sessions, and what sessions say as messages.

use sockless_session::reliable::{Head, Incoming, Kind, Output, Payload};

use crate::message::Message;

impl Payload for Message {
    fn kind(&self) -> Kind {
        if self.is_text() { Kind::Text } else { Kind::Binary }
    }

    fn as_bytes(&self) -> &[u8] {
        Self::as_bytes(self)
    }

    fn from_text(text: &str) -> Self {
        text.into()
    }

    fn from_binary(bytes: &[u8]) -> Self {
        bytes.into()
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

/// What a session says, as a message: `None` for a close.
pub(super) fn outgoing(output: Output<Message>) -> Option<Message> {
    Some(match output {
        Output::Data { head, payload } if head.as_bytes().is_empty() => payload,
        Output::Data { head, payload } => join(&head, &payload),
        Output::Short(head) => head.as_str().into(),
        Output::Text(text) => text.into(),
        Output::Close(_) => return None,
    })
}

fn join(head: &Head, payload: &Message) -> Message {
    match payload {
        Message::Text(text) => [head.as_str(), text].concat().into(),
        payload => [head.as_bytes(), payload.as_bytes()].concat().into(),
    }
}
