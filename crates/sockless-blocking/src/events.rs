//! Events of the engine: those that become messages, and what is remembered of the others. Both forms of a socket need it.

use std::sync::Arc;

use sockless::connection::{Closing, Holding};
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
            _ => {}
        }
        None
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
