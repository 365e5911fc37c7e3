//! What a run has found, as all reports are made from.

use std::time::Duration;

use crate::case::Case;
use crate::verdict::{Finding, Level, Rule, Testee};
use crate::wire::log::Line;

/// One case as it was run.
#[derive(Clone, Debug)]
pub(crate) struct Result {
    pub(crate) id: String,
    pub(crate) chapter: String,
    pub(crate) level: Level,
    pub(crate) says: String,
    pub(crate) rule: Rule,
    pub(crate) finding: Finding,
    pub(crate) took: Duration,
    pub(crate) log: Vec<Line>,
    /// Whether the baseline knows this deviation.
    pub(crate) known: bool,
}

impl Result {
    pub(crate) fn new(case: &Case, finding: Finding, log: Vec<Line>, took: Duration) -> Self {
        Self {
            id: case.id.clone(),
            chapter: case.chapter.to_owned(),
            level: case.level,
            says: case.says.clone(),
            rule: *case.rule,
            finding,
            took,
            log,
            known: false,
        }
    }

    /// Whether it is a failure that nobody knew.
    pub(crate) const fn is_failure(&self) -> bool {
        self.finding.is_failure() && !self.known
    }
}

/// A run of one testee.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) agent: String,
    pub(crate) testee: Testee,
    pub(crate) address: String,
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    pub(crate) took: Duration,
    /// In the order of the cases.
    pub(crate) results: Vec<Result>,
    /// Why the run was not complete.
    pub(crate) stopped: Option<String>,
}
