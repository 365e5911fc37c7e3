//! The sending half's control frames: pings and pongs, and the closing handshake (RFC 6455, sections 5.5 and 7).

use core::time::Duration;

use super::ahead::Ahead;
use super::keys::Side;
use super::outcome::{CloseStatus, Initiator, SenderEnd};
use super::reply::{ControlPayload, Probe, Reply};
use super::send_error::SendError;
use super::sender::Sender;
use super::state::Sending;
use crate::frame::{ControlFrame, Misuse};
use crate::words::close_code::CloseCode;
use crate::words::time::Instant;

/// How many bytes of pongs may wait; of those beyond, only the latest is kept.
const PONG_RESERVE: usize = 2 << 10;

/// The reason in the Close frame of a connection that was idle.
const IDLE: &str = "idle";

impl<R: Side> Sender<R> {
    /// Queues a ping. Its round-trip time is told with the pong if the probe is handed to the receiving half.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn ping(&mut self, payload: &[u8], now: Duration) -> Result<Probe, SendError> {
        self.check_open()?;
        let probe = ControlPayload::new(payload);
        let probe = probe.ok_or(SendError::Misuse(Misuse::LongControl))?;
        self.queue_ping(payload).map_err(SendError::Misuse)?;
        Ok(Probe(probe, Instant::new(now)))
    }

    fn queue_ping(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.ping(payload, key)?;
        self.output.batch(frame.len()).extend_from_slice(&frame);
        self.tally.ping();
        Ok(())
    }

    /// Whether a ping can be sent now: not after a Close frame, and not inside a frame.
    pub(super) fn can_ping(&self) -> bool {
        self.state == Sending::Open && self.encoder.remaining() == 0
    }

    /// Whether the peer is to be excused for not answering a ping that can't be sent. Not if it has taken none of the bytes that
    /// wait since this was asked last: then a frame of ours that is never complete would keep a dead connection for ever.
    pub(super) fn excuses_silence(&mut self) -> bool {
        let moved = self.output.has_moved();
        self.state != Sending::Open || self.output.is_empty() || moved
    }

    /// Queues a pong: one that no ping has asked for, or the answer to a ping where none is given by itself. It may follow our
    /// Close frame, as long as the peer's has not arrived.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        match self.state {
            Sending::Closed { answered: false, .. } => self.check_room()?,
            _ => self.check_open()?,
        }
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.pong(payload, key).map_err(SendError::Misuse)?;
        self.control(&frame);
        Ok(())
    }

    fn check_open(&self) -> Result<(), SendError> {
        match self.state {
            Sending::Failed { .. } => Err(SendError::Failed),
            Sending::Closed { .. } | Sending::Held { .. } => Err(SendError::Misuse(Misuse::Closed)),
            Sending::Open => self.check_room(),
        }
    }

    fn check_room(&self) -> Result<(), SendError> {
        if self.output.len() >= self.config.hard_limit {
            return Err(SendError::QueueFull);
        }
        Ok(())
    }

    fn control(&mut self, frame: &ControlFrame) {
        self.output.batch(frame.len()).extend_from_slice(frame);
        self.tally.other_frame();
    }

    /// Begins the closing handshake, or answers the peer's Close frame where that is held back: no message can be sent any more.
    ///
    /// # Errors
    ///
    /// Nothing has been queued.
    pub fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
        now: Duration,
    ) -> Result<(), SendError> {
        let first = match self.state {
            Sending::Open => true,
            Sending::Held { reply: None } => false,
            Sending::Held { reply: Some(_) } | Sending::Closed { .. } => {
                return Err(SendError::Misuse(Misuse::Closed));
            }
            Sending::Failed { .. } => return Err(SendError::Failed),
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2
        //# To _Start the WebSocket Closing Handshake_ with a status code (Section 7.4)
        //# /code/ and an optional close reason (Section 7.1.6) /reason/, an endpoint MUST
        //# send a Close control frame, as described in Section 5.5.1, whose status code
        //# is set to /code/ and whose close reason is set to /reason/.
        self.close_now(code.into(), reason, first).map_err(SendError::Misuse)?;
        self.begin_closing(now);
        Ok(())
    }

    fn close_now(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        first: bool,
    ) -> Result<(), Misuse> {
        self.queue_close(code, reason)?;
        self.enter(Sending::Closed { status: code.into(), first, answered: !first });
        Ok(())
    }

    fn queue_close(&mut self, code: Option<CloseCode>, reason: &str) -> Result<(), Misuse> {
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.close(code, reason, key)?;
        self.control(&frame);
        let end = self.queued_end();
        self.ahead().close_end = end;
        Ok(())
    }

    fn begin_closing(&mut self, now: Duration) {
        let deadline = Instant::new(now).after(self.config.close);
        self.ahead().deadline.get_or_insert(deadline);
    }

    fn ahead(&mut self) -> &mut Ahead {
        self.ahead.get_or_insert_default()
    }

    /// How many bytes will have been written when all that waits now has.
    fn queued_end(&self) -> u64 {
        self.tally.wire_bytes + self.output.len() as u64
    }

    /// Does what the receiving half has found to be due.
    pub fn apply(&mut self, reply: Reply, now: Duration) {
        match reply {
            Reply::Pong(payload) => self.answer(payload),
            // The hard limit doesn't hold it back: the peer would be taken for dead without having been asked.
            Reply::Ping(payload) => {
                if self.state == Sending::Open && self.queue_ping(&payload).is_err() {
                    self.ahead().defer_ping(&payload);
                }
            }
            Reply::Leave => {
                if self.state == Sending::Open {
                    self.begin_closing(now);
                    self.ahead().leaves = self.leave().is_err();
                }
            }
            Reply::Close { code, hold } => self.peer_closed(code, hold, now),
            Reply::Fail(failure) => {
                self.fail(failure.close_code());
                self.begin_closing(now);
            }
        }
    }

    fn leave(&mut self) -> Result<(), Misuse> {
        self.close_now(Some(CloseCode::GOING_AWAY), IDLE, true)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //# If an endpoint receives a Close frame and did not previously send a
    //# Close frame, the endpoint MUST send a Close frame in response.
    fn peer_closed(&mut self, code: Option<CloseCode>, hold: bool, now: Duration) {
        self.drop_deferred();
        match &mut self.state {
            Sending::Open if hold => self.enter(Sending::Held { reply: None }),
            Sending::Open => {
                self.begin_closing(now);
                if self.close_now(code, "", false).is_err() {
                    self.enter(Sending::Held { reply: Some(code.into()) });
                }
            }
            Sending::Closed { answered, .. } => *answered = true,
            Sending::Held { .. } | Sending::Failed { .. } => {}
        }
    }

    fn fail(&mut self, code: Option<CloseCode>) {
        // Pings that came before the failure have their pong before the Close frame.
        self.send_deferred();
        if let Some(payload) = self.ahead.as_mut().and_then(|ahead| ahead.late_pong.take()) {
            self.queue_pong(&payload);
        }
        self.drop_deferred();
        let state = match self.state {
            Sending::Open => {
                let sent = code.map(|code| self.queue_close(Some(code), ""));
                let status = match sent {
                    Some(Ok(())) => code.into(),
                    _ => CloseStatus::Absent,
                };
                Sending::Failed { status, blocked: matches!(sent, Some(Err(_))) }
            }
            Sending::Closed { status, .. } => Sending::Failed { status, blocked: false },
            Sending::Held { .. } => Sending::Failed { status: CloseStatus::Absent, blocked: false },
            failed @ Sending::Failed { .. } => failed,
        };
        self.enter(state);
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
    //# Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
    //# response, unless it already received a Close frame.
    fn answer(&mut self, payload: ControlPayload) {
        match self.state {
            Sending::Open | Sending::Closed { answered: false, .. } => {}
            _ => return,
        }
        let written = self.tally.wire_bytes;
        let frame_open = self.encoder.remaining() > 0;
        let ahead = self.ahead();
        if written >= ahead.pongs_end && !ahead.has_deferred() {
            ahead.pong_bytes = 0;
        }
        if ahead.late_pong.is_some() || ahead.pong_bytes + payload.len() + 6 > PONG_RESERVE {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
            //# If an endpoint receives a Ping frame and has not yet sent Pong
            //# frame(s) in response to previous Ping frame(s), the endpoint MAY
            //# elect to send a Pong frame for only the most recently processed Ping
            //# frame.
            ahead.late_pong = Some(payload);
            return;
        }
        ahead.pong_bytes += payload.len() + 6;
        if frame_open {
            ahead.defer_pong(&payload);
        } else {
            self.queue_pong(&payload);
        }
    }

    fn queue_pong(&mut self, payload: &[u8]) {
        let key = R::next_key(&mut self.keys);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
        //# A Pong frame sent in response to a Ping frame must have identical "Application
        //# data" as found in the message body of the Ping frame being replied to.
        if let Ok(frame) = self.encoder.pong(payload, key) {
            self.control(&frame);
            let end = self.queued_end();
            self.ahead().pongs_end = end;
        }
    }

    fn drop_deferred(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.drop_deferred();
        }
    }

    /// Sends what had to wait: for the pongs before it to be written, or for the frame under way to be complete.
    pub(super) fn catch_up(&mut self) {
        if self.encoder.remaining() > 0 {
            return;
        }
        if let Sending::Held { reply: Some(status) } = self.state {
            let _ = self.close_now(status.code(), "", false);
        }
        self.send_deferred();
        let Some(ahead) = &mut self.ahead else { return };
        if ahead.leaves && self.state == Sending::Open {
            let _ = self.leave();
            return;
        }
        if self.tally.wire_bytes < ahead.pongs_end {
            return;
        }
        if let Some(payload) = ahead.late_pong.take() {
            self.answer(payload);
        } else if self.state == Sending::Open && ahead.deadline.is_none() {
            self.ahead = None;
        }
    }

    /// Sends the pings and pongs that waited for the end of a frame, if no frame is under way.
    fn send_deferred(&mut self) {
        if self.encoder.remaining() > 0 {
            return;
        }
        let Some(ahead) = &mut self.ahead else { return };
        for (ping, payload) in ahead.take_deferred() {
            if ping {
                let _ = self.queue_ping(&payload);
            } else {
                self.queue_pong(&payload);
            }
        }
    }

    /// When the closing handshake has to be over.
    pub fn deadline(&self) -> Option<Duration> {
        let ahead = self.ahead.as_ref().filter(|ahead| !ahead.timed_out)?;
        ahead.deadline.map(Instant::since_origin)
    }

    /// Takes note of the time: whether the closing handshake has taken too long.
    pub fn timeout(&mut self, now: Duration) -> bool {
        let Some(ahead) = &mut self.ahead else { return false };
        ahead.timed_out |= ahead.deadline.is_some_and(|at| Instant::new(now) >= at);
        ahead.timed_out
    }

    /// Takes note that the peer's stream has ended: what waits to be written has only the time of a closing handshake left.
    pub(super) fn peer_gone(&mut self, now: Duration) {
        self.begin_closing(now);
    }

    /// Takes note that the transport is gone: nothing that waits can be written any more.
    pub(super) fn lost(&mut self) {
        self.drop_deferred();
        self.output.discard();
        self.fail(None);
    }

    /// Takes note that the transport has been half-closed.
    pub(super) fn shut(&mut self) {
        self.ahead().shut = true;
    }

    /// Whether the transport has been half-closed.
    pub(super) fn is_shut(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.shut)
    }

    /// Whether messages may be sent, and no end is in sight.
    pub(super) fn is_open(&self) -> bool {
        self.state == Sending::Open && self.ahead.is_none()
    }

    /// How this half stands; with the other half's, an [`Outcome`](super::Outcome).
    pub fn end(&self) -> SenderEnd {
        let status = self.state.status();
        let close_end = self.ahead.as_ref().map_or(0, |ahead| ahead.close_end);
        let written = self.tally.wire_bytes >= close_end;
        let initiator = match self.state {
            Sending::Closed { first: true, .. } => Some(Initiator::Local),
            Sending::Closed { first: false, .. } | Sending::Held { .. } => Some(Initiator::Remote),
            Sending::Failed { status, .. } if status.is_present() => Some(Initiator::Local),
            _ => None,
        };
        SenderEnd {
            sent: if written { status } else { CloseStatus::Absent },
            initiator,
            closed: matches!(self.state, Sending::Closed { .. } | Sending::Failed { .. }),
            close_blocked: matches!(self.state, Sending::Failed { blocked: true, .. }),
            failed: matches!(self.state, Sending::Failed { .. }),
            timed_out: self.ahead.as_ref().is_some_and(|ahead| ahead.timed_out),
        }
    }
}
