//! The clients: they know of the protocol what they need to count answers, and check each one's length.

pub mod broadcast;
pub mod echo;
mod frames;
pub mod idle;
pub mod polling;
mod websocket;

use std::io;
use std::time::Duration;

use mio::{Events, Poll};

/// Waits until something happens. A server that does nothing any more is not waited for.
fn wait(poll: &mut Poll, ready: &mut Events) -> io::Result<()> {
    loop {
        match poll.poll(ready, Some(Duration::from_secs(20))) {
            Ok(()) if ready.is_empty() => return Err(wrong("nothing has come for 20 s")),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// What is wrong with an answer.
pub fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::other(what.into())
}
