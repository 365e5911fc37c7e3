//! What happens to a test that needs something which this machine hasn't got: it fails, unless that is allowed.

#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of this")]

use std::io::Write as _;

/// Says that a test can't be run. With `SOCKLESS_SKIPPED=FILE` it is written down in that file, to be counted and shown when all
/// tests are through, and the test ends well; otherwise it fails.
pub fn skip(why: &str) {
    let Some(file) = std::env::var_os("SOCKLESS_SKIPPED") else {
        panic!(
            "{why}. To go on without it, name a file that says so in the end: SOCKLESS_SKIPPED=FILE"
        );
    };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).expect("it");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    writeln!(file, "{test}: {why}").expect("written down");
}
