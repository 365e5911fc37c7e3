//! The gate of the receiving half: its state, what is known of the end of the stream, whether messages are held, and so which messages
//! may take the fast path. Whether the next frame may be read is decided by `Incoming::is_blocked`, which is given `holds`; whether input
//! is kept, by `Receiver::poll_general`.

use super::config::{Config, Delivery};
use super::state::{Receiving, ReceivingChange, StreamEnd};
use crate::frame::FastLimit;

/// The gate.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveGate {
    state: Receiving,
    stream_end: StreamEnd,
    /// Whether messages are held.
    hold: bool,
    /// Which messages the configuration lets be decoded in one step.
    configured: FastLimit,
    /// Which messages may be decoded in one step now: those of `configured`, or none while messages are held. Set wherever one of the two
    /// changes, which is here.
    fast_limit: FastLimit,
}

impl ReceiveGate {
    pub(super) fn new(config: &Config) -> Self {
        let (state, stream_end) = (Receiving::Open, StreamEnd::default());
        let configured = fast_limit(config);
        Self { state, stream_end, hold: false, configured, fast_limit: configured }
    }

    /// Applies a configuration from now on.
    pub(super) fn set_config(&mut self, config: &Config) {
        self.configured = fast_limit(config);
        self.hold(self.hold);
    }

    /// Which messages may be decoded in one step. In every state but the open one the decoder refuses them.
    #[inline(always)]
    pub(super) const fn fast_limit(&self) -> FastLimit {
        self.fast_limit
    }

    /// Sets whether messages are held.
    pub(super) const fn hold(&mut self, hold: bool) {
        self.hold = hold;
        self.fast_limit = if hold { FastLimit::NONE } else { self.configured };
    }

    /// Whether messages are held.
    #[inline]
    pub(super) const fn holds(&self) -> bool {
        self.hold
    }

    pub(super) const fn state(&self) -> Receiving {
        self.state
    }

    /// Whether frames are read.
    #[inline]
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, Receiving::Open)
    }

    /// Goes over to the state after `change`, which may be the same.
    pub(super) const fn change(&mut self, change: ReceivingChange) {
        self.state = self.state.after(change);
    }

    /// Whether the end of the stream has been reached.
    #[inline]
    pub(super) const fn has_stream_ended(&self) -> bool {
        self.stream_end.is_reached()
    }

    /// The end of the stream has been reached, if `eof` says so.
    pub(super) const fn reach_end_if(&mut self, eof: bool) {
        if eof {
            self.stream_end = self.stream_end.reached();
        }
    }

    /// Notes that the sending half learns of the end of the stream, and returns whether it didn't know.
    pub(super) fn tell_of_end(&mut self) -> bool {
        let before = self.stream_end;
        self.stream_end = before.told();
        self.stream_end != before
    }
}

/// Which messages the configuration lets be decoded in one step.
fn fast_limit(config: &Config) -> FastLimit {
    match config.delivery {
        Delivery::Whole => FastLimit::new(&config.limits),
        Delivery::Parts => FastLimit::NONE,
    }
}
