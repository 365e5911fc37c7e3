//! Where a peer's events go: what the hall needs of a way to reach a client, of which there is more than one.

use sockless_tokio::Text;

use crate::chat::Event;

/// A way to reach a client. None of these waits.
pub(super) trait Outlet: Send + Sync {
    /// Takes an event, which is there as JSON as well: whether there was room for it.
    fn event(&self, event: &Event, json: &Text) -> bool;

    /// Takes a part of a file: whether there was room for it.
    fn part(&self, bytes: Vec<u8>) -> bool;

    /// Closes the connection behind what was sent, if there is one.
    fn close(&self, code: u16, reason: &str);
}
