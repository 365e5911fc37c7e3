//! The sending half's pings and pongs (RFC 6455, sections 5.5.2 and 5.5.3): those of the application, and those that the receiving half asks for.
//! When the latter go out is decided by [`Pings`](crate::connection::pings::Pings).

use core::time::Duration;

use super::Sender;
use crate::connection::keys::Side;
use crate::connection::pings::Position;
use crate::connection::reply::{ControlPayload, Probe};
use crate::connection::send_error::SendError;
use crate::connection::waiting::Waited;
use crate::frame::{ControlFrame, Misuse};
use crate::words::time::Instant;

impl<R: Side> Sender<R> {
    /// Queues a ping. Its round-trip time comes with the pong if the probe is handed to the receiving half.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn ping(&mut self, payload: &[u8], now: Duration) -> Result<Probe, SendError> {
        self.gate.check_ping()?;
        self.check_room()?;
        let probe = ControlPayload::new(payload);
        let probe = probe.ok_or(SendError::Misuse(Misuse::LongControl))?;
        self.queue_ping(payload).map_err(SendError::Misuse)?;
        Ok(Probe::new(probe, Instant::new(now)))
    }

    /// Queues a pong: one that no ping has asked for, or the answer to a ping where none is given by itself. It may follow our
    /// Close frame, as long as the peer's has not arrived.
    ///
    /// # Errors
    ///
    /// Nothing has been queued; [`SendError`] says for each reason what to do.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.gate.check_pong()?;
        self.check_room()?;
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.pong(payload, key).map_err(SendError::Misuse)?;
        self.queue_control(&frame);
        Ok(())
    }

    /// Queues and counts a ping.
    fn queue_ping(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        let key = R::next_key(&mut self.keys);
        let frame = self.encoder.ping(payload, key)?;
        self.output.batch(frame.len()).extend_from_slice(&frame);
        self.tally.add_ping();
        Ok(())
    }

    /// Queues a Close frame or a pong.
    pub(super) fn queue_control(&mut self, frame: &ControlFrame) {
        self.output.batch(frame.len()).extend_from_slice(frame);
        self.tally.add_frame_ending_no_message();
    }

    /// Asks the peer for a sign of life. The hard limit doesn't hold that back: the peer would never be asked. After a Close frame it
    /// can't be.
    pub(super) fn ask_for_life(&mut self, payload: ControlPayload) {
        if !self.gate.state().is_open() {
            return;
        }
        let at = self.position();
        if let Some(ping) = self.ensure_pending().pings.ask(payload, at) {
            self.queue_asked_ping(&ping);
        }
    }

    /// Queues a ping that the receiving half has asked for.
    fn queue_asked_ping(&mut self, payload: &[u8]) {
        if self.queue_ping(payload).is_ok() {
            let end = self.queued_end();
            self.ensure_pending().pings.note_ping_queued(end);
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
    //# Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
    //# response, unless it already received a Close frame.
    /// Answers a ping of the peer's.
    pub(super) fn answer_ping(&mut self, payload: ControlPayload) {
        if self.gate.check_pong().is_err() {
            return;
        }
        let at = self.position();
        if let Some(pong) = self.ensure_pending().pings.answer(payload, at) {
            self.queue_answer(&pong);
        }
    }

    /// Queues the pong that answers a ping of the peer's.
    fn queue_answer(&mut self, payload: &[u8]) {
        let key = R::next_key(&mut self.keys);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
        //# A Pong frame sent in response to a Ping frame must have identical "Application
        //# data" as found in the message body of the Ping frame being replied to.
        if let Ok(frame) = self.encoder.pong(payload, key) {
            self.queue_control(&frame);
            let end = self.queued_end();
            self.ensure_pending().pings.note_pong_queued(end);
        }
    }

    /// How far output has come.
    fn position(&self) -> Position {
        Position::new(self.tally.wire_bytes(), self.encoder.remaining() > 0)
    }

    /// Queues the pings and pongs that waited for the end of a frame, if no frame is open.
    pub(super) fn queue_waiting(&mut self) {
        if self.encoder.remaining() > 0 {
            return;
        }
        while let Some(waited) = self.pending.as_mut().and_then(|it| it.pings.pop_waiting()) {
            match waited {
                Waited::Pong(payload) => self.queue_answer(&payload),
                Waited::Ping(payload) => self.ask_for_life(payload),
            }
        }
    }

    /// Queues the latest of the pongs that found no room, if all pongs before it have been written. Call it after
    /// [`queue_waiting`](Self::queue_waiting), so that no earlier pong waits either.
    pub(super) fn queue_late_pong(&mut self) {
        let at = self.position();
        // By now all the room for pongs is free again: this one goes the way of the answer to a new ping.
        if let Some(pong) = self.pending.as_mut().and_then(|it| it.pings.pop_late_pong(at)) {
            self.answer_ping(pong);
        }
    }

    /// Queues every pong that still waits, and forgets those that can't be queued: no other frame but a Close frame will follow.
    pub(super) fn queue_last_pongs(&mut self) {
        self.queue_waiting();
        if let Some(pong) = self.pending.as_mut().and_then(|it| it.pings.pop_last_pong()) {
            self.queue_answer(&pong);
        }
        self.forget_waiting();
    }

    /// Forgets the pings and pongs that have not been queued.
    pub(super) fn forget_waiting(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.pings.forget_waiting();
        }
    }
}
