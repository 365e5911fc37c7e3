//! What a message carries, wherever a server puts it.

use proptest::prelude::*;
use sockless_load::mark::{LENGTH, Mark, find};

fn marks() -> impl Strategy<Value = Mark> {
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>(), any::<u32>());
    numbers.prop_map(|(run, sender, sequence, planned, late)| Mark {
        run,
        sender,
        sequence,
        planned,
        late,
    })
}

proptest! {
    /// Between other marks and anything else, whatever is there, even what looks like the beginning of one.
    #[test]
    fn all_marks_are_found_between_anything(
        pieces in prop::collection::vec((marks(), "(s|sl|slm|slm0{5}|[a-z]{0,9}|[^g]{0,9})"), 0..6),
    ) {
        let mut bytes = Vec::new();
        for (mark, between) in &pieces {
            bytes.extend_from_slice(mark.text().as_bytes());
            // A letter that no mark has ends what looks like one.
            bytes.extend_from_slice(between.as_bytes());
            bytes.push(b'!');
        }
        let wanted: Vec<Mark> = pieces.iter().map(|(mark, _)| *mark).collect();
        prop_assert_eq!(find(&bytes).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn anything_else_is_no_mark(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // By accident there is none in fifty bytes that begin with three fixed ones.
        prop_assume!(!bytes.windows(3).any(|part| part == b"slm"));
        prop_assert_eq!(find(&bytes).count(), 0);
    }

    /// A mark that was changed is none, or says so by what it says: it is never the same.
    #[test]
    fn a_mark_that_was_cut_is_none(mark in marks(), cut in 0..LENGTH) {
        let text = mark.text();
        prop_assert_eq!(text.len(), LENGTH);
        prop_assert_eq!(find(&text.as_bytes()[..cut]).count(), 0);
    }

    #[test]
    fn nothing_that_wraps_text_escapes_it(mark in marks()) {
        let json = serde_json::json!({ "a": [format!("<{}>\n\"", mark.text())] }).to_string();
        prop_assert_eq!(find(json.as_bytes()).collect::<Vec<_>>(), vec![mark]);
        prop_assert!(mark.text().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
