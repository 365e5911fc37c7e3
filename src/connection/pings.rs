//! The pings that wait for their pong.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::reply::ControlPayload;
use crate::words::time::Instant;

/// How many pings are remembered. A peer may answer only the latest of several.
const MOST: usize = 16;

/// The last pings that were sent and not answered. It owns memory only while there are any.
#[derive(Debug, Default)]
pub(crate) struct Pings(Option<Box<Vec<(ControlPayload, Instant)>>>);

impl Pings {
    /// Remembers a ping.
    pub(crate) fn sent(&mut self, payload: ControlPayload, at: Instant) {
        let pings = self.0.get_or_insert_default();
        if pings.len() == MOST {
            pings.remove(0);
        }
        pings.push((payload, at));
    }

    /// The time since the ping that a pong with this payload answers; those before it are answered too.
    pub(crate) fn answered(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let pings = self.0.as_mut()?;
        let index = pings.iter().rposition(|(sent, _)| **sent == *payload)?;
        let (_, at) = pings[index];
        pings.drain(..=index);
        if pings.is_empty() {
            self.0 = None;
        }
        Some(now.since(at))
    }
}
