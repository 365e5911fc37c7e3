//! Pings and pongs that wait, in the memory that their payloads take and a byte for each.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::reply::ControlPayload;

/// How many bytes of pongs may wait, as frames of a client; of those beyond, only the latest is kept.
pub(super) const MAX_PONG_BYTES: usize = 2 << 10;

/// The length of the frame that carries a pong, a client's at most.
pub(super) fn frame_len(payload: &ControlPayload) -> usize {
    payload.len() + 6
}

/// Pongs that wait, in order, and the latest ping.
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
