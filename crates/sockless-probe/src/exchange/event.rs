//! What a testee does in an open connection.

use crate::wire::frame::excerpt;
use crate::wire::link::End;

/// What a testee has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// Its Close frame.
    Close(Option<u16>, Vec<u8>),
    /// It has broken a rule of the RFC: which.
    Broke(String),
    /// The stream has ended.
    End(End),
}

impl Event {
    /// In words, with the testee as the subject.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text(bytes) => {
                format!("sent a text message of {} B: {}", bytes.len(), excerpt(bytes))
            }
            Self::Binary(bytes) => {
                format!("sent a binary message of {} B: {}", bytes.len(), excerpt(bytes))
            }
            Self::Ping(bytes) => format!("sent a Ping: {}", excerpt(bytes)),
            Self::Pong(bytes) => format!("sent a Pong: {}", excerpt(bytes)),
            Self::Close(Some(code), _) => format!("sent a Close frame with {code}"),
            Self::Close(None, _) => "sent an empty Close frame".to_owned(),
            Self::Broke(rule) => format!("broke a rule: {rule}"),
            Self::End(End::Closed) => "closed the stream".to_owned(),
            Self::End(End::Reset) => "reset the stream".to_owned(),
        }
    }
}
