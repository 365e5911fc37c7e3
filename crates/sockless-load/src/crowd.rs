//! What all connections share: the scenario, who is who, the phase of the run, counters and histograms.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::scenario::{Scenario, Shape};
use crate::template::Placeholder;

/// Connections lock one of these parts each, so that they seldom wait for each other.
const SHARDS: usize = 16;
/// How many different reasons are kept.
const REASONS: usize = 50;

/// Where the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Connections are being opened.
    Opening,
    /// The measurement begins then, and takes what is planned before its end, in nanoseconds.
    Measuring { start: Instant, end: u64 },
    /// It is over, and has taken what was planned before this; nothing, if it never began.
    Over { end: u64 },
}

/// What has become of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    Failed,
    Dropped,
}

/// Histograms, in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// From the planned time to the arrival.
    pub(crate) latency: Histogram<u64>,
    /// From the sending to the arrival.
    pub(crate) from_sending: Histogram<u64>,
    /// From the planned time to the sending.
    pub(crate) lateness: Histogram<u64>,
    /// From the time at which a connection was to be opened until it was ready.
    pub(crate) opening: Histogram<u64>,
    /// The latencies since it was looked at last.
    pub(crate) recent: Histogram<u64>,
}

impl Times {
    fn new() -> Self {
        // Three digits, and it grows with what it gets: this is a constant that is allowed.
        let empty =
            || Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are allowed"));
        Self {
            latency: empty(),
            from_sending: empty(),
            lateness: empty(),
            opening: empty(),
            recent: empty(),
        }
    }
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) opened: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) sent: AtomicU64,
    /// How many arrivals there should be of what was sent, if all connections are open.
    pub(crate) expected: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) doubled: AtomicU64,
    pub(crate) reordered: AtomicU64,
    /// Marks that nobody expects here: of another run, or of somebody whose messages don't go here.
    pub(crate) stray: AtomicU64,
}

impl Counts {
    pub(crate) fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(count: &AtomicU64) -> u64 {
        count.load(Ordering::Relaxed)
    }
}

/// What all connections share.
pub(crate) struct Crowd {
    pub(crate) scenario: Scenario,
    pub(crate) run: u32,
    pub(crate) began: Instant,
    pub(crate) counts: Counts,
    phase: watch::Sender<Phase>,
    shards: Vec<Mutex<Times>>,
    losses: Mutex<BTreeMap<(Loss, String), u64>>,
}

/// Whose connection it is.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) number: u32,
    pub(crate) group: u32,
    pub(crate) member: u32,
    pub(crate) user: String,
}

impl Crowd {
    pub(crate) fn new(scenario: Scenario, run: u32) -> Self {
        Self {
            scenario,
            run,
            began: Instant::now(),
            counts: Counts::default(),
            phase: watch::Sender::new(Phase::Opening),
            shards: (0..SHARDS).map(|_| Mutex::new(Times::new())).collect(),
            losses: Mutex::default(),
        }
    }

    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// When a connection is to be opened.
    pub(crate) fn opens_at(&self, number: u32) -> Instant {
        let all = f64::from(self.scenario.pattern.connections);
        self.began + self.scenario.ramp.mul_f64(f64::from(number) / all)
    }

    pub(crate) fn person(&self, number: u32) -> Person {
        let pattern = &self.scenario.pattern;
        let (group, member) = (number / pattern.group, number % pattern.group);
        let nameless = Person { number, group, member, user: String::new() };
        let user = self.scenario.user.fill(|placeholder| self.value(&nameless, placeholder));
        Person { user, ..nameless }
    }

    /// What a placeholder stands for on somebody's connection.
    pub(crate) fn value(&self, person: &Person, placeholder: Placeholder) -> String {
        match placeholder {
            Placeholder::Number => person.number.to_string(),
            Placeholder::Group => person.group.to_string(),
            Placeholder::Member => person.member.to_string(),
            Placeholder::User => person.user.clone(),
            Placeholder::Run => format!("{:08x}", self.run),
            Placeholder::Jwt => {
                self.scenario.signing.as_ref().map_or_else(String::new, |signing| {
                    let claims = signing.claims.fill(|placeholder| self.value(person, placeholder));
                    crate::jwt::sign(&signing.secret, &claims)
                })
            }
            // These are the message's.
            Placeholder::Mark | Placeholder::Sequence | Placeholder::Padding => String::new(),
        }
    }

    /// Notes how long something took, in the part of this connection.
    pub(crate) fn times(&self, number: u32) -> MutexGuard<'_, Times> {
        let shard = &self.shards[number as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latencies since this was asked last.
    pub(crate) fn take_recent(&self) -> Histogram<u64> {
        let mut all = Times::new().recent;
        for shard in &self.shards {
            let mut times = shard.lock().unwrap_or_else(PoisonError::into_inner);
            // It grows with what is added: there is nothing that doesn't fit.
            let _ = all.add(&times.recent);
            times.recent.reset();
        }
        all
    }

    /// All times.
    pub(crate) fn all_times(&self) -> Times {
        let mut all = Times::new();
        for shard in &self.shards {
            let times = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = all.latency.add(&times.latency);
            let _ = all.from_sending.add(&times.from_sending);
            let _ = all.lateness.add(&times.lateness);
            let _ = all.opening.add(&times.opening);
        }
        all
    }

    /// A connection was not opened, or is gone, and why.
    pub(crate) fn lose(&self, loss: Loss, why: String) {
        Counts::add(match loss {
            Loss::Failed => &self.counts.failed,
            Loss::Dropped => &self.counts.dropped,
        });
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        let known = losses.len() < REASONS || losses.contains_key(&(loss, why.clone()));
        let why = if known { why } else { "other reasons".into() };
        *losses.entry((loss, why)).or_default() += 1;
    }

    /// Why connections were lost, the most frequent reason first.
    pub(crate) fn losses(&self) -> Vec<(Loss, String, u64)> {
        let losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> =
            losses.iter().map(|((loss, why), count)| (*loss, why.clone(), *count)).collect();
        all.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
        all
    }
}

/// What is sent, with a value in each place. `None` where it can't be: arguments that are no JSON with these values.
pub(crate) fn fill(
    shape: &Shape,
    value: impl Fn(Placeholder) -> String,
) -> Option<crate::wire::Outgoing> {
    use crate::wire::Outgoing;
    Some(match shape {
        Shape::Text(template) => Outgoing::Text(template.fill(value)),
        Shape::Binary(template) => Outgoing::Binary(template.fill(value).into_bytes()),
        Shape::Event { name, arguments } => {
            let text = arguments.fill(value);
            let arguments: Vec<&serde_json::value::RawValue> = serde_json::from_str(&text).ok()?;
            let mut payload = sockless_socketio::socket::Payload::new();
            for argument in arguments {
                payload.push(argument).ok()?;
            }
            Outgoing::Event { name: name.clone(), payload }
        }
    })
}

/// A length of time in microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
