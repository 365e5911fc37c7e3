//! What is written about a run: on the terminal, and as files for people and programs.

mod autobahn;
mod baseline;
mod json;
mod junit;
mod page;
mod tap;
mod terminal;

use std::path::Path;
use std::time::Duration;

use crate::cases;
use crate::model::{Case, Finding, Level, Testee};
use crate::options::{Choice, Merge, Wanted};
use crate::wire::log::Line;

pub(crate) use terminal::Progress;

/// One case as it was run.
#[derive(Clone, Debug)]
pub(crate) struct Result {
    pub(crate) id: String,
    pub(crate) chapter: String,
    pub(crate) level: Level,
    pub(crate) says: String,
    pub(crate) rule: crate::model::Rule,
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

impl Report {
    /// Shows it, writes all files that are wanted, and says whether all is well.
    ///
    /// # Errors
    ///
    /// What to tell the user: a file can't be written, or the run was not complete.
    pub(crate) fn publish(&mut self, wanted: &Wanted) -> std::result::Result<bool, String> {
        if let Some(path) = &wanted.baseline {
            let known =
                baseline::read(&read(path)?).map_err(|e| format!("{}: {e}", path.display()))?;
            for result in &mut self.results {
                result.known = known.knows(result);
            }
        }
        terminal::show(self, wanted.log);
        let files = [
            (&wanted.json, json::text(self)),
            (&wanted.junit, junit::text(self)),
            (&wanted.tap, tap::text(self)),
            (&wanted.write_baseline, baseline::text(self)),
            (&wanted.html, page::text(&[json::value(self)])),
        ];
        for (path, text) in files {
            if let Some(path) = path {
                write(path, &text)?;
            }
        }
        if let Some(folder) = &wanted.autobahn {
            autobahn::write(self, folder)?;
        }
        match &self.stopped {
            Some(why) => Err(why.clone()),
            None => Ok(!self.results.iter().any(Result::is_failure)),
        }
    }
}

fn read(path: &Path) -> std::result::Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> std::result::Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Lists the cases.
pub(crate) fn list(choice: &Choice) -> std::result::Result<bool, String> {
    let testee = choice.testee.unwrap_or(Testee::Server);
    for case in cases::all(testee).iter().filter(|case| choice.takes(case)) {
        println!(
            "{:<34} {:<7} {} [{}: {}]",
            case.id,
            case.level.name(),
            case.says,
            case.rule.name,
            case.rule.place
        );
    }
    Ok(true)
}

/// One page out of several reports.
///
/// # Errors
///
/// Which of them can't be read, or that the page can't be written.
pub(crate) fn merge(merge: &Merge) -> std::result::Result<bool, String> {
    let mut reports = Vec::new();
    for path in &merge.reports {
        let wrong = |why: &str| format!("{}: {why}", path.display());
        let report: serde_json::Value = serde_json::from_str(&read(path)?)
            .map_err(|error| wrong(&format!("this is no JSON report: {error}")))?;
        if report["format"] != "sockless-probe 1" || !report["cases"].is_array() {
            return Err(wrong("this is no report of sockless-probe, from --json"));
        }
        reports.push(report);
    }
    write(&merge.html, &page::text(&reports))?;
    println!("{} reports in {}", reports.len(), merge.html.display());
    Ok(true)
}
