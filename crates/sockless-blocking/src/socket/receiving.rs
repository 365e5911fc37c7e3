//! Receiving.

use std::time::Duration;

use sockless::connection::Side;

use super::WebSocket;
use super::turn::Goal;
use crate::error::Error;
use crate::message::Message;
use crate::stream::Stream;

impl<S: Stream, R: Side> WebSocket<S, R> {
    /// The next message. `None` once the connection is closed, an error before it if it has failed.
    ///
    /// A socket is to be received from to the end: only then has the closing handshake been done.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the time of the call is over: receive again. [`Error::Limit`] if the peer has sent too much, [`Error::Failed`] if it has
    /// broken a rule, has been silent, or is gone; [`Error::Io`] if the stream has failed. After these there is nothing but `None`.
    pub fn recv(&mut self) -> Option<Result<Message, Error>> {
        self.recv_by(self.time.ends(self.clock))
    }

    /// The same, if it comes within this time. Zero is for what has arrived already.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Option<Result<Message, Error>> {
        self.recv_by(self.time.ends_within(timeout, self.clock))
    }

    pub(super) fn recv_by(&mut self, ends: Option<Duration>) -> Option<Result<Message, Error>> {
        if let Some(message) = self.take_stashed() {
            return Some(Ok(message));
        }
        if self.state.over {
            return None;
        }
        self.set_patient(false);
        self.turns(Goal::Message, ends).transpose()
    }
}
