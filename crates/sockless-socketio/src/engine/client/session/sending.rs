//! What is sent: a queue, and the transport that takes from it.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Client, State, Transport};
use crate::engine::client::output::Output;
use crate::engine::client::output::Reason;
use crate::engine::output::{SendError, Transmit};
use crate::engine::packet::{Frame, polled_len};
use crate::engine::payload::encode_payload;

impl Client {
    /// Sends messages, one after the other: all of them or none.
    ///
    /// # Errors
    ///
    /// If the session isn't open, too much waits, or one of them is longer than the server allows.
    pub fn send(&mut self, frames: &[Frame]) -> Result<(), SendError> {
        let max_payload = match &self.hello {
            Some(hello) if self.state == State::Open => hello.max_payload,
            _ => return Err(SendError::Closed),
        };
        // In long-polling, bytes are written in base64. What waits until the WebSocket is used may also go with the last request.
        let written = if self.is_websocket() { Frame::len } else { polled_len };
        if frames.iter().any(|frame| written(frame) > max_payload) {
            return Err(SendError::TooLarge);
        }
        let bytes: usize = frames.iter().map(Frame::len).sum();
        let fits = self.queue.len() + frames.len() <= self.config.queue_frames
            && self.queued.saturating_add(bytes) <= self.config.queue_bytes;
        if !fits {
            return Err(SendError::Full);
        }
        frames.iter().cloned().for_each(|frame| self.push(frame));
        self.flush();
        Ok(())
    }

    /// Whether what is sent would be on its way at once: nothing waits, and no request has to be waited for.
    pub fn is_idle(&self) -> bool {
        let ready = match self.transport {
            Transport::Polling { posts, .. } => !posts && !self.is_changing(),
            Transport::WebSocket { open, .. } => open,
        };
        self.state == State::Open && !self.has_frames() && ready
    }

    /// How much waits to be sent: frames, and their bytes.
    pub fn queued(&self) -> (usize, usize) {
        (self.queue.len(), self.queued)
    }

    /// What the WebSocket has to do next: to be called after each [`Output::Transmit`], until there is nothing more.
    pub fn transmit(&mut self) -> Transmit {
        if self.probe.is_some() {
            return self.next_of_probe().map_or(Transmit::Wait, Transmit::Frame);
        }
        if !self.is_websocket() {
            return Transmit::Close;
        }
        if let Some(frame) = self.next_frame() {
            return Transmit::Frame(frame);
        }
        if let Transport::WebSocket { told, .. } = &mut self.transport {
            *told = false;
        }
        match self.state {
            State::Opening { .. } | State::Open => Transmit::Wait,
            State::Closing { .. } => {
                self.end(Reason::ForcedClose);
                Transmit::Close
            }
            State::Closed => Transmit::Close,
        }
    }

    /// Whether a WebSocket is used, or may be. One that is being opened for nothing may be given up.
    pub fn wants_websocket(&self) -> bool {
        self.probe.is_some() || (self.is_websocket() && !self.is_closed())
    }

    /// Whether something waits to be sent.
    fn has_frames(&self) -> bool {
        self.pong.is_some() || !self.queue.is_empty()
    }

    /// What is sent next.
    fn next_frame(&mut self) -> Option<Frame> {
        if let Some(pong) = self.pong.take() {
            return Some(pong);
        }
        let frame = self.queue.pop_front()?;
        self.queued -= frame.len();
        Some(frame)
    }

    /// Queues a frame of the protocol, which has its place whatever waits.
    pub(super) fn push(&mut self, frame: Frame) {
        self.queued += frame.len();
        self.queue.push_back(frame);
    }

    /// Whether all has been sent, with the packet that closes the session.
    pub(super) fn is_last_sent(&self) -> bool {
        matches!(self.state, State::Closing { .. }) && !self.has_frames()
    }

    /// Gives what waits to the transport, if it can take it.
    pub(super) fn flush(&mut self) {
        if self.is_closed() || self.is_changing() {
            return;
        }
        let closes = matches!(self.state, State::Closing { .. });
        let has_frames = self.has_frames();
        match &mut self.transport {
            Transport::Polling { posts, .. } => {
                if has_frames && !core::mem::replace(posts, true) {
                    let body = self.next_body().into();
                    let query = self.address("polling");
                    self.outputs.push_back(Output::Post { query, body });
                }
            }
            Transport::WebSocket { open, told, .. } => {
                if (closes || has_frames) && *open && !core::mem::replace(told, true) {
                    self.outputs.push_back(Output::Transmit);
                }
            }
        }
    }

    /// As much of what waits as fits in one body.
    fn next_body(&mut self) -> String {
        let most = self.hello.as_ref().map_or(usize::MAX, |hello| hello.max_payload);
        let mut frames = Vec::new();
        let mut len = 0_usize;
        while let Some(frame) = self.pong.as_ref().or_else(|| self.queue.front()) {
            let separator = usize::from(!frames.is_empty());
            let longer = len.saturating_add(separator).saturating_add(polled_len(frame));
            if longer > most && !frames.is_empty() {
                break;
            }
            len = longer;
            frames.extend(self.next_frame());
        }
        encode_payload(&frames)
    }
}
