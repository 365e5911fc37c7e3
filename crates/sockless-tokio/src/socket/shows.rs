//! Events that are no message: what is remembered of them, and what is shown.

use sockless::connection::Closing;
use sockless::{Config, Event};

use crate::message::{CloseFrame, Message};

/// What is shown beside messages.
#[derive(Debug, Default)]
pub(crate) struct Shows {
    /// Whether control frames are given out.
    pub(crate) control: bool,
    /// Whether the peer's Close frame has arrived.
    pub(crate) closing: bool,
    close_frame: Option<Box<CloseFrame>>,
}

impl Shows {
    /// What the peer's Close frame said.
    pub(crate) fn close_frame(&self) -> Option<&CloseFrame> {
        self.close_frame.as_deref()
    }
}

/// Looks at an event that is no message; the frame, if it is to be given out.
#[cold]
pub(crate) fn see(event: Event<'_>, shows: &mut Shows, config: &Config) -> Option<Message> {
    match event {
        // Who answers himself has to see them.
        Event::Ping(payload) if shows.control || !config.auto_pong => {
            Some(Message::Ping(payload.into()))
        }
        Event::Pong(pong) if shows.control => Some(Message::Pong(pong.payload.into())),
        Event::Closing(Closing { code, reason, .. }) => {
            let frame = code.map(|code| CloseFrame { code, reason: reason.into() });
            shows.closing = true;
            shows.close_frame = frame.clone().map(Box::new);
            (shows.control || !config.auto_close).then_some(Message::Close(frame))
        }
        _ => None,
    }
}
