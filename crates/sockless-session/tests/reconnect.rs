//! Backoff, jitter, which outcomes deserve another try, and what servers ask for.

use std::time::Duration;

use proptest::prelude::*;
use sockless_session::Entropy;
use sockless_session::reconnect::{
    Backoff, GaveUp, Next, Outcome, Policy, Reconnect, Settings, Worth,
};

/// SplitMix64.
struct Random(u64);

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = self.0;
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            piece.copy_from_slice(&(mixed ^ mixed >> 31).to_le_bytes()[..piece.len()]);
        }
    }
}

/// Always the same octet.
struct Constant(u8);

impl Entropy for Constant {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn refused(status: u16, retry_after: Option<Duration>) -> Outcome {
    Outcome::Refused { status, retry_after }
}

fn closed(code: u16) -> Outcome {
    Outcome::Closed { code: Some(code), retry_after: None }
}

#[test]
fn the_greatest_delay_doubles_up_to_the_cap() {
    let backoff = Backoff::new(seconds(1), 200, seconds(30));
    let greatest: Vec<u64> = (1..9).map(|failed| backoff.greatest(failed).as_secs()).collect();
    assert_eq!(greatest, [1, 2, 4, 8, 16, 30, 30, 30]);
    let backoff = Backoff::new(seconds(100), 150, seconds(1000));
    let greatest: Vec<u64> = (1..9).map(|failed| backoff.greatest(failed).as_secs()).collect();
    assert_eq!(greatest, [100, 150, 225, 337, 506, 759, 1000, 1000]);
}

#[test]
fn delays_reach_from_nothing_to_the_greatest() {
    let backoff = Backoff::new(seconds(8), 200, seconds(30));
    assert_eq!(backoff.delay(1, &mut Constant(0)), Duration::ZERO);
    assert_eq!(backoff.delay(1, &mut Constant(0xFF)), seconds(8));
    assert_eq!(backoff.delay(1, &mut Constant(0x80)).as_millis(), 4015);
}

#[test]
fn jitter_is_even() {
    let backoff = Backoff::new(seconds(10), 200, seconds(30));
    let mut random = Random(1);
    let mut bins = [0_u32; 20];
    const DRAWN: u32 = 100_000;
    for _ in 0..DRAWN {
        let delay = backoff.delay(1, &mut random).as_nanos();
        bins[(delay * 20 / (10_000_000_001)) as usize] += 1;
    }
    let expected = f64::from(DRAWN) / 20.0;
    let chi: f64 = bins.iter().map(|bin| (f64::from(*bin) - expected).powi(2) / expected).sum();
    // 19 degrees of freedom: 43.8 is exceeded once in a thousand, and the seed is fixed.
    assert!(chi < 43.8, "chi squared is {chi}, {bins:?}");
}

proptest! {
    #[test]
    fn delays_are_bounded_and_their_bounds_grow(
        first in 0_u64..10_000_000,
        percent in 0_u32..100_000,
        cap in 0_u64..100_000_000,
        failed in 0_u32..100_000,
        seed: u64,
    ) {
        let (first, cap) = (Duration::from_micros(first), Duration::from_micros(cap));
        let backoff = Backoff::new(first, percent, cap);
        let greatest = backoff.greatest(failed);
        prop_assert!(greatest <= cap && greatest >= first.min(cap));
        prop_assert!(backoff.greatest(failed.saturating_add(1)) >= greatest);
        prop_assert!(backoff.delay(failed, &mut Random(seed)) <= greatest);
    }

    /// Whatever is said to it, it says something that can be done, and never to wait for longer than it may.
    #[test]
    fn the_machine_is_never_stuck(
        steps in prop::collection::vec((0_u8..7, 0_u16..6000, 0_u64..200), 0..60),
        most in 1_u32..10,
        seed: u64,
    ) {
        let settings = Settings::default()
            .with_most_tries(most)
            .with_longest_asked(seconds(100))
            .with_stable(seconds(50));
        let mut machine = Reconnect::new(settings);
        let mut random = Random(seed);
        let mut now = Duration::ZERO;
        for (step, number, wait) in steps {
            now += seconds(wait);
            let asked = Some(seconds(u64::from(number)));
            match step {
                0 => machine.connecting(),
                1 => machine.connected(now),
                2 => machine.ended(refused(number % 600, asked), now, &mut random),
                3 => machine.ended(Outcome::Closed { code: Some(number), retry_after: asked }, now, &mut random),
                4 => machine.ended(Outcome::Lost, now, &mut random),
                5 => machine.retry_now(),
                _ => {}
            }
            prop_assert!(machine.failed() <= most || matches!(machine.next(now), Next::GiveUp(_) | Next::Busy | Next::Connect));
            if let Next::Wait { until } = machine.next(now) {
                prop_assert!(until > now && until <= now + seconds(130));
                prop_assert_eq!(machine.next(until - Duration::from_nanos(1)), Next::Wait { until });
                prop_assert_eq!(machine.next(until), Next::Connect);
            }
        }
    }
}

#[test]
fn outcomes_that_deserve_another_try() {
    let policy = Policy::DEFAULT;
    let retry = [
        Outcome::Unreachable,
        Outcome::Lost,
        Outcome::Closed { code: None, retry_after: None },
        refused(408, None),
        refused(425, None),
        refused(429, None),
        refused(500, None),
        refused(502, None),
        refused(503, None),
        refused(504, None),
        refused(521, None),
        closed(1001),
        closed(1006),
        closed(1011),
        closed(1012),
        closed(1013),
        closed(1014),
        closed(4408),
    ];
    for outcome in retry {
        assert_eq!(policy.judge(outcome), Worth::Retry, "{outcome:?}");
    }
    let stop = [
        Outcome::BadHandshake,
        Outcome::Failed,
        refused(200, None),
        refused(302, None),
        refused(400, None),
        refused(401, None),
        refused(403, None),
        refused(404, None),
        refused(426, None),
        refused(501, None),
        closed(1000),
        closed(1002),
        closed(1003),
        closed(1007),
        closed(1008),
        closed(1009),
        closed(1010),
        closed(3000),
        closed(4400),
        closed(4409),
        closed(4999),
    ];
    for outcome in stop {
        assert_eq!(policy.judge(outcome), Worth::Stop, "{outcome:?}");
    }
    let all = policy.with_after_normal(true).with_after_private(true);
    for outcome in [closed(1000), closed(3000), closed(4999)] {
        assert_eq!(all.judge(outcome), Worth::Retry, "{outcome:?}");
    }
    // Those that would take a session from each other for ever stay apart.
    assert_eq!(all.judge(closed(4409)), Worth::Stop);
}

#[test]
fn what_a_server_asks_for_is_granted_up_to_a_limit() {
    for (asked, granted) in [(0, 0), (7, 7), (3600, 3600), (1_000_000_000, 3600)] {
        let mut machine = Reconnect::new(Settings::default());
        machine.connecting();
        let outcome = refused(503, Some(seconds(asked)));
        machine.ended(outcome, seconds(100), &mut Constant(0));
        assert_eq!(machine.next(seconds(100) + seconds(granted)), Next::Connect);
        if granted > 0 {
            let until = seconds(100 + granted);
            assert_eq!(machine.next(seconds(100)), Next::Wait { until });
        }
    }
}

#[test]
fn a_stable_connection_begins_the_delays_anew_and_a_short_one_does_not() {
    let mut machine = Reconnect::new(Settings::default().with_stable(seconds(10)));
    let mut now = seconds(0);
    for failed in 1..=4 {
        machine.connecting();
        machine.ended(Outcome::Unreachable, now, &mut Constant(0));
        assert_eq!(machine.failed(), failed);
    }
    // A server that accepts and closes at once.
    machine.connecting();
    machine.connected(now);
    now += seconds(10) - Duration::from_nanos(1);
    machine.ended(closed(1012), now, &mut Constant(0));
    assert_eq!(machine.failed(), 5);
    machine.connecting();
    machine.connected(now);
    now += seconds(10);
    machine.ended(Outcome::Lost, now, &mut Constant(0xFF));
    assert_eq!(machine.failed(), 1);
    assert_eq!(machine.next(now), Next::Wait { until: now + Duration::from_millis(500) });
}

#[test]
fn it_gives_up_after_the_last_try_and_goes_on_when_asked() {
    let mut machine = Reconnect::new(Settings::default().with_most_tries(2));
    for _ in 0..2 {
        machine.connecting();
        machine.ended(Outcome::Unreachable, seconds(0), &mut Constant(0));
    }
    let gave_up = GaveUp::TooManyTries(Outcome::Unreachable);
    assert_eq!(machine.next(seconds(99)), Next::GiveUp(gave_up));
    // Nothing ends that hasn't begun.
    machine.ended(Outcome::Lost, seconds(99), &mut Constant(0));
    assert_eq!(machine.next(seconds(99)), Next::GiveUp(gave_up));
    machine.retry_now();
    assert_eq!(machine.next(seconds(99)), Next::Connect);
    machine.stop();
    assert_eq!(machine.next(seconds(99)), Next::GiveUp(GaveUp::Stopped));
}
