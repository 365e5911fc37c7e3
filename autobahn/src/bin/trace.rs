//! Prints what was recorded of a connection, and replays it.
//!
//! ```sh
//! trace FILE           # one line for each call, and for each thing that came of it
//! trace --replay FILE  # makes the calls again, and compares
//! ```
//!
//! It ends with status 1 if the trace is damaged or the replay differs, with 2 if it was called in another way.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io::{self, Write};
use std::process::ExitCode;

use sockless_autobahn::trace::{Records, Step, replay};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (again, file) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--replay", file] => (true, file),
        [file] if !file.starts_with('-') => (false, file),
        _ => {
            eprintln!("usage: trace [--replay] FILE");
            return ExitCode::from(2);
        }
    };
    let trace = match std::fs::read(file) {
        Ok(trace) => trace,
        Err(error) => {
            eprintln!("trace: {file}: {error}");
            return ExitCode::from(2);
        }
    };
    let mut out = io::stdout().lock();
    let shown = if again { run(&trace, &mut out) } else { print(&trace, &mut out) };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = out.flush();
            eprintln!("trace: {file}: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn print(trace: &[u8], out: &mut impl Write) -> Result<(), String> {
    let records = Records::new(trace).map_err(|damage| damage.to_string())?;
    for (number, record) in records.enumerate() {
        let record = record.map_err(|damage| damage.to_string())?;
        writeln!(out, "{number:6} {record}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn run(trace: &[u8], out: &mut impl Write) -> Result<(), String> {
    let mut told = Ok(());
    let outcome = replay(trace, |step| {
        let line = match step {
            Step::Call(call) => call.to_string(),
            Step::Event(event) => format!("  {event:?}"),
            Step::Refused(reason) => format!("  refused: {reason}"),
            Step::Wrote(bytes) => format!("  output \"{}\"", bytes.escape_ascii()),
        };
        if told.is_ok() {
            told = writeln!(out, "{line}");
        }
    });
    told.map_err(|error| error.to_string())?;
    let outcome = outcome.map_err(|mismatch| mismatch.to_string())?;
    writeln!(out, "the same again: {outcome:?}").map_err(|error| error.to_string())
}
