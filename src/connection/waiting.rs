//! Storage for pings and pongs that wait, in the memory that their payloads take and a byte for each; and the limit on pongs, which `pings` and
//! `replies` keep.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::reply::ControlPayload;

/// The room for pongs, in bytes of a client's frames.
const MAX_PONG_BYTES: u16 = 2 << 10;

/// The header of a client's control frame, in bytes.
const HEADER_LEN: u16 = 6;

/// The limit on pongs: they are kept in order as far as 2 KiB reach, and of those beyond only the latest.
#[derive(Debug, Default)]
pub(super) struct PongLimit {
    /// How much of the room is taken. Its type is small, so that [`Replies`](super::replies::Replies) is no larger for it.
    taken: u16,
    /// The latest of the pongs that found no room.
    late: Option<ControlPayload>,
}

impl PongLimit {
    /// Reserves room for a pong, which the caller then keeps in order. If there is no room, the pong is kept here in place of an earlier
    /// one, and the result is false. As long as one is kept here, no later one finds room either.
    pub(super) fn admit(&mut self, pong: &ControlPayload) -> bool {
        let len = HEADER_LEN + pong.len() as u16;
        if self.late.is_some() || self.taken + len > MAX_PONG_BYTES {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
            //# If an endpoint receives a Ping frame and has not yet sent Pong
            //# frame(s) in response to previous Ping frame(s), the endpoint MAY
            //# elect to send a Pong frame for only the most recently processed Ping
            //# frame.
            self.late = Some(*pong);
            return false;
        }
        self.taken += len;
        true
    }

    /// Frees the room: none of the pongs that took it is kept any more.
    pub(super) fn reset(&mut self) {
        self.taken = 0;
    }

    /// Whether a pong found no room.
    pub(super) fn has_late(&self) -> bool {
        self.late.is_some()
    }

    /// Takes out the latest of the pongs that found no room.
    pub(super) fn take_late(&mut self) -> Option<ControlPayload> {
        self.late.take()
    }
}

/// Pongs that wait, in order, and the latest ping. The owner limits the pongs by [`PongLimit`].
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The payloads of the pongs, each after its length.
    pongs: VecDeque<u8>,
    /// At most one ping: a newer one replaces it.
    ping: Option<Box<ControlPayload>>,
}

/// A control frame that has waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    Pong(ControlPayload),
    Ping(ControlPayload),
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.pongs.is_empty() && self.ping.is_none()
    }

    /// Lets a pong wait, after those that wait already.
    pub(super) fn push_pong(&mut self, payload: &ControlPayload) {
        self.pongs.push_back(payload.len() as u8);
        self.pongs.extend(payload.iter());
    }

    /// Lets a ping wait, in place of one that waits already.
    pub(super) fn set_ping(&mut self, payload: ControlPayload) {
        self.ping = Some(Box::new(payload));
    }

    /// The next one: the pongs in order, then the ping.
    pub(super) fn pop(&mut self) -> Option<Waited> {
        let Some(len) = self.pongs.pop_front() else {
            self.pongs = VecDeque::new();
            return self.ping.take().map(|payload| Waited::Ping(*payload));
        };
        let mut bytes = [0; 125];
        let payload = &mut bytes[..usize::from(len)];
        for (place, byte) in payload.iter_mut().zip(self.pongs.drain(..usize::from(len))) {
            *place = byte;
        }
        ControlPayload::new(payload).map(Waited::Pong)
    }
}
