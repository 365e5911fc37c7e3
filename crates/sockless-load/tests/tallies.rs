//! What one receiver has got from one sender, against a set that knows everything.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sockless_load::tally::{Arrival, Tally};

proptest! {
    #[test]
    fn a_tally_says_what_a_set_says(
        arrivals in prop::collection::vec(0_u32..40, 0..120),
        sent in 0_u32..50,
    ) {
        let (mut tally, mut seen) = (Tally::default(), BTreeSet::new());
        let (mut doubled, mut reordered) = (0, 0);
        for sequence in arrivals {
            let later = seen.last().is_some_and(|last| *last > sequence);
            let wanted = match (seen.insert(sequence), later) {
                (false, _) => Arrival::Doubled,
                (true, true) => Arrival::OutOfOrder,
                (true, false) => Arrival::InOrder,
            };
            doubled += u32::from(wanted == Arrival::Doubled);
            reordered += u32::from(wanted == Arrival::OutOfOrder);
            prop_assert_eq!(tally.arrived(sequence), wanted);
        }
        prop_assert_eq!((tally.doubled(), tally.reordered()), (doubled, reordered));
        let missing = (0..sent).filter(|sequence| !seen.contains(sequence)).count();
        prop_assert_eq!(tally.missing(sent) as usize, missing);
    }
}

#[test]
fn the_last_sequence_that_there_is_counts() {
    let mut tally = Tally::default();
    assert_eq!(tally.arrived(u32::MAX - 1), Arrival::InOrder);
    assert_eq!(tally.arrived(0), Arrival::OutOfOrder);
    assert_eq!(tally.missing(u32::MAX), u32::MAX - 2);
}
