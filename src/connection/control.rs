//! The control frames in flight, as the receiving half knows them: the one that is arriving, and the pings that wait for their
//! pong.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::reply::ControlPayload;
use crate::message::Payload;
use crate::words::time::Instant;

/// How many pings are remembered. A peer may answer only the latest of several.
const MOST: usize = 16;

/// The control frames in flight. It owns memory only while there are any.
#[derive(Default)]
pub(crate) struct InFlight(Option<Box<Frames>>);

#[derive(Default)]
struct Frames {
    /// The payload of the one that is arriving, as far as it has.
    arriving: Vec<u8>,
    /// The last pings that were sent and not answered, with the time they were.
    pings: Vec<(ControlPayload, Instant)>,
}

impl InFlight {
    /// Takes the next piece of the payload that is arriving; all of it, when it is complete.
    pub(crate) fn arrived<'b>(
        &mut self,
        piece: &'b mut [u8],
        complete: bool,
    ) -> Option<Payload<'b>> {
        let begun = self.0.as_ref().is_some_and(|frames| !frames.arriving.is_empty());
        if complete && !begun {
            return Some(Payload::borrowed(piece));
        }
        if piece.is_empty() {
            return None;
        }
        let frames = self.0.get_or_insert_default();
        frames.arriving.extend_from_slice(piece);
        if !complete {
            return None;
        }
        let payload = core::mem::take(&mut frames.arriving);
        self.tidy();
        Some(Payload::owned(payload))
    }

    /// Remembers a ping.
    pub(crate) fn pinged(&mut self, payload: ControlPayload, at: Instant) {
        let pings = &mut self.0.get_or_insert_default().pings;
        if pings.len() == MOST {
            pings.remove(0);
        }
        pings.push((payload, at));
    }

    /// The time since the ping that a pong with this payload answers; those before it are answered too.
    pub(crate) fn answered(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let pings = &mut self.0.as_mut()?.pings;
        let index = pings.iter().rposition(|(sent, _)| **sent == *payload)?;
        let (_, at) = pings[index];
        pings.drain(..=index);
        self.tidy();
        Some(now.since(at))
    }

    /// Gives the memory back if nothing is in flight.
    fn tidy(&mut self) {
        let idle = |frames: &Frames| frames.arriving.is_empty() && frames.pings.is_empty();
        if self.0.as_deref().is_some_and(idle) {
            self.0 = None;
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (arriving, pings) =
            self.0.as_ref().map_or((0, 0), |frames| (frames.arriving.len(), frames.pings.len()));
        f.debug_struct("InFlight").field("arriving", &arriving).field("pings", &pings).finish()
    }
}
