//! Replies that wait in the receiving half until they are taken, when the halves are apart; a joined connection hands each over at once. They wait
//! in a fixed place: a channel that is full blocks neither the reading nor the deadlines.

use super::reply::{ControlPayload, Reply};
use super::waiting::{self, Waited, Waiting};

/// Replies that wait.
#[derive(Debug, Default)]
pub(super) struct Replies {
    control: Waiting,
    /// How many bytes of pongs have been added since none waited.
    pong_bytes: usize,
    /// The latest of the pongs that found no room.
    late_pong: Option<ControlPayload>,
    /// What ends the connection, or begins to. A later one says all that an earlier one says.
    end: Option<Reply>,
    /// Whether the peer's stream has ended.
    gone: bool,
}

impl Replies {
    pub(super) fn is_empty(&self) -> bool {
        self.control.is_empty() && self.late_pong.is_none() && self.end.is_none() && !self.gone
    }

    pub(super) fn push(&mut self, reply: Reply) {
        match reply {
            Reply::Pong(payload) => self.push_pong(payload),
            Reply::Ping(payload) => self.control.set_ping(payload),
            Reply::Gone => self.gone = true,
            Reply::Close { .. } | Reply::Leave | Reply::Fail(_) => self.end = Some(reply),
        }
    }

    fn push_pong(&mut self, payload: ControlPayload) {
        let len = waiting::frame_len(&payload);
        if self.late_pong.is_some() || self.pong_bytes + len > waiting::MAX_PONG_BYTES {
            self.late_pong = Some(payload);
            return;
        }
        self.pong_bytes += len;
        self.control.push_pong(&payload);
    }

    /// The next reply: pongs in order, a ping, the pong that found no room, what ends the connection, then the end of the stream.
    pub(super) fn pop(&mut self) -> Option<Reply> {
        if let Some(waited) = self.control.pop() {
            return Some(match waited {
                Waited::Pong(payload) => Reply::Pong(payload),
                Waited::Ping(payload) => Reply::Ping(payload),
            });
        }
        self.pong_bytes = 0;
        let gone = |this: &mut Self| core::mem::take(&mut this.gone).then_some(Reply::Gone);
        self.late_pong.take().map(Reply::Pong).or_else(|| self.end.take()).or_else(|| gone(self))
    }
}
