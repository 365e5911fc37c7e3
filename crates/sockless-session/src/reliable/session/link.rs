//! What a session knows of the connection that carries it (section 3 of the specification, the second table).

use alloc::collections::VecDeque;

use super::super::window::Window;
use crate::time::Instant;

/// One connection of a session. Calls with one that has been superseded do no harm: they say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link(pub(super) u64);

/// How far the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A client's opening is to be sent.
    OpeningDue,
    /// A client waits for the answer.
    OpeningSent,
    /// A server's welcome is to be sent.
    WelcomeDue,
    /// Both sides may send.
    Open,
}

/// The state of a connection.
#[derive(Debug)]
pub(super) struct LinkState {
    pub(super) phase: Phase,
    /// Which opening of this connection is the last.
    pub(super) openings: u8,
    /// The number of the numbered message that arrives next.
    pub(super) next_in: u64,
    /// The number of the numbered message that is sent next.
    pub(super) next_out: u64,
    /// The octets outstanding: of the messages up to `next_out`.
    pub(super) out_bytes: u64,
    /// What the peer is ready to have outstanding.
    pub(super) window_out: Window,
    pub(super) inflow: Inflow,
    /// When an ack has to leave.
    pub(super) ack_due: Option<Instant>,
    /// The number from which the peer has been asked to send again: to be sent, or waited for.
    pub(super) asked: Option<Asked>,
    /// The position that answers the peer's request to send again.
    pub(super) position_due: Option<u64>,
    /// How often the peer has asked since its last ack.
    pub(super) rewinds: u8,
    /// Whether a probe, and an answer to one, are to be sent.
    pub(super) probe_due: bool,
    pub(super) alive_due: bool,
    /// When the peer was last heard, or probed.
    pub(super) since: Instant,
    pub(super) probed: bool,
    pub(super) bye: ByeState,
}

/// A request to send again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) from: u64,
    pub(super) sent: bool,
    /// How many messages have been dropped since.
    pub(super) dropped: u64,
}

/// How far the exchange of byes has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ByeState {
    /// The reason of ours, once it is to be sent.
    pub(super) due: Option<super::super::wire::Bye>,
    pub(super) sent: bool,
    pub(super) received: bool,
    /// Until when the peer's is waited for.
    pub(super) until: Option<Instant>,
}

impl LinkState {
    pub(super) fn new(
        phase: Phase,
        stated: u64,
        next_out: u64,
        window: Window,
        now: Instant,
    ) -> Self {
        Self {
            phase,
            openings: 1,
            next_in: stated + 1,
            next_out,
            out_bytes: 0,
            window_out: window,
            inflow: Inflow { ack_sent: stated, sizes: VecDeque::new(), bytes: 0 },
            ack_due: None,
            asked: None,
            position_due: None,
            rewinds: 0,
            probe_due: false,
            alive_due: false,
            since: now,
            probed: false,
            bye: ByeState::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether nothing is to be said but messages.
    #[inline]
    pub(super) fn is_quiet(&self, now: Instant) -> bool {
        self.ack_due.is_none_or(|due| due > now)
            && self.asked.is_none_or(|asked| asked.sent)
            && self.position_due.is_none()
            && !self.alive_due
            && !self.probe_due
    }

    /// Arms the timer of acks, if an ack could say something now or once this is stored.
    #[inline]
    pub(super) fn arm_ack(&mut self, accepted: u64, window: Window, now: Instant, delay: Instant) {
        if accepted.min(self.next_in - 1) <= self.inflow.ack_sent {
            return;
        }
        let pressed = self.inflow.is_pressing(window);
        let due = if pressed { now } else { delay };
        self.ack_due = Some(self.ack_due.map_or(due, |earlier| earlier.min(due)));
    }
}

/// What has arrived and isn't acknowledged: what fills our window.
#[derive(Debug)]
pub(super) struct Inflow {
    /// The last ack that was sent.
    pub(super) ack_sent: u64,
    /// The lengths of the messages after it.
    sizes: VecDeque<u64>,
    bytes: u64,
}

impl Inflow {
    /// Whether one more message of this length is within the window.
    #[inline]
    pub(super) fn allows(&self, window: Window, len: u64) -> bool {
        window.allows(self.sizes.len() as u64 + 1, self.bytes + len)
    }

    /// Whether it is a quarter of the window or more.
    fn is_pressing(&self, window: Window) -> bool {
        window.is_quarter(self.sizes.len() as u64, self.bytes)
    }

    #[inline]
    pub(super) fn push(&mut self, len: u64) {
        self.sizes.push_back(len);
        self.bytes += len;
    }

    /// An ack has been sent.
    pub(super) fn acked(&mut self, number: u64) {
        for _ in self.ack_sent..number {
            self.bytes -= self.sizes.pop_front().unwrap_or(0);
        }
        self.ack_sent = number;
    }

    /// The messages from this number on will come again.
    pub(super) fn forget_from(&mut self, number: u64) {
        let kept = number.saturating_sub(self.ack_sent + 1);
        while self.sizes.len() as u64 > kept {
            self.bytes -= self.sizes.pop_back().unwrap_or(0);
        }
    }
}

impl LinkState {
    pub(super) fn is_over(&self) -> bool {
        self.bye.sent && self.bye.received
    }
}
