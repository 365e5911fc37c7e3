//! The page that lists what was measured: one report for each processor.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

/// What a report says of itself in its first lines.
const MADE: &str = "Made by `benches/peers/run.sh";
const PROCESSOR: &str = "- Processor: ";
const MET: &str = "in the form that programs have; ";

/// Makes the page anew from the reports in a directory.
pub fn write(directory: &Path) -> io::Result<String> {
    let mut files: Vec<_> = fs::read_dir(directory)?.filter_map(Result::ok).collect();
    files.sort_by_key(fs::DirEntry::file_name);
    let mut out = String::from(
        "# The comparison with other crates\n\n\
         Made by `benches/peers/run.sh`: do not edit. One report for each processor on which it was run; a new run takes the place of the last one.\n\n\
         | processor | on | what is aimed at | report |\n|---|---|---|---|\n",
    );
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".md") {
            continue;
        }
        let report = fs::read_to_string(file.path())?;
        let found = |start: &str| {
            report.lines().find_map(|line| line.split_once(start).map(|(_, rest)| rest))
        };
        let date = found(MADE).and_then(|rest| rest.split(" on ").nth(1)).unwrap_or_default();
        let date = date.split(':').next().unwrap_or_default();
        let processor = found(PROCESSOR).and_then(|rest| rest.split(';').next()).unwrap_or("?");
        let met = found(MET).unwrap_or("not judged: an earlier form of the comparison");
        let met = met.trim_end_matches('.');
        let _ = writeln!(out, "| {processor} | {date} | {met} | [{name}](results/{name}) |");
    }
    Ok(out)
}
