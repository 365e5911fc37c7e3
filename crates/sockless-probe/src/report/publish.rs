//! Everything that is written at the end of a run.

use super::files::{read, write};
use super::result::{Report, Result as CaseResult};
use super::{autobahn, baseline, json, junit, page, tap, terminal};
use crate::options::Wanted;

/// Shows it, writes all files that are wanted, and says whether all is well.
///
/// # Errors
///
/// What to tell the user: a file can't be written, or the run was not complete.
pub(crate) fn publish(report: &mut Report, wanted: &Wanted) -> Result<bool, String> {
    if let Some(path) = &wanted.baseline {
        let known = baseline::read(&read(path)?).map_err(|e| format!("{}: {e}", path.display()))?;
        for result in &mut report.results {
            result.known = known.knows(result);
        }
    }
    terminal::show(report, wanted.log);
    type Text = fn(&Report) -> String;
    let files: [(_, Text); 5] = [
        (&wanted.json, json::text),
        (&wanted.junit, junit::text),
        (&wanted.tap, tap::text),
        (&wanted.write_baseline, baseline::text),
        (&wanted.html, |report| page::text(&[json::value(report)])),
    ];
    for (path, text) in files {
        if let Some(path) = path {
            write(path, &text(report))?;
        }
    }
    if let Some(folder) = &wanted.autobahn {
        autobahn::write(report, folder)?;
    }
    match &report.stopped {
        Some(why) => Err(why.clone()),
        None => Ok(!report.results.iter().any(CaseResult::is_failure)),
    }
}
