//! A client on tokio: it sends back what the fuzzing server sends.

#![allow(clippy::print_stderr, reason = "a program talks to its user")]

use std::process::ExitCode;

use sockless::connection::Holding;
use sockless::{Config, Limits};
use sockless_autobahn::Plan;
use sockless_tokio::{ClientOptions, Error, connect_with};

/// The longest message of the suite has 16 MiB.
const LONGEST: u64 = 64 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let plan = match Plan::from_args(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    match run(&plan).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("client_tokio: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(plan: &Plan) -> Result<(), Box<dyn std::error::Error>> {
    let mut count = String::new();
    session(&plan.case_count(), |text| count = text.into()).await?;
    let cases = count.parse().map_err(|_| "the server did not tell the number of cases")?;
    for case in 1..=cases {
        // A case that breaks the connection is judged by the server.
        if let Err(error) = session(&plan.case(case), |_| {}).await {
            eprintln!("client_tokio: case {case}: {error}");
        }
    }
    Ok(session(&plan.update_reports(), |_| {}).await?)
}

/// One connection, to its end. Messages are sent back; text is shown to `seen` before.
async fn session(url: &str, mut seen: impl FnMut(&str)) -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits::default().with_frame(LONGEST).with_message(LONGEST);
    // It sends nothing but answers.
    let config = Config::default().with_limits(limits).with_holding(Holding::Answering);
    let options = ClientOptions::new().with_config(config).with_compression();
    let mut socket = connect_with(url, options).await?;
    while let Some(message) = socket.recv().await {
        let message = message?;
        if let Some(text) = message.as_text() {
            seen(text);
        }
        match socket.send(message).await {
            // The server may be gone; what it has sent before is still to be read.
            Err(Error::Io(_)) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
