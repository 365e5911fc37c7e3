//! Scripts in other languages, with the libraries that they need.

use std::path::PathBuf;
use std::process::Command;

use super::skipped::skip;

/// The command that runs a Python script of `tests/scripts` with packages of these versions, which are installed once. `None` where
/// there is no Python or no network to install from, and the test may be skipped.
pub(crate) fn python(script: &str, packages: &[&str], args: &[&str]) -> Option<Command> {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python").join(packages.join("-"));
    let python = place.join("bin/python");
    let ready = place.join("ready");
    if !ready.exists() {
        let installed = runs(Command::new("python3").args(["-m", "venv"]).arg(&place))
            && runs(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages));
        if !installed {
            skip(&format!("{script} needs python3 with {}", packages.join(" ")));
            return None;
        }
        std::fs::write(&ready, "").unwrap();
    }
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scripts").join(script);
    let mut command = Command::new(python);
    command.arg(script).args(args);
    Some(command)
}

fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
