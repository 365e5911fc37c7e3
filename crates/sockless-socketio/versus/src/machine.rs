//! Where the figures come from: the processor, the load before, the compiler.

use std::fs;
use std::process::Command;

/// A line for the report.
pub fn described() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(2).collect::<Vec<_>>().join(" ");
    format!("{model} ({cores} cores); load before the run: {load}; {}", said("rustc", "--version"))
}

/// The day of the run.
pub fn today() -> String {
    said("date", "+%Y-%m-%d")
}

fn said(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output
        .map_or_else(|_| "?".into(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}
