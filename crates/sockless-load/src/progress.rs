//! What happens, second by second: kept for the report, and shown as a line.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::crowd::{Counts, Crowd};
use crate::report::{Latency, Second};

const SECOND: Duration = Duration::from_secs(1);

/// A task that looks at the counters each second.
pub(crate) struct Progress {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Vec<Second>>,
}

impl Progress {
    pub(crate) fn start(crowd: &Arc<Crowd>, mut show: impl FnMut(&str) + Send + 'static) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let crowd = Arc::clone(crowd);
        let task = tokio::spawn(async move {
            let mut ticks = interval_at(Instant::now() + SECOND, SECOND);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut seconds = Vec::new();
            let mut before = Totals::default();
            let mut since = crowd.began;
            loop {
                let last = tokio::select! {
                    _ = ticks.tick() => false,
                    _ = &mut stopped => true,
                };
                let now = Totals::read(&crowd);
                let second = second(&crowd, &before, &now, since);
                (before, since) = (now, Instant::now());
                // What is left at the end may be a small part of a second, with nothing in it.
                if !last || second.sent + second.delivered > 0 {
                    show(&line(&second));
                    seconds.push(second);
                }
                if last {
                    return seconds;
                }
            }
        });
        Self { stop, task }
    }

    /// Ends it: all seconds.
    pub(crate) async fn end(self) -> Vec<Second> {
        let _ = self.stop.send(());
        self.task.await.unwrap_or_default()
    }
}

#[derive(Default)]
struct Totals {
    sent: u64,
    delivered: u64,
    opened: u64,
    failed: u64,
    dropped: u64,
}

impl Totals {
    fn read(crowd: &Crowd) -> Self {
        let counts = &crowd.counts;
        Self {
            sent: Counts::read(&counts.sent),
            delivered: Counts::read(&counts.delivered),
            opened: Counts::read(&counts.opened),
            failed: Counts::read(&counts.failed),
            dropped: Counts::read(&counts.dropped),
        }
    }
}

fn second(crowd: &Crowd, before: &Totals, now: &Totals, since: Instant) -> Second {
    Second {
        at: crowd.began.elapsed().as_secs_f64(),
        long: since.elapsed().as_secs_f64(),
        open: now.opened.saturating_sub(now.dropped),
        failed: now.failed,
        dropped: now.dropped,
        sent: now.sent - before.sent,
        delivered: now.delivered - before.delivered,
        latency: Latency::of(&crowd.take_recent()),
    }
}

fn line(second: &Second) -> String {
    let mut line = format!(
        "{:>5.0} s  open {}  sent {}  received {}",
        second.at, second.open, second.sent, second.delivered
    );
    if second.latency.count > 0 {
        let [p50, _, p99, _, max] = second.latency.shown();
        line += &format!("  p50 {p50}  p99 {p99}  max {max} ms");
    }
    if second.failed + second.dropped > 0 {
        line += &format!("  failed {}  dropped {}", second.failed, second.dropped);
    }
    line
}
