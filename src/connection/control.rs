//! The control frames in flight, as the receiving half knows them: the one that is arriving, and the pings that wait for their
//! pong.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::reply::ControlPayload;
use crate::words::time::Instant;

/// How many pings are remembered. A peer may answer only the latest of several.
const MAX_PINGS: usize = 16;

/// The control frames in flight.
#[derive(Default)]
pub(super) struct InFlight {
    /// The payload of the one that is arriving, as far as it has.
    arriving: Vec<u8>,
    /// The last pings that were sent and not answered, with the time they were.
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

    /// Takes the next piece of the payload that is arriving; all of it, when it is complete.
    pub(super) fn take_piece(&mut self, piece: &[u8], complete: bool) -> Option<Vec<u8>> {
        self.arriving.extend_from_slice(piece);
        complete.then(|| core::mem::take(&mut self.arriving))
    }

    /// Remembers a ping of ours, and since when it is on its way. If as many are remembered as may be, the oldest is forgotten.
    pub(super) fn remember_ping(&mut self, payload: ControlPayload, at: Instant) {
        if self.pings.len() == MAX_PINGS {
            self.pings.remove(0);
        }
        self.pings.push((payload, at));
    }

    /// Finds the last ping with this pong's payload, and forgets it and those before it: the time since it was sent. `None` if none is remembered.
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
