//! A baseline: deviations that are known, a line each, so that only new ones fail a run.
//!
//! `6.4.3 NON-STRICT/OK`: the id, the behavior, the closing. Lines that begin with `#` are comments.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::result::{Report, Result};
use crate::verdict::{Behavior, Closing};

/// The known deviations.
#[derive(Debug, Default)]
pub(super) struct Baseline(HashMap<String, (Behavior, Closing)>);

impl Baseline {
    /// Whether exactly this deviation is known.
    pub(super) fn knows(&self, result: &Result) -> bool {
        let found = (result.finding.behavior, result.finding.closing);
        self.0.get(&result.id) == Some(&found)
    }
}

/// Reads a baseline.
///
/// # Errors
///
/// The line that can't be read.
pub(super) fn read(text: &str) -> std::result::Result<Baseline, String> {
    let mut known = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parsed = line.split_once(' ').and_then(|(id, verdicts)| {
            let (behavior, closing) = verdicts.trim().split_once('/')?;
            Some((id, Behavior::from_name(behavior)?, Closing::from_name(closing)?))
        });
        let Some((id, behavior, closing)) = parsed else {
            return Err(format!("line {number} is not ID BEHAVIOR/CLOSING: {line:?}"));
        };
        known.insert(id.to_owned(), (behavior, closing));
    }
    Ok(Baseline(known))
}

/// The failures of a report as a baseline.
pub(super) fn text(report: &Report) -> String {
    let mut out = format!("# What {} is known to do otherwise.\n", report.agent);
    for result in report.results.iter().filter(|result| result.finding.is_failure()) {
        let finding = &result.finding;
        let verdicts = format!("{}/{}", finding.behavior.name(), finding.closing.name());
        let _ = writeln!(out, "{} {verdicts}", result.id);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_can_not_be_read_is_named() {
        let known =
            read("# known\n\n6.4.3 NON-STRICT/OK\n7.1.1 OK/WRONG CODE\n").expect("a baseline");
        assert_eq!(known.0.len(), 2);
        assert!(read("6.4.3 OK").is_err_and(|error| error.contains("line 1")));
        assert!(read("6.4.3 OK/GOOD").is_err());
    }
}
