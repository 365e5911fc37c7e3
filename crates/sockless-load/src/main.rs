//! `sockless-load`: reads the scenario, runs it, shows what was measured, and says by its status whether that is enough.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use sockless_load::command::{Asked, Command, USAGE};
use sockless_load::report::{Report, html, table};
use sockless_load::run::run;
use sockless_load::scenario::{EXAMPLE, Scenario};

/// The command, the scenario or the system doesn't allow it.
const UNUSABLE: u8 = 2;
/// Stopped by Ctrl-C, as shells say it.
const STOPPED: u8 = 130;

fn main() -> ExitCode {
    let command = match Command::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Run(command)) => command,
        Ok(Asked::Help) => return print(USAGE),
        Ok(Asked::Version) => {
            return print(concat!("sockless-load ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Ok(Asked::Example) => return print(EXAMPLE),
        Err(problem) => {
            eprintln!("sockless-load: {problem}; --help tells more");
            return ExitCode::from(UNUSABLE);
        }
    };
    match load(&command) {
        Ok(status) => ExitCode::from(status),
        Err(problem) => {
            eprintln!("sockless-load: {problem}");
            ExitCode::from(UNUSABLE)
        }
    }
}

fn print(text: &str) -> ExitCode {
    // Whoever has closed the pipe has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn load(command: &Command) -> Result<u8, String> {
    let file = command.scenario.display().to_string();
    let text = fs::read_to_string(&command.scenario).map_err(|error| format!("{file}: {error}"))?;
    let scenario =
        Scenario::parse(&text, &command.overrides).map_err(|fault| fault.shown(&file))?;
    if command.check {
        return Ok(0);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let quiet = command.quiet;
    let show = move |line: &str| {
        if !quiet {
            eprintln!("{line}");
        }
    };
    let mut report = runtime.block_on(run(scenario, stopped(), show))?;
    report.setting.scenario = file;
    let to_stdout = command.json.as_deref() == Some(Path::new("-"));
    if !to_stdout {
        print!("{}", table(&report));
    }
    write(command, &report)?;
    // What is still open isn't waited for.
    runtime.shutdown_background();
    Ok(match (report.setting.interrupted, report.held) {
        (true, _) => STOPPED,
        (false, true) => 0,
        (false, false) => 1,
    })
}

fn write(command: &Command, report: &Report) -> Result<(), String> {
    let files = [
        (&command.json, Report::json as fn(&Report) -> String),
        (&command.html, html as fn(&Report) -> String),
    ];
    for (path, make) in files {
        let Some(path) = path else { continue };
        if path == Path::new("-") {
            print!("{}", make(report));
        } else {
            fs::write(path, make(report))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// Ready at Ctrl-C.
async fn stopped() {
    if tokio::signal::ctrl_c().await.is_err() {
        // It can't be heard of: then the run goes on to its end.
        std::future::pending::<()>().await;
    }
}
