//! What the two halves have to tell each other: small owned values. Which reply an event calls for is decided by `Receiver::reply_to`;
//! what follows from a reply by `Sender::apply`, from a notice by `Receiver::note`.

use core::fmt;
use core::ops::Deref;

use super::failure::Failure;
use crate::words::close_code::CloseCode;
use crate::words::time::Instant;

/// A small owned value for the sending half, to be carried there in order: over a channel, a queue, or by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// A ping arrived: send its pong.
    Pong(ControlPayload),
    /// The peer is silent: send a ping.
    Ping(ControlPayload),
    /// The peer's Close frame arrived, with this code. With `hold` the application answers it in its own time.
    Close {
        /// The code that the peer gave, if it gave one.
        code: Option<CloseCode>,
        /// Whether the application will answer.
        hold: bool,
    },
    /// No data for too long: begin the closing handshake.
    Leave,
    /// The peer's stream has ended: what waits to be written has only the time of a closing handshake left.
    Gone,
    /// The connection has failed: send the Close frame that says why, if there is one for it, and nothing else.
    Fail(Failure),
}

/// What the sending half has found out and the receiving half has to know, for [`Receiver::note`](super::Receiver::note).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The ping that a reply asked for has been written: the time for its answer begins.
    PingWritten,
    /// Our Close frame is queued: no ping can follow it.
    Closing,
    /// Output has waited for too long without any of it being written: the connection has failed.
    Stalled,
    /// The closing handshake has taken too long: the connection has ended.
    TimedOut,
}

/// A ping that has been sent, for [`Receiver::expect`](super::Receiver::expect).
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    payload: ControlPayload,
    sent: Instant,
}

impl Probe {
    pub(super) const fn new(payload: ControlPayload, sent: Instant) -> Self {
        Self { payload, sent }
    }

    /// The ping's payload, and when it was sent.
    pub(super) const fn into_parts(self) -> (ControlPayload, Instant) {
        (self.payload, self.sent)
    }
}

/// The payload of a control frame: at most 125 bytes, in place.
#[derive(Clone, Copy)]
pub struct ControlPayload {
    bytes: [u8; 125],
    len: u8,
}

impl ControlPayload {
    /// A copy of `payload`; `None` if it has more than 125 bytes.
    pub fn new(payload: &[u8]) -> Option<Self> {
        let mut bytes = [0; 125];
        bytes.get_mut(..payload.len())?.copy_from_slice(payload);
        Some(Self { bytes, len: payload.len() as u8 })
    }
}

impl Deref for ControlPayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl PartialEq for ControlPayload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ControlPayload {}

impl fmt::Debug for ControlPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPayload").field("len", &self.len).finish()
    }
}
