//! Replaying files without a fuzzer.

use std::fmt::Debug;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Check;

static SHOWS: AtomicBool = AtomicBool::new(false);

/// Replays the files named on the command line, and shows what they stand for.
pub fn arguments(check: Check) {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("replays files: give their names. To fuzz, see fuzz/README.md.");
        std::process::exit(2);
    }
    SHOWS.store(true, Ordering::Relaxed);
    for file in files {
        let data = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        println!("{} ({} bytes)", file.display(), data.len());
        check(&data);
    }
}

/// Shows a structured input while files are replayed.
pub(crate) fn show(input: &impl Debug) {
    if SHOWS.load(Ordering::Relaxed) {
        println!("{input:#?}");
    }
}
