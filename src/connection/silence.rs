//! When the peer has been silent for too long: the receiving half's timers.

use core::time::Duration;

use super::config::Config;
use crate::words::time::Instant;

/// When the peer was last heard.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    /// The last byte.
    byte: Option<Instant>,
    /// The last data frame.
    data: Option<Instant>,
    /// The ping that has been sent since the last byte.
    ping: Option<Instant>,
    /// Whether the idle time has run out; that is told once.
    idle: bool,
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
    /// Takes note that the connection is open at `now`: all times are counted from the first call on.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.byte.get_or_insert(now);
        self.data.get_or_insert(now);
    }

    /// Takes note of bytes at `now`, and of data frames among them.
    pub(crate) fn heard(&mut self, now: Instant, data: bool) {
        self.byte = Some(now);
        self.ping = None;
        if data {
            self.data = Some(now);
        }
    }

    /// What is due at `now`; each alarm is given once.
    pub(crate) fn alarm(&mut self, now: Instant, config: &Config) -> Option<Alarm> {
        if self.idle_at(config).is_some_and(|at| now >= at) {
            self.idle = true;
            return Some(Alarm::Idle);
        }
        if self.keepalive_at(config).is_some_and(|at| now >= at) {
            if self.ping.is_some() {
                return Some(Alarm::Dead);
            }
            self.ping = Some(now);
            return Some(Alarm::Ping);
        }
        None
    }

    /// When the next alarm will be due.
    pub(crate) fn deadline(&self, config: &Config) -> Option<Duration> {
        let (idle, keepalive) = (self.idle_at(config), self.keepalive_at(config));
        idle.into_iter()
            .chain(keepalive)
            .min()
            .map(Instant::since_origin)
    }

    fn idle_at(&self, config: &Config) -> Option<Instant> {
        let idle = config.idle.filter(|_| !self.idle)?;
        Some(self.data?.after(idle))
    }

    fn keepalive_at(&self, config: &Config) -> Option<Instant> {
        let keepalive = config.keepalive?;
        Some(match self.ping {
            Some(ping) => ping.after(keepalive.timeout),
            None => self.byte?.after(keepalive.interval),
        })
    }
}
