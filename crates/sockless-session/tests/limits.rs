//! Token buckets against a naive model, limiters in bounded memory, and what a connection gets.

use std::time::Duration;

use proptest::prelude::*;
use sockless_session::limit::{Answer, Bucket, Limiter, Meter, MeterSettings, Rate, Verdict};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

proptest! {
    /// A bucket gives what a naive one gives: tokens as a fraction, refilled with time.
    #[test]
    fn a_bucket_is_a_token_bucket(
        burst in 1_u64..50,
        period in 1_u64..10_000,
        steps in prop::collection::vec((0_u64..3000, 1_u64..60), 1..80),
    ) {
        let rate = Rate::new(burst, millis(period));
        let mut bucket = Bucket::new();
        // In units of 1 / period tokens, so that nothing is rounded; a millisecond earns `burst` of them.
        let (full, mut units) = (burst * period, burst * period);
        let mut now = 0;
        for (wait, count) in steps {
            now += wait;
            units = (units + wait * burst).min(full);
            let fits = count * period <= units;
            let taken = bucket.take(&rate, count, millis(now));
            // A nanosecond is lost to rounding at each taking, at most.
            let slack = 80 * burst.div_ceil(1_000_000) + burst;
            if fits && units - count * period >= slack {
                prop_assert_eq!(taken, Ok(()));
            }
            if !fits {
                prop_assert!(taken.is_err());
            }
            match taken {
                Ok(()) => units -= count * period,
                Err(too_much) if count > burst => prop_assert_eq!(too_much.retry_after, None),
                Err(too_much) => {
                    let wait = too_much.retry_after.expect("it fits into the burst");
                    prop_assert!(wait <= millis(period));
                    let mut later = bucket;
                    prop_assert_eq!(later.take(&rate, count, millis(now) + wait), Ok(()));
                    if !wait.is_zero() {
                        let early = millis(now) + wait - Duration::from_nanos(1);
                        let mut early_bucket = bucket;
                        prop_assert!(early_bucket.take(&rate, count, early).is_err());
                    }
                }
            }
        }
    }

    /// Over any time, nobody gets more than two bursts and what that time earns; and a key that is remembered, or for which there is room,
    /// gets what its own bucket alone gives, however many others come.
    #[test]
    fn a_limiter_gives_no_key_more_and_forgets_nothing_that_counts(
        steps in prop::collection::vec((0_u64..400, 0_u8..12), 1..200),
        most in 1_usize..8,
    ) {
        let rate = Rate::new(3, millis(900));
        let mut limiter = Limiter::new(rate, most);
        let mut alone: [Bucket; 12] = [Bucket::new(); 12];
        let mut taken = [0_u64; 12];
        // When a key last asked that may have been served from the shared bucket: what it is owed is not known until a period later.
        let mut shared: [Option<u64>; 12] = [None; 12];
        let mut now = 0;
        for (wait, key) in steps {
            now += wait;
            let at = usize::from(key);
            if shared[at].is_some_and(|last| now >= last + 900) {
                (alone[at], shared[at]) = (Bucket::new(), None);
            }
            let is_remembered = shared[at].is_none() && !alone[at].is_full(millis(now));
            if !is_remembered && (limiter.len() == most || shared[at].is_some()) {
                shared[at] = Some(now);
            }
            let got = limiter.take(&key, 1, millis(now)).is_ok();
            prop_assert!(limiter.len() <= most);
            if shared[at].is_none() {
                prop_assert_eq!(got, alone[at].take(&rate, 1, millis(now)).is_ok());
            }
            taken[at] += u64::from(got);
            prop_assert!(taken[at] <= 2 * (3 + now * 3 / 900 + 1));
        }
        limiter.sweep(millis(now + 900));
        prop_assert!(limiter.is_empty());
    }
}

#[test]
fn a_flood_of_keys_gets_one_bucket_and_the_known_are_served() {
    let rate = Rate::new(2, millis(1000));
    let mut limiter = Limiter::new(rate, 100);
    for key in 0..100_u32 {
        assert!(limiter.take(&key, 1, millis(0)).is_ok());
    }
    let strangers = (1000..50_000).filter(|key| limiter.take(key, 1, millis(1)).is_ok()).count();
    assert_eq!(strangers, 2, "they share one burst");
    assert!(limiter.take(&7, 1, millis(1)).is_ok());
    assert!(limiter.take(&7, 1, millis(1)).is_err());
    // When the buckets are full again there is room.
    assert!(limiter.take(&60_000, 2, millis(1002)).is_ok());
    assert_eq!(limiter.len(), 99);
}

#[test]
fn what_is_refused_says_when_in_whole_seconds() {
    let rate = Rate::new(1, millis(2500));
    let mut bucket = Bucket::new();
    assert!(bucket.take(&rate, 1, millis(0)).is_ok());
    let too_much = bucket.take(&rate, 1, millis(0)).expect_err("it is empty");
    assert_eq!((too_much.retry_after, too_much.retry_after_seconds()), (Some(millis(2500)), 3));
    let never = bucket.take(&rate, 2, millis(9000)).expect_err("it never holds two");
    assert_eq!((never.retry_after, never.retry_after_seconds()), (None, 86_400));
    assert!(Bucket::new().take(&Rate::new(0, millis(1)), 1, millis(5)).is_err());
    assert!(Bucket::new().take(&Rate::new(0, millis(1)), 0, millis(5)).is_ok());
}

#[test]
fn a_connection_that_sends_too_much_is_paused_or_closed() {
    let settings = MeterSettings::NONE
        .with_messages(Rate::new(2, millis(1000)))
        .with_bytes(Rate::new(100, millis(1000)));
    let mut meter = Meter::new();
    assert_eq!(meter.message(&settings, 10, millis(0)), Verdict::Fine);
    // The second message is the last of the burst: the next may come when one is earned.
    assert_eq!(meter.message(&settings, 10, millis(0)), Verdict::PauseUntil(millis(500)));
    assert_eq!(meter.message(&settings, 10, millis(500)), Verdict::PauseUntil(millis(1000)));
    // What is owed is at most one burst, however large the message was.
    let mut meter = Meter::new();
    let verdict = meter.message(&settings, 1_000_000, millis(0));
    assert_eq!(verdict, Verdict::PauseUntil(millis(1010)));

    let settings = settings.with_answer(Answer::Close);
    let mut meter = Meter::new();
    assert_eq!(meter.message(&settings, 60, millis(0)), Verdict::Fine);
    assert_eq!(meter.message(&settings, 60, millis(0)), Verdict::Close);
    assert_eq!(Verdict::CLOSE_CODE, 1008);
    assert_eq!(Meter::new().message(&MeterSettings::NONE, u64::MAX, millis(0)), Verdict::Fine);
    assert_eq!(size_of::<Meter>(), 16);
}
