//! The gate of the sending half: whether the closing handshake lets something be queued. It owns the state, with what has been put off until the end
//! of the open frame. The sending half asks the gate, then the encoder, which knows the open frame and message, then the queue.

use super::send_error::SendError;
use super::state::{Sending, SendingChange};
use crate::frame::Misuse;

/// The gate.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendGate {
    state: Sending,
    /// Whether an extension sees every message.
    extended: bool,
    /// Whether the state is open, and no extension sees messages. Follows from the two, and is set wherever they change, which is here.
    clear: bool,
}

impl SendGate {
    pub(super) const fn new(extended: bool) -> Self {
        Self { state: Sending::Open, extended, clear: !extended }
    }

    /// Whether nothing in the gate stands in the way of a message.
    #[inline(always)]
    pub(super) const fn is_clear(&self) -> bool {
        self.clear
    }

    pub(super) const fn state(&self) -> Sending {
        self.state
    }

    /// Goes over to the state after `change`, which may be the same.
    pub(super) fn change(&mut self, change: SendingChange) {
        self.state = self.state.after(change);
        self.clear = matches!(self.state, Sending::Open) && !self.extended;
    }

    /// Whether a data frame may begin: in the states open and leaving, and after the peer's Close frame while the application still has to answer it.
    pub(super) const fn check_data(&self) -> Result<(), SendError> {
        match self.state {
            Sending::Failed { .. } | Sending::Over { .. } => Err(SendError::Failed),
            Sending::Held { reply: Some(_) } | Sending::Closed { .. } => {
                Err(SendError::Misuse(Misuse::Closed))
            }
            Sending::Open | Sending::Leaving | Sending::Held { reply: None } => Ok(()),
        }
    }

    /// Whether the payload of an open frame may go on.
    pub(super) const fn check_payload(&self) -> Result<(), SendError> {
        match self.state {
            Sending::Failed { .. } | Sending::Over { .. } => Err(SendError::Failed),
            Sending::Closed { .. } => Err(SendError::Misuse(Misuse::Closed)),
            Sending::Open | Sending::Leaving | Sending::Held { .. } => Ok(()),
        }
    }

    /// Whether a ping may be sent.
    pub(super) const fn check_ping(&self) -> Result<(), SendError> {
        match self.state {
            Sending::Failed { .. } | Sending::Over { .. } => Err(SendError::Failed),
            Sending::Closed { .. } | Sending::Held { .. } => Err(SendError::Misuse(Misuse::Closed)),
            Sending::Open | Sending::Leaving => Ok(()),
        }
    }

    /// Whether a pong may be sent: after our Close frame too, as long as the peer's has not arrived.
    pub(super) const fn check_pong(&self) -> Result<(), SendError> {
        match self.state {
            Sending::Closed { answered: false, .. } => Ok(()),
            _ => self.check_ping(),
        }
    }

    /// Whether the application may send a Close frame: wherever a data frame may begin. If the peer's Close frame has arrived, this one is the
    /// answer.
    pub(super) const fn check_close(&self) -> Result<(), SendError> {
        self.check_data()
    }
}

#[cfg(test)]
mod tests;
