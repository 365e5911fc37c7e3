//! What is sent in a session: a queue, and the transport that takes from it.

use alloc::collections::VecDeque;

use super::{Conversation, Outputs, State, Transport};
use crate::engine::config::Config;
use crate::engine::output::{Output, Reason, SendError, Transmit};
use crate::engine::packet::{Frame, Packet};
use crate::engine::payload::encode_payload;
use crate::engine::refusal::Refusal;
use crate::engine::request::{Answer, Begun};
use crate::engine::table::{Channel, RequestId};

impl Conversation {
    /// A poll begins.
    pub(in crate::engine) fn begin_poll(&mut self, id: RequestId, outputs: &mut Outputs) -> Begun {
        match &mut self.transport {
            Transport::WebSocket(_) => Begun::Answer(Refusal::Request.answer()),
            Transport::Polling { poll: Some(_) } => {
                self.end(Reason::TransportError, outputs);
                Begun::Answer(Refusal::Request.answer())
            }
            Transport::Polling { poll } => {
                *poll = Some(id);
                self.flush(outputs);
                Begun::Wait(id)
            }
        }
    }

    /// Whether a message could be sent at once: its transport waits for one.
    pub(in crate::engine) fn is_idle(&self) -> bool {
        self.state == State::Open
            && self.queue.is_empty()
            && !matches!(self.transport, Transport::Polling { poll: None })
    }

    /// What a WebSocket has to do next.
    pub(in crate::engine) fn transmit(
        &mut self,
        channel: Channel,
        outputs: &mut Outputs,
    ) -> Transmit {
        if self.probes(channel) {
            let answers =
                self.probe.as_mut().is_some_and(|probe| core::mem::take(&mut probe.answers));
            return match answers {
                true => Transmit::Frame(Packet::Pong("probe").encode()),
                false => Transmit::Wait,
            };
        }
        if let Some(frame) = self.queue.pop_front() {
            self.queued -= frame.len();
            return Transmit::Frame(frame);
        }
        self.told = false;
        match self.state {
            State::Open => Transmit::Wait,
            State::Closing { .. } => {
                self.end(Reason::ForcedClose, outputs);
                Transmit::Close
            }
            State::Closed(_) => Transmit::Close,
        }
    }

    /// Queues all of these frames, or none.
    pub(in crate::engine) fn send(
        &mut self,
        frames: &[Frame],
        config: &Config,
        outputs: &mut Outputs,
    ) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::Closed);
        }
        let bytes: usize = frames.iter().map(Frame::len).sum();
        let fits = self.queue.len() + frames.len() <= config.queue_frames
            && self.queued.saturating_add(bytes) <= config.queue_bytes;
        if !fits {
            return Err(SendError::Full);
        }
        frames.iter().cloned().for_each(|frame| self.push(frame));
        self.flush(outputs);
        Ok(())
    }

    /// Queues a frame of the protocol, which has its place whatever waits.
    pub(in crate::engine) fn push(&mut self, frame: Frame) {
        self.queued += frame.len();
        self.queue.push_back(frame);
    }

    /// Gives what waits to the transport, if it can take it.
    pub(super) fn flush(&mut self, outputs: &mut Outputs) {
        let closes = matches!(self.state, State::Closing { .. });
        let probed = self.probe.as_ref().is_some_and(|probe| probe.probed);
        match &mut self.transport {
            Transport::Polling { poll } => {
                if self.queue.is_empty() && !closes && !probed {
                    return;
                }
                let Some(id) = poll.take() else { return };
                if closes {
                    self.queue.push_back(Packet::Close.encode());
                } else if self.queue.is_empty() {
                    self.queue.push_back(Packet::Noop.encode());
                }
                let body = encode_payload(&self.queue);
                (self.queue, self.queued) = (VecDeque::new(), 0);
                outputs.push_back(Output::Answer(id, Answer::packets(body)));
                if closes {
                    self.end(Reason::ForcedClose, outputs);
                }
            }
            Transport::WebSocket(channel) => {
                if !self.told && (closes || !self.queue.is_empty()) {
                    self.told = true;
                    outputs.push_back(Output::Transmit(*channel));
                }
            }
        }
    }
}
