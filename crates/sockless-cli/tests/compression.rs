//! Compression, with the library `websockets` on the other side. `SOCKLESS_SKIPPED=FILE` allows to go on without it, and counts.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod program;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use program::{command, prose, until_printed};

const WEBSOCKETS: &str = "websockets==15.0.1";

/// A Python that has the library, which is installed once.
fn python() -> Option<PathBuf> {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python").join(WEBSOCKETS);
    let (python, ready) = (place.join("bin/python"), place.join("ready"));
    let runs = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !ready.exists() {
        let installed = runs(Command::new("python3").args(["-m", "venv"]).arg(&place))
            && runs(Command::new(&python).args(["-m", "pip", "install", "--quiet", WEBSOCKETS]));
        if !installed {
            return skip(&format!("python3 with {WEBSOCKETS} can't be had"));
        }
        std::fs::write(&ready, "").unwrap();
    }
    Some(python)
}

fn skip(why: &str) -> Option<PathBuf> {
    let Some(file) = std::env::var_os("SOCKLESS_SKIPPED") else {
        panic!(
            "{why}. To go on without it, name a file that says so in the end: SOCKLESS_SKIPPED=FILE"
        );
    };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    writeln!(file, "ws with compression: {why}").unwrap();
    None
}

#[test]
fn messages_are_compressed() {
    let Some(python) = python() else { return };
    let mut script = Command::new(python);
    script.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/echo.py"));
    let mut server = script.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let port = lines.next().unwrap().unwrap();
    let input = prose(1000) + "\n" + &prose(1 << 20) + "\n\n";
    let program = command(&["--deflate", &format!("ws://127.0.0.1:{port}/")]);
    let ran = until_printed(program, input.as_bytes(), input.len());
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.text() == input);
    assert!(ran.err.contains("compression permessage-deflate"), "{}", ran.err);
    let extensions = lines.next().unwrap().unwrap();
    assert!(extensions.starts_with("permessage-deflate"), "{extensions}");
    assert!(program::wait(&mut server).success());
}
