//! The change of a session's transport: a WebSocket that is probed, and then used.

use core::time::Duration;

use super::{Conversation, Outputs, Probe, Transport};
use crate::engine::config::Config;
use crate::engine::output::Output;
use crate::engine::packet::Packet;
use crate::engine::table::Channel;

impl Conversation {
    /// A WebSocket for this session was opened: whether it may become its transport.
    pub(in crate::engine) fn begin_probe(
        &mut self,
        channel: Channel,
        config: &Config,
        now: Duration,
    ) -> bool {
        if self.is_websocket() || self.probe.is_some() || self.is_closed() {
            return false;
        }
        let until = now.saturating_add(config.upgrade_timeout);
        self.probe = Some(Probe { channel, until, probed: false, answers: false });
        true
    }

    pub(super) fn end_probe(&mut self, outputs: &mut Outputs) {
        if let Some(probe) = self.probe.take() {
            outputs.push_back(Output::Transmit(probe.channel));
        }
    }

    pub(super) fn probes(&self, channel: Channel) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.channel == channel)
    }

    pub(super) fn probe_text(&mut self, text: &str, outputs: &mut Outputs) {
        let Some(probe) = &mut self.probe else { return };
        match Packet::decode(text) {
            Ok(Packet::Ping("probe")) if !probe.probed => {
                (probe.probed, probe.answers) = (true, true);
                outputs.push_back(Output::Transmit(probe.channel));
                // The poll that waits is ended: the client changes over once it has none.
                self.flush(outputs);
            }
            Ok(Packet::Upgrade) if probe.probed => {
                self.transport = Transport::WebSocket(probe.channel);
                self.told = probe.answers;
                if probe.answers {
                    self.queue.push_front(Packet::Pong("probe").encode());
                    self.queued += 6;
                }
                self.probe = None;
                self.flush(outputs);
            }
            _ => self.end_probe(outputs),
        }
    }
}
