//! Everything that is written at the end of a run, and whether that will be possible.

use std::path::{Path, PathBuf};

use super::baseline::Baseline;
use super::files::{read, write};
use super::result::{Report, Result as CaseResult};
use super::{autobahn, baseline, json, junit, page, tap, terminal};
use crate::options::Wanted;

/// Before a run that takes minutes: whether the baseline can be read, and the folders are there in which the reports go.
///
/// # Errors
///
/// What to tell the user.
pub(crate) fn check(wanted: &Wanted) -> Result<(), String> {
    if let Some(path) = &wanted.baseline {
        known(path)?;
    }
    for path in [&wanted.json, &wanted.junit, &wanted.tap, &wanted.write_baseline, &wanted.html]
        .into_iter()
        .flatten()
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(format!("{}: there is no folder {}", path.display(), folder.display()));
        }
        if path.is_dir() {
            return Err(format!("{} is a folder; the report needs a file", path.display()));
        }
    }
    Ok(())
}

fn known(path: &Path) -> Result<Baseline, String> {
    baseline::read(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

/// Shows it, writes all files that are wanted, and says whether all is well.
///
/// # Errors
///
/// What to tell the user: a file can't be written, or the run was not complete.
pub(crate) fn publish(report: &mut Report, wanted: &Wanted) -> Result<bool, String> {
    if let Some(path) = &wanted.baseline {
        let known = known(path)?;
        for result in &mut report.results {
            result.known = known.knows(result);
        }
    }
    terminal::show(report, wanted.log);
    type Text = fn(&Report) -> String;
    let files: [(&Option<PathBuf>, Text); 5] = [
        (&wanted.json, json::text),
        (&wanted.junit, junit::text),
        (&wanted.tap, tap::text),
        (&wanted.write_baseline, baseline::text),
        (&wanted.html, |report| page::text(&[json::value(report)])),
    ];
    // One that can't be written doesn't keep the others from being written.
    let mut written: Vec<Result<(), String>> = files
        .into_iter()
        .filter_map(|(path, text)| Some(write(path.as_ref()?, &text(report))))
        .collect();
    if let Some(folder) = &wanted.autobahn {
        written.push(autobahn::write(report, folder));
    }
    written.into_iter().collect::<Result<(), String>>()?;
    match &report.stopped {
        Some(why) => Err(why.clone()),
        None => Ok(!report.results.iter().any(CaseResult::is_failure)),
    }
}
