//! Whether the peer still lives: when it was last heard, whether it has been asked, and how long a ping takes. The receiving half's timers run
//! from what is known here; what an alarm leads to is decided by `Receiver::poll_end_and_time`.

use core::num::NonZeroU32;
use core::time::Duration;

use super::config::Config;
use super::timers::Timer;
use crate::words::time::Instant;

/// When the peer was last heard. Time counts only while input is welcome; after a pause it begins anew.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Liveness {
    /// When the last byte arrived, when the ping after it was written, or when a pause ended.
    since: Option<Instant>,
    /// When the last data frame arrived, or when a pause ended; `None` once the idle time has run out, which is reported once.
    data: Option<Instant>,
    /// The round-trip time of the last ping that was answered, in microseconds plus one.
    round_trip: Option<NonZeroU32>,
    asked: Asked,
    /// What has arrived since time was last looked at.
    heard: Heard,
    /// Whether input has been unwelcome since time was last looked at.
    paused: bool,
}

/// Whether the silent peer has been asked for a sign of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    No,
    /// A ping is due or queued.
    Soon,
    /// A ping has been written.
    Yes,
    /// No ping may be sent after our Close frame.
    Never,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    #[default]
    Nothing,
    Bytes,
    /// Bytes, some of them of data frames.
    Data,
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

impl Liveness {
    /// Remembers that bytes have arrived.
    #[inline]
    pub(crate) fn heard_bytes(&mut self) {
        self.heard = self.heard.max(Heard::Bytes);
    }

    /// Remembers that bytes of a data frame have arrived.
    #[inline]
    pub(crate) fn heard_data(&mut self) {
        self.heard = Heard::Data;
    }

    /// Whether anything has arrived since time was last looked at.
    #[inline]
    pub(crate) fn has_heard(&self) -> bool {
        self.heard != Heard::Nothing
    }

    /// Remembers that input is not welcome.
    #[inline]
    pub(crate) fn pause(&mut self) {
        self.paused = true;
    }

    /// What is due at `now`, when input is welcome; each alarm is given once. All times are counted from the first call on.
    pub(crate) fn alarm(&mut self, now: Instant, config: &Config) -> Option<Alarm> {
        let anew = core::mem::take(&mut self.paused);
        let heard = core::mem::take(&mut self.heard);
        let first = self.since.is_none();
        if first || anew || heard >= Heard::Bytes {
            self.since = Some(now);
        }
        if heard >= Heard::Bytes && self.asked != Asked::Never {
            self.asked = Asked::No;
        }
        if first || self.data.is_some() && (anew || heard == Heard::Data) {
            self.data = Some(now);
        }
        if self.is_due(Timer::Idle, now, config) {
            self.data = None;
            return Some(Alarm::Idle);
        }
        if self.is_due(Timer::Answer, now, config) {
            self.since = Some(now);
            return Some(Alarm::Dead);
        }
        if self.is_due(Timer::Quiet, now, config) {
            self.asked = Asked::Soon;
            return Some(Alarm::Ping);
        }
        None
    }

    /// From when a timer runs; `None` if it doesn't.
    const fn start(&self, timer: Timer) -> Option<Instant> {
        match (timer, self.asked) {
            (Timer::Quiet, Asked::No) | (Timer::Answer, Asked::Yes) => self.since,
            (Timer::Idle, _) => self.data,
            _ => None,
        }
    }

    /// Whether a timer that runs is due at `now`.
    fn is_due(&self, timer: Timer, now: Instant, config: &Config) -> bool {
        timer.is_due(self.start(timer), now, config)
    }

    /// Counts the time for an answer from now on: the ping has been written.
    pub(crate) fn ping_written(&mut self, now: Instant) {
        if self.asked == Asked::Soon {
            self.asked = Asked::Yes;
            self.since = Some(now);
        }
    }

    /// Asks no more: no ping can be sent after a Close frame.
    pub(crate) fn stop_asking(&mut self) {
        self.asked = Asked::Never;
    }

    /// When the next alarm will be due, as long as input is welcome: at once, as long as there has been no call from which the times
    /// are counted.
    pub(crate) fn deadline(&self, config: &Config) -> Option<Duration> {
        if self.since.is_none() || self.paused {
            return config
                .idle
                .or(config.keepalive.map(|keepalive| keepalive.interval))
                .and(Some(Duration::ZERO));
        }
        [Timer::Quiet, Timer::Answer, Timer::Idle]
            .into_iter()
            .filter_map(|timer| timer.due(self.start(timer), config))
            .min()
            .map(Instant::since_origin)
    }

    /// Remembers a round-trip time.
    pub(crate) fn set_round_trip(&mut self, round_trip: Duration) {
        let micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
        self.round_trip = Some(NonZeroU32::MIN.saturating_add(micros));
    }

    /// The last round-trip time, to the microsecond.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip.map(|micros| Duration::from_micros(u64::from(micros.get()) - 1))
    }
}
