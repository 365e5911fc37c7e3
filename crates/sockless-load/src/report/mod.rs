//! What was measured. `table` shows it in a terminal, `html` in a browser; as JSON it is written as it is here.

mod chart;
mod html;
mod table;

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::scenario::PERCENTILES;
use crate::span::milliseconds;

pub use html::html;
pub use table::table;

/// How many senders are named whose messages were lost, doubled or out of order.
pub const WORST_SENDERS: usize = 10;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was done.
    pub setting: Setting,
    /// What became of connections.
    pub connections: Connections,
    /// What became of messages.
    pub messages: Messages,
    /// From the planned time of a message to its arrival: what a user sees who doesn't wait for others.
    pub latency: Latency,
    /// From the sending to the arrival.
    pub from_sending: Latency,
    /// From the planned time to the sending: what the generator, or a server that doesn't read, has added.
    pub lateness: Latency,
    /// Whose messages were lost, doubled or out of order: the worst.
    pub senders: Vec<Sender>,
    /// How it went.
    pub seconds: Vec<Second>,
    /// Whether each threshold held.
    pub thresholds: Vec<Judgement>,
    /// Whether all did.
    pub held: bool,
}

/// What was done.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Setting {
    /// The file of the scenario.
    pub scenario: String,
    /// Where to, without a query.
    pub url: String,
    /// What connections spoke.
    pub protocol: &'static str,
    /// How many groups.
    pub groups: u64,
    /// How many connections in each.
    pub group: u64,
    /// Whether messages were sent.
    pub measures: bool,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// How long opening the connections took.
    pub opening_seconds: f64,
    /// How long it was to be measured.
    pub duration_seconds: f64,
    /// How much of it is not in latencies.
    pub warmup_seconds: f64,
    /// How long it was measured.
    pub measured_seconds: f64,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// What became of connections.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Connections {
    /// How many there were to be.
    pub wanted: u64,
    /// How many were ready for the measurement.
    pub opened: u64,
    /// How many never were.
    pub failed: u64,
    /// How many were, and were lost before its end.
    pub dropped: u64,
    /// Why, the most frequent reason first.
    pub reasons: Vec<Reason>,
    /// How long it took until they were ready.
    pub opening: Latency,
}

/// Why connections failed or were dropped.
#[derive(Clone, Debug, Serialize)]
pub struct Reason {
    /// `failed` or `dropped`.
    pub what: &'static str,
    /// Why.
    pub why: String,
    /// How many.
    pub count: u64,
}

/// What became of messages. A message to many arrives many times.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Messages {
    /// How many were to be sent.
    pub planned: u64,
    /// How many were.
    pub sent: u64,
    /// How many weren't: their connections were gone, or took no more.
    pub unsent: u64,
    /// How many arrivals there were, each message once at each receiver.
    pub delivered: u64,
    /// How many there should have been besides, at connections that were open until the end.
    pub lost: u64,
    /// How many more at connections that were dropped.
    pub missed: u64,
    /// How many came again.
    pub doubled: u64,
    /// How many came after one that the same sender has sent later.
    pub reordered: u64,
    /// How many came to somebody whom they weren't meant for, or from an earlier run.
    pub stray: u64,
    /// Of how many senders messages were lost, doubled or out of order.
    pub senders_in_trouble: u64,
}

/// Somebody whose messages were lost, doubled or out of order.
#[derive(Clone, Debug, Serialize)]
pub struct Sender {
    /// The number of the connection.
    pub number: u32,
    /// Its user.
    pub user: String,
    /// Lost, over all receivers.
    pub lost: u64,
    /// Doubled.
    pub doubled: u64,
    /// Out of order.
    pub reordered: u64,
}

impl Sender {
    pub(crate) fn new(number: u32) -> Self {
        Self { number, user: String::new(), lost: 0, doubled: 0, reordered: 0 }
    }

    pub(crate) fn trouble(&self) -> u64 {
        self.lost + self.doubled + self.reordered
    }
}

/// Lengths of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    /// Of how many.
    pub count: u64,
    /// Their mean.
    pub mean_ms: f64,
    /// Half of them are no longer.
    pub p50_ms: f64,
    /// 90 %.
    pub p90_ms: f64,
    /// 99 %.
    pub p99_ms: f64,
    /// 99.9 %.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Latency {
    /// What a histogram in microseconds says.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let [p50_ms, p90_ms, p99_ms, p999_ms, max_ms] =
            PERCENTILES.map(|(_, part)| histogram.value_at_percentile(part) as f64 / 1000.0);
        let mean_ms = histogram.mean() / 1000.0;
        Self { count: histogram.len(), mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms }
    }

    /// The percentiles that have names.
    pub fn all(&self) -> [Duration; 5] {
        [self.p50_ms, self.p90_ms, self.p99_ms, self.p999_ms, self.max_ms]
            .map(|value| Duration::try_from_secs_f64(value / 1000.0).unwrap_or_default())
    }

    /// The same as text.
    pub(crate) fn shown(&self) -> [String; 5] {
        self.all().map(milliseconds)
    }
}

/// A second of the run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Second {
    /// When it ended, in seconds since the run began.
    pub at: f64,
    /// How long it was.
    pub long: f64,
    /// How many connections were open and ready.
    pub open: u64,
    /// How many had failed.
    pub failed: u64,
    /// How many were dropped.
    pub dropped: u64,
    /// How many messages were sent.
    pub sent: u64,
    /// How many arrived.
    pub delivered: u64,
    /// The latencies of those.
    pub latency: Latency,
}

/// A threshold, and whether it held.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement {
    /// Its name.
    pub name: &'static str,
    /// What it asks for.
    pub wanted: String,
    /// What was measured.
    pub measured: String,
    /// Whether it held.
    pub held: bool,
}

impl Report {
    /// The report as JSON.
    pub fn json(&self) -> String {
        // There are no maps in it whose keys could be something else than text.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Whether the generator itself was late: then latencies are partly its own.
    pub fn is_late(&self) -> bool {
        self.lateness.p99_ms > 10.0
    }
}
