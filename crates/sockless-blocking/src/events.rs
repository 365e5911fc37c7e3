//! Events of the engine: those that become messages, and what is remembered of the others. Both forms of a socket need it.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use sockless::connection::{Closing, Holding};
use sockless::message::{Content, Part};
use sockless::{Config, Delivery, Event};

use crate::message::{CloseFrame, Message};

/// What is remembered of events that are no message.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Whether the peer's Close frame has arrived.
    pub(crate) closing: bool,
    pub(crate) close_frame: Option<CloseFrame>,
    /// Whether a ping has been asked for because the peer is silent.
    pub(crate) asked: bool,
    /// Whether the rest of a message comes whose parts somebody has begun to read.
    pub(crate) inside: bool,
    /// What has arrived of a message in parts that nobody has begun to read.
    gathered: Vec<u8>,
}

impl Seen {
    /// The message, if the event is one.
    pub(crate) fn see(&mut self, event: Event<'_>) -> Option<Message> {
        match event {
            Event::Text(text) => return Some(Message::Text(text.into_utf8_bytes())),
            Event::Binary(bytes) => return Some(Message::Binary(bytes.into_bytes())),
            Event::Closing(Closing { code, reason, .. }) => {
                self.closing = true;
                self.close_frame =
                    code.map(|code| CloseFrame { code, reason: reason.into_utf8_bytes() });
            }
            Event::Quiet => self.asked = true,
            Event::Part(part) => return self.gather(&part),
            _ => {}
        }
        None
    }

    /// Gathers the parts of a message for somebody who wants it whole: parts were asked for when it began, and nobody has read any. Of one that somebody has
    /// begun to read, what is left is thrown away. The message, once it is whole.
    #[cold]
    fn gather(&mut self, part: &Part<'_>) -> Option<Message> {
        if self.inside {
            self.inside = !part.last;
            return None;
        }
        self.gathered.extend_from_slice(part.content.as_bytes());
        if !part.last {
            return None;
        }
        let bytes = mem::take(&mut self.gathered);
        Some(match part.content {
            // Its parts have been checked, and are cut between characters.
            Content::Text(_) => Message::text(String::from_utf8(bytes).ok()?),
            Content::Binary(_) => Message::Binary(bytes.into()),
        })
    }

    /// The bytes of a part after those of the same message that have been gathered.
    pub(crate) fn with_gathered(&mut self, bytes: Bytes) -> Bytes {
        if self.gathered.is_empty() {
            return bytes;
        }
        let mut all = mem::take(&mut self.gathered);
        all.extend_from_slice(&bytes);
        all.into()
    }
}

/// The same configuration, but that messages come whole, and that pings and the peer's Close frame are answered: there is nobody here who would.
/// Nor is anything held because output waits, unless that was asked for: whoever sends waits for room, and puts aside no more than there is room for.
pub(crate) fn suited(config: Arc<Config>) -> Arc<Config> {
    let is_whole = config.delivery == Delivery::Whole;
    if is_whole && config.auto_pong && config.auto_close && config.holding != Holding::ByRole {
        return config;
    }
    let holding = match config.holding {
        Holding::ByRole => Holding::Independent,
        holding => holding,
    };
    let config = Config::clone(&config).with_delivery(Delivery::Whole).with_holding(holding);
    Arc::new(config.with_auto_pong(true).with_auto_close(true))
}
