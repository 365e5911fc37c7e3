//! The run of a client on tokio: one session for each case, each in the form that the client is made in.

use std::process::ExitCode;
use std::sync::Arc;

use sockless::connection::Holding;
use sockless::{Config, Limits};
use sockless_tokio::ClientOptions;

pub use crate::Failure;
use crate::{LONGEST, Plan};

/// What every connection of the suite is configured with: it sends nothing but answers.
pub fn config() -> Arc<Config> {
    let limits = Limits::default().with_frame(LONGEST).with_message(LONGEST);
    Arc::new(Config::default().with_limits(limits).with_holding(Holding::Answering))
}

/// What a client connects with.
pub fn options() -> ClientOptions {
    ClientOptions::new().with_config(config()).with_compression()
}

/// Runs what the command line asks for. `session` is one connection to its end, on which messages are sent back; its result is the last text that
/// has arrived.
#[allow(clippy::print_stderr, reason = "a program talks to its user")]
pub async fn run(session: impl AsyncFn(&str) -> Result<String, Failure>) -> ExitCode {
    let plan = match Plan::from_args(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    match run_plan(&plan, session).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "a program talks to its user")]
async fn run_plan(
    plan: &Plan,
    session: impl AsyncFn(&str) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let count = session(&plan.case_count()).await?;
    let cases = count.parse().map_err(|_| "the server did not tell the number of cases")?;
    for case in 1..=cases {
        // A case that breaks the connection is judged by the server.
        if let Err(error) = session(&plan.case(case)).await {
            eprintln!("case {case}: {error}");
        }
    }
    session(&plan.update_reports()).await?;
    Ok(())
}
