//! The table of timers, cell by cell: how long each runs, and when it is due.

use core::time::Duration;

use super::Timer;
use crate::connection::config::Config;
use crate::words::time::Instant;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const TIMERS: [Timer; 5] = [Timer::Quiet, Timer::Answer, Timer::Idle, Timer::Close, Timer::Write];

fn dues(start: Option<Duration>, config: &Config) -> [Option<Duration>; 5] {
    let start = start.map(Instant::new);
    TIMERS.map(|timer| timer.due(start, config).map(Instant::since_origin))
}

#[test]
fn each_timer_runs_for_its_own_time() {
    let config = Config::default()
        .with_keepalive(seconds(1), seconds(2))
        .with_idle(seconds(4))
        .with_close(seconds(8))
        .with_write_timeout(seconds(16));
    let due = [101, 102, 104, 108, 116].map(|at| Some(seconds(at)));
    assert_eq!(dues(Some(seconds(100)), &config), due);
    assert_eq!(dues(None, &config), [None; 5], "none of them runs");
    for (timer, due) in TIMERS.into_iter().zip(due) {
        let (start, due) =
            (Some(Instant::new(seconds(100))), Instant::new(due.unwrap_or_default()));
        let before = Instant::new(due.since_origin() - Duration::from_nanos(1));
        assert!(timer.is_due(start, due, &config) && !timer.is_due(start, before, &config));
        assert!(!timer.is_due(None, due, &config));
    }
}

#[test]
fn timers_that_the_configuration_does_without_are_never_due() {
    let seconds = |count| Some(seconds(count));
    assert_eq!(dues(seconds(5), &Config::default()), [None, None, None, seconds(15), seconds(65)]);
}
