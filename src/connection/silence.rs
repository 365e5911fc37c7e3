//! What the receiving half knows of time: when the peer was last heard, and how long a ping takes.

use core::num::NonZeroU32;
use core::time::Duration;

use super::config::Config;
use crate::words::time::Instant;

/// When the peer was last heard.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    /// The last byte, or the ping that has been sent since.
    since: Option<Instant>,
    /// The last data frame; `None` once the idle time has run out, which is told once.
    data: Option<Instant>,
    /// Whether a ping has been sent since the last byte.
    pinged: bool,
    /// Whether that ping could not be sent, so that the peer owes no answer.
    unasked: bool,
    /// Whether bytes, and data frames among them, have arrived since time was last looked at.
    bytes_arrived: bool,
    data_arrived: bool,
    /// The round-trip time of the last ping that was answered, in microseconds plus one.
    round_trip: Option<NonZeroU32>,
}

/// What silence calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// The peer is to be pinged.
    Ping,
    /// The peer has not answered the ping.
    Dead,
    /// The peer has sent no data.
    Idle,
}

impl Silence {
    /// Takes note that bytes have arrived.
    #[inline]
    pub(crate) fn heard_bytes(&mut self) {
        self.bytes_arrived = true;
    }

    /// Takes note that a data frame has arrived.
    #[inline]
    pub(crate) fn heard_data(&mut self) {
        self.bytes_arrived = true;
        self.data_arrived = true;
    }

    /// What is due at `now`; each alarm is given once. All times are counted from the first call on.
    pub(crate) fn alarm(&mut self, now: Instant, config: &Config) -> Option<Alarm> {
        if self.since.is_none() {
            self.since = Some(now);
            self.data = Some(now);
        }
        if core::mem::take(&mut self.bytes_arrived) {
            self.since = Some(now);
            (self.pinged, self.unasked) = (false, false);
        }
        if core::mem::take(&mut self.data_arrived) && self.data.is_some() {
            self.data = Some(now);
        }
        if self.idle_at(config).is_some_and(|at| now >= at) {
            self.data = None;
            return Some(Alarm::Idle);
        }
        if self.keepalive_at(config).is_some_and(|at| now >= at) {
            if self.pinged && !self.unasked {
                return Some(Alarm::Dead);
            }
            self.since = Some(now);
            self.pinged = !core::mem::take(&mut self.unasked);
            return self.pinged.then_some(Alarm::Ping);
        }
        None
    }

    /// Takes note that the ping that was due could not be sent: the peer has not been asked yet.
    pub(crate) fn not_pinged(&mut self) {
        self.unasked = true;
    }

    /// When the next alarm will be due: at once, as long as there has been no call from which the times are counted.
    pub(crate) fn deadline(&self, config: &Config) -> Option<Duration> {
        if self.since.is_none() {
            return config
                .idle
                .or(config.keepalive.map(|keepalive| keepalive.interval))
                .and(Some(Duration::ZERO));
        }
        let (idle, keepalive) = (self.idle_at(config), self.keepalive_at(config));
        idle.into_iter().chain(keepalive).min().map(Instant::since_origin)
    }

    fn idle_at(&self, config: &Config) -> Option<Instant> {
        Some(self.data?.after(config.idle?))
    }

    fn keepalive_at(&self, config: &Config) -> Option<Instant> {
        let keepalive = config.keepalive?;
        let wait = if self.pinged { keepalive.timeout } else { keepalive.interval };
        Some(self.since?.after(wait))
    }

    /// Remembers a round-trip time.
    pub(crate) fn timed(&mut self, round_trip: Duration) {
        let micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
        self.round_trip = Some(NonZeroU32::MIN.saturating_add(micros));
    }

    /// The last round-trip time, to the microsecond.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip.map(|micros| Duration::from_micros(u64::from(micros.get()) - 1))
    }
}
