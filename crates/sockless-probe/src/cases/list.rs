//! The list of all cases, in the order of their numbers.

use super::{
    autobahn, closing, control, deflate, framing, handshake, hostile, limits, negotiation, text,
};
use crate::case::Case;
use crate::verdict::Testee;

/// All cases for a testee.
pub(crate) fn all(testee: Testee) -> Vec<Case> {
    let chapters: [fn() -> Vec<Case>; 20] = [
        autobahn::framing::cases,
        autobahn::text::cases,
        autobahn::closing::cases,
        autobahn::large::cases,
        autobahn::compressed::cases,
        framing::cases,
        control::cases,
        text::cases,
        closing::cases,
        negotiation::cases,
        deflate::cases,
        hostile::cases,
        limits::cases,
        handshake::server_request::cases,
        handshake::server_grammar::cases,
        handshake::server_answer::cases,
        handshake::limits::cases,
        handshake::client_request::cases,
        handshake::client_opens::cases,
        handshake::client_refuses::cases,
    ];
    let mut cases: Vec<Case> = chapters.into_iter().flat_map(|chapter| chapter()).collect();
    #[cfg(feature = "http2")]
    cases.extend(super::http2::cases());
    cases.retain(|case| case.fits(testee));
    cases
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::verdict::Testee;

    #[test]
    fn no_id_stands_for_two_cases_and_every_case_says_what_it_tests() {
        for testee in [Testee::Server, Testee::Client] {
            let cases = all(testee);
            let mut ids: Vec<_> = cases.iter().map(|case| &*case.id).collect();
            ids.sort_unstable();
            let count = ids.len();
            ids.dedup();
            assert_eq!(ids.len(), count);
            for case in &cases {
                let sentence = case.says.ends_with('.') && !case.says.contains('\n');
                assert!(sentence, "{}: {}", case.id, case.says);
            }
        }
    }

    #[test]
    fn no_case_of_autobahn_is_missing() {
        let groups = [
            (1, 16),
            (2, 11),
            (3, 7),
            (4, 10),
            (5, 20),
            (6, 145),
            (7, 37),
            (9, 54),
            (10, 1),
            (12, 90),
            (13, 126),
        ];
        for testee in [Testee::Server, Testee::Client] {
            let cases = all(testee);
            for (group, expected) in groups {
                let start = format!("{group}.");
                let count = cases.iter().filter(|case| case.id.starts_with(&start)).count();
                assert_eq!(count, expected, "group {group}");
            }
            assert_eq!(cases.iter().filter(|case| case.is_autobahn()).count(), 517);
        }
    }
}
