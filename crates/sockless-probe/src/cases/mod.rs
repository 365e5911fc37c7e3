//! The cases: Autobahn's own under their own ids, and chapters of ours.

mod autobahn;
mod closing;
mod control;
mod deflate;
mod expect;
mod framing;
mod handshake_answered;
mod handshake_client;
mod handshake_grammar;
mod handshake_limits;
mod handshake_opened;
mod handshake_request;
mod handshake_server;
mod hostile;
mod negotiation;
mod offer;
mod rules;
mod text;

use std::time::Duration;

use crate::model::{Case, Level, Rule, Testee, Weight};
use crate::stage::Stage;

use expect::Outcome;

/// All cases for a testee, in the order of their numbers.
pub(crate) fn all(testee: Testee) -> Vec<Case> {
    let mut cases = autobahn::cases();
    cases.extend(framing::cases());
    cases.extend(control::cases());
    cases.extend(text::cases());
    cases.extend(closing::cases());
    cases.extend(negotiation::cases());
    cases.extend(deflate::cases());
    cases.extend(hostile::cases());
    cases.extend(handshake_server::cases());
    cases.extend(handshake_client::cases());
    cases.retain(|case| case.fits(testee));
    cases
}

/// A case of ours that is being described.
struct Entry(Case);

impl Entry {
    /// One that MUST be kept by both, and is light.
    fn new(
        chapter: &'static str,
        id: impl Into<String>,
        rule: &'static Rule,
        says: impl Into<String>,
    ) -> Self {
        Self(Case {
            id: id.into(),
            chapter,
            level: Level::Must,
            says: says.into(),
            rule,
            weight: Weight::Light,
            limit: Duration::from_secs(30),
            only: None,
            script: Box::new(|_| crate::model::Finding::failed("The case has no script.")),
        })
    }

    fn level(mut self, level: Level) -> Self {
        self.0.level = level;
        self
    }

    fn only(mut self, testee: Testee) -> Self {
        self.0.only = Some(testee);
        self
    }

    fn weight(mut self, weight: Weight) -> Self {
        self.0.weight = weight;
        self
    }

    fn case(mut self, script: impl Fn(&mut Stage<'_>) -> Outcome + Send + Sync + 'static) -> Case {
        self.0.script = Box::new(move |stage| script(stage).unwrap_or_else(|finding| finding));
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
