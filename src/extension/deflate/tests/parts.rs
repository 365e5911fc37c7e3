//! The history against the end of a plain vector.

use std::vec::Vec;

use proptest::prelude::*;

use crate::extension::deflate::history::History;

proptest! {
    #[test]
    fn the_history_is_the_end_of_what_was_pushed(
        bits in 0..6_u32,
        pushes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20),
    ) {
        let window = 1 << bits;
        let mut history = History::new(window);
        let mut all = Vec::new();
        for push in pushes {
            history.push(&push);
            all.extend_from_slice(&push);
            let expected = &all[all.len().saturating_sub(window)..];
            prop_assert_eq!(history.parts().concat(), expected);
        }
        history.clear();
        prop_assert_eq!(history.parts().concat(), b"");
    }
}
