//! The page in headless Chromium, driven by `browser/run.py`.

#![allow(clippy::print_stdout, reason = "a test shows what its script says")]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Where there is no Chromium the test fails, unless `SOCKLESS_SKIPPED=FILE` allows it, where it is written down.
#[test]
fn the_page_in_chromium() {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    if !names.iter().any(found) {
        let file = std::env::var_os("SOCKLESS_SKIPPED").expect("no Chromium here");
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(file).expect("it");
        writeln!(file, "the page of the chat: no Chromium here").expect("written down");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/run.py");
    let mut command = Command::new("python3");
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_sockless-chat"));
    let output = command.output().expect("python3");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("passes"), "{}", output.status);
}
