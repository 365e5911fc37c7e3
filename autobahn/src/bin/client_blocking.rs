//! A client on a blocking stream: it sends back what the fuzzing server sends.

#![allow(clippy::print_stderr, reason = "a program talks to its user")]

use std::process::ExitCode;
use std::time::Duration;

use sockless_autobahn::{Failure, LONGEST, Plan};
use sockless_blocking::{ClientOptions, connect_with};

fn main() -> ExitCode {
    let plan = match Plan::from_args(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    match run(&plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("client_blocking: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: &Plan) -> Result<(), Failure> {
    let count = session(&plan.case_count())?;
    let cases = count.parse().map_err(|_| "the server did not tell the number of cases")?;
    for case in 1..=cases {
        // A case that breaks the connection is judged by the server.
        if let Err(error) = session(&plan.case(case)) {
            eprintln!("client_blocking: case {case}: {error}");
        }
    }
    session(&plan.update_reports())?;
    Ok(())
}

/// One connection, to its end: the last text that has arrived.
fn session(url: &str) -> Result<String, Failure> {
    let options = ClientOptions::new()
        .with_max_message(LONGEST)
        .with_compression()
        // The suite may be long in answering: it encodes all that a case sends, before.
        .with_timeout(Duration::from_secs(60));
    let mut socket = connect_with(url, options)?;
    let mut seen = String::new();
    while let Some(message) = socket.recv() {
        let message = message?;
        if let Some(text) = message.as_text() {
            seen = text.to_owned();
        }
        // If nothing can be sent any more, receiving says why.
        let _ = socket.feed(message);
    }
    Ok(seen)
}
