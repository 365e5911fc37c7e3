//! Which cases are run.

use crate::case::Case;
use crate::verdict::{Level, Testee};

/// Which cases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) testee: Option<Testee>,
    pub(super) patterns: Vec<String>,
    pub(super) levels: Vec<Level>,
    pub(super) core: bool,
    /// Over HTTP/2: its own handshake in place of that of HTTP/1.1.
    pub(super) http2: bool,
}

impl Choice {
    /// Whether a case is chosen.
    pub(crate) fn takes(&self, case: &Case) -> bool {
        let core = |id: &str| {
            let group = id.split('.').next().unwrap_or_default();
            matches!(group, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "9" | "10")
        };
        let (not, only): (Vec<&String>, Vec<&String>) =
            self.patterns.iter().partition(|pattern| pattern.starts_with('!'));
        let handshake = if self.http2 { "handshake" } else { "http2" };
        case.chapter != handshake
            && (!self.core || core(&case.id))
            && (only.is_empty() || only.iter().any(|pattern| matches(pattern, &case.id)))
            && !not.iter().any(|pattern| matches(&pattern[1..], &case.id))
            && (self.levels.is_empty() || self.levels.contains(&case.level))
    }
}

/// Whether an id matches a pattern, in which `*` is anything; a pattern without it is an id or a group.
fn matches(pattern: &str, id: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = id.strip_prefix(first) else { return false };
    let mut anything = false;
    for part in parts {
        anything = true;
        match rest.find(part) {
            Some(at) if !part.is_empty() => rest = &rest[at + part.len()..],
            Some(_) => rest = "",
            None => return false,
        }
    }
    rest.is_empty() || (!anything && rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::{Choice, matches};
    use crate::cases::all;
    use crate::verdict::Testee;

    #[test]
    fn the_handshake_is_that_of_the_http_that_is_spoken() {
        for http2 in [false, cfg!(feature = "http2")] {
            let choice = Choice { http2, ..Choice::default() };
            let cases = all(Testee::Server);
            let has = |chapter: &str| {
                cases.iter().any(|case| case.chapter == chapter && choice.takes(case))
            };
            assert_eq!((has("handshake"), has("http2")), (!http2, http2));
            assert!(has("framing") && has("autobahn"));
        }
    }

    #[test]
    fn patterns_match_ids_and_whole_groups() {
        for (pattern, id, expected) in [
            ("6.*", "6.4.1", true),
            ("6", "6.4.1", true),
            ("6.4", "6.4.1", true),
            ("6.4", "6.41", false),
            ("6.4.1", "6.4.1", true),
            ("*.1", "6.4.1", true),
            ("*.1", "6.4.10", false),
            ("*", "6.4.1", true),
            ("handshake.*key*", "handshake.no-key", true),
            ("handshake.*key*", "handshake.version", false),
        ] {
            assert_eq!(matches(pattern, id), expected, "{pattern} {id}");
        }
    }
}
