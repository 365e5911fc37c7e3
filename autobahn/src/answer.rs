//! The echo of a message: what all echo servers do with an event.

use sockless::connection::{SendError, Side};
use sockless::frame::Misuse;
use sockless::{Connection, Event};

/// Sends a message back. All other events are the connection's to answer.
///
/// # Errors
///
/// If the answer is longer than the queue of output may be.
pub fn answer<R: Side>(event: Event<'_>, connection: &mut Connection<R>) -> Result<(), SendError> {
    sent(match event {
        // Still in the buffer that it was read into: copied.
        Event::Text(text) if text.is_borrowed() => connection.send_text(&text),
        Event::Binary(bytes) if bytes.is_borrowed() => connection.send_binary(&bytes),
        // In memory of its own, which is handed on.
        Event::Text(text) => connection.send(text).map_err(|refused| refused.reason),
        Event::Binary(bytes) => connection.send(bytes).map_err(|refused| refused.reason),
        _ => Ok(()),
    })
}

/// What has come of sending an answer.
///
/// # Errors
///
/// As for [`answer`].
pub fn sent(sent: Result<(), SendError>) -> Result<(), SendError> {
    match sent {
        // We have said that we go: messages may still arrive, and none is answered.
        Err(SendError::Misuse(Misuse::Closed)) => Ok(()),
        sent => sent,
    }
}
