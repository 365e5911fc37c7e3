//! The change from long-polling to a WebSocket: it is opened and probed beside the requests, and used once none of them is being made.
//!
//! ```text
//!   Opening ── open: probe ──> Asked ── answer ──> Heard ── no request waits: upgrade ──> the transport
//!      └──────────────── it fails, or the time is up: long-polling goes on ─────┘
//! ```
//!
//! What arrives by requests so comes before what arrives on the WebSocket, and what was sent likewise.

use core::time::Duration;

use super::{Client, State, Transport};
use crate::engine::client::output::{Event, Output};
use crate::engine::packet::{Frame, Packet};

/// A WebSocket that may become the transport.
#[derive(Debug)]
pub(super) struct Probe {
    until: Duration,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Opening,
    /// Whether the probe is still to be sent.
    Asked {
        asks: bool,
    },
    Heard,
}

impl Probe {
    pub(super) fn until(&self) -> Duration {
        self.until
    }
}

impl Client {
    pub(super) fn begin_probe(&mut self, now: Duration) {
        let until = now.saturating_add(self.config.upgrade_timeout);
        self.probe = Some(Probe { until, step: Step::Opening });
        let query = self.address("websocket");
        self.outputs.push_back(Output::Open { query });
    }

    /// The WebSocket is open.
    pub fn opened(&mut self, now: Duration) {
        self.timeout(now);
        if let Some(probe) = &mut self.probe {
            if probe.step == Step::Opening {
                probe.step = Step::Asked { asks: true };
                self.outputs.push_back(Output::Transmit);
            }
        } else if let Transport::WebSocket { open, .. } = &mut self.transport {
            *open = true;
            self.flush();
        }
    }

    /// The WebSocket that is probed has received text.
    pub(super) fn probed(&mut self, text: &str) {
        match (&mut self.probe, Packet::decode(text)) {
            (Some(probe), Ok(Packet::Pong("probe")))
                if matches!(probe.step, Step::Asked { .. }) =>
            {
                probe.step = Step::Heard;
                self.change();
            }
            _ => self.end_probe(),
        }
    }

    /// What is sent on the WebSocket that is probed.
    pub(super) fn next_of_probe(&mut self) -> Option<Frame> {
        match &mut self.probe.as_mut()?.step {
            Step::Asked { asks } => core::mem::take(asks).then(|| Packet::Ping("probe").encode()),
            Step::Opening | Step::Heard => None,
        }
    }

    /// Whether no further request is made, so that the WebSocket can be used.
    pub(super) fn is_changing(&self) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.step == Step::Heard)
    }

    /// Uses the WebSocket, if that is due.
    pub(super) fn change(&mut self) {
        let idle = matches!(self.transport, Transport::Polling { polls: false, posts: false });
        // What is left of the last body comes before all that comes on the WebSocket.
        let ready = idle && self.unread.is_none();
        if !self.is_changing() || !ready || self.state != State::Open {
            return;
        }
        self.probe = None;
        self.transport = Transport::WebSocket { open: true, told: false, unread: false };
        // Nothing is sent before the upgrade.
        for frame in self.pong.take().into_iter().chain([Packet::Upgrade.encode()]) {
            self.queued += frame.len();
            self.queue.push_front(frame);
        }
        self.events.push_back(Event::Upgraded);
        self.flush();
    }

    /// The WebSocket isn't used: it is closed, and requests go on.
    pub(super) fn end_probe(&mut self) {
        if self.probe.take().is_some() {
            self.outputs.push_back(Output::Transmit);
            self.go_on();
        }
    }
}
