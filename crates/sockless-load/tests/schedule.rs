//! When each connection sends.

use std::time::Duration;

use proptest::prelude::*;
use sockless_load::schedule::{Pattern, Schedule, size};

fn patterns() -> impl Strategy<Value = (Pattern, Duration)> {
    let numbers = (1_u32..60, 1_u32..60, 1_u32..60, any::<bool>(), 10_u64..5_000_000, 1_u64..200);
    numbers.prop_map(|(connections, group, senders, turns, every, times)| {
        let group = group.min(connections);
        let every = Duration::from_micros(every);
        let pattern = Pattern { every, turns, connections, group, senders: senders.min(group) };
        (pattern, every * u32::try_from(times).expect("few") + every / 3)
    })
}

fn times(schedule: &Schedule) -> Vec<u64> {
    (0..schedule.count()).map(|at| schedule.planned(at).expect("planned")).collect()
}

proptest! {
    /// However far it goes, nothing drifts: the distance from one message to the next is always the same, and all are inside of the duration.
    #[test]
    fn a_connection_sends_in_a_rhythm_until_the_end((pattern, duration) in patterns()) {
        for connection in 0..pattern.connections {
            let schedule = Schedule::new(&pattern, connection, duration);
            let times = times(&schedule);
            let end = duration.as_nanos() as u64;
            prop_assert!(times.windows(2).all(|pair| pair[1] > pair[0]));
            let steps: std::collections::BTreeSet<u64> =
                times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            prop_assert!(steps.len() <= 1, "{steps:?}");
            prop_assert!(times.iter().all(|time| *time < end));
            prop_assert_eq!(schedule.planned(schedule.count()), None);
            for time in times.iter().take(5) {
                let before = times.iter().filter(|other| *other < time).count() as u32;
                prop_assert_eq!(schedule.count_before(*time), before);
            }
            prop_assert_eq!(schedule.count_before(u64::MAX), schedule.count());
        }
    }

    /// In turns, a group as a whole sends in the rhythm, each message by the next of its senders; otherwise each sender does.
    #[test]
    fn those_who_send_take_turns_or_all_send((pattern, duration) in patterns()) {
        let every = pattern.every.as_nanos() as u64;
        for group in 0..pattern.connections.div_ceil(pattern.group) {
            let members = size(&pattern, group);
            let senders = pattern.senders.min(members);
            let mut all = Vec::new();
            for member in 0..members {
                let schedule = Schedule::new(&pattern, group * pattern.group + member, duration);
                prop_assert!(member < senders || schedule.count() == 0);
                all.extend(times(&schedule).into_iter().map(|time| (time, member)));
            }
            all.sort_unstable();
            if pattern.turns {
                for (at, (time, member)) in all.iter().enumerate() {
                    prop_assert_eq!(*member, at as u32 % senders);
                    prop_assert_eq!(*time, all[0].0 + at as u64 * every);
                }
                prop_assert!(all[0].0 < every);
                // None is left out at the end.
                let last = all.last().expect("at least one").0;
                prop_assert!(last + every >= duration.as_nanos() as u64);
            } else {
                let firsts = all.iter().filter(|(time, _)| *time < every).count();
                prop_assert_eq!(firsts as u32, senders);
            }
        }
    }
}

#[test]
fn groups_are_spread_over_the_rhythm() {
    let every = Duration::from_secs(1);
    let pattern = Pattern { every, turns: true, connections: 1000, group: 100, senders: 100 };
    let first =
        |group: u32| Schedule::new(&pattern, group * 100, Duration::from_secs(5)).planned(0);
    let firsts: Vec<_> = (0..10).map(first).collect();
    let wanted: Vec<_> = (0..10).map(|group| Some(group * 100_000_000)).collect();
    assert_eq!(firsts, wanted);
}

#[test]
fn the_last_group_may_be_smaller() {
    let every = Duration::from_secs(1);
    let pattern = Pattern { every, turns: true, connections: 7, group: 5, senders: 5 };
    assert_eq!((size(&pattern, 0), size(&pattern, 1), size(&pattern, 2)), (5, 2, 0));
    let counts: Vec<u32> = (0..7)
        .map(|number| Schedule::new(&pattern, number, Duration::from_secs(10)).count())
        .collect();
    assert_eq!(counts, [2, 2, 2, 2, 2, 5, 5]);
}
