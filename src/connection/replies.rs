//! Replies that wait in the receiving half until they are taken, when the halves are apart; a joined connection hands each over at once.
//! Their size is bounded, that of the pongs by [`PongLimit`], so that there is always room for the next: a driver whose channel to the
//! other half is full leaves them here, and neither reading nor deadlines have to wait.

use super::reply::{ControlPayload, Reply};
use super::waiting::{PongLimit, Waited, Waiting};

/// Replies that wait.
#[derive(Debug, Default)]
pub(super) struct Replies {
    control: Waiting,
    /// The room for pongs, and the latest of those that found none.
    pong_limit: PongLimit,
    /// What ends the connection, or begins to. A later one says all that an earlier one says.
    end: Option<Reply>,
    /// Whether the peer's stream has ended.
    stream_ended: bool,
}

impl Replies {
    pub(super) fn is_empty(&self) -> bool {
        self.control.is_empty()
            && !self.pong_limit.has_late()
            && self.end.is_none()
            && !self.stream_ended
    }

    /// Adds a reply.
    pub(super) fn push(&mut self, reply: Reply) {
        match reply {
            Reply::Pong(payload) => self.push_pong(payload),
            Reply::Ping(payload) => self.control.set_ping(payload),
            Reply::Gone => self.stream_ended = true,
            Reply::Close { .. } | Reply::Leave | Reply::Fail(_) => self.end = Some(reply),
        }
    }

    fn push_pong(&mut self, payload: ControlPayload) {
        if self.pong_limit.admit(&payload) {
            self.control.push_pong(&payload);
        }
    }

    /// Takes out the next reply: pongs in order, a ping, the pong that found no room, what ends the connection, then the end of the stream.
    pub(super) fn pop(&mut self) -> Option<Reply> {
        if let Some(waited) = self.control.pop() {
            return Some(match waited {
                Waited::Pong(payload) => Reply::Pong(payload),
                Waited::Ping(payload) => Reply::Ping(payload),
            });
        }
        self.pong_limit.reset();
        if let Some(payload) = self.pong_limit.take_late() {
            return Some(Reply::Pong(payload));
        }
        if let Some(reply) = self.end.take() {
            return Some(reply);
        }
        core::mem::take(&mut self.stream_ended).then_some(Reply::Gone)
    }
}
