//! A run: connections are opened, the measurement begins when all are ready, late messages are waited for, and all is added up.

use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::crowd::{Counts, Crowd, Loss, Phase};
use crate::member::{self, End, Fate};
use crate::progress::Progress;
use crate::report::{
    Connections, Latency, Messages, Reason, Report, Sender, Setting, WORST_SENDERS,
};
use crate::scenario::{Audience, Protocol, Scenario};
use crate::schedule::{Schedule, size};
use crate::span::nanoseconds;
use crate::verdict;
use crate::{descriptors, tally::Tally};

/// What lies between the signal to begin and the beginning, so that all connections have heard of it.
const SIGNAL: Duration = Duration::from_millis(50);
/// How often it is looked whether everything has arrived.
const LOOK: Duration = Duration::from_millis(20);
/// How long late messages are waited for when somebody doesn't want to wait.
const HURRY: Duration = Duration::from_secs(1);
/// How long closing may take, of all connections together.
const CLOSING: Duration = Duration::from_secs(3);

/// Runs a scenario. `stop` ends it early, with what was measured until then. Each second, `progress` gets a line.
///
/// # Errors
///
/// The system doesn't let it open as many connections.
pub async fn run(
    scenario: Scenario,
    stop: impl Future<Output = ()> + Send,
    progress: impl FnMut(&str) + Send + 'static,
) -> Result<Report, String> {
    descriptors::raise(scenario.pattern.connections)?;
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Seeded at random by the standard library: no two runs have the same in practice.
    let run = (RandomState::new().hash_one(at) >> 32) as u32;
    let crowd = Arc::new(Crowd::new(scenario, run));
    let progress = Progress::start(&crowd, progress);
    let (ready, mut all_ready) = mpsc::channel(1);
    let mut members = JoinSet::new();
    for number in 0..crowd.scenario.pattern.connections {
        members.spawn(member::run(Arc::clone(&crowd), number, ready.clone()));
    }
    drop(ready);
    let mut stop = std::pin::pin!(stop);
    let opened = tokio::select! {
        // Nobody sends: it ends when the last connection is ready or has failed.
        _ = all_ready.recv() => true,
        () = &mut stop => false,
    };
    let opening_seconds = crowd.began.elapsed().as_secs_f64();
    let any = Counts::read(&crowd.counts.opened) > 0;
    let (end, finished) = match opened && any {
        true => measure(&crowd, stop.as_mut()).await,
        false => (0, opened),
    };
    crowd.enter(Phase::Over { end });
    let mut ends: Vec<End> = Vec::new();
    while let Some(ended) = members.join_next().await {
        // A panic in there has been printed, and is a bug of ours: the numbers would be wrong.
        ends.push(ended.map_err(|error| format!("a connection's task has failed: {error}"))?);
    }
    ends.sort_by_key(|end| end.number);
    let seconds = progress.end().await;
    let mut report = add_up(&crowd, &ends);
    report.setting.started = at.as_secs();
    report.setting.opening_seconds = opening_seconds;
    report.setting.measured_seconds = Duration::from_nanos(end).as_secs_f64();
    report.setting.interrupted = !finished;
    report.seconds = seconds;
    report.thresholds = verdict::judge(&crowd.scenario.thresholds, &report);
    report.held = report.thresholds.iter().all(|judgement| judgement.held);
    close(ends).await;
    Ok(report)
}

/// Measures: until when, in nanoseconds, and whether it wasn't stopped.
async fn measure(crowd: &Crowd, mut stop: Pin<&mut impl Future<Output = ()>>) -> (u64, bool) {
    let scenario = &crowd.scenario;
    tokio::select! {
        () = sleep(scenario.settle) => {}
        () = &mut stop => return (0, false),
    }
    let start = Instant::now() + SIGNAL;
    let whole = nanoseconds(scenario.duration);
    crowd.enter(Phase::Measuring { start, end: whole });
    let (end, finished) = tokio::select! {
        () = sleep_until(start + scenario.duration) => (whole, true),
        () = &mut stop => {
            let end = nanoseconds(Instant::now().saturating_duration_since(start)).min(whole);
            crowd.enter(Phase::Measuring { start, end });
            (end, false)
        }
    };
    let patience = if finished { scenario.drain } else { scenario.drain.min(HURRY) };
    tokio::select! {
        () = all_arrived(crowd, end) => {}
        () = sleep(patience) => {}
        () = stop, if finished => {}
    }
    (end, finished)
}

/// Waits until everything has arrived that should, if no connection was lost.
async fn all_arrived(crowd: &Crowd, end: u64) {
    let scenario = &crowd.scenario;
    if scenario.message.is_none() {
        return;
    }
    let planned: u64 = (0..scenario.pattern.connections)
        .map(|number| {
            u64::from(Schedule::new(&scenario.pattern, number, scenario.duration).count_before(end))
        })
        .sum();
    let counts = &crowd.counts;
    while Counts::read(&counts.sent) < planned
        || Counts::read(&counts.delivered) < Counts::read(&counts.expected)
    {
        sleep(LOOK).await;
    }
}

async fn close(ends: Vec<End>) {
    let mut closing = JoinSet::new();
    for end in ends {
        if let Fate::Open(wire) = end.fate {
            closing.spawn(wire.close());
        }
    }
    let all = async { while closing.join_next().await.is_some() {} };
    // Those that take longer are cut.
    let _ = timeout(CLOSING, all).await;
}

/// What all connections have got, against what all have sent.
fn add_up(crowd: &Crowd, ends: &[End]) -> Report {
    let scenario = &crowd.scenario;
    let pattern = &scenario.pattern;
    let mut messages = Messages {
        planned: ends.iter().map(|end| u64::from(end.planned)).sum(),
        sent: ends.iter().map(|end| u64::from(end.sent)).sum(),
        delivered: Counts::read(&crowd.counts.delivered),
        stray: Counts::read(&crowd.counts.stray),
        ..Messages::default()
    };
    messages.unsent = messages.planned.saturating_sub(messages.sent);
    let mut senders: Vec<Sender> = ends.iter().map(|end| Sender::new(end.number)).collect();
    let to = scenario.message.as_ref().map(|message| message.to);
    let nothing = Tally::default();
    for receiver in ends.iter().filter(|end| !matches!(end.fate, Fate::Failed)) {
        let first = receiver.number / pattern.group * pattern.group;
        let members = pattern.senders.min(size(pattern, receiver.number / pattern.group));
        let from = match to {
            None => 0..0,
            Some(Audience::Sender) => receiver.number..receiver.number + 1,
            Some(Audience::Group | Audience::Others) => first..first + members,
        };
        for sender in from {
            if to == Some(Audience::Others) && sender == receiver.number {
                continue;
            }
            let place = if to == Some(Audience::Sender) { 0 } else { sender - first };
            let tally = receiver.tallies.get(place as usize).unwrap_or(&nothing);
            let missing = u64::from(tally.missing(ends[sender as usize].sent));
            let its = &mut senders[sender as usize];
            match receiver.fate {
                Fate::Open(_) => its.lost += missing,
                // Nobody can tell what it would have got.
                _ => messages.missed += missing,
            }
            its.doubled += u64::from(tally.doubled());
            its.reordered += u64::from(tally.reordered());
        }
    }
    messages.lost = senders.iter().map(|sender| sender.lost).sum();
    messages.doubled = senders.iter().map(|sender| sender.doubled).sum();
    messages.reordered = senders.iter().map(|sender| sender.reordered).sum();
    senders.retain(|sender| sender.trouble() > 0);
    messages.senders_in_trouble = senders.len() as u64;
    senders.sort_by_key(|sender| std::cmp::Reverse(sender.trouble()));
    senders.truncate(WORST_SENDERS);
    for sender in &mut senders {
        sender.user = crowd.person(sender.number).user;
    }
    let times = crowd.all_times();
    Report {
        setting: setting(scenario),
        connections: Connections {
            wanted: pattern.connections.into(),
            opened: Counts::read(&crowd.counts.opened),
            failed: Counts::read(&crowd.counts.failed),
            dropped: Counts::read(&crowd.counts.dropped),
            reasons: crowd.losses().into_iter().map(reason).collect(),
            opening: Latency::of(&times.opening),
        },
        messages,
        latency: Latency::of(&times.latency),
        from_sending: Latency::of(&times.from_sending),
        lateness: Latency::of(&times.lateness),
        senders,
        ..Report::default()
    }
}

fn reason((loss, why, count): (Loss, String, u64)) -> Reason {
    let what = match loss {
        Loss::Failed => "failed",
        Loss::Dropped => "dropped",
    };
    Reason { what, why, count }
}

fn setting(scenario: &Scenario) -> Setting {
    let pattern = &scenario.pattern;
    let url = scenario.url.fill(|_| "*".into());
    Setting {
        // A query may have a secret in it.
        url: url.split('?').next().unwrap_or_default().into(),
        protocol: match scenario.protocol {
            Protocol::WebSocket => "websocket",
            Protocol::Session => "session",
            Protocol::SocketIo { .. } => "socketio",
        },
        group: pattern.group.into(),
        groups: pattern.connections.div_ceil(pattern.group).into(),
        measures: scenario.message.is_some(),
        duration_seconds: scenario.duration.as_secs_f64(),
        warmup_seconds: scenario.warmup.as_secs_f64(),
        ..Setting::default()
    }
}
