//! The sending half's part of the closing handshake (RFC 6455, sections 5.5.1 and 7): our Close frame. `apply`, which
//! takes every [`Reply`] of the receiving half, pongs too, is here as well.

use core::time::Duration;

use super::Sender;
use crate::connection::close_reason::CloseReason;
use crate::connection::failure::Failure;
use crate::connection::keys::Side;
use crate::connection::outcome::SenderEnd;
use crate::connection::reply::Reply;
use crate::connection::send_error::SendError;
use crate::connection::state::{FailureClose, Sending, SendingChange};
use crate::frame::Misuse;
use crate::words::close_code::CloseCode;
use crate::words::time::Instant;

/// The reason in the Close frame of a connection that was idle.
const IDLE: &str = "idle";

impl<R: Side> Sender<R> {
    /// Begins the closing handshake, or answers the peer's Close frame where that is held back: no message can be sent any more.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
        now: Duration,
    ) -> Result<(), SendError> {
        self.gate.check_close()?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2
        //# To _Start the WebSocket Closing Handshake_ with a status code (Section 7.4)
        //# /code/ and an optional close reason (Section 7.1.6) /reason/, an endpoint MUST
        //# send a Close control frame, as described in Section 5.5.1, whose status code
        //# is set to /code/ and whose close reason is set to /reason/.
        let code = code.into();
        // After the peer's Close frame nobody is asked for a sign of life anyway.
        let first = self.gate.state().is_open();
        self.queue_close(code, reason).map_err(SendError::Misuse)?;
        self.gate.change(SendingChange::CloseQueued(code.into()));
        self.ensure_pending().close_untold = first;
        self.start_close_timer(now);
        Ok(())
    }

    /// Queues a Close frame, and notes where it ends in the output.
    fn queue_close(&mut self, code: Option<CloseCode>, reason: &str) -> Result<(), Misuse> {
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.close(code, reason, key)?;
        self.queue_control(&frame);
        let end = self.queued_end();
        self.ensure_pending().close_end = end;
        Ok(())
    }

    /// Lets the time for the end run from now on, if it doesn't yet.
    fn start_close_timer(&mut self, now: Duration) {
        self.ensure_pending().deadlines.start_close_timer(Instant::new(now));
    }

    /// Does what the receiving half has found to be due.
    pub fn apply(&mut self, reply: Reply, now: Duration) {
        match reply {
            Reply::Pong(payload) => self.answer_ping(payload),
            Reply::Ping(payload) => self.ask_for_life(payload),
            Reply::Leave => self.leave_when_idle(now),
            Reply::Gone => self.peer_gone(now),
            Reply::Close { code, hold } => self.peer_closed(code, hold, now),
            Reply::Fail(failure) => {
                self.fail(failure);
                self.start_close_timer(now);
            }
        }
    }

    /// Begins the closing handshake because no data has come for too long; inside a frame, with its end.
    fn leave_when_idle(&mut self, now: Duration) {
        if !self.gate.state().is_open() {
            return;
        }
        self.start_close_timer(now);
        if self.queue_idle_close().is_err() {
            self.gate.change(SendingChange::Idle);
        }
    }

    /// Queues the Close frame of a connection that is idle.
    fn queue_idle_close(&mut self) -> Result<(), Misuse> {
        let code = Some(CloseCode::GOING_AWAY);
        self.queue_close(code, IDLE)?;
        self.gate.change(SendingChange::CloseQueued(code.into()));
        self.ensure_pending().close_untold = true;
        Ok(())
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //# If an endpoint receives a Close frame and did not previously send a
    //# Close frame, the endpoint MUST send a Close frame in response.
    /// The peer's Close frame has arrived: answers it with the same code, unless ours was sent before or the application answers in its
    /// own time.
    fn peer_closed(&mut self, code: Option<CloseCode>, hold: bool, now: Duration) {
        self.forget_waiting();
        let is_open = self.gate.state().is_open();
        let change = if hold {
            SendingChange::PeerClosedAndHeld
        } else if is_open && self.queue_close(code, "").is_err() {
            SendingChange::PeerClosedInFrame(code.into())
        } else {
            SendingChange::PeerClosed(code.into())
        };
        self.gate.change(change);
        if is_open && !hold {
            self.start_close_timer(now);
        }
    }

    /// Fails: the pings that came before have their pong, then a Close frame says why, where there is one for the failure.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.queue_last_pongs();
        let due = failure.close_code().filter(|_| self.gate.state().is_open());
        let close = match due.map(|code| self.queue_failure_close(code, failure)) {
            None => FailureClose::NotDue,
            Some(Ok(())) => FailureClose::Queued(due.into()),
            Some(Err(_)) => FailureClose::Blocked,
        };
        self.gate.change(SendingChange::Failed { failure, close });
    }

    /// Queues the Close frame of a connection that fails.
    fn queue_failure_close(&mut self, code: CloseCode, failure: Failure) -> Result<(), Misuse> {
        if !self.config.close_reasons {
            return self.queue_close(Some(code), "");
        }
        let reason = CloseReason::new(failure, &self.config.limits);
        self.queue_close(Some(code), reason.as_str())
    }

    /// Sends what had to wait: for the end of the open frame, or for the pongs before it to be written.
    pub(super) fn catch_up(&mut self) {
        if self.encoder.remaining() > 0 {
            return;
        }
        if let Sending::Held { reply: Some(status) } = self.gate.state()
            && self.queue_close(status.code(), "").is_ok()
        {
            self.gate.change(SendingChange::CloseQueued(status));
        }
        self.queue_waiting();
        if self.gate.state() == Sending::Leaving {
            let _ = self.queue_idle_close();
        }
        self.queue_late_pong();
        self.drop_pending_if_done();
    }

    /// The peer's stream has ended: what waits to be written has only the time of a closing handshake left.
    pub(in crate::connection) fn peer_gone(&mut self, now: Duration) {
        self.start_close_timer(now);
    }

    /// Says that the transport has been half-closed, so that it is not asked for again.
    pub(in crate::connection) fn note_shutdown(&mut self) {
        self.ensure_pending().shut = true;
    }

    /// Whether the transport has been half-closed.
    pub(in crate::connection) fn is_shut(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.shut)
    }

    /// Whether messages may be sent, and nothing is pending: no end, no deadline, no ping or pong.
    pub(in crate::connection) fn is_open_and_idle(&self) -> bool {
        self.gate.state() == Sending::Open && self.pending.is_none()
    }

    /// What has become of this half so far; with the other half's, an [`Outcome`](crate::Outcome).
    pub fn end(&self) -> SenderEnd {
        let (close_end, over) = self
            .pending
            .as_ref()
            .map_or((0, false), |pending| (pending.close_end, pending.deadlines.have_passed()));
        SenderEnd::new(self.gate.state(), self.tally.wire_bytes() >= close_end, over)
    }
}
