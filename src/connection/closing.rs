//! The sending half's control frames: pings and pongs, and the closing handshake (RFC 6455, sections 5.5 and 7).

use core::time::Duration;

use super::ahead::{Ahead, Over};
use super::failure::Failure;
use super::keys::Side;
use super::outcome::{CloseStatus, Initiator, SenderEnd};
use super::output::Progress;
use super::reply::{ControlPayload, Notice, Probe, Reply};
use super::send_error::SendError;
use super::sender::Sender;
use super::state::Sending;
use super::waiting::{self, Waited};
use crate::frame::{ControlFrame, Misuse};
use crate::words::close_code::CloseCode;
use crate::words::time::Instant;

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
            Sending::Failed { .. } | Sending::Over { .. } => Err(SendError::Failed),
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
            Sending::Failed { .. } | Sending::Over { .. } => return Err(SendError::Failed),
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
        self.ahead().untold.closing = first;
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
        self.ahead().close_by.get_or_insert(deadline);
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
            Reply::Ping(payload) => self.probe(payload),
            Reply::Leave => {
                if self.state == Sending::Open {
                    self.begin_closing(now);
                    self.ahead().leaves = self.leave().is_err();
                }
            }
            Reply::Gone => self.peer_gone(now),
            Reply::Close { code, hold } => self.peer_closed(code, hold, now),
            Reply::Fail(failure) => {
                self.fail(failure);
                self.begin_closing(now);
            }
        }
    }

    /// Asks the peer for a sign of life. The hard limit doesn't hold that back: the peer would never be asked. After a Close frame it
    /// can't be.
    fn probe(&mut self, payload: ControlPayload) {
        let written = self.tally.wire_bytes;
        let asked = |ahead: &Ahead| ahead.ping_end.is_some_and(|end| end > written);
        // One that waits serves for this one too: whatever the peer does, pings don't pile up.
        if self.state != Sending::Open || self.ahead.as_deref().is_some_and(asked) {
            return;
        }
        match self.queue_ping(&payload) {
            Ok(()) => self.ahead().ping_end = Some(self.queued_end()),
            Err(_) => self.ahead().waiting.set_ping(payload),
        }
    }

    /// Takes out what the receiving half has to know. Ask after every call of [`timeout`](Self::timeout) and of
    /// [`wrote`](Self::wrote), and hand it to [`Receiver::note`](super::Receiver::note).
    pub fn notice(&mut self) -> Option<Notice> {
        let written = self.tally.wire_bytes;
        let ahead = self.ahead.as_deref_mut()?;
        let notice = if !ahead.has_notice(written) {
            return None;
        } else if core::mem::take(&mut ahead.untold.closing) {
            Notice::Closing
        } else if ahead.ping_end.take_if(|end| written >= *end).is_some() {
            Notice::PingWritten
        } else {
            ahead.untold.over = false;
            match ahead.over? {
                Over::Stalled => Notice::Stalled,
                Over::TimedOut => Notice::TimedOut,
            }
        };
        self.tidy();
        Some(notice)
    }

    /// Gives the memory back if nothing lies ahead.
    fn tidy(&mut self) {
        let (written, queued) = (self.tally.wire_bytes, self.output.len());
        self.ahead.take_if(|ahead| ahead.is_done(written, queued));
    }

    fn leave(&mut self) -> Result<(), Misuse> {
        self.close_now(Some(CloseCode::GOING_AWAY), IDLE, true)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //# If an endpoint receives a Close frame and did not previously send a
    //# Close frame, the endpoint MUST send a Close frame in response.
    fn peer_closed(&mut self, code: Option<CloseCode>, hold: bool, now: Duration) {
        self.drop_waiting();
        match &mut self.state {
            Sending::Open if hold => self.enter(Sending::Held { reply: None }),
            Sending::Open => {
                self.begin_closing(now);
                if self.close_now(code, "", false).is_err() {
                    self.enter(Sending::Held { reply: Some(code.into()) });
                }
            }
            Sending::Closed { answered, .. } => *answered = true,
            Sending::Held { .. } | Sending::Failed { .. } | Sending::Over { .. } => {}
        }
    }

    fn fail(&mut self, failure: Failure) {
        // Pings that came before the failure have their pong before the Close frame.
        self.send_waiting();
        if let Some(payload) = self.ahead.as_mut().and_then(|ahead| ahead.late_pong.take()) {
            self.queue_pong(&payload);
        }
        self.drop_waiting();
        let (status, blocked) = match self.state {
            Sending::Open => {
                let code = failure.close_code();
                match code.map(|code| self.queue_close(Some(code), "")) {
                    Some(Ok(())) => (code.into(), false),
                    sent => (CloseStatus::Absent, sent.is_some()),
                }
            }
            Sending::Closed { status, .. } => (status, false),
            Sending::Held { .. } => (CloseStatus::Absent, false),
            Sending::Failed { .. } | Sending::Over { .. } => return,
        };
        self.enter(Sending::Failed { status, blocked, failure });
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
        if written >= ahead.pongs_end && ahead.waiting.is_empty() {
            ahead.pong_bytes = 0;
        }
        let len = waiting::frame_len(&payload);
        if ahead.late_pong.is_some() || ahead.pong_bytes + len > waiting::RESERVE {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
            //# If an endpoint receives a Ping frame and has not yet sent Pong
            //# frame(s) in response to previous Ping frame(s), the endpoint MAY
            //# elect to send a Pong frame for only the most recently processed Ping
            //# frame.
            ahead.late_pong = Some(payload);
            return;
        }
        ahead.pong_bytes += len;
        if frame_open {
            ahead.waiting.push_pong(&payload);
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

    fn drop_waiting(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.drop_waiting();
        }
    }

    /// Sends what had to wait: for the pongs before it to be written, or for the open frame to be complete.
    pub(super) fn catch_up(&mut self) {
        if self.encoder.remaining() > 0 {
            return;
        }
        if let Sending::Held { reply: Some(status) } = self.state {
            let _ = self.close_now(status.code(), "", false);
        }
        self.send_waiting();
        let Some(ahead) = &mut self.ahead else { return };
        if ahead.leaves && self.state == Sending::Open {
            ahead.leaves = false;
            let _ = self.leave();
            return;
        }
        if self.tally.wire_bytes < ahead.pongs_end {
            return;
        }
        match ahead.late_pong.take() {
            Some(payload) => self.answer(payload),
            None => self.tidy(),
        }
    }

    /// Sends the pings and pongs that waited for the end of a frame, if no frame is open.
    fn send_waiting(&mut self) {
        if self.encoder.remaining() > 0 {
            return;
        }
        while let Some(waited) = self.ahead.as_mut().and_then(|ahead| ahead.waiting.pop()) {
            match waited {
                Waited::Pong(payload) => self.queue_pong(&payload),
                Waited::Ping(payload) => self.probe(payload),
            }
        }
    }

    /// When [`timeout`](Self::timeout) is to be called at the latest: when the closing handshake has to be over, or when output has
    /// waited for too long. At once, if there is something that the receiving half has to be told, or if output waits and has not been
    /// looked at since some of it was written.
    pub fn deadline(&self) -> Option<Duration> {
        let written = self.tally.wire_bytes;
        let Some(ahead) = &self.ahead else {
            return (!self.output.is_empty()).then_some(Duration::ZERO);
        };
        if ahead.untold.over || ahead.has_ping_written(written) {
            return Some(Duration::ZERO);
        }
        if ahead.over.is_some() {
            return None;
        }
        let stuck = match (self.output.is_empty(), ahead.stuck_since) {
            (true, _) => None,
            (false, None) => Some(Duration::ZERO),
            (false, Some(_)) if self.output.has_moved() => Some(Duration::ZERO),
            (false, Some(since)) => Some(since.after(self.config.write_timeout).since_origin()),
        };
        ahead.close_by.map(Instant::since_origin).into_iter().chain(stuck).min()
    }

    /// Looks at the time: whether this half is over, because the closing handshake has taken too long, or because output has waited for too
    /// long without any of it being written. A task that writes calls it in each of its turns, after writing.
    pub fn timeout(&mut self, now: Duration) -> bool {
        let over = self.is_over_at(now);
        if !over {
            self.watch_output(now, false);
        }
        over
    }

    /// Looks at how far output has come since the last look, once a turn of the driver's. What is new in a turn that has brought input is
    /// `about_to_be_written`: the answers to it.
    pub(super) fn watch_output(&mut self, now: Duration, about_to_be_written: bool) {
        let now = Instant::new(now);
        match self.output.watch() {
            Progress::New if !about_to_be_written => self.ahead().stuck_since = Some(now),
            Progress::Empty | Progress::New => {
                if let Some(ahead) = &mut self.ahead {
                    ahead.stuck_since = None;
                }
            }
            Progress::Moving => self.ahead().stuck_since = Some(now),
            Progress::Stuck => {
                let timeout = self.config.write_timeout;
                let ahead = self.ahead();
                let since = *ahead.stuck_since.get_or_insert(now);
                ahead.offered_late = now >= since.after(timeout);
            }
        }
    }

    /// Looks at the deadlines: whether this half is over.
    pub(super) fn is_over_at(&mut self, now: Duration) -> bool {
        let Some(ahead) = &mut self.ahead else { return false };
        if ahead.over.is_some() {
            return true;
        }
        if ahead.close_by.is_none() && ahead.stuck_since.is_none() {
            return false;
        }
        let now = Instant::new(now);
        let stall = ahead.stuck_since.map(|since| since.after(self.config.write_timeout));
        let over = if ahead.close_by.is_some_and(|at| now >= at) {
            Over::TimedOut
        } else if ahead.offered_late && stall.is_some_and(|at| now >= at) && self.output.is_stuck()
        {
            Over::Stalled
        } else {
            return false;
        };
        ahead.over = Some(over);
        ahead.untold.over = true;
        match over {
            Over::Stalled => self.give_up(Failure::Stalled),
            Over::TimedOut => {
                let SenderEnd { sent, initiator, .. } = self.end();
                self.drop_waiting();
                self.output.discard();
                self.enter(Sending::Over { status: sent, initiator });
            }
        }
        true
    }

    /// Fails with nothing more to be written, whatever waits.
    fn give_up(&mut self, failure: Failure) {
        self.drop_waiting();
        self.output.discard();
        self.fail(failure);
    }

    /// Takes note that the peer's stream has ended: what waits to be written has only the time of a closing handshake left.
    pub(super) fn peer_gone(&mut self, now: Duration) {
        self.begin_closing(now);
    }

    /// Takes note that the transport is gone, as after a write that failed: nothing that waits can be written any more.
    pub fn lost(&mut self) {
        self.give_up(Failure::EndOfStream);
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
            Sending::Over { initiator, .. } => initiator,
            _ => None,
        };
        SenderEnd {
            sent: if written { status } else { CloseStatus::Absent },
            initiator,
            closed: !matches!(self.state, Sending::Open | Sending::Held { .. }),
            close_blocked: matches!(self.state, Sending::Failed { blocked: true, .. }),
            failure: match self.state {
                Sending::Failed { failure, .. } => Some(failure),
                _ => None,
            },
            over: self.ahead.as_ref().is_some_and(|ahead| ahead.over.is_some()),
        }
    }
}
