//! Control frames as the receiving half tracks them: the one that is arriving, and our own pings that the peer has not answered yet, 16 at
//! most.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::reply::ControlPayload;
use crate::words::time::Instant;

/// How many pings are remembered; a further one displaces the oldest. A peer may answer only the latest of several.
const MAX_PINGS: usize = 16;

/// The control frames in flight.
#[derive(Default)]
pub(super) struct InFlight {
    /// What has arrived of the payload of the control frame that is arriving.
    arriving: Vec<u8>,
    /// Our last pings that have no answer yet, each with the time at which it was sent.
    pings: Vec<(ControlPayload, Instant)>,
}

impl InFlight {
    /// Whether nothing is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.arriving.is_empty() && self.pings.is_empty()
    }

    /// Whether some of a payload has arrived, and not all.
    pub(super) fn has_begun(&self) -> bool {
        !self.arriving.is_empty()
    }

    /// Takes the next piece of the payload that is arriving. With `complete` it is the last, and the whole payload is returned.
    pub(super) fn take_piece(&mut self, piece: &[u8], complete: bool) -> Option<Vec<u8>> {
        self.arriving.extend_from_slice(piece);
        complete.then(|| core::mem::take(&mut self.arriving))
    }

    /// Remembers a ping of ours, and when it was sent.
    pub(super) fn remember_ping(&mut self, payload: ControlPayload, at: Instant) {
        if self.pings.len() == MAX_PINGS {
            self.pings.remove(0);
        }
        self.pings.push((payload, at));
    }

    /// Finds the last ping with this pong's payload, and returns the time since it was sent; it and those before it are forgotten. `None` if
    /// there is no such ping.
    pub(super) fn match_pong(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let index = self.pings.iter().rposition(|(sent, _)| **sent == *payload)?;
        let (_, at) = self.pings[index];
        self.pings.drain(..=index);
        Some(now.since(at))
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("InFlight");
        shown.field("arriving", &self.arriving.len()).field("pings", &self.pings.len()).finish()
    }
}
