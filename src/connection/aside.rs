//! What a receiving half stores only when it has to: input that is kept, control frames in flight, replies that wait. The memory is allocated on
//! demand, and freed when all three are empty. How large each may get is decided in `kept`, `control` and `replies`.

use alloc::boxed::Box;
use core::time::Duration;

use super::control::InFlight;
use super::kept::Kept;
use super::replies::Replies;
use super::reply::{ControlPayload, Reply};
use crate::frame::Input;
use crate::message::Payload;
use crate::words::time::Instant;

/// What a receiving half stores only when it has to.
#[derive(Debug, Default)]
pub(super) struct Aside(Option<Box<Things>>);

#[derive(Debug, Default)]
struct Things {
    in_flight: InFlight,
    kept: Kept,
    replies: Replies,
}

impl Aside {
    /// What is stored, made if there was nothing.
    fn ensure_things(&mut self) -> &mut Things {
        self.0.get_or_insert_default()
    }

    /// Gives the memory back if nothing is aside.
    fn drop_if_empty(&mut self) {
        if let Some(things) = &self.0
            && things.in_flight.is_empty()
            && things.kept.is_empty()
            && things.replies.is_empty()
        {
            self.0 = None;
        }
    }

    /// Takes the next piece of the control payload that is arriving. With `complete` it is the last, and the whole payload is returned.
    pub(super) fn take_piece<'b>(
        &mut self,
        piece: &'b mut [u8],
        complete: bool,
    ) -> Option<Payload<'b>> {
        let begun = self.0.as_ref().is_some_and(|things| things.in_flight.has_begun());
        if complete && !begun {
            return Some(Payload::borrowed(piece));
        }
        if piece.is_empty() {
            return None;
        }
        let payload = self.ensure_things().in_flight.take_piece(piece, complete)?;
        self.drop_if_empty();
        Some(Payload::owned(payload))
    }

    /// Remembers a ping that waits for its pong.
    pub(super) fn remember_ping(&mut self, payload: ControlPayload, at: Instant) {
        self.ensure_things().in_flight.remember_ping(payload, at);
    }

    /// Finds the ping that a pong with this payload answers, and returns the time since it was sent: see [`InFlight::match_pong`].
    pub(super) fn match_pong(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let round_trip = self.0.as_mut()?.in_flight.match_pong(payload, now);
        self.drop_if_empty();
        round_trip
    }

    /// Whether input is kept, or the end of the stream after it.
    #[inline]
    pub(super) fn has_kept(&self) -> bool {
        self.0.as_ref().is_some_and(|things| !things.kept.is_empty())
    }

    /// Whether the end of the stream is kept.
    pub(super) fn has_kept_end(&self) -> bool {
        self.0.as_ref().is_some_and(|things| things.kept.ends())
    }

    /// Keeps what is left of `input`.
    pub(super) fn keep(&mut self, input: &mut Input<'_>) {
        self.ensure_things().kept.append(input);
    }

    /// Takes out what is kept.
    pub(super) fn take_kept(&mut self) -> Kept {
        let kept = self.0.as_mut().map(|things| core::mem::take(&mut things.kept));
        kept.unwrap_or_default()
    }

    /// Puts back what is still to be kept.
    pub(super) fn put_kept(&mut self, kept: Kept) {
        if !kept.is_empty() {
            self.ensure_things().kept = kept;
        }
        self.drop_if_empty();
    }

    /// Adds a reply to those that wait.
    pub(super) fn push_reply(&mut self, reply: Reply) {
        self.ensure_things().replies.push(reply);
    }

    /// Takes the next of the replies that wait.
    pub(super) fn pop_reply(&mut self) -> Option<Reply> {
        let reply = self.0.as_mut()?.replies.pop();
        self.drop_if_empty();
        reply
    }

    /// Whether a reply waits.
    pub(super) fn has_reply(&self) -> bool {
        self.0.as_ref().is_some_and(|things| !things.replies.is_empty())
    }

    /// Forgets everything but the replies: nothing more will be read.
    pub(super) fn forget(&mut self) {
        if let Some(things) = &mut self.0 {
            things.in_flight = InFlight::default();
            things.kept = Kept::default();
        }
        self.drop_if_empty();
    }
}
