//! Several reports of earlier runs as one page.

use super::files::{read, write};
use super::page;
use crate::options::Merge;

/// One page out of several reports.
///
/// # Errors
///
/// Which of them can't be read, or that the page can't be written.
pub(crate) fn merge(merge: &Merge) -> Result<bool, String> {
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
